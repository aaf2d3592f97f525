// Fisher separability point by point: how many points of a whole set lie beyond each one's discriminant.
import { assertFinite, assertOptions, mismatch, type NdArray, OodError, rowCount } from '@ood/core'
import { FISHER_OPTIONS, type FisherOptions, type FisherProfile, fisherDimension, fisherProfile } from './fisher.ts'
import { picked } from './internal/options.ts'
import { wholeSet } from './internal/whole-set.ts'

/** Options of point-by-point separability. */
export interface FisherPointsOptions extends FisherOptions {
  /**
   * The margin α: `'set'`, the one at which the dimension of the set is read (default); `'all'`, the largest at which
   * every point has another beyond its discriminant; or one of `alphas`.
   */
  margin?: 'set' | 'all' | number | undefined
  /** What a point has that is separable from all others: Infinity, or with `true` the dimension of a share of 1 / n. */
  finite?: boolean | undefined
}

/** Separability of every point of a set. */
export interface FisherPoints {
  /** Share of the points beyond the discriminant of each one, [n]. */
  inseparable: Float64Array
  /** The dimension of a sphere on which a point has that share beyond its discriminant, [n]. */
  dimensions: Float64Array
  /** The margin. */
  alpha: number
  /** The profile of the set. */
  profile: FisherProfile
}

/**
 * The separability of each point of a whole data set (Albergante et al. 2019; scikit-dimension's
 * `point_inseparability_to_pointID`): p(i) = #{ j : x_i · x_j > α } / n after centring, whitening and projection on the
 * sphere, and the dimension `fisherDimension(p(i), α)`. Unlike `fisherS`, which looks at each point's neighbours alone,
 * every point is held against the whole set: a point with a low p lies apart from the rest.
 *
 * @param x - points [n, ...], n >= 2
 * @throws OodError `E_EMPTY` for fewer than 2 points, and for a margin that no point set of this size shows (`'all'` with
 * a point separable at every margin, `'set'` with all of them); `E_NOT_FINITE`, `E_ARGUMENT` for a margin not in `alphas`
 *
 * Cost n² m for m components; memory n numbers a margin.
 * @example
 * const { inseparable, dimensions } = fisherPoints(x, { margin: 'all' })
 */
export function fisherPoints(x: NdArray, options: FisherPointsOptions = {}): FisherPoints {
  assertOptions('fisherPoints', options, [...FISHER_OPTIONS, 'margin', 'finite'])
  const { margin = 'set', finite = false } = options
  assertFinite('fisherPoints', x)
  const n = rowCount(x)
  const profile = fisherProfile(wholeSet(x), picked<FisherOptions>(options, FISHER_OPTIONS))
  if (profile.components === 0)
    return { inseparable: new Float64Array(n), dimensions: new Float64Array(n), alpha: Number.NaN, profile }
  const at = marginOf(profile, n, margin)
  const alpha = profile.alphas[at]!
  const inseparable = profile.pointInseparable.slice(at * n, (at + 1) * n)
  const dimensions = inseparable.map((p) => fisherDimension(finite && p === 0 ? 1 / n : p, alpha))
  return { inseparable, dimensions, alpha, profile }
}

function marginOf(profile: FisherProfile, n: number, margin: 'set' | 'all' | number): number {
  const { alphas, alpha, pointInseparable } = profile
  if (typeof margin === 'number') {
    const at = alphas.findIndex((value) => Math.abs(value - margin) < 1e-9)
    if (at < 0)
      throw mismatch('E_ARGUMENT', 'fisherPoints margin', `one of ${[...alphas].map(short).join(', ')}`, margin)
    return at
  }
  if (margin === 'set') {
    if (Number.isNaN(alpha))
      throw new OodError(
        'E_EMPTY',
        'fisherPoints: expected a margin with inseparable points, got none (too few points)',
      )
    return alphas.indexOf(alpha)
  }
  if (margin !== 'all') throw mismatch('E_ARGUMENT', 'fisherPoints margin', "'set', 'all' or a number", String(margin))
  for (let a = alphas.length - 1; a >= 0; a--)
    if (pointInseparable.subarray(a * n, (a + 1) * n).every((p) => p > 0)) return a
  throw new OodError('E_EMPTY', 'fisherPoints: expected a margin at which no point is separable from all, got none')
}

const short = (value: number): string => value.toFixed(2)
