// Fisher separability: how rarely points of a sphere lie beyond a linear discriminant, as a function of dimension.
import { assertOptions, mismatch, type NdArray, OodError } from '@ood/core'
import { assertBetween } from '../internal/check.ts'
import { splitOptions } from './internal/options.ts'
import { copiesIn, countBeyond, sphere } from './internal/separability.ts'
import { lambertW } from './internal/special.ts'
import type { DimensionRule, Neighbourhood } from './neighbourhood.ts'
import { globalDimension, type PointwiseDimensions, type PointwiseOptions, pointwiseDimensions } from './pointwise.ts'

/** Options of Fisher separability. */
export interface FisherOptions {
  /** Principal components are kept while λ > λ_1 / condition (default 10). */
  condition?: number | undefined
  /** Margins α in (0, 1), ascending (default 0.60, 0.62, ..., 0.98). */
  alphas?: readonly number[] | undefined
}

/** Every option of FisherS. */
export const FISHER_OPTIONS: readonly string[] = ['condition', 'alphas']

/** What the separability of a sample says, margin by margin. */
export interface FisherProfile {
  /** The reported dimension: that of the margin nearest 0.9 times the largest one with inseparable pairs. */
  dimension: number
  /** The margin it is read at; NaN when all pairs are separable at every margin. */
  alpha: number
  alphas: Float64Array
  /** Mean share of points beyond the discriminant of a point, for each margin. */
  inseparable: Float64Array
  /** The same share for each margin and point, alphas.length x n; none where all points are equal. */
  pointInseparable: Float64Array
  /** Dimension for each margin; Infinity where all pairs are separable. */
  dimensions: Float64Array
  /** Principal components kept. */
  components: number
}

/** 0.60, 0.62 ... 0.98, by the same additions as numpy's arange. */
const STEP = 0.6 + 0.02 - 0.6
const ALPHAS: Float64Array = Float64Array.from({ length: 20 }, (_, i) => 0.6 + i * STEP)

/**
 * The dimension of a uniform sphere on which a point is inseparable from another with probability p at margin α
 * (Albergante, Mirkes, Bac, Chen, Martin, Faure, Barillot, Pinello, Gorban and Zinovyev 2019):
 *
 *   n = W_0(-w / (2π p² α² (1 - α²))) / -w,   w = log(1 - α²)
 *
 * Infinity for p = 0.
 *
 * @example
 * fisherDimension(0.01, 0.8)
 */
export function fisherDimension(p: number, alpha: number): number {
  assertBetween('fisherDimension alpha', alpha, 0, 1)
  if (!(p >= 0 && p <= 1)) throw mismatch('E_ARGUMENT', 'fisherDimension p', 'a number in [0, 1]', p)
  const squared = alpha * alpha
  const w = Math.log1p(-squared)
  return lambertW(-w / (2 * Math.PI * p * p * squared * (1 - squared))) / -w
}

/**
 * The separability profile of a sample: centre, keep the principal components with λ > λ_1 / condition,
 * whiten, project on the unit sphere; p_α is the mean over points x of the share of points y with x·y > α.
 *
 * A point at the mean has no direction and is beyond no discriminant; the share counts it. A copy of x does not count as
 * beyond x, so a sample stacked several times has the profile of one. All points equal: dimension 0. All pairs separable at every margin: dimension Infinity, the sample is too small to see one that large.
 *
 * @param neighbourhood - points, or a whole set
 *
 * Cost O(n D min(n, D)) and n² m for m components.
 */
export function fisherProfile(neighbourhood: Neighbourhood, options: FisherOptions = {}): FisherProfile {
  assertOptions('fisherProfile', options, FISHER_OPTIONS)
  const { condition, alphas } = checked(options)
  const n = neighbourhood.count
  if (n < 2) throw new OodError('E_EMPTY', `FisherS: expected at least 2 points, got ${n}`)
  const { directions, components } = sphere(neighbourhood, condition)
  const inseparable = new Float64Array(alphas.length)
  if (components === 0)
    return {
      dimension: 0,
      alpha: Number.NaN,
      alphas,
      inseparable,
      pointInseparable: new Float64Array(0),
      dimensions: new Float64Array(alphas.length),
      components,
    }
  const pointInseparable = countBeyond(directions, n, components, alphas, copiesIn(neighbourhood))
  for (let a = 0; a < alphas.length; a++) {
    let total = 0
    for (let i = 0; i < n; i++) {
      total += pointInseparable[a * n + i]!
      pointInseparable[a * n + i] = pointInseparable[a * n + i]! / n
    }
    inseparable[a] = total / n / n
  }
  const dimensions = inseparable.map((p, a) => fisherDimension(p, alphas[a]!))
  const last = dimensions.findLastIndex((dimension) => dimension < Number.POSITIVE_INFINITY)
  const shared = { alphas, inseparable, pointInseparable, dimensions, components }
  if (last < 0) return { dimension: Number.POSITIVE_INFINITY, alpha: Number.NaN, ...shared }
  const wanted = 0.9 * alphas[last]!
  let at = 0
  for (let a = 0; a <= last; a++) if (Math.abs(alphas[a]! - wanted) < Math.abs(alphas[at]! - wanted)) at = a
  return { dimension: dimensions[at]!, alpha: alphas[at]!, ...shared }
}

function checked(options: FisherOptions): { condition: number; alphas: Float64Array } {
  const { condition = 10 } = options
  if (!(condition > 1)) throw mismatch('E_ARGUMENT', 'FisherS condition', 'a number above 1', condition)
  const alphas = options.alphas ? Float64Array.from(options.alphas) : ALPHAS
  if (alphas.length === 0) throw new OodError('E_EMPTY', 'FisherS alphas: expected margins, got none')
  alphas.forEach((alpha, a) => {
    assertBetween('FisherS alphas', alpha, a === 0 ? 0 : alphas[a - 1]!, 1)
  })
  return { condition, alphas }
}

/**
 * Fisher separability as a rule for `pointwiseDimensions`, `globalDimension` and `modelFreeLid`.
 *
 * @throws OodError `E_ARGUMENT` for settings out of range
 * @example
 * await pointwiseDimensions(x, fisherRule(), { neighbours: 100 })
 */
export function fisherRule(options: FisherOptions = {}): DimensionRule {
  assertOptions('fisherRule', options, FISHER_OPTIONS)
  const { condition, alphas } = checked(options)
  const settings = { condition, alphas: [...alphas] }
  return {
    name: 'FisherS',
    spec: { estimator: 'fisher', options: settings },
    dimension: (neighbourhood) => fisherProfile(neighbourhood, settings).dimension,
  }
}

/**
 * Pointwise dimensions by Fisher separability.
 *
 * @param options - `neighbours` k (100 or more: with few neighbours all pairs are separable and the result is Infinity)
 * @example
 * const { lid } = await fisherS(x, { neighbours: 100 })
 */
export function fisherS(x: NdArray, options: FisherOptions & PointwiseOptions): Promise<PointwiseDimensions> {
  const { own, rest } = splitOptions<FisherOptions, PointwiseOptions>('fisherS', options, FISHER_OPTIONS)
  return pointwiseDimensions(x, fisherRule(own), rest)
}

/**
 * Fisher separability of a whole data set.
 *
 * @throws OodError `E_EMPTY` for fewer than 2 points, `E_NOT_FINITE`
 * @example
 * const d = fisherSGlobal(x)
 */
export function fisherSGlobal(x: NdArray, options: FisherOptions = {}): number {
  return globalDimension(x, fisherRule(options))
}
