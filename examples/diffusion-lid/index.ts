// The likelihood paradox of diffusion models, and LID by FLIPD and by the normal bundle, side by side on real images.

import type { Progress } from '@ood/core'
import { openDiffusion } from '@ood/models-diffusion'
import { formatTable, type Run } from '@ood/run'
import { checkpointPath } from '@ood/zoo'
import { lpcaTarget } from '../common/lid-study.ts'
import { type Direction, directionsOf, loadSplits, mean, splitNames } from '../common/splits.ts'
import { withRun } from '../common/with-run.ts'
import { DEFAULT_RULE, type Method } from './choose.ts'
import { evaluateBundle, evaluateFlipd, type MethodResult, referenceSingle } from './evaluate.ts'
import { type MeasureOptions, measure } from './measure.ts'
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
  const { n, seed, dataDir, folder, probes, scores } = options
  const config = { example: 'diffusion-lid', n, seed, data: dataDir ?? 'packaged samples', probes, scores }
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
  const { seed, probes, scores, workers } = options
  const model = await openDiffusion(checkpointPath(direction.checkpoint), workers === undefined ? {} : { workers })
  try {
    const name = direction.checkpoint
    const drawn = (n: number) =>
      run.step(`${name}/samples`, () => model.sample(n, { seed, signal }), { key: model.manifest?.sha256 })
    const images = await loadSplits(direction, drawn, options, signal)
    const measuring: MeasureOptions = { name, model, images, probes, scores, seed, signal, onProgress }
    const splits = await measure(run, measuring)
    const lpca = lpcaTarget[direction.inDistribution]
    const methods = [await evaluateFlipd(run, splits, lpca, measuring)]
    if (scores > 0) methods.push(evaluateBundle(splits, lpca))
    return { direction, splits, lpca, methods, referenceSingle: referenceSingle(splits) }
  } finally {
    await model.release()
  }
}

/** What `summary.json` holds: the keys of the demo's for FLIPD, and the same once per method under `methods`. */
function summary(all: readonly DirectionResult[], options: Options, seconds: number | null): object {
  const perDirection = (value: (result: DirectionResult) => unknown) =>
    Object.fromEntries(all.map((result) => [result.direction.key, value(result)]))
  const ofMethod = (method: Method): object => {
    const of = (pick: (found: MethodResult) => unknown) =>
      perDirection(({ methods }) => pick(methods.find((found) => found.method === method)!))
    return {
      auc: of(({ chosen }) => {
        const { single, lid, dual, dualReference, fitted, fittedInterval } = chosen
        return { single, lid, dual, dualReference, fitted, fittedInterval }
      }),
      scale: of(({ chosen }) => ({ rule: DEFAULT_RULE, value: chosen.scale })),
      rules: of(({ results }) => results),
      lid: of(({ lid }) => Object.fromEntries(splitNames.map((name) => [name, mean(lid[name])]))),
      standardError: of(({ standardError }) => standardError),
      secondsPerImage: of((found) => found.seconds),
    }
  }
  const names = all[0]!.methods.map(({ method }) => method)
  const { n, seed, dataDir, probes, scores } = options
  return {
    example: 'diffusion-lid',
    config: { n, seed, data: dataDir ?? 'packaged samples', probes, scores },
    ...ofMethod(names[0]!),
    methods: Object.fromEntries(names.map((method) => [method, ofMethod(method)])),
    logProb: perDirection(({ splits }) =>
      Object.fromEntries(splitNames.map((name) => [name, mean(splits[name].logProb)])),
    ),
    referenceLikelihood: perDirection(({ splits, referenceSingle }) => ({
      auc: referenceSingle,
      logProb: Object.fromEntries(splitNames.map((name) => [name, mean(splits[name].referenceLogProb)])),
    })),
    seconds,
  }
}

/** The table printed at the end. */
function table(all: readonly DirectionResult[]): string {
  const rows: (string | number)[][] = [
    ['AUC', 'LID method', 'log p alone', 'LID alone', 'two cuts', 'fitted score', 'scale', 's/image'],
  ]
  for (const { direction, methods } of all) {
    for (const { method, chosen, seconds } of methods) {
      const { single, lid, dual, fitted, scale } = chosen
      for (const side of ['inDistr', 'generated'] as const) {
        const what = `${direction.key}, ${side === 'inDistr' ? 'test' : 'generated'}`
        const time = seconds === null ? '-' : seconds.toFixed(2)
        rows.push([what, method, single[side], lid[side], dual[side], fitted[side], scale, time])
      }
    }
  }
  return formatTable(rows)
}
