// Area under the dual-threshold ROC curve: exact staircase with a named interpolation, or the reference's number.
import { auc, type Interpolation } from './auc.ts'
import { dualRoc } from './dual-roc.ts'
import { RocError } from './errors.ts'
import { checkObject } from './internal/check.ts'
import type { DualScores } from './scores.ts'

/** Options of {@link dualAuroc}: an interpolation of the exact curve, or the reference's own curve and rule. */
export type DualAurocOptions =
  | { readonly interpolation?: Interpolation; readonly compat?: undefined }
  | { readonly compat: 'reference'; readonly interpolation?: undefined }

/**
 * Area under the ROC curve of the rule `x >= a and y >= b`.
 *
 * The exact curve of {@link dualRoc} is reduced to the points where TP grows, with (0, 0) and (1, 1) as ends, and
 * integrated with one of:
 *
 * - `step` (default): sum over k of TP(k) / (n+ n-). What pairs of thresholds reach without randomisation. A tie between
 *   classes counts as an error, so it is a lower bound; without ties between classes it is at least the AUROC of x alone
 *   and of y alone.
 * - `linear`: straight lines between the points. Optimistic: a point inside a line needs a coin toss between two pairs.
 * - `hull`: straight lines over the concave hull, the best that coin tosses can do. The most optimistic: never below the
 *   AUROC of x alone, of y alone, `step`, `linear` or the reference's number.
 *
 * `compat: 'reference'` is the number of the published code (Kamkari et al. 2024): trapezoid over a greedy frontier
 * that also keeps flat runs. It lies between `step` and `hull`, equals `step` up to ties in practice, and with ties
 * between classes can fall below the AUROC of x alone.
 *
 * All of them choose thresholds on the scores they are judged on, so all are optimistic about new data; a bootstrap does
 * not remove that.
 *
 * @param positives - x and y of the class to accept (in-distribution), n+ >= 1 finite pairs
 * @param negatives - x and y of the class to reject (OOD), n- >= 1 finite pairs
 * @returns an area in [0, 1]
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_SHAPE, E_ARGUMENT
 *
 * Cost: as {@link dualRoc}.
 *
 * @example
 * dualAuroc({ x: [1, 2, 3, 4], y: [10, 11, 12, 13] }, { x: [2.5, 3.5, 4.5, 5.5], y: [1, 2, 3, 4] }) // 1
 */
export function dualAuroc(positives: DualScores, negatives: DualScores, options: DualAurocOptions = {}): number {
  checkObject('options', options)
  const { compat, interpolation } = options
  if (compat !== undefined && interpolation !== undefined) {
    throw new RocError(
      'E_ARGUMENT',
      'interpolation',
      "none with compat 'reference', which fixes its own",
      interpolation,
    )
  }
  const curve = dualRoc(positives, negatives, compat === undefined ? {} : { compat })
  const { falsePositives, truePositives, positiveCount, negativeCount } = curve
  const kept: number[] = []
  for (let i = 0; i < truePositives.length; i++) {
    if (compat !== undefined || truePositives[i]! > (i === 0 ? 0 : truePositives[i - 1]!)) kept.push(i)
  }
  // Counts rather than rates: the sums are exact in whole (or half) numbers and rounded once.
  const fp = [0, ...kept.map((i) => falsePositives[i]!), negativeCount]
  const tp = [0, ...kept.map((i) => truePositives[i]!), positiveCount]
  const area = auc(fp, tp, { interpolation: compat === undefined ? (interpolation ?? 'step') : 'linear' })
  return area / (positiveCount * negativeCount)
}
