// Thresholds and conformal p-values from reference scores: the only implementation in the project.
import { ascending, mismatch, OodError, quantile } from '@ood/core'
import { countFrom, upperQuantile } from './internal/order.ts'

/**
 * Where a threshold is put. A bare number is a false positive rate.
 *
 * - `falsePositiveRate`: on in-distribution data, at most this share scores above the threshold (the quantile's higher
 *   neighbour).
 * - `percentile`: this percentage of the data is considered normal, linear between neighbours as NumPy does it. Data
 *   known to hold 30 % outliers takes 70.
 */
export type ThresholdTarget =
  | number
  | { falsePositiveRate: number; percentile?: never }
  | { percentile: number; falsePositiveRate?: never }

/** Reference scores with what they are for. */
export interface Calibration {
  /** The reference scores, ascending. */
  readonly scores: Float64Array
  /** The score that a `target` cuts at; a row is an outlier when its score is strictly above. */
  threshold(target: ThresholdTarget): number
  /**
   * (1 + #{reference >= score}) / (n + 1), in (0, 1]: conformal p-values (Vovk et al. 2005, Algorithmic Learning in a
   * Random World, 2.3). When the reference scores and a new in-distribution score are exchangeable - same distribution,
   * none of them used for fitting - P(p <= a) <= a for every a, whatever the score is.
   */
  pValues(scores: ArrayLike<number>): Float64Array
}

/**
 * Thresholds and p-values from scores of in-distribution rows, best rows that were not used for fitting.
 *
 * Infinite scores are ordinary values. Cost: one sort of n numbers, then O(log n) a p-value.
 *
 * @param options - `compat: 'reference'`: p-values (1 + #{reference > score}) / n, which can exceed 1, as in the
 *   reference library
 * @throws OodError `E_EMPTY` for no scores, `E_NOT_FINITE` for NaN; from `threshold`, `E_ARGUMENT` for a rate that n
 *   scores cannot resolve (below 1/n), `E_NOT_FINITE` for a threshold that would be infinite
 * @example
 * const known = calibration(heldOutScores)
 * known.threshold(0.05) // at most 5 % of such scores are above
 * known.pValues(scores)
 */
export function calibration(
  scores: ArrayLike<number>,
  { compat }: { compat?: 'reference' | undefined } = {},
): Calibration {
  if (scores.length === 0) throw new OodError('E_EMPTY', 'calibration: expected at least one score, got none')
  assertScores('calibration scores', scores)
  const sorted = ascending(scores)
  const n = sorted.length
  return {
    scores: sorted,
    threshold(target) {
      const value = cut(sorted, target)
      if (!Number.isFinite(value)) throw mismatch('E_NOT_FINITE', 'threshold', 'a quantile among finite scores', value)
      return value
    },
    pValues(values) {
      assertScores('scores', values)
      return Float64Array.from(values, (value) =>
        compat ? (1 + countFrom(sorted, value, true)) / n : (1 + countFrom(sorted, value, false)) / (n + 1),
      )
    },
  }
}

/** Checks a target's form, before any score is computed. @throws OodError `E_ARGUMENT` */
export function assertTarget(target: ThresholdTarget): void {
  const { falsePositiveRate, percentile } = typeof target === 'number' ? { falsePositiveRate: target } : target
  if ((falsePositiveRate === undefined) === (percentile === undefined))
    throw mismatch(
      'E_ARGUMENT',
      'threshold target',
      'either percentile or falsePositiveRate',
      percentile === undefined ? 'neither' : 'both',
    )
  if (percentile !== undefined && !(percentile >= 0 && percentile <= 100))
    throw mismatch('E_ARGUMENT', 'percentile', 'a number in [0, 100]', percentile)
  if (falsePositiveRate !== undefined && !(falsePositiveRate > 0 && falsePositiveRate < 1))
    throw mismatch('E_ARGUMENT', 'falsePositiveRate', 'a number in (0, 1)', falsePositiveRate)
}

/** Throws `E_NOT_FINITE` for the first NaN; infinities pass. */
export function assertScores(what: string, scores: ArrayLike<number>): void {
  for (let i = 0; i < scores.length; i++)
    if (typeof scores[i] !== 'number' || Number.isNaN(scores[i]))
      throw mismatch('E_NOT_FINITE', what, 'numbers', `${scores[i]} at position ${i}`)
}

function cut(sorted: Float64Array, target: ThresholdTarget): number {
  assertTarget(target)
  if (typeof target === 'number') return upperQuantile(sorted, target)
  return target.percentile === undefined
    ? upperQuantile(sorted, target.falsePositiveRate)
    : quantile(sorted, target.percentile / 100)
}
