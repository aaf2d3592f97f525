// Likelihood corrected for input complexity on real images: every codec, both directions.

import { OodError, type Progress } from '@ood/core'
import { type Codec, installedCodecs, openCodecs } from '@ood/llr'
import { formatTable, type Run } from '@ood/run'
import { type Direction, directionsOf, mean } from '../common/splits.ts'
import { withRun } from '../common/with-run.ts'
import { evaluate } from './evaluate.ts'
import { loadImages, type SetName, setNames, sourceOf } from './images.ts'
import { measureLogProb, measureSizes } from './measure.ts'
import { findCheckpoint, openScorer } from './model.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { writeReport } from './report.ts'
import type { DirectionResult, ScoredImages } from './result.ts'

/** Runs the example: measures, evaluates, writes the run folder and prints the table. */
export async function main(argv: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(argv)
  if (!options) {
    process.stdout.write(usage)
    return
  }
  const started = performance.now()
  const directions = availableDirections(options)
  const codecs = options.codecs ? await openCodecs(options.codecs) : await installedCodecs()
  const names = codecs.map(({ name }) => name)
  const { n, seed, dataDir, model, folder } = options
  const config = { n, seed, data: dataDir ?? 'packaged samples', model, codecs: names }
  await withRun(folder, { example: 'input-complexity', ...config }, async (run, onProgress) => {
    const sizes = sizesOnce(run, codecs, options, signal, onProgress)
    const all: DirectionResult[] = []
    for (const direction of directions)
      all.push(await runDirection(direction, options, run, names, sizes, signal, onProgress))
    const seconds = (performance.now() - started) / 1000
    run.writeJson('summary.json', {
      example: 'input-complexity',
      config,
      ...summary(all),
      seconds: run.resumed ? null : seconds,
    })
    const report = await writeReport(run, all, options)
    process.stdout.write(`${table(all)}\n\nreport: ${report}\n`)
  })
}

type SizesOf = (direction: Direction, set: SetName) => Promise<Omit<ScoredImages, 'logProb'>>

/** Directions that there is a model for. */
function availableDirections({ model, checkpoints }: Options): Direction[] {
  const all = directionsOf(model)
  const found = all.filter(({ checkpoint }) => findCheckpoint(checkpoint, checkpoints) !== undefined)
  if (found.length === 0) {
    const names = all.map(({ checkpoint }) => checkpoint).join(' or ')
    throw new OodError(
      'E_UNKNOWN_NAME',
      `--model: expected ${names} ${checkpoints === undefined ? 'among the shipped checkpoints' : `in ${checkpoints}`}, got neither`,
    )
  }
  return found
}

/** Images and sizes by data set: the test images of one direction are the other's OOD images. */
function sizesOnce(
  run: Run<unknown>,
  codecs: readonly Codec[],
  options: Options,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): SizesOf {
  const known = new Map<string, ReturnType<SizesOf>>()
  return (direction, set) => {
    const [dataSet, part] = sourceOf(direction, set)
    const name = `${dataSet}/${part}`
    const measured =
      known.get(name) ??
      loadImages(dataSet, part, options, signal).then(async (images) => ({
        images,
        ...(await measureSizes(run, images, codecs, { name, signal, onProgress })),
      }))
    known.set(name, measured)
    return measured
  }
}

async function runDirection(
  direction: Direction,
  { checkpoints, workers, seed }: Options,
  run: Run<unknown>,
  codecs: string[],
  sizesOf: SizesOf,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<DirectionResult> {
  const scorer = await openScorer(findCheckpoint(direction.checkpoint, checkpoints)!, workers)
  try {
    const sets: Partial<Record<SetName, ScoredImages>> = {}
    for (const set of setNames) {
      const sized = await sizesOf(direction, set)
      const name = `${direction.checkpoint}/${set}`
      const logProb = await measureLogProb(run, sized.images, scorer, seed, { name, signal, onProgress })
      sets[set] = { ...sized, logProb }
    }
    const complete = sets as Record<SetName, ScoredImages>
    return { direction, model: scorer.title, codecs, sets: complete, evaluation: evaluate(complete, codecs) }
  } finally {
    await scorer.release()
  }
}

/** Figures of `summary.json`: `auc` first, details by direction. */
function summary(all: readonly DirectionResult[]): object {
  const perDirection = (value: (result: DirectionResult) => unknown) =>
    Object.fromEntries(all.map((result) => [result.direction.key, value(result)]))
  return {
    auc: perDirection(({ evaluation: { likelihood, codecs, minimum } }) => ({
      likelihood: likelihood.auc,
      complexity: minimum.auc,
      ...Object.fromEntries(codecs.map(({ codec, auc }) => [codec, auc])),
    })),
    evaluation: perDirection(({ evaluation }) => evaluation),
    bits: perDirection(({ sets }) =>
      Object.fromEntries(
        setNames.map((set) => {
          const { logProb, bits } = sets[set]
          return [set, { model: -mean(logProb) / Math.LN2, complexity: mean(bits) }]
        }),
      ),
    ),
  }
}

/** The table printed at the end. */
function table(all: readonly DirectionResult[]): string {
  const rows: (string | number)[][] = [['', 'bytes in', 'bytes OOD', 'smallest in', 'smallest OOD', 'AUC']]
  for (const { direction, evaluation } of all) {
    rows.push([`${direction.key}, likelihood alone`, '', '', '', '', evaluation.likelihood.auc])
    for (const { codec, bytes, wins, auc } of [...evaluation.codecs, evaluation.minimum]) {
      const share = (set: SetName) => (wins ? `${(100 * wins[set]).toFixed(0)} %` : '')
      const sizes = [bytes.in_distr_test.toFixed(0), bytes.ood.toFixed(0)]
      rows.push([`${direction.key}, ${codec}`, ...sizes, share('in_distr_test'), share('ood'), auc])
    }
  }
  return formatTable(rows)
}
