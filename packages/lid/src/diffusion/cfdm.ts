// Closed-form diffusion: FLIPD of the stored data themselves, every point a point mass. No model.
import {
  assertFinite,
  assertOptions,
  type FloatArray,
  flatData,
  forEachBatch,
  type LidEstimator,
  mismatch,
  type NdArray,
  rowCount,
  rowSize,
  tensor,
} from '@ood/core'
import { assertCount } from '../internal/check.ts'
import { variance } from '../internal/scale-variance.ts'

/** Options of `cfdm`. */
export interface CfdmOptions {
  /** Keep only so many nearest stored points of each query (default all). */
  neighbours?: number | undefined
  /** Leave out stored points farther than this (default none). */
  distanceThreshold?: number | undefined
  /**
   * Leave out stored points equal to the query (default false): what a query that is itself stored needs at small
   * scales, where its distance 0 to itself otherwise makes LID 0.
   */
  skipEqual?: boolean | undefined
}

/** Beyond this exponent the published schedule stops growing: tau² <= e^500 - 1. */
const LARGEST_VARIANCE = Math.expm1(500)

/**
 * LID by closed-form diffusion: FLIPD of the mixture of point masses at the stored points y_i,
 *
 *   LID(x, s) = Σ p_i d_i² / v,   p = softmax(-d² / 2v),   d_i = ‖x - y_i‖,   v = tau² = e^{2s},
 *
 * the weighted mean of squared distances in units of the noise. The scale is s = log tau; a diffusion time t means
 * s = log `process.noiseToSignal(t)`, and the published tau is 2 v.
 *
 * s → ∞ gives 0. s → -∞ does not give D: below the spacing of the data it gives 0 at a stored point and grows without
 * bound elsewhere, so use it between the spacing and the size of the data.
 *
 * The artifact holds d_i², [N, points kept], in float64 from exact sums of squared differences: a curve over many
 * scales is one `prepare`. A query that has no stored point left has LID NaN.
 *
 * @param data - stored points [M, ...shape]
 * @returns an estimator; `prepare` costs 3 N M D flops, `lid` N M
 * @throws OodError `E_EMPTY` without data, `E_NOT_FINITE`, `E_ARGUMENT`, `E_SHAPE` for queries of another shape
 * @example
 * const estimator = cfdm(train, { neighbours: 1000 })
 * const curve = lidCurve(estimator, await estimator.prepare(test))
 */
export function cfdm(data: NdArray, options: CfdmOptions = {}): LidEstimator<NdArray<Float64Array>> {
  assertOptions('cfdm', options, ['neighbours', 'distanceThreshold', 'skipEqual'])
  const { neighbours, distanceThreshold = Number.POSITIVE_INFINITY, skipEqual = false } = options
  const m = rowCount(data)
  if (m === 0) throw mismatch('E_EMPTY', 'cfdm data', 'at least one point', m)
  assertFinite('cfdm data', data)
  if (neighbours !== undefined) assertCount('cfdm neighbours', neighbours, 1)
  if (!(distanceThreshold > 0))
    throw mismatch('E_ARGUMENT', 'cfdm distanceThreshold', 'a distance above 0', distanceThreshold)
  const kept = Math.min(m, neighbours ?? m)
  return {
    async prepare(x, call) {
      if (rowSize(x) !== rowSize(data))
        throw mismatch('E_SHAPE', 'cfdm x', `rows of ${rowSize(data)} numbers`, rowSize(x))
      assertFinite('cfdm x', x)
      const n = rowCount(x)
      const limit = distanceThreshold ** 2
      const points = flatData(data)
      const queries = flatData(x)
      const artifact = new Float64Array(n * kept)
      const all = new Float64Array(m)
      await forEachBatch('cfdm', n, 16, call, (from, to) => {
        for (let i = from; i < to; i++) {
          squaredDistances(points, queries, i, all)
          if (skipEqual) for (let j = 0; j < m; j++) if (all[j] === 0) all[j] = Number.POSITIVE_INFINITY
          if (kept < m) all.sort()
          for (let j = 0; j < kept; j++) artifact[i * kept + j] = all[j]! <= limit ? all[j]! : Number.POSITIVE_INFINITY
        }
      })
      return tensor(artifact, [n, kept])
    },
    lid(artifact, scale) {
      const v = Math.min(variance('cfdm scale', scale), LARGEST_VARIANCE)
      const width = rowSize(artifact)
      const distances = flatData(artifact)
      return Float64Array.from({ length: rowCount(artifact) }, (_, i) =>
        weightedDistance(distances.subarray(i * width, (i + 1) * width), v),
      )
    },
    identity: { name: 'cfdm', models: [data], settings: { ...options } },
    columns: {
      names: ['squaredDistances'],
      pack: (squaredDistances) => ({ squaredDistances }),
      unpack: ({ squaredDistances }) => squaredDistances!,
    },
  }
}

/** Squared distances of query `i` to all points, by sums of squared differences. */
function squaredDistances(points: FloatArray, queries: FloatArray, i: number, out: Float64Array): void {
  const d = points.length / out.length
  for (let k = 0; k < out.length; k++) {
    let sum = 0
    for (let j = 0; j < d; j++) {
      const difference = queries[i * d + j]! - points[k * d + j]!
      sum += difference * difference
    }
    out[k] = sum
  }
}

/** Σ p d² / v with p = softmax(-d² / 2v); distances of points left out are infinite. */
function weightedDistance(squared: Float64Array, v: number): number {
  let least = Number.POSITIVE_INFINITY
  for (const value of squared) least = Math.min(least, value)
  if (least === Number.POSITIVE_INFINITY) return Number.NaN
  let total = 0
  let sum = 0
  for (const value of squared) {
    // exp(-∞) · ∞ would be NaN where it means 0.
    if (value === Number.POSITIVE_INFINITY) continue
    const weight = Math.exp((least - value) / (2 * v))
    total += weight
    sum += weight * (value / v)
  }
  return sum / total
}
