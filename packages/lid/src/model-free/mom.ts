// Method of moments dimension from neighbour distances.
import { assertOptions, mean, type NdArray, OodError } from '@ood/core'
import { assertFiniteList } from '../internal/check.ts'
import { POINTWISE_OPTIONS } from './internal/options.ts'
import type { DimensionRule } from './neighbourhood.ts'
import { type PointwiseDimensions, type PointwiseOptions, pointwiseDimensions } from './pointwise.ts'

/**
 * Dimension at a point from the distances R_1 <= ... <= R_k to its neighbours by the first moment (Amsaleg et al. 2018,
 * section 4.2): with m = (1/k) Σ R_j, the mean of x^{d-1} d on (0, R_k), d / (d + 1) = m / R_k, so
 *
 *   d = m / (R_k - m)
 *
 * R_k itself is in the mean, as in scikit-dimension. Distances of 0 (duplicates of the point) are left out, as in all our
 * estimators; scikit-dimension counts them, which lowers the dimension by their share. 0 when all distances are 0,
 * Infinity when the others are equal.
 *
 * @param distances - ascending
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE`
 * @example
 * momDimension([1, 2, 3]) // 2 / (3 - 2) = 2
 */
export function momDimension(distances: ArrayLike<number>): number {
  assertFiniteList('momDimension distances', distances)
  const farthest = distances[distances.length - 1]!
  if (farthest === 0) return 0
  const positive = Float64Array.from(distances).filter((distance) => distance > 0)
  // Distances that are all equal have a mean that may differ from them in the last bit.
  if (positive[0] === farthest) return Number.POSITIVE_INFINITY
  const m = mean(positive)
  return m / (farthest - m)
}

/** The method of moments as a rule for `pointwiseDimensions` and `modelFreeLid`. */
export function momRule(): DimensionRule {
  return {
    name: 'MOM',
    spec: { estimator: 'mom', options: {} },
    dimension({ distances }) {
      if (distances.length === 0)
        throw new OodError('E_EMPTY', 'MOM: expected neighbour distances, got none (it has no global form)')
      return momDimension(distances)
    },
  }
}

/**
 * Pointwise dimensions by the method of moments.
 *
 * @param options - `neighbours` k (100 is usual)
 * @example
 * const { mean } = await mom(x, { neighbours: 100 })
 */
export function mom(x: NdArray, options: PointwiseOptions): Promise<PointwiseDimensions> {
  assertOptions('mom', options, POINTWISE_OPTIONS)
  return pointwiseDimensions(x, momRule(), options)
}
