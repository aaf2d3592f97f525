// Model-free estimators point by point: k nearest neighbours, one dimension each, and lookup for new points.
import {
  type CallOptions,
  flatData,
  forEachBatch,
  type LidEstimator,
  mismatch,
  type NdArray,
  OodError,
  permutation,
  random,
  rowCount,
  rowSize,
  takeRows,
} from '@ood/core'
import { nearestNeighbours } from '@ood/linalg'
import { assertCount } from '../internal/check.ts'
import { mean, standardDeviation } from '../internal/statistics.ts'
import type { DimensionRule } from './neighbourhood.ts'

/** Which points a model-free estimator looks at. */
export interface PointwiseOptions extends CallOptions {
  /** Neighbours k of each point, itself excluded. */
  neighbours: number
  /** Estimate at these rows only: how many (chosen by `seed`), or their row numbers. Neighbours come from all rows. */
  queries?: number | ArrayLike<number>
  /** First cut the data to this many rows, chosen by `seed`: both points and neighbours. Row numbers stay those of `x`. */
  subsample?: number
}

/** Dimensions at some points of a data set. */
export interface PointwiseDimensions {
  /** Row numbers in `x` of the points, ascending unless given. */
  points: Int32Array
  /** Their dimensions. */
  lid: Float64Array
  /** Mean of `lid`. */
  mean: number
  /** Standard error of that mean over the points, s / √n; 0 for one point. */
  standardError: number
}

/**
 * A dimension at each point from its k nearest neighbours; the point itself is not one of them (spec dgm 1.4).
 *
 * @param x - points [N, ...]
 * @param rule - `lpcaRule(...)`, `mleRule(...)` or your own
 * @throws OodError `E_ARGUMENT` unless 1 <= neighbours < N, `E_NOT_FINITE` for NaN data, `E_EMPTY` without queries
 *
 * Deterministic given `seed`. Cost: 2 Q N D flops of distances and Q calls of the rule.
 * @example
 * const { mean, standardError } = await pointwiseDimensions(x, lpcaRule(), { neighbours: 100, queries: 64, seed: 1 })
 */
export async function pointwiseDimensions(
  x: NdArray,
  rule: DimensionRule,
  options: PointwiseOptions,
): Promise<PointwiseDimensions> {
  const { neighbours: k, subsample, queries, seed = 0 } = options
  const kept = subsample === undefined ? undefined : chosen(rowCount(x), subsample, seed, 'lid subsample')
  const data = kept ? takeRows(x, kept) : x
  const n = rowCount(data)
  const d = rowSize(data)
  assertCount('pointwiseDimensions neighbours', k, 1)
  if (k >= n) throw mismatch('E_ARGUMENT', 'pointwiseDimensions neighbours', `fewer than the ${n} points`, k)
  const rows = queryRows(queries, n, seed, kept)
  const source = flatData(data)
  const lid = new Float64Array(rows.length)
  await forEachBatch(rule.name, rows.length, 8, options, async (from, to) => {
    const batch = rows.subarray(from, to)
    // One neighbour too many: the point itself is among them (at distance 0) and is taken out by its row number.
    const found = nearestNeighbours(data, takeRows(data, batch), k + 1)
    for (let q = 0; q < batch.length; q++) {
      const points = new Float64Array(k * d)
      const distances = new Float64Array(k)
      let at = 0
      for (let j = 0; j <= k && at < k; j++) {
        const row = found.indices[q * (k + 1) + j]!
        if (row === batch[q]) continue
        points.set(source.subarray(row * d, (row + 1) * d), at * d)
        distances[at++] = found.distances[q * (k + 1) + j]!
      }
      lid[from + q] = rule.dimension({ count: k, ambient: d, points, distances })
    }
    // Lets timers run, so that a progress bar moves and an abort arrives between batches.
    await new Promise((resolve) => setTimeout(resolve))
  })
  return {
    points: kept ? rows.map((row) => kept[row]!) : rows,
    lid,
    mean: mean(lid),
    standardError: standardDeviation(lid) / Math.sqrt(lid.length),
  }
}

/**
 * A dimension of the whole data set as one neighbourhood.
 *
 * @throws OodError `E_EMPTY` without points
 * @example
 * globalDimension(x, lpcaRule({ version: 'participation_ratio' }))
 */
export function globalDimension(x: NdArray, rule: DimensionRule): number {
  const count = rowCount(x)
  if (count === 0) throw new OodError('E_EMPTY', 'globalDimension: expected at least one point, got none')
  return rule.dimension({
    count,
    ambient: rowSize(x),
    points: Float64Array.from(flatData(x)),
    distances: new Float64Array(0),
  })
}

/**
 * A model-free estimator with the interface of the others: `fit` estimates at the training points, a new point gets
 * the dimension of the nearest of them (spec dgm 1.4). It has no scale: `lid` ignores it.
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
  let fitted: { data: NdArray; lid: Float64Array } | undefined
  return {
    async fit(train, call) {
      const { points, lid } = await pointwiseDimensions(train, rule, { ...options, ...call })
      fitted = { data: takeRows(train, points), lid }
    },
    async prepare(x) {
      if (!fitted) throw new OodError('E_NOT_FITTED', `${rule.name}: expected fit before prepare`)
      const { data, lid } = fitted
      return Float64Array.from(nearestNeighbours(data, x, 1).indices, (row) => lid[row]!)
    },
    lid: (artifact) => artifact.slice(),
  }
}

/** `count` of 0..n-1 without repeats, ascending, fixed by seed and label. */
function chosen(n: number, count: number, seed: number, label: string): Int32Array {
  assertCount(label, count, 1)
  if (count > n) throw mismatch('E_ARGUMENT', label, `at most the ${n} rows`, count)
  return permutation(random(seed).fork(label), n).slice(0, count).sort()
}

/** Rows of the (cut) data at which to estimate. */
function queryRows(
  queries: number | ArrayLike<number> | undefined,
  n: number,
  seed: number,
  kept: Int32Array | undefined,
): Int32Array {
  if (queries === undefined) return Int32Array.from({ length: n }, (_, i) => i)
  if (typeof queries === 'number') return chosen(n, queries, seed, 'lid queries')
  if (queries.length === 0) throw new OodError('E_EMPTY', 'pointwiseDimensions queries: expected rows, got none')
  return Int32Array.from(queries, (row) => {
    const at = kept ? kept.indexOf(row) : row
    if (!(Number.isInteger(row) && at >= 0 && at < n))
      throw mismatch('E_ARGUMENT', 'pointwiseDimensions queries', 'row numbers of the data', row)
    return at
  })
}
