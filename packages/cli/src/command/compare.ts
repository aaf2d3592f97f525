// `ood compare`: every method whose models are there, on any images, resumably; one table, CSV, JSON and a report.
import { mean, mismatch, type NdArray, rowCount } from '@ood/core'
import type { Comparison } from '@ood/methods'
import { csvText, formatTable, openRun, type Run } from '@ood/run'
import { type ClassifierFlags, classifierOptions } from './classifier-options.ts'
import { byMean, comparisonReport } from './compare-report.ts'
import { type ImagesOptions, readImages } from './images.ts'
import { type ModelsOptions, withModels } from './models.ts'
import { keepSkipped, type SkippedImages } from './skipped.ts'
import { contentsOf } from './work.ts'

/** Options of `compareMethods`. */
export interface CompareMethodsOptions
  extends Omit<ModelsOptions, 'classifier'>,
    ClassifierFlags,
    Omit<ImagesOptions, 'shape'> {
  /** Training images. */
  train: string
  /** In-distribution images that were not trained on. */
  inDistribution: string
  /** OOD images by name. */
  ood: Readonly<Record<string, string>>
  /** Methods by name; default all that the models allow but the slow ones. */
  methods?: readonly string[] | undefined
  seed: number
  batchSize: number
  /** Run folder. */
  out: string
}

/**
 * Runs the comparison in the run folder `out`: `results.csv` (a row a method and set), `results.json`, `scores/` (a CSV a
 * set, a column a method) and `report.html`. Killed and started again it goes on.
 *
 * @throws OodError as the models and readers do
 */
export async function compareMethods(options: CompareMethodsOptions): Promise<Comparison> {
  const { availableMethods, compare, createMeasurer, makeMethod, methodEntry } = await import('@ood/methods')
  const { out, seed, batchSize, signal, onProgress } = options
  const opening = { ...options, classifier: classifierOptions(options) }
  return withModels(opening, async ({ models, opened, shape, anyLength }) => {
    // An alias is the method it stands for: measured, fitted and printed once.
    const asked = options.methods?.map((name) => methodEntry(name).name)
    const names = asked ? [...new Set(asked)] : availableMethods(models).map(({ name }) => name)
    if (names.length === 0)
      throw mismatch(
        'E_ARGUMENT',
        '--model',
        'models that a method needs (ood methods lists them)',
        opened.map(({ role }) => role).join(', '),
      )
    const methods = Object.fromEntries(names.map((name) => [name, makeMethod(name, models)]))
    const skipped: SkippedImages = {}
    const read = async (set: string, source: string, how: Pick<ImagesOptions, 'shape' | 'anyLength'>) => {
      const { images, skipped: left } = await readImages(source, { ...options, ...how })
      keepSkipped(skipped, set, left)
      return images
    }
    const train = await read('train', options.train, { shape, anyLength })
    const like = { shape: train.shape.slice(1) }
    const inDistribution = await read('in', options.inDistribution, like)
    const ood: Record<string, NdArray> = {}
    for (const [name, source] of Object.entries(options.ood)) ood[name] = await read(name, source, like)
    const hashes = Object.fromEntries(
      Object.entries({ train, in: inDistribution, ...ood }).map(([name, images]) => [name, contentsOf(images)]),
    )
    const run: Run<unknown> = openRun<unknown>({
      folder: out,
      config: {
        command: 'compare',
        models: opened.map(({ manifest }) => manifest.name),
        hashes: opened.map(({ manifest }) => manifest.sha256),
        train: options.train,
        in: options.inDistribution,
        ood: { ...options.ood },
        images: hashes,
        seed,
        batchSize,
      },
    })
    try {
      const measurer = createMeasurer({ store: run, seed, batchSize, signal, onProgress })
      const found = await compare({ methods, train, inDistribution, ood, measurer, signal })
      write(run, found, skipped)
      run.writeText(
        'report.html',
        await comparisonReport(found, {
          title: `${rowCount(inDistribution)} images of ${options.inDistribution} against ${Object.keys(ood).join(', ')}`,
          train: `${rowCount(train)} images of ${options.train}`,
          models: opened.map(({ manifest }) => manifest.name),
          skipped,
        }),
      )
      run.finish()
      return found
    } finally {
      run.close()
    }
  })
}

/** The table of a comparison: a row a method, best mean first. */
export function comparisonTable({ results, failures }: Comparison): string {
  const sets = results[0]?.rows.map(({ set }) => set) ?? []
  const rows = byMean(results).map(({ method, rows: found, meanAuroc, falsePositiveRate, seconds }) => [
    method,
    ...found.map(({ auroc, interval: [low, high] }) => `${auroc.toFixed(3)} (${low.toFixed(3)}-${high.toFixed(3)})`),
    meanAuroc,
    mean(found.map(({ fprAt95 }) => fprAt95)),
    mean(found.map(({ aupr }) => aupr)),
    falsePositiveRate,
    seconds,
  ])
  const head = ['method', ...sets.map((set) => `AUROC ${set}`), 'mean', 'FPR@95', 'AUPR', 'flagged in', 's/image']
  const left = failures.map(({ method, error }) => `${method}: ${error}`)
  return [formatTable([head, ...rows]), ...left].join('\n')
}

function write(run: Run<unknown>, { results, failures }: Comparison, skipped: SkippedImages): void {
  const flat = results.flatMap(({ rows, seconds }) => rows.map((row) => ({ ...row, seconds })))
  const text = (pick: (row: (typeof flat)[number]) => string): string[] => flat.map(pick)
  const numbers = (pick: (row: (typeof flat)[number]) => number): Float64Array => Float64Array.from(flat, pick)
  run.writeText(
    'results.csv',
    csvText({
      method: text(({ method }) => method),
      set: text(({ set }) => set),
      auroc: numbers(({ auroc }) => auroc),
      auroc_low: numbers(({ interval }) => interval[0]),
      auroc_high: numbers(({ interval }) => interval[1]),
      fpr_at_95: numbers(({ fprAt95 }) => fprAt95),
      aupr: numbers(({ aupr }) => aupr),
      flagged: numbers(({ flagged }) => flagged),
      seconds: numbers(({ seconds }) => seconds),
    }),
  )
  run.writeJson('results.json', { results: results.map(({ scores: _, ...rest }) => rest), failures, skipped })
  for (const set of Object.keys(results[0]?.scores ?? {}))
    run.writeText(
      `scores/${set}.csv`,
      csvText(Object.fromEntries(results.map(({ method, scores }) => [method, scores[set]!]))),
    )
}
