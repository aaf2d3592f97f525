// Manifold-adaptive dimension: how the distance grows from the neighbour half way to the last.
import { assertOptions, type NdArray, OodError } from '@ood/core'
import { assertFiniteList } from '../internal/check.ts'
import { POINTWISE_OPTIONS } from './internal/options.ts'
import type { DimensionRule } from './neighbourhood.ts'
import { type PointwiseDimensions, type PointwiseOptions, pointwiseDimensions } from './pointwise.ts'

/**
 * Dimension at a point from the distances to its k nearest neighbours (Farahmand, Szepesvári and Audibert 2007):
 *
 *   d = log 2 / log(R_k / R_{⌊k/2⌋})
 *
 * The paper takes ⌈k/2⌉; for odd k we round down as scikit-dimension does, and the two agree for even k. Distances of 0
 * (duplicates) are left out, k counting what remains. Infinity when R_k = R_{⌊k/2⌋}.
 *
 * @param distances - ascending, at least two of them positive
 * @throws OodError `E_EMPTY` when fewer than two distances are positive, `E_NOT_FINITE`
 * @example
 * madaDimension([1, 2, 3, 4]) // log 2 / log(4 / 2) = 1
 */
export function madaDimension(distances: ArrayLike<number>): number {
  assertFiniteList('madaDimension distances', distances)
  const positive = Float64Array.from(distances).filter((distance) => distance > 0)
  const k = positive.length
  if (k < 2) throw new OodError('E_EMPTY', `madaDimension: expected at least 2 positive distances, got ${k}`)
  return Math.LN2 / Math.log(positive[k - 1]! / positive[(k >> 1) - 1]!)
}

/** MADA as a rule for `pointwiseDimensions` and `modelFreeLid`; 0 at a point whose neighbours are all its duplicates. */
export function madaRule(): DimensionRule {
  return {
    name: 'MADA',
    spec: { estimator: 'mada', options: {} },
    dimension({ distances }) {
      if (distances.length === 0)
        throw new OodError('E_EMPTY', 'MADA: expected neighbour distances, got none (it has no global form)')
      return distances[distances.length - 1] === 0 ? 0 : madaDimension(distances)
    },
  }
}

/**
 * Pointwise manifold-adaptive dimensions.
 *
 * @param options - `neighbours` k (20 is usual)
 * @example
 * const { mean } = await mada(x, { neighbours: 20 })
 */
export function mada(x: NdArray, options: PointwiseOptions): Promise<PointwiseDimensions> {
  assertOptions('mada', options, POINTWISE_OPTIONS)
  return pointwiseDimensions(x, madaRule(), options)
}
