// Tight local dimension: every neighbour measures the distances to all others, corrected for the ball's boundary.
import { assertOptions, mismatch, type NdArray, OodError } from '@ood/core'
import { pairSquaresOf, squaresOf } from './internal/local.ts'
import { splitOptions } from './internal/options.ts'
import type { DimensionRule, Neighbourhood } from './neighbourhood.ts'
import { type PointwiseDimensions, type PointwiseOptions, pointwiseDimensions } from './pointwise.ts'

/** Options of the tight local estimator. */
export interface TleOptions {
  /** Measurements below this share of the neighbourhood's radius R_k are dropped in pairs (default 1e-4). */
  epsilon?: number | undefined
  /** `'scikit-dimension'`: `epsilon` is a distance, not a share, and one R_j below it empties the last sum. */
  compat?: 'scikit-dimension' | undefined
}

const TLE_OPTIONS: readonly string[] = ['epsilon', 'compat']

/**
 * The tight local dimensionality estimator as a rule (Amsaleg, Chelly, Houle, Kawarabayashi, Radovanović and
 * Treeratanajaru 2019). With r = R_k, u_i = R_i, v_ij = |x_i - x_j| and z_ij² = 2 u_i² + 2 u_j² - v_ij² (the distance
 * to x_j reflected at the centre),
 *
 *   s_ij = r (√((u_i² + v_ij² - u_j²)² + 4 v_ij² (r² - u_i²)) - (u_i² + v_ij² - u_j²)) / (2 (r² - u_i²)),
 *
 * t_ij the same with z for v, and
 *
 *   d = - 2 k² / (Σ_{i≠j} log(s_ij / r) + Σ_{i≠j} log(t_ij / r) + 2 Σ_i log(u_i / r)).
 *
 * Limits: u_i = r gives s_ij = r v² / (r² + v² - u_j²); u_i = 0 gives s = t = u_j; u_j = 0 gives r v / (r + v). Pairs
 * with v_ij = 0 or z_ij = 0 and measurements below epsilon are dropped, and the count 2 k² with them. 0 at a point whose
 * neighbours are all its duplicates, Infinity when all measurements equal r; never negative, as no measurement exceeds r.
 *
 * scikit-dimension takes epsilon as an absolute distance, so its result changes with the unit of the data, and means to
 * leave distances below it out of Σ log(u_i / r) but slices the wrong axis: a single one (a duplicate of the point, say)
 * makes the whole sum 0. `compat: 'scikit-dimension'` does the same. Without near-duplicates the two agree.
 *
 * @throws OodError `E_ARGUMENT` for a negative epsilon
 *
 * Cost O(k²) after the inner products.
 * @example
 * await pointwiseDimensions(x, tleRule(), { neighbours: 20 })
 */
export function tleRule(options: TleOptions = {}): DimensionRule {
  assertOptions('tleRule', options, TLE_OPTIONS)
  const { epsilon = 1e-4, compat } = options
  if (!(epsilon >= 0 && epsilon < Number.POSITIVE_INFINITY))
    throw mismatch('E_ARGUMENT', 'TLE epsilon', 'a number of at least 0', epsilon)
  return {
    name: 'TLE',
    spec: { estimator: 'tle', options: { epsilon, compat } },
    dimension: (neighbourhood) => tleDimension(neighbourhood, epsilon, compat === 'scikit-dimension'),
  }
}

/** Products of ratios are kept in this range, so that one logarithm serves many of them. */
const SMALL = 1e-280
const LARGE = 1e280

function tleDimension(neighbourhood: Neighbourhood, epsilon: number, compat: boolean): number {
  const { count: k, distances } = neighbourhood
  if (distances.length === 0)
    throw new OodError('E_EMPTY', 'TLE: expected neighbour distances, got none (it has no global form)')
  const r = distances[k - 1]!
  if (r === 0) return 0
  const pairs = pairSquaresOf(neighbourhood)
  // On the sphere is what lies at R_k, though squares that differ in the last place may have one root.
  const squares = squaresOf(neighbourhood).slice()
  const rr = squares.reduce((most, square) => Math.max(most, square))
  for (let i = k - 1; i >= 0 && distances[i] === r; i--) squares[i] = rr
  const least = compat ? epsilon / r : epsilon
  let logs = 0
  let product = 1
  let kept = k * k
  for (let i = 0; i < k; i++) {
    // Everything in units of r.
    const uu = squares[i]! / rr
    const gap = (rr - squares[i]!) / rr
    for (let j = 0; j < k; j++) {
      if (j === i) continue
      const vv = pairs[i * k + j]! / rr
      const ww = squares[j]! / rr
      const zz = reflected(squares[i]!, squares[j]!, pairs[i * k + j]!) / rr
      // A point that coincides with x_i, or does once it is reflected at the centre, measures nothing.
      if (vv === 0 || (zz === 0 && uu > 0 && ww > 0)) {
        kept--
        continue
      }
      let s: number
      let t: number
      // From the sphere itself every measurement is its radius: tied distances add no logarithm, exactly.
      if (squares[j] === rr) s = t = 1
      else if (ww === 0) s = t = Math.sqrt(vv) / (1 + Math.sqrt(vv))
      else if (uu === 0) s = t = Math.sqrt(ww)
      else {
        const inside = (rr - squares[j]!) / rr
        s = measure(uu, vv, ww, gap, inside)
        t = measure(uu, zz, ww, gap, inside)
      }
      if (!(s >= least && t >= least)) {
        kept--
        continue
      }
      product *= s * t
      if (product < SMALL || product > LARGE) {
        logs += Math.log(product)
        product = 1
      }
    }
  }
  let lengths = 0
  let dropped = 0
  for (let i = 0; i < k; i++) {
    const u = distances[i]! / r
    if (u < least) dropped++
    else lengths += 2 * Math.log(u)
  }
  kept -= dropped
  if (!(compat && dropped > 0)) logs += lengths
  logs += Math.log(product)
  return logs === 0 ? Number.POSITIVE_INFINITY : (-2 * kept) / logs
}

/** z² = 2 u² + 2 w² - v², 0 where what is left is rounding. */
function reflected(uu: number, ww: number, vv: number): number {
  const zz = 2 * uu + 2 * ww - vv
  return zz > 8 * Number.EPSILON * (uu + ww) ? zz : 0
}

/** s for squared lengths in units of r; `gap` = 1 - u_i², `inside` = 1 - u_j². No measurement is longer than r. */
function measure(uu: number, vv: number, ww: number, gap: number, inside: number): number {
  if (gap === 0) return vv / (vv + inside)
  const b = uu + vv - ww
  const root = Math.sqrt(b * b + 4 * vv * gap)
  // (√(b² + c) - b) / (2 gap) without cancellation for b > 0.
  return Math.min(1, b > 0 ? (2 * vv) / (root + b) : (root - b) / (2 * gap))
}

/**
 * Pointwise tight local dimensions.
 *
 * @param options - `neighbours` k (20 is usual: the estimator is made for small neighbourhoods)
 * @example
 * const { mean } = await tle(x, { neighbours: 20 })
 */
export function tle(x: NdArray, options: TleOptions & PointwiseOptions): Promise<PointwiseDimensions> {
  const { own, rest } = splitOptions<TleOptions, PointwiseOptions>('tle', options, TLE_OPTIONS)
  return pointwiseDimensions(x, tleRule(own), rest)
}
