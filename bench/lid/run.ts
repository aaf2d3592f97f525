// The LID benchmark: estimators x sets x seeds, each cell logged as it ends, then results.csv, results.md and plots.
//
//   npm run bench:lid                       every cell that is not in bench/lid/log.jsonl yet, then the report
//   npm run bench:lid -- --quick            four sets, two seeds, small; written to bench/lid/quick/
//   npm run bench:lid -- --only MLE         cells whose estimator or set contains "MLE"
//   npm run bench:lid -- --report           the report of what is logged, nothing run
//   npm run bench:lid -- --minutes 30       stop after this long; the next call goes on
import { mkdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { flatData, OodError, sliceRows, tensor } from '@ood/core'
import { manifold } from '@ood/datasets'
import { runMain } from '@ood/run'
import { modelId } from './checkpoints.ts'
import { IMAGE_ESTIMATORS } from './image-models.ts'
import { IMAGE_SETS, imageOutcome, imagesOf, pngSizes } from './images.ts'
import { type Log, openLog } from './log.ts'
import { MODEL_FREE } from './model-free.ts'
import { MODEL_ESTIMATORS, MODEL_SETS, openModels, trainingPoints } from './models.ts'
import { writeReport } from './report.ts'
import { outcomeOf } from './score.ts'
import { ALL_SETS, QUICK_SETS } from './sets.ts'
import type { Cell, Outcome, Suite } from './types.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    suite: { type: 'string' },
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    report: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})
const { quick } = values
const out = values.out ?? fileURLToPath(new URL(quick ? 'quick/' : './', import.meta.url)).replace(/\/$/, '')
mkdirSync(out, { recursive: true })
const log = openLog(`${out}/log.jsonl`)
const seeds = Array.from({ length: Number(values.seeds ?? (quick ? 2 : 3)) }, (_, i) => i + 1)
const size = quick
  ? { n: 400, queries: 60, modelQueries: 40, imageQueries: 32 }
  : { n: 1000, queries: 60, modelQueries: 100, imageQueries: 128 }
const deadline = values.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + 60_000 * Number(values.minutes)

/** Set when the run begins; once it is aborted, no further cell is measured. */
let stopped: AbortSignal | undefined
const isOver = (): boolean => Date.now() > deadline || stopped?.aborted === true

const wanted = (cell: Cell): boolean =>
  (values.only === undefined || cell.estimator.includes(values.only) || cell.set.includes(values.only)) &&
  (values.suite === undefined || cell.suite === values.suite) &&
  !log.has(cell)

const REFUSALS: readonly string[] = ['E_EMPTY', 'E_NOT_FINITE', 'E_ARGUMENT']

/** Runs a cell unless it is logged; an estimator that refuses is logged with its reason. */
async function measure(log: Log, cell: Cell, run: () => Promise<Outcome>): Promise<void> {
  if (!wanted(cell) || isOver()) return
  const load = (): number => Math.round(loadavg()[0]! * 100) / 100
  const line = `${cell.suite} ${cell.set} ${cell.estimator} seed ${cell.seed}`
  try {
    const outcome = await run()
    if (!Number.isFinite(outcome.meanLid)) throw new OodError('E_NOT_FINITE', 'infinite at some points')
    log.append({ cell, outcome, load: load() })
    console.log(
      `${line}: mean ${outcome.meanLid.toFixed(2)}, MAE ${outcome.mae.toFixed(3)}, ${outcome.ms.toFixed(0)} ms`,
    )
  } catch (error) {
    // What an estimator says of the data is a result; a damaged checkpoint or a failed engine is not.
    if (!(error instanceof OodError && REFUSALS.includes(error.code))) throw error
    log.append({ cell, error: `${error.code}: ${error.message}`, load: load() })
    console.log(`${line}: ${error.message}`)
  }
}

async function timed<T>(run: () => Promise<T> | T): Promise<[T, number]> {
  const start = performance.now()
  const value = await run()
  return [value, performance.now() - start]
}

const cellOf = (
  suite: Suite,
  set: string,
  estimator: { name: string; settings: string },
  rest: [number, number, number],
  model?: string,
): Cell => {
  const [seed, n, queries] = rest
  const { name, settings } = estimator
  return { suite, set, estimator: name, settings, seed, n, queries, ...(model !== undefined && { model }) }
}

async function modelFree(): Promise<void> {
  for (const seed of seeds)
    for (const set of quick ? QUICK_SETS : ALL_SETS) {
      if (isOver()) return
      const cells = MODEL_FREE.map((e) => [e, cellOf('model-free', set, e, [seed, size.n, size.queries])] as const)
      if (!cells.some(([, cell]) => wanted(cell))) continue
      const { points, lid } = manifold(set, { n: size.n, seed }).all()
      const truth = lid.subarray(0, size.queries)
      for (const [estimator, cell] of cells)
        await measure(log, cell, async () => {
          const [found, ms] = await timed(() => estimator.run({ x: points, queries: size.queries, seed }))
          return outcomeOf(truth, found, ms)
        })
    }
}

async function models(): Promise<void> {
  const q = size.modelQueries
  for (const set of MODEL_SETS) {
    if (isOver()) return
    const { models: opened, release } = await openModels(set)
    try {
      const train = trainingPoints(set)
      for (const seed of seeds) {
        const { points, lid } = set.points(`bench ${seed}`, q)
        const x = tensor(Float32Array.from(flatData(points)), points.shape)
        for (const estimator of MODEL_ESTIMATORS) {
          if (!opened[estimator.kind]) continue
          await measure(
            log,
            cellOf('model', set.name, estimator, [seed, q, q], modelId(set[estimator.kind])),
            async () => {
              const [found, ms] = await timed(() => estimator.run(opened, x, train, seed))
              return outcomeOf(lid, found, ms)
            },
          )
        }
      }
    } finally {
      await release()
    }
  }
}

async function images(): Promise<void> {
  const q = size.imageQueries
  for (const set of IMAGE_SETS) {
    if (isOver()) return
    const { bytes, rows } = await imagesOf(set)
    const sizes = pngSizes(bytes, q)
    for (const estimator of MODEL_FREE)
      await measure(log, cellOf('images', set, estimator, [1, rows.shape[0]!, q]), async () => {
        const [found, ms] = await timed(() => estimator.run({ x: rows, queries: q, seed: 1 }))
        return imageOutcome(found, sizes, ms, 1)
      })
    for (const estimator of IMAGE_ESTIMATORS) {
      const queries = Math.min(q, estimator.most)
      const model = modelId(estimator.checkpoint(set))
      if (model === undefined) continue
      const cell = cellOf('images', set, estimator, [1, queries, queries], model)
      await measure(log, cell, async () => {
        const [found, ms] = await timed(() => estimator.run(set, sliceRows(bytes, 0, queries)))
        return imageOutcome(found, sizes.subarray(0, queries), ms, 1)
      })
    }
  }
}

await runMain(
  async (signal) => {
    stopped = signal
    if (!values.report) {
      await modelFree()
      await models()
      await images()
    }
    // Also of a run that was stopped: it says what is there, and the next call goes on.
    await writeReport(out, log.lines(), seeds.length)
  },
  { stoppedHint: `finished cells are in ${out}/log.jsonl and in the report; the same command goes on after them` },
)
