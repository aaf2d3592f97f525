// Quality of LID estimates against known dimensions: errors, relative bias and rank agreement.
import { assertOptions } from '@ood/core'
import { assertFiniteList, assertSameLength } from './internal/check.ts'
import { countDiscordant, countTiedPairs } from './internal/pairs.ts'

/** Which behaviour a metric reproduces: the corrected definition, or the reference code bit for bit. */
export interface MetricOptions {
  /** `'reference'` reproduces the reference implementation's quirk named in the function's comment. */
  compat?: 'reference' | undefined
}

/** Options of `concordanceIndex`. */
export interface ConcordanceOptions extends MetricOptions {
  /** Round predictions (half to even) and also count pairs tied in exactly one of the two lists as discordant. */
  withEqual?: boolean | undefined
}

/**
 * Mean absolute error, mean |pred - truth|, in units of dimension.
 *
 * @param truth - true dimensions [N]
 * @param pred - estimates [N]
 * @throws OodError `E_SHAPE`, `E_EMPTY` or `E_NOT_FINITE`
 * @example
 * mae([1, 2], [1.5, 2]) // 0.25
 */
export function mae(truth: ArrayLike<number>, pred: ArrayLike<number>): number {
  check('mae', truth, pred)
  let sum = 0
  for (let i = 0; i < truth.length; i++) sum += Math.abs(pred[i]! - truth[i]!)
  return sum / truth.length
}

/**
 * Mean squared error, mean (pred - truth)², in squared units of dimension. Arguments and errors as `mae`.
 *
 * @example
 * mse([1, 2], [1.5, 2]) // 0.125
 */
export function mse(truth: ArrayLike<number>, pred: ArrayLike<number>): number {
  check('mse', truth, pred)
  let sum = 0
  for (let i = 0; i < truth.length; i++) sum += (pred[i]! - truth[i]!) ** 2
  return sum / truth.length
}

/**
 * Relative bias, mean |pred - truth| / (truth + 1e-3): the error in units of the true dimension.
 *
 * `compat: 'reference'` returns Infinity whenever the value exceeds 1, as the reference code does (so one component
 * of true dimension 0 hides every other); the corrected value is always finite.
 *
 * @param truth - true dimensions [N], non-negative
 * @param pred - estimates [N]
 * @example
 * relativeBias([2, 4], [2.2, 4.4]) // about 0.1
 */
export function relativeBias(truth: ArrayLike<number>, pred: ArrayLike<number>, options?: MetricOptions): number {
  assertOptions('relativeBias', options, ['compat'])
  check('relativeBias', truth, pred)
  let sum = 0
  for (let i = 0; i < truth.length; i++) sum += Math.abs(pred[i]! - truth[i]!) / (truth[i]! + 1e-3)
  const bias = sum / truth.length
  return options?.compat === 'reference' && bias > 1 ? Number.POSITIVE_INFINITY : bias
}

/**
 * Concordance index: 1 - discordant / (n (n - 1) / 2), where a pair is discordant when truth_i < truth_j and
 * pred_i > pred_j. Pairs tied in either list count as agreeing, unless `withEqual` is set: then predictions are
 * rounded first (half to even) and pairs tied in exactly one list are discordant too. 1 for fewer than two points.
 *
 * `compat: 'reference'` casts as the reference does: truth to int32 (truncated), and with `withEqual` also
 * pred * 1e6 to int32, so that rounded predictions of 2148 and more all collide.
 *
 * Cost O(n log n) time, O(n) memory. Arguments and errors as `mae`.
 *
 * @returns a number in [0, 1], 1 = the estimates order the points as the true dimensions do
 * @example
 * concordanceIndex([1, 2, 3], [10, 20, 15]) // 2 of 3 pairs agree: 0.6667
 */
export function concordanceIndex(
  truth: ArrayLike<number>,
  pred: ArrayLike<number>,
  options: ConcordanceOptions = {},
): number {
  assertOptions('concordanceIndex', options, ['compat', 'withEqual'])
  check('concordanceIndex', truth, pred)
  const n = truth.length
  if (n < 2) return 1
  let a = Float64Array.from(truth)
  let b = Float64Array.from(pred)
  if (options.withEqual) b = b.map(roundHalfEven)
  if (options.compat === 'reference') {
    a = a.map(castInt32)
    if (options.withEqual) b = b.map((value) => castInt32(value * 1e6))
  }
  let bad = countDiscordant(a, b)
  if (options.withEqual) {
    const { first, second, both } = countTiedPairs(a, b)
    bad += first + second - 2 * both
  }
  return 1 - bad / ((n * (n - 1)) / 2)
}

/** Rounds to the nearest integer, halves to the even neighbour (NumPy's rule). */
function roundHalfEven(value: number): number {
  const down = Math.floor(value)
  const rest = value - down
  if (rest < 0.5) return down
  if (rest > 0.5) return down + 1
  return down % 2 === 0 ? down : down + 1
}

/** float64 to int32 as x86 hardware converts it: truncation, and the most negative integer for anything outside. */
function castInt32(value: number): number {
  const whole = Math.trunc(value)
  return whole >= -2147483648 && whole <= 2147483647 ? whole : -2147483648
}

function check(what: string, truth: ArrayLike<number>, pred: ArrayLike<number>): void {
  assertSameLength(what, truth, pred)
  assertFiniteList(`${what} truth`, truth)
  assertFiniteList(`${what} pred`, pred)
}
