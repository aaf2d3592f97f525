// The likelihood paradox of normalizing flows and its resolution with local intrinsic dimension, on real images.

import type { Progress } from '@ood/core'
import { openFlow } from '@ood/models-flow'
import { formatTable, type Run } from '@ood/run'
import { checkpointPath } from '@ood/zoo'
import { type Direction, directionsOf, loadSplits, mean, splitNames } from '../common/splits.ts'
import { withRun } from '../common/with-run.ts'
import { choose } from './choose.ts'
import { evaluate } from './evaluate.ts'
import { measure } from './measure.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { recommend, recommendedStatistics } from './recommended.ts'
import { lpcaTarget } from './recorded.ts'
import { writeReport } from './report.ts'
import { DEFAULT_RULE, type DirectionResult } from './result.ts'

/** Runs the example: measures, chooses on training images, evaluates, writes the run folder and prints the table. */
export async function main(argv: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(argv)
  if (!options) {
    process.stdout.write(usage)
    return
  }
  const started = performance.now()
  const { n, seed, dataDir, folder } = options
  const config = { example: 'likelihood-paradox', n, seed, data: dataDir ?? 'packaged samples' }
  await withRun(folder, config, async (run, onProgress) => {
    const all: DirectionResult[] = []
    for (const direction of directionsOf('flow'))
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
  const flow = await openFlow(
    checkpointPath(direction.checkpoint),
    options.workers === undefined ? {} : { workers: options.workers },
  )
  try {
    const images = await loadSplits(direction, (n) => flow.sample(n, { seed: options.seed, signal }), options, signal)
    const name = direction.checkpoint
    const splits = await measure(run, { name, flow, images, seed: options.seed, signal, onProgress })
    // The only input of every choice: training points.
    const { logProb, artifact } = splits.in_distr_train
    const lpca = lpcaTarget[direction.inDistribution]
    const choices = choose({ logProb, artifact, dimension: flow.dimension, lpca })
    const recommended = recommend(recommendedStatistics(flow), splits)
    return { direction, splits, lpca, choices, results: evaluate(splits, choices), recommended }
  } finally {
    await flow.release()
  }
}

/** What `summary.json` holds. */
function summary(all: readonly DirectionResult[], { n, seed, dataDir }: Options, seconds: number | null): object {
  const perDirection = (value: (result: DirectionResult) => unknown) =>
    Object.fromEntries(all.map((result) => [result.direction.key, value(result)]))
  return {
    example: 'likelihood-paradox',
    config: { n, seed, data: dataDir ?? 'packaged samples' },
    auc: perDirection(({ results }) => {
      const { single, lid, dual, dualReference, fitted, fittedInterval } = results[DEFAULT_RULE]
      return { single, lid, dual, dualReference, fitted, fittedInterval }
    }),
    scale: perDirection(({ results }) => ({ rule: DEFAULT_RULE, value: results[DEFAULT_RULE].scale })),
    rules: perDirection(({ results }) => results),
    recommended: perDirection(({ recommended }) => recommended),
    bitsPerDim: perDirection(({ splits }) =>
      Object.fromEntries(splitNames.map((name) => [name, mean(splits[name].bitsPerDim)])),
    ),
    logProb: perDirection(({ splits }) =>
      Object.fromEntries(splitNames.map((name) => [name, mean(splits[name].logProb)])),
    ),
    seconds,
  }
}

/** The table printed at the end. */
function table(all: readonly DirectionResult[]): string {
  const head = ['AUC', 'log p alone', 'log p + LID, two cuts', 'one fitted score', 'recommended', 'scale']
  const rows: (string | number)[][] = [head]
  for (const { direction, results, recommended } of all) {
    const { single, dual, fitted, scale } = results[DEFAULT_RULE]
    for (const side of ['inDistr', 'generated'] as const) {
      const what = side === 'inDistr' ? 'test images' : 'generated images'
      rows.push([`${direction.key}, ${what}`, single[side], dual[side], fitted[side], recommended.auc[side], scale])
    }
  }
  return formatTable(rows)
}
