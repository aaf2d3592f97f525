// Levina-Bickel maximum likelihood dimension from neighbour distances.
import { type NdArray, OodError } from '@ood/core'
import { assertFiniteList } from '../internal/check.ts'
import { mean } from '../internal/statistics.ts'
import type { DimensionRule } from './neighbourhood.ts'
import { type PointwiseDimensions, type PointwiseOptions, pointwiseDimensions } from './pointwise.ts'

/** Options of the maximum likelihood estimator. */
export interface MleOptions {
  /** Divide by k - 2 instead of k - 1: unbiased for a Poisson process (default false). */
  unbiased?: boolean
}

/** How pointwise estimates become one number. */
export type MleCombination = 'harmonic' | 'mean' | 'median'

/**
 * Dimension at a point from the distances R_1 <= ... <= R_k to its neighbours (Levina and Bickel 2004; spec dgm 1.4):
 *
 *   d = (k - 1) / Σ_{j<k} log(R_k / R_j)
 *
 * with k - 2 in the numerator when `unbiased`. Distances of 0 (duplicates of the point) are left out. Infinity when all
 * distances are equal.
 *
 * @param distances - ascending, at least two of them positive (three when `unbiased`)
 * @throws OodError `E_EMPTY` when too few distances are positive, `E_NOT_FINITE`
 * @example
 * mleDimension([0.5, 1]) // 1 / log 2 = 1.4427
 */
export function mleDimension(distances: ArrayLike<number>, options: MleOptions = {}): number {
  assertFiniteList('mleDimension distances', distances)
  const positive = Float64Array.from(distances).filter((distance) => distance > 0)
  const k = positive.length
  const least = options.unbiased ? 3 : 2
  if (k < least) throw new OodError('E_EMPTY', `mleDimension: expected at least ${least} positive distances, got ${k}`)
  const far = Math.log(positive[k - 1]!)
  let sum = 0
  for (let j = 0; j < k - 1; j++) sum += far - Math.log(positive[j]!)
  return (k - (options.unbiased ? 2 : 1)) / sum
}

/**
 * The maximum likelihood estimator as a rule for `pointwiseDimensions` and `modelFreeLid`.
 *
 * @example
 * await pointwiseDimensions(x, mleRule(), { neighbours: 20 })
 */
export function mleRule(options: MleOptions = {}): DimensionRule {
  return {
    name: 'MLE',
    dimension({ distances }) {
      if (distances.length === 0)
        throw new OodError('E_EMPTY', 'MLE: expected neighbour distances, got none (it has no global form)')
      return mleDimension(distances, options)
    },
  }
}

/**
 * Pointwise maximum likelihood dimensions of a data set.
 *
 * @param x - points [N, ...]
 * @param options - `neighbours` k (20 is usual)
 * @example
 * const fitted = await mle(x, { neighbours: 20 })
 * combineMle(fitted.lid) // the dimension of the set
 */
export function mle(x: NdArray, options: MleOptions & PointwiseOptions): Promise<PointwiseDimensions> {
  return pointwiseDimensions(x, mleRule(options), options)
}

/**
 * One dimension from pointwise ones: the harmonic mean (default; MacKay and Ghahramani 2005: the likelihood adds 1/d),
 * the mean, or the median.
 *
 * @throws OodError `E_EMPTY`
 */
export function combineMle(lid: ArrayLike<number>, combination: MleCombination = 'harmonic'): number {
  if (lid.length === 0) throw new OodError('E_EMPTY', 'combineMle: expected at least one dimension, got none')
  const values = Float64Array.from(lid)
  if (combination === 'mean') return mean(values)
  if (combination === 'harmonic') return 1 / mean(values.map((value) => 1 / value))
  values.sort()
  const middle = values.length >> 1
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2
}
