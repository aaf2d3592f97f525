// Minimum detection error: the smallest average of the two error rates over all thresholds.
import { thresholdCounts } from './internal/counts.ts'
import type { Scores } from './scores.ts'

/**
 * Detection error: min over thresholds of (FPR + 1 - TPR) / 2, the error of the best threshold when both classes are
 * equally likely (Liang et al. 2018, ODIN). The two trivial thresholds count, so it never exceeds 0.5. The threshold is
 * chosen on the scores it is judged on, which is optimistic.
 *
 * The number is the same with the classes swapped and the scores negated.
 *
 * @param positives - scores of the class expected to score higher, at least one finite number
 * @param negatives - scores of the other class, at least one finite number
 * @returns a rate in [0, 0.5]; 0 is best
 * @throws RocError E_EMPTY, E_NOT_FINITE
 *
 * Cost: as {@link rocCurve}.
 *
 * @example
 * detectionError([2, 3], [1, 2]) // 0.25
 */
export function detectionError(positives: Scores, negatives: Scores): number {
  const { truePositives, falsePositives, positiveCount, negativeCount } = thresholdCounts(positives, negatives)
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < truePositives.length; i++) {
    const errors = falsePositives[i]! / negativeCount + (positiveCount - truePositives[i]!) / positiveCount
    if (errors < least) least = errors
  }
  return least / 2
}
