// LID curves: one prepared artifact read at many scales, and their mean with a band.
import {
  type LidEstimator,
  mean as meanOf,
  mismatch,
  type NdArray,
  rowCount,
  rowSize,
  standardDeviation as spreadOf,
  tensor,
} from '@ood/core'
import { assertCount, assertFiniteList, assertNumber } from './internal/check.ts'

/** Mean of a set of LID curves with its spread, one number per scale. */
export interface CurveBand {
  mean: Float64Array
  /** Standard deviation over points (n - 1); 0 for a single point. */
  standardDeviation: Float64Array
  /** mean - width * standardDeviation. */
  lower: Float64Array
  /** mean + width * standardDeviation. */
  upper: Float64Array
}

/**
 * `count` evenly spaced numbers from `from` to `to`, both included.
 *
 * @throws OodError `E_ARGUMENT` for ends that are not finite or a count below 1
 * @example
 * linspace(0, 1, 3) // [0, 0.5, 1]
 */
export function linspace(from: number, to: number, count: number): Float64Array {
  assertNumber('linspace from', from)
  assertNumber('linspace to', to)
  assertCount('linspace count', count, 1)
  const step = count > 1 ? (to - from) / (count - 1) : 0
  const out = Float64Array.from({ length: count }, (_, i) => i * step + from)
  if (count > 1) out[count - 1] = to // i * step may miss the end by one rounding
  return out
}

/**
 * The scales a curve is read at by default: linspace(-10, 5, 50), logs of a standard deviation.
 *
 * @example
 * defaultScales()[49] // 5
 */
export function defaultScales(): Float64Array {
  return linspace(-10, 5, 50)
}

/**
 * LID of every prepared point at every scale.
 *
 * The artifact is the expensive part and is read only; a scale costs O(D) a point with the flow estimators.
 *
 * @param estimator - any LID estimator
 * @param artifact - what its `prepare` returned
 * @param scales - logs of a standard deviation (default `defaultScales()`)
 * @returns [points, scales], LID in units of dimension
 * @throws OodError `E_EMPTY` without scales, `E_NOT_FINITE` for a scale that is not finite
 * @example
 * const artifact = await estimator.prepare(images)
 * const curve = lidCurve(estimator, artifact) // [N, 50]
 */
export function lidCurve<Artifact>(
  estimator: LidEstimator<Artifact>,
  artifact: Artifact,
  scales: ArrayLike<number> = defaultScales(),
): NdArray<Float64Array> {
  assertFiniteList('lidCurve scales', scales)
  const m = scales.length
  let n = 0
  let out = new Float64Array(0)
  for (let j = 0; j < m; j++) {
    const lid = estimator.lid(artifact, scales[j]!)
    if (j === 0) {
      n = lid.length
      out = new Float64Array(n * m)
    } else if (lid.length !== n) throw mismatch('E_SHAPE', 'lidCurve', `${n} numbers at every scale`, lid.length)
    for (let i = 0; i < n; i++) out[i * m + j] = lid[i]!
  }
  return tensor(out, [n, m])
}

/**
 * Mean over points of a set of curves, with mean ± `width` standard deviations.
 *
 * @param curve - [points, scales] from `lidCurve`
 * @param width - half width of the band in standard deviations (default 1)
 * @throws OodError `E_EMPTY` without points
 * @example
 * const { mean, lower, upper } = curveBand(lidCurve(estimator, artifact))
 */
export function curveBand(curve: NdArray<Float64Array>, width = 1): CurveBand {
  const n = rowCount(curve)
  const m = rowSize(curve)
  if (curve.shape.length !== 2) throw mismatch('E_SHAPE', 'curveBand', 'shape [points, scales]', curve.shape)
  if (n === 0) throw mismatch('E_EMPTY', 'curveBand', 'at least one point', n)
  const mean = new Float64Array(m)
  const standardDeviation = new Float64Array(m)
  for (let j = 0; j < m; j++) {
    const column = Float64Array.from({ length: n }, (_, i) => curve.get(i, j))
    mean[j] = meanOf(column)
    standardDeviation[j] = spreadOf(column)
  }
  return {
    mean,
    standardDeviation,
    lower: mean.map((value, j) => value - width * standardDeviation[j]!),
    upper: mean.map((value, j) => value + width * standardDeviation[j]!),
  }
}
