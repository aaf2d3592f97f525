// Angle-based dimension: directions in d dimensions have a mean squared cosine of 1 / d.
import { assertOptions, type NdArray, OodError } from '@ood/core'
import { pairSquaresOf, squaresOf } from './internal/local.ts'
import { splitOptions } from './internal/options.ts'
import type { DimensionRule, Neighbourhood } from './neighbourhood.ts'
import { type PointwiseDimensions, type PointwiseOptions, pointwiseDimensions } from './pointwise.ts'

/** Options of the angle-based estimator. */
export interface AbidOptions {
  /** Leave out the k pairs of a neighbour with itself (the raw form, RABID): unbiased, but not bounded (default false). */
  raw?: boolean | undefined
}

const ABID_OPTIONS: readonly string[] = ['raw']

/**
 * Angle-based intrinsic dimension as a rule (Thordsen and Schubert 2020): with the angles θ_ij at the point between
 * neighbours i and j,
 *
 *   d = k² / Σ_ij cos² θ_ij            (all i, j: at most min(k, D))
 *   d = k (k - 1) / Σ_{i≠j} cos² θ_ij  with `raw`
 *
 * Duplicates of the point have no direction and are left out, and with `raw` pairs of neighbours that are copies of each
 * other; 0 when no direction is left, 1 for a single one. `raw` is Infinity where all directions are orthogonal. Cosines come from distances, cos θ_ij = (R_i² + R_j² - |x_i - x_j|²) / (2 R_i R_j).
 *
 * @example
 * await pointwiseDimensions(x, abidRule(), { neighbours: 100 })
 */
export function abidRule(options: AbidOptions = {}): DimensionRule {
  assertOptions('abidRule', options, ABID_OPTIONS)
  const raw = options.raw === true
  return {
    name: raw ? 'RABID' : 'ABID',
    spec: { estimator: 'abid', options: { raw } },
    dimension: (neighbourhood) => abidDimension(neighbourhood, raw),
  }
}

function abidDimension(neighbourhood: Neighbourhood, raw: boolean): number {
  const { count, distances } = neighbourhood
  if (distances.length === 0)
    throw new OodError('E_EMPTY', 'ABID: expected neighbour distances, got none (it has no global form)')
  const first = distances.findIndex((distance) => distance > 0)
  const k = first < 0 ? 0 : count - first
  if (k === 0) return 0
  if (k === 1) return 1
  const pairs = pairSquaresOf(neighbourhood)
  const squares = squaresOf(neighbourhood)
  let sum = 0
  let copies = 0
  for (let i = first; i < count; i++) {
    const ii = squares[i]!
    for (let j = first; j < i; j++) {
      const jj = squares[j]!
      const ij = pairs[i * count + j]!
      if (raw && ij === 0) {
        copies += 2
        continue
      }
      const dot = (ii + jj - ij) / 2
      // Squares carry an error of half a place each: what is left below that is a right angle.
      if (Math.abs(dot) > 2 * Number.EPSILON * (ii + jj)) sum += 2 * Math.min(1, (dot / ii) * (dot / jj))
    }
  }
  if (!raw) return (k * k) / (sum + k)
  const used = k * (k - 1) - copies
  return used === 0 ? 1 : used / sum
}

/**
 * Pointwise angle-based dimensions.
 *
 * @param options - `neighbours` k (100 is usual)
 * @example
 * const { mean } = await abid(x, { neighbours: 100 })
 */
export function abid(x: NdArray, options: AbidOptions & PointwiseOptions): Promise<PointwiseDimensions> {
  const { own, rest } = splitOptions<AbidOptions, PointwiseOptions>('abid', options, ABID_OPTIONS)
  return pointwiseDimensions(x, abidRule(own), rest)
}
