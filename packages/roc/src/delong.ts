// Confidence interval of one AUROC and test of two correlated AUROCs (DeLong, DeLong & Clarke-Pearson 1988).
import { RocError } from './errors.ts'
import { checkFraction, checkObject, checkOneOf, checkSameLength, copyScores } from './internal/check.ts'
import { upperQuantile, upperTail } from './internal/normal.ts'
import { countBelow, countUpTo } from './internal/search.ts'
import { sortAscending } from './internal/sort.ts'
import type { Scores } from './scores.ts'

/** An AUROC with its standard error and confidence interval. */
export interface AurocInterval {
  readonly auroc: number
  readonly standardError: number
  readonly lower: number
  readonly upper: number
  /** Confidence level, e.g. 0.95. */
  readonly level: number
}

/** Options of {@link delongInterval}. */
export interface DelongOptions {
  /** Confidence level in (0, 1). Default 0.95. */
  readonly level?: number | undefined
  /**
   * Scale on which the estimate is taken as normal. `linear` (default): AUROC +- z SE, cut to [0, 1]. `logit`:
   * symmetric in log(A / (1 - A)), never leaves (0, 1) and covers better near 1.
   */
  readonly scale?: 'linear' | 'logit' | undefined
}

/** Result of {@link delongTest}. */
export interface DelongTest {
  readonly aurocA: number
  readonly aurocB: number
  /** aurocA - aurocB. */
  readonly difference: number
  /** Standard error of the difference, with the correlation of the two detectors taken into account. */
  readonly standardError: number
  /** difference / standardError. */
  readonly z: number
  /** Two-sided p-value of "both AUROCs are equal". */
  readonly pValue: number
}

/** The two classes of one detector. */
export interface ClassScores {
  readonly positives: Scores
  readonly negatives: Scores
}

/**
 * DeLong confidence interval of an AUROC.
 *
 * With the placements V(p) = share of negatives below p (ties 1/2) and W(q) = share of positives above q, AUROC =
 * mean V and var = s2(V) / n+ + s2(W) / n- with sample variances s2 (DeLong et al. 1988, eq. 5). Placements come from
 * binary searches in the sorted other class, so no n+ x n- matrix is formed (as in Sun & Xu 2014).
 *
 * When the classes are perfectly separated both variances are 0 and the interval is the single point 0 or 1: the method
 * knows nothing about the error of such an estimate; use a larger sample.
 *
 * @param positives - scores of the class expected to score higher, at least two finite numbers
 * @param negatives - scores of the other class, at least two finite numbers
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_ARGUMENT, E_SHAPE (fewer than two scores)
 *
 * Cost: O(n log n) time, O(n) memory.
 *
 * @example
 * const { auroc, lower, upper } = delongInterval(positives, negatives, { level: 0.95 })
 */
export function delongInterval(positives: Scores, negatives: Scores, options: DelongOptions = {}): AurocInterval {
  checkObject('options', options)
  const { level = 0.95, scale = 'linear' } = options
  checkFraction('level', level)
  checkOneOf('scale', scale, ['linear', 'logit'])
  const { auroc, ofPositives, ofNegatives } = placements('', { positives, negatives })
  const standardError = placementError(ofPositives, ofNegatives)
  const z = upperQuantile((1 - level) / 2)
  if (scale === 'linear' || standardError === 0) {
    const lower = Math.max(0, auroc - z * standardError)
    const upper = Math.min(1, auroc + z * standardError)
    return { auroc, standardError, lower, upper, level }
  }
  // Delta method: SE of logit(A) is SE / (A (1 - A)). A is 0 or 1 only when SE is 0.
  const center = Math.log(auroc / (1 - auroc))
  const half = (z * standardError) / (auroc * (1 - auroc))
  return { auroc, standardError, lower: logistic(center - half), upper: logistic(center + half), level }
}

/**
 * DeLong test of two detectors scored on the **same** items: is the difference of their AUROCs zero?
 *
 * var(A - B) = s2(V_A - V_B) / n+ + s2(W_A - W_B) / n-, which is the contrast of the covariance matrix of DeLong et al.
 * (1988, eq. 5-6); z is compared with the standard normal.
 *
 * Equal placements give z = 0 and p = 1; a difference with zero variance gives z = +-Infinity and p = 0.
 *
 * @param a - scores of detector A; at least two items a class
 * @param b - scores of detector B for the same items in the same order
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_SHAPE (lists that do not pair up, or fewer than two scores)
 *
 * Cost: O(n log n) time, O(n) memory.
 *
 * @example
 * const { difference, pValue } = delongTest(
 *   { positives: dualId, negatives: dualOod },
 *   { positives: logProbId, negatives: logProbOod },
 * )
 */
export function delongTest(a: ClassScores, b: ClassScores): DelongTest {
  checkObject('a', a, 'an object { positives, negatives } of scores')
  checkObject('b', b, 'an object { positives, negatives } of scores')
  const placedA = placements('a.', a)
  const placedB = placements('b.', b)
  // The variance of the differences rather than s2(A) + s2(B) - 2 s(A, B): no cancellation, never negative.
  const standardError = placementError(
    differences('positives', placedA.ofPositives, placedB.ofPositives),
    differences('negatives', placedA.ofNegatives, placedB.ofNegatives),
  )
  const difference = placedA.auroc - placedB.auroc
  const z = difference === 0 ? 0 : difference / standardError
  const pValue = Math.min(1, 2 * upperTail(Math.abs(z)))
  return { aurocA: placedA.auroc, aurocB: placedB.auroc, difference, standardError, z, pValue }
}

/** Placements as doubled counts: whole numbers, so that equal placements have a variance of exactly 0. */
interface Placements {
  auroc: number
  /** 2 n- V(p): twice the negatives below p plus those equal to p. */
  ofPositives: Float64Array
  /** 2 n+ (1 - W(q)): twice the positives below q plus those equal to q. */
  ofNegatives: Float64Array
}

function placements(prefix: string, scores: ClassScores): Placements {
  const pos = copyScores(`${prefix}positives`, scores.positives)
  const neg = copyScores(`${prefix}negatives`, scores.negatives)
  checkVariance(`${prefix}positives`, pos)
  checkVariance(`${prefix}negatives`, neg)
  const sortedPos = sortAscending(pos.slice())
  const sortedNeg = sortAscending(neg.slice())
  const ofPositives = pos.map((p) => countBelow(sortedNeg, p) + countUpTo(sortedNeg, p))
  const ofNegatives = neg.map((q) => countBelow(sortedPos, q) + countUpTo(sortedPos, q))
  let doubled = 0
  for (const count of ofPositives) doubled += count
  return { auroc: doubled / (2 * pos.length * neg.length), ofPositives, ofNegatives }
}

function checkVariance(name: string, scores: Float64Array): void {
  if (scores.length < 2) throw new RocError('E_SHAPE', name, 'at least two scores for a variance', scores.length)
}

/** sqrt(s2(V) / n+ + s2(W) / n-) from doubled counts. */
function placementError(ofPositives: Float64Array, ofNegatives: Float64Array): number {
  const positiveCount = ofPositives.length
  const negativeCount = ofNegatives.length
  return Math.sqrt(
    sampleVariance(ofPositives) / (4 * negativeCount ** 2 * positiveCount) +
      sampleVariance(ofNegatives) / (4 * positiveCount ** 2 * negativeCount),
  )
}

function differences(name: string, ofA: Float64Array, ofB: Float64Array): Float64Array {
  checkSameLength(`b.${name}`, `a.${name}`, ofB.length, ofA.length)
  return ofA.map((value, i) => value - ofB[i]!)
}

/** Sample variance (divisor n - 1), two passes, shifted by the first value so that constants give exactly 0. */
function sampleVariance(values: Float64Array): number {
  const n = values.length
  const shift = values[0]!
  let mean = 0
  for (const value of values) mean += (value - shift) / n
  let sum = 0
  for (const value of values) sum += (value - shift - mean) ** 2
  return sum / (n - 1)
}

function logistic(t: number): number {
  return 1 / (1 + Math.exp(-t))
}
