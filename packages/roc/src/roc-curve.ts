// The ROC curve: false and true positive rates at every distinct score, ties grouped.
import { checkObject } from './internal/check.ts'
import { rates, type ThresholdCounts, thresholdCounts } from './internal/counts.ts'
import { weightedCounts, weightPair } from './internal/weighted-counts.ts'
import type { Scores } from './scores.ts'
import type { ClassWeights } from './weights.ts'

/** Operating points of the rule `score >= threshold`, strictest first; every array has one entry a point. */
export interface RocCurve<Counts extends Uint32Array | Float64Array = Uint32Array> {
  /** Thresholds, descending; the first is +Infinity (nothing accepted), the last is the lowest score. */
  readonly thresholds: Float64Array
  /** Negatives accepted; with weights their weight. */
  readonly falsePositives: Counts
  /** Positives accepted; with weights their weight. */
  readonly truePositives: Counts
  /** falsePositives / negativeCount. */
  readonly falsePositiveRate: Float64Array
  /** truePositives / positiveCount. */
  readonly truePositiveRate: Float64Array
  readonly positiveCount: number
  readonly negativeCount: number
}

/** Options of {@link rocCurve}. */
export interface RocCurveOptions {
  /** How much each item counts (default: once). Items of weight 0 make no point. */
  readonly weights?: ClassWeights | undefined
  /** Drop points that lie on the straight line between their neighbours (decided on the counts). Default false. */
  readonly dropCollinear?: boolean | undefined
}

/**
 * ROC curve of the rule "call it positive when score >= threshold", with one point for each distinct pooled score.
 *
 * TPR(t) = #(positives >= t) / n+, FPR(t) = #(negatives >= t) / n-. Starts at (0, 0), ends at (1, 1). Equal scores are
 * one point, so the trapezoid under the curve is the Mann-Whitney statistic with 1/2 for ties (Fawcett 2006). Equals
 * scikit-learn's `roc_curve(drop_intermediate=False)`, with weights its `sample_weight`.
 *
 * @param positives - scores of the class expected to score higher, n+ >= 1 finite numbers
 * @param negatives - scores of the other class, n- >= 1 finite numbers
 * @returns arrays of 1 + (number of distinct scores) points; rates in [0, 1]
 * @throws RocError E_EMPTY, E_NOT_FINITE; of weights E_ARGUMENT, E_SHAPE
 *
 * Cost: O(n log n) time at worst, O(n) without weights on spread-out scores.
 *
 * @example
 * const curve = rocCurve([2, 3], [1, 2])
 * // thresholds [Infinity, 3, 2, 1], falsePositiveRate [0, 0, 0.5, 1], truePositiveRate [0, 0.5, 1, 1]
 */
export function rocCurve(
  positives: Scores,
  negatives: Scores,
  options?: RocCurveOptions & { readonly weights?: undefined },
): RocCurve
export function rocCurve(
  positives: Scores,
  negatives: Scores,
  options?: RocCurveOptions,
): RocCurve<Uint32Array | Float64Array>
export function rocCurve(
  positives: Scores,
  negatives: Scores,
  options: RocCurveOptions = {},
): RocCurve<Uint32Array | Float64Array> {
  checkObject('options', options)
  const counts: ThresholdCounts<Uint32Array | Float64Array> =
    options.weights === undefined
      ? thresholdCounts(positives, negatives)
      : weightedCounts(positives, negatives, weightPair(options.weights, ['positives', 'negatives']))
  const { thresholds, truePositives, falsePositives, positiveCount, negativeCount } = options.dropCollinear
    ? withoutCollinear(counts)
    : counts
  return {
    thresholds,
    falsePositives,
    truePositives,
    falsePositiveRate: rates(falsePositives, negativeCount),
    truePositiveRate: rates(truePositives, positiveCount),
    positiveCount,
    negativeCount,
  }
}

function withoutCollinear(
  counts: ThresholdCounts<Uint32Array | Float64Array>,
): ThresholdCounts<Uint32Array | Float64Array> {
  const { thresholds, truePositives: tp, falsePositives: fp } = counts
  const kept: number[] = [0]
  for (let i = 1; i < tp.length; i++) {
    const last = kept[kept.length - 1]!
    const isEnd = i === tp.length - 1
    // Cross product of (kept -> i) and (i -> i + 1) in whole numbers: 0 means i adds nothing to the line.
    if (isEnd || (fp[i]! - fp[last]!) * (tp[i + 1]! - tp[i]!) !== (tp[i]! - tp[last]!) * (fp[i + 1]! - fp[i]!)) {
      kept.push(i)
    }
  }
  return {
    ...counts,
    thresholds: Float64Array.from(kept, (i) => thresholds[i]!),
    truePositives: picked(tp, kept),
    falsePositives: picked(fp, kept),
  }
}

function picked(counts: Uint32Array | Float64Array, at: readonly number[]): Uint32Array | Float64Array {
  const out = counts.slice(0, at.length)
  for (const [i, from] of at.entries()) out[i] = counts[from]!
  return out
}
