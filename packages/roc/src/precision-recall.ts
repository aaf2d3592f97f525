// Precision-recall curve and its two areas: trapezoid (OpenOOD, pytorch-ood) and average precision (scikit-learn, NCIS).
import { checkObject } from './internal/check.ts'
import { rates, thresholdCounts } from './internal/counts.ts'
import { weightedCounts, weightPair } from './internal/weighted-counts.ts'
import type { Scores } from './scores.ts'
import type { WeightOptions } from './weights.ts'

/** Operating points of the rule `score >= threshold`, strictest first, so recall ascends. */
export interface PrecisionRecallCurve {
  /** Thresholds, descending; the first is +Infinity. */
  readonly thresholds: Float64Array
  /** Share of accepted items that are positive; 1 at the first point, where nothing is accepted. */
  readonly precision: Float64Array
  /** Share of positives accepted (the true positive rate). */
  readonly recall: Float64Array
  /** Number of positives; with weights their sum. */
  readonly positiveCount: number
  readonly negativeCount: number
}

/**
 * Precision-recall curve with one point for each distinct pooled score.
 *
 * precision(t) = TP / (TP + FP), recall(t) = TP / n+; the first point is (recall 0, precision 1) by convention. The
 * curve depends on which class is positive and on the class balance. Same points as scikit-learn's
 * `precision_recall_curve`, in the opposite order.
 *
 * @param positives - scores of the class expected to score higher, at least one finite number
 * @param negatives - scores of the other class, at least one finite number
 * @param options - `weights` of the items, as scikit-learn's `sample_weight`
 * @throws RocError E_EMPTY, E_NOT_FINITE; of weights E_ARGUMENT, E_SHAPE
 *
 * Cost: as {@link rocCurve}.
 *
 * @example
 * const { recall, precision } = precisionRecallCurve([2, 3], [1, 2])
 * // recall [0, 0.5, 1, 1], precision [1, 1, 2 / 3, 0.5]
 */
export function precisionRecallCurve(
  positives: Scores,
  negatives: Scores,
  options: WeightOptions = {},
): PrecisionRecallCurve {
  checkObject('options', options)
  const { thresholds, truePositives, falsePositives, positiveCount, negativeCount } =
    options.weights === undefined
      ? thresholdCounts(positives, negatives)
      : weightedCounts(positives, negatives, weightPair(options.weights, ['positives', 'negatives']))
  const precision = new Float64Array(thresholds.length)
  precision[0] = 1
  for (let i = 1; i < precision.length; i++) {
    precision[i] = truePositives[i]! / (truePositives[i]! + falsePositives[i]!)
  }
  return { thresholds, precision, recall: rates(truePositives, positiveCount), positiveCount, negativeCount }
}

/**
 * Area under the precision-recall curve by the trapezoid rule, the convention of OpenOOD and pytorch-ood.
 *
 * Linear interpolation between PR points is optimistic (Davis & Goadrich 2006): equal scores in both classes of a
 * balanced set give 0.75, where {@link averagePrecision} gives 0.5. Say which one a table holds.
 *
 * For AUPR-OUT pass OOD items as positives with outlier scores; for AUPR-IN pass ID items as positives with negated
 * outlier scores, or use {@link oodMetrics}, which does both.
 *
 * @param positives - scores of the class expected to score higher, at least one finite number
 * @param negatives - scores of the other class, at least one finite number
 * @param options - `weights` of the items, as scikit-learn's `sample_weight`
 * @throws RocError E_EMPTY, E_NOT_FINITE; of weights E_ARGUMENT, E_SHAPE
 *
 * @example
 * auprTrapezoid([1, 1], [1, 1]) // 0.75
 */
export function auprTrapezoid(positives: Scores, negatives: Scores, options: WeightOptions = {}): number {
  const { recall, precision } = precisionRecallCurve(positives, negatives, options)
  let area = 0
  for (let i = 1; i < recall.length; i++) {
    area += (recall[i]! - recall[i - 1]!) * 0.5 * (precision[i]! + precision[i - 1]!)
  }
  return area
}

/**
 * Average precision: the step sum AP = sum_i (recall_i - recall_{i-1}) precision_i, the convention of scikit-learn and
 * NCIS. No interpolation, so it is not optimistic.
 *
 * @param positives - scores of the class expected to score higher, at least one finite number
 * @param negatives - scores of the other class, at least one finite number
 * @param options - `weights` of the items, as scikit-learn's `sample_weight`
 * @throws RocError E_EMPTY, E_NOT_FINITE; of weights E_ARGUMENT, E_SHAPE
 *
 * @example
 * averagePrecision([1, 1], [1, 1]) // 0.5
 */
export function averagePrecision(positives: Scores, negatives: Scores, options: WeightOptions = {}): number {
  const { recall, precision } = precisionRecallCurve(positives, negatives, options)
  let sum = 0
  for (let i = 1; i < recall.length; i++) sum += (recall[i]! - recall[i - 1]!) * precision[i]!
  return sum
}
