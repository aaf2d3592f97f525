// The detection error trade-off curve: misses against false alarms.
import { checkObject } from './internal/check.ts'
import { rates, thresholdCounts } from './internal/counts.ts'
import { upperQuantile } from './internal/normal.ts'
import { weightedCounts, weightPair } from './internal/weighted-counts.ts'
import type { Scores } from './scores.ts'
import type { WeightOptions } from './weights.ts'

/** Operating points of the rule `score >= threshold`, strictest first; every array has one entry a point. */
export interface DetCurve {
  /** Thresholds, descending. The first can be +Infinity, where the highest score is a negative's. */
  readonly thresholds: Float64Array
  /** Share of negatives accepted (false alarms), ascending. */
  readonly falsePositiveRate: Float64Array
  /** Share of positives refused (misses), descending to 0. */
  readonly falseNegativeRate: Float64Array
}

/**
 * DET curve (Martin et al. 1997): both error rates of every threshold, usually drawn with both axes in {@link probit}
 * units, where normally distributed scores give a straight line.
 *
 * FPR(t) = #(negatives >= t) / n-, FNR(t) = #(positives < t) / n+. Points are kept from the least false positives on to
 * the first point without misses. Equals scikit-learn's `det_curve`, in the opposite order.
 *
 * @param positives - scores of the class expected to score higher, at least one finite number
 * @param negatives - scores of the other class, at least one finite number
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_ARGUMENT, E_SHAPE
 *
 * Cost: as `rocCurve`.
 *
 * @example
 * const { thresholds, falsePositiveRate, falseNegativeRate } = detCurve([0.4, 0.8], [0.1, 0.35, 0.5])
 * // thresholds [0.8, 0.5, 0.4], falsePositiveRate [0, 1/3, 1/3], falseNegativeRate [0.5, 0.5, 0]
 */
export function detCurve(positives: Scores, negatives: Scores, options: WeightOptions = {}): DetCurve {
  checkObject('options', options)
  const { thresholds, truePositives, falsePositives, positiveCount, negativeCount } =
    options.weights === undefined
      ? thresholdCounts(positives, negatives)
      : weightedCounts(positives, negatives, weightPair(options.weights, ['positives', 'negatives']))
  let from = 0
  while (falsePositives[from + 1] === 0) from++
  const to = truePositives.indexOf(positiveCount) + 1
  const misses = Float64Array.from(truePositives.subarray(from, to), (count) => (positiveCount - count) / positiveCount)
  return {
    thresholds: thresholds.slice(from, to),
    falsePositiveRate: rates(falsePositives.subarray(from, to), negativeCount),
    falseNegativeRate: misses,
  }
}

/**
 * Quantile of the standard normal: the unit of a DET plot's axes. -Infinity at 0, +Infinity at 1, NaN outside [0, 1].
 *
 * @example
 * probit(0.975) // 1.959963984540054
 */
export function probit(rate: number): number {
  if (!(rate >= 0 && rate <= 1)) return Number.NaN
  if (rate === 0 || rate === 1) return rate === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (rate === 0.5) return 0
  return rate < 0.5 ? -upperQuantile(rate) : upperQuantile(1 - rate)
}
