// Model-free estimators point by point: k nearest neighbours, one dimension each, and lookup for new points.
import {
  assertOptions,
  type CallOptions,
  flatData,
  type LidEstimator,
  mismatch,
  type NdArray,
  OodError,
  rowCount,
  rowSize,
  standardDeviation,
  takeRows,
} from '@ood/core'
import { nearestNeighbours } from '@ood/linalg'
import { lidColumn } from '../internal/lid-column.ts'
import { combineDimensions, smoothDimensions } from './aggregate.ts'
import { isDistanceMatrix } from './distance-matrix.ts'
import { findNeighbours } from './find-neighbours.ts'
import { prepareAllPairs } from './internal/all-pairs.ts'
import { engineOf } from './internal/engine.ts'
import { integers, type Job, numbers, sharedCopy } from './internal/jobs.ts'
import type { Local } from './internal/local.ts'
import { POINTWISE_OPTIONS } from './internal/options.ts'
import { cores, crew, usableThreads } from './internal/threads.ts'
import { wholeSet } from './internal/whole-set.ts'
import type { NeighbourTable, SearchOptions } from './neighbour-table.ts'
import type { DimensionRule } from './neighbourhood.ts'

/** Flops of estimates between two breaths of the calling thread: some milliseconds. */
const AT_ONCE = 2e7
/** Flops of estimates from which worker threads pay for their start. */
const THREADED = 2e9

/** Which points a model-free estimator looks at. */
export interface PointwiseOptions extends SearchOptions {
  /** Neighbours k of each point, itself excluded; or a table of `findNeighbours`, which then says at which points. */
  neighbours: number | NeighbourTable
  /**
   * Also average each point's dimension over itself and its neighbours (asymptotic smoothing); needs an estimate at
   * every row, so neither `queries` nor `at`.
   */
  smooth?: boolean | undefined
}

/** Dimensions at some points of a data set. */
export interface PointwiseDimensions {
  /** Row numbers in `x` of the points, ascending unless given; 0..Q-1 for points given by `at`. */
  points: Int32Array
  /** Their dimensions. */
  lid: Float64Array
  /** Mean of `lid`; infinite as soon as one of them is. */
  mean: number
  /** Standard error of that mean over the points, s / √n; 0 for one point, infinite with the mean. */
  standardError: number
  /** With `smooth`: the mean of each point's dimension and those of its neighbours. */
  smoothed?: Float64Array | undefined
}

/**
 * A dimension at each point from its k nearest neighbours; the point itself is not one of them.
 *
 * The built-in rules run on all cores when the work is worth it; results do not depend on the number of threads.
 *
 * @param x - points [N, ...]; with a table, the data it was made from
 * @param rule - `lpcaRule(...)`, `mleRule(...)` ... or your own
 * @throws OodError `E_ARGUMENT` unless 1 <= neighbours < N, `E_NOT_FINITE` for NaN data, `E_EMPTY` without queries;
 * what the rule throws, with the point's row number in the message
 *
 * Deterministic given `seed`. Cost: that of `findNeighbours` and Q calls of the rule.
 * @example
 * const { mean, standardError } = await pointwiseDimensions(x, lpcaRule(), { neighbours: 100, queries: 64, seed: 1 })
 */
export async function pointwiseDimensions(
  x: NdArray,
  rule: DimensionRule,
  options: PointwiseOptions,
): Promise<PointwiseDimensions> {
  assertOptions('pointwiseDimensions', options, POINTWISE_OPTIONS)
  const { neighbours, smooth, ...search } = options
  if (smooth && (options.at || options.queries !== undefined))
    throw new OodError('E_ARGUMENT', 'pointwiseDimensions smooth: expected every row as a point, got queries or at')
  const table = typeof neighbours === 'number' ? await findNeighbours(x, neighbours, search) : neighbours
  // A matrix cut to some of its points has fewer columns.
  if (rowSize(table.data) !== rowSize(x) && !(isDistanceMatrix(x) && isDistanceMatrix(table.data)))
    throw mismatch(
      'E_SHAPE',
      'pointwiseDimensions neighbours',
      `a table of rows of ${rowSize(x)} numbers`,
      rowSize(table.data),
    )
  const lid = await estimateAll(table, rule, options)
  const mean = combineDimensions(lid, 'mean')
  const spread = Number.isFinite(mean) ? standardDeviation(lid) / Math.sqrt(lid.length) : Number.POSITIVE_INFINITY
  return {
    points: table.points,
    lid,
    mean,
    standardError: spread,
    smoothed: smooth ? smoothDimensions(lid, table) : undefined,
  }
}

/** Calls the rule at every point of the table. */
async function estimateAll(table: NeighbourTable, rule: DimensionRule, options: SearchOptions): Promise<Float64Array> {
  const { neighbours: k, points, indices, distances, data } = table
  const engine = engineOf.get(table)
  const count = points.length
  const d = rowSize(data)
  const wanted = options.threads ?? engine?.threads
  if (engine) await prepareAllPairs(engine, rule.spec, count, k, wanted, options)
  const flops = count * k * k * Math.min(2 * k, engine?.products ? 2 * k : d)
  const threads = rule.spec === undefined ? 1 : usableThreads(wanted ?? (flops > THREADED ? await cores() : 1))
  const shared = threads > 1
  const raw = engine?.raw ?? flatData(data)
  const products = engine?.products
  const local: Local = {
    raw: shared ? sharedCopy(raw) : raw,
    ambient: d,
    k,
    indices: shared ? sharedCopyOf(indices) : indices,
    distances: shared ? sharedCopy(distances) : distances,
    products: products && shared ? { ...products, values: sharedCopy(products.values) } : products,
    squares: engine?.squares && shared ? sharedCopy(engine.squares) : engine?.squares,
    count: rowCount(data),
    centres: centresOf(table, shared),
    ...(isDistanceMatrix(data) ? { isMatrix: true as const } : {}),
  }
  const out = numbers(count, shared)
  const jobs: Job[] = []
  const batch =
    options.batchSize ??
    (shared
      ? Math.max(1, Math.min(64, Math.ceil(count / threads / 4)))
      : Math.max(8, Math.min(64, Math.floor((AT_ONCE * count) / flops))))
  if (!(Number.isInteger(batch) && batch > 0))
    throw mismatch('E_ARGUMENT', `${rule.name} batchSize`, 'a positive integer', batch)
  for (let from = 0; from < count; from += batch) {
    const range = [from, Math.min(count, from + batch)] as const
    jobs.push({ kind: 'estimate', spec: rule.spec, local, points, range, out })
  }
  const onDone = (done: number): void => {
    options.onProgress?.({ done: Math.min(count, done * batch), total: count, label: rule.name })
  }
  await crew(threads).run(jobs, { what: rule.name, signal: options.signal, rule, onDone })
  return shared ? out.slice() : out
}

/** Where the points of a table lie. */
function centresOf(table: NeighbourTable, shared: boolean): Local['centres'] {
  const engine = engineOf.get(table)
  const points = table.rows ? (engine?.raw ?? flatData(table.data)) : engine?.targets
  if (!points) return undefined
  const { rows } = table
  return { points: shared ? sharedCopy(points) : points, rows: shared && rows ? sharedCopyOf(rows) : rows }
}

function sharedCopyOf(indices: Int32Array): Int32Array {
  if (indices.buffer instanceof SharedArrayBuffer) return indices
  const copy = integers(indices.length, true)
  copy.set(indices)
  return copy
}

/**
 * A dimension of the whole data set as one neighbourhood.
 *
 * Rules that look at pairs of points (all but lPCA and FisherS) take at most 8192 of them here; `twoNn`, `gride`,
 * `corrInt`, `mindMl`, `danco` and `knnGraph` work on sets of any size.
 *
 * @throws OodError `E_EMPTY` without points, `E_NOT_FINITE` for NaN data
 * @example
 * globalDimension(x, lpcaRule({ version: 'participation_ratio' }))
 */
export function globalDimension(x: NdArray, rule: DimensionRule): number {
  const count = rowCount(x)
  if (count === 0) throw new OodError('E_EMPTY', 'globalDimension: expected at least one point, got none')
  return rule.dimension(wholeSet(x))
}

/**
 * A model-free estimator with the interface of the others: `fit` estimates at the training points, a new point gets
 * the dimension of the nearest of them. It has no scale: `lid` ignores it.
 *
 * @param rule - `lpcaRule(...)`, `mleRule(...)`
 * @param options - neighbours, queries and subsample of the training data
 * @throws OodError `E_NOT_FITTED` from `prepare` before `fit`
 * @example
 * const estimator = modelFreeLid(lpcaRule(), { neighbours: 100 })
 * await estimator.fit(train)
 * estimator.lid(await estimator.prepare(x), 0)
 */
export function modelFreeLid(
  rule: DimensionRule,
  options: PointwiseOptions,
): LidEstimator<Float64Array> & { fit(train: NdArray, call?: CallOptions): Promise<void> } {
  assertOptions('modelFreeLid', options, POINTWISE_OPTIONS)
  if (options.at) throw new OodError('E_ARGUMENT', `${rule.name}: expected points of the training data, got at`)
  let fitted: { data: NdArray; lid: Float64Array } | undefined
  return {
    async fit(train, call) {
      if (isDistanceMatrix(train))
        throw new OodError(
          'E_ARGUMENT',
          `${rule.name}: expected points to look new ones up in, got a matrix of distances`,
        )
      const { points, lid } = await pointwiseDimensions(train, rule, { ...options, ...call })
      fitted = { data: takeRows(train, points), lid }
    },
    async prepare(x) {
      if (!fitted) throw new OodError('E_NOT_FITTED', `${rule.name}: expected fit before prepare`)
      const { data, lid } = fitted
      return Float64Array.from(nearestNeighbours(data, x, 1).indices, (row) => lid[row]!)
    },
    lid: (artifact) => artifact.slice(),
    columns: lidColumn,
  }
}
