// Area under the low-FPR part of the ROC curve, raw or standardised (McClish).
import { checkFraction, checkObject } from './internal/check.ts'
import { rocCurve } from './roc-curve.ts'
import type { Scores } from './scores.ts'
import type { WeightOptions } from './weights.ts'

/** Options of {@link partialAuroc}. */
export interface PartialAurocOptions extends WeightOptions {
  /** The area is that of 0 <= FPR <= maxFpr, in (0, 1]. */
  readonly maxFpr: number
  /**
   * Scale the area so that 0.5 is a detector without any power and 1 a perfect one (McClish 1989), as scikit-learn's
   * `roc_auc_score(max_fpr=...)` does (default true); false gives the area itself, in [0, maxFpr].
   */
  readonly standardized?: boolean | undefined
}

/**
 * Partial AUROC: how good a detector is where few false alarms can be afforded.
 *
 * A = integral of TPR over FPR in [0, m], linear between the points of the curve; standardised
 * (1 + (A - m^2 / 2) / (m - m^2 / 2)) / 2 (McClish 1989, Medical Decision Making 9). With m = 1 both are the AUROC.
 *
 * @param positives - scores of the class expected to score higher, at least one finite number
 * @param negatives - scores of the other class, at least one finite number
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_ARGUMENT, E_SHAPE
 *
 * Cost: as {@link rocCurve}.
 *
 * @example
 * partialAuroc([1, 2, 3], [0, 1, 2], { maxFpr: 0.5 }) // 0.7037...
 * partialAuroc([1, 2, 3], [0, 1, 2], { maxFpr: 0.5, standardized: false }) // 0.2777...
 */
export function partialAuroc(positives: Scores, negatives: Scores, options: PartialAurocOptions): number {
  checkObject('options', options)
  const { maxFpr: m, standardized = true, weights } = options
  checkFraction('maxFpr', m, true)
  const { falsePositiveRate: x, truePositiveRate: y } = rocCurve(positives, negatives, weights ? { weights } : {})
  let area = 0
  for (let i = 1; i < x.length; i++) {
    const [x0, y0, y1] = [x[i - 1]!, y[i - 1]!, y[i]!]
    const x1 = Math.min(x[i]!, m)
    const height = x[i]! > m ? y0 + ((y1 - y0) * (m - x0)) / (x[i]! - x0) : y1
    area += (x1 - x0) * 0.5 * (y0 + height)
    if (x[i]! > m) break
  }
  if (!standardized || m === 1) return area
  const least = 0.5 * m * m
  return 0.5 * (1 + (area - least) / (m - least))
}
