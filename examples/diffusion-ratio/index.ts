// The complexity-corrected likelihood ratio of two diffusion models beside their likelihood, on real images.

import type { Progress } from '@ood/core'
import { publishedFractions } from '@ood/llr'
import { openDiffusion } from '@ood/models-diffusion'
import { formatTable, type Run } from '@ood/run'
import { checkpointPath } from '@ood/zoo'
import { type Direction, directionsOf, loadSplits, mean, splitNames } from '../common/splits.ts'
import { withRun } from '../common/with-run.ts'
import { DEFAULT_RULE } from './choose.ts'
import { evaluate, variants } from './evaluate.ts'
import { measure } from './measure.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { writeReport } from './report.ts'
import type { DirectionResult } from './result.ts'

/** Runs the example: measures, chooses on training images, evaluates, writes the run folder and prints the table. */
export async function main(argv: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(argv)
  if (!options) {
    process.stdout.write(usage)
    return
  }
  const started = performance.now()
  const { n, seed, dataDir, folder, probes } = options
  const config = { example: 'diffusion-ratio', n, seed, data: dataDir ?? 'packaged samples', probes }
  await withRun(folder, config, async (run, onProgress) => {
    const all: DirectionResult[] = []
    for (const direction of directionsOf('diffusion'))
      all.push(await runDirection(direction, options, run, signal, onProgress))
    const seconds = (performance.now() - started) / 1000
    run.writeJson('summary.json', summary(all, options, run.resumed ? null : seconds))
    const report = await writeReport(run, all, options)
    process.stdout.write(`${table(all)}\n\nreport: ${report}\n`)
  })
}

async function runDirection(
  direction: Direction,
  options: Options,
  run: Run<unknown>,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<DirectionResult> {
  const { seed, probes, workers } = options
  const model = await openDiffusion(checkpointPath(direction.checkpoint), workers === undefined ? {} : { workers })
  try {
    const name = direction.checkpoint
    const drawn = (n: number) =>
      run.step(`${name}/samples`, () => model.sample(n, { seed, signal }), { key: model.manifest?.sha256 })
    const images = await loadSplits(direction, drawn, options, signal)
    const measures = await measure(run, { name, model, images, probes, seed, signal, onProgress })
    return { direction, ...measures, evaluation: evaluate(measures) }
  } finally {
    await model.release()
  }
}

/** What `summary.json` holds. */
function summary(all: readonly DirectionResult[], options: Options, seconds: number | null): object {
  const perDirection = (value: (result: DirectionResult) => unknown): object =>
    Object.fromEntries(all.map((result) => [result.direction.key, value(result)]))
  const { n, seed, dataDir, probes } = options
  return {
    example: 'diffusion-ratio',
    config: { n, seed, data: dataDir ?? 'packaged samples', probes },
    auc: perDirection(({ evaluation: { likelihood, bound, chosen, interval, joint } }) => ({
      likelihood,
      bound,
      ratio: chosen,
      ratioInterval: interval,
      joint: joint.auc,
      jointInterval: joint.interval,
    })),
    tFrac: perDirection(({ evaluation }) => ({ rule: DEFAULT_RULE, value: evaluation.tFrac })),
    rules: perDirection(({ evaluation }) => evaluation.rules),
    variants: perDirection(({ evaluation }) => evaluation.variants),
    threshold: perDirection(({ evaluation }) => evaluation.threshold),
    flagged: perDirection(({ evaluation }) => evaluation.flagged),
    means: perDirection(({ splits, evaluation }) =>
      Object.fromEntries(
        splitNames.map((name) => [name, { logProb: mean(splits[name].logProb), ratio: mean(evaluation.score[name]) }]),
      ),
    ),
    evaluationsPerImage: perDirection(({ splits }) => ({
      ratio: splits.ood.losses.evaluations,
      reference: splits.ood.reference.evaluations,
    })),
    secondsPerImage: perDirection(({ seconds: spent }) => spent),
    seconds,
  }
}

/** The table printed at the end: AUC of test (or generated) images against the other data set. */
function table(all: readonly DirectionResult[]): string {
  const head = [
    'AUC',
    'log p',
    ...publishedFractions.map((at) => `t_frac ${at}`),
    'chosen',
    't_frac',
    'joint',
    'published, best',
  ]
  const rows = all.flatMap(({ direction, evaluation }) =>
    (['inDistr', 'generated'] as const).map((side) => {
      const ours = evaluation.variants[variants[0].key]
      const published = evaluation.variants['published-difference'].map(({ auc }) => auc[side])
      return [
        `${direction.key}, ${side === 'inDistr' ? 'test' : 'generated'}`,
        evaluation.likelihood[side].toFixed(3),
        ...publishedFractions.map((at) => ours.find(({ tFrac }) => tFrac === at)!.auc[side].toFixed(3)),
        evaluation.chosen[side].toFixed(3),
        String(evaluation.tFrac),
        evaluation.joint.auc[side].toFixed(3),
        Math.max(...published).toFixed(3),
      ]
    }),
  )
  return formatTable([head, ...rows])
}
