// The exact ROC curve of the dual-threshold rule `x >= a and y >= b`, with the thresholds that reach each point.
import { checkObject, checkOneOf, copyDual } from './internal/check.ts'
import { rates } from './internal/counts.ts'
import { exactStaircase } from './internal/exact-staircase.ts'
import { referenceFrontier } from './internal/reference-frontier.ts'
import type { DualScores } from './scores.ts'

/** Operating points of the rule `x >= thresholdX and y >= thresholdY`; both counts ascend, one entry a point. */
export interface DualRoc {
  /**
   * Exact curve: the budget k = 0, 1, ..., negativeCount of accepted negatives; the thresholds accept **at most** k.
   * Reference curve: the number of accepted negatives.
   */
  readonly falsePositives: Uint32Array
  /** Exact curve: the most positives any pair of thresholds accepts within that budget. */
  readonly truePositives: Uint32Array
  /** falsePositives / negativeCount. */
  readonly falsePositiveRate: Float64Array
  /** truePositives / positiveCount. */
  readonly truePositiveRate: Float64Array
  /** Threshold on x that reaches the point; +Infinity when nothing is accepted. */
  readonly thresholdX: Float64Array
  /** Threshold on y that reaches the point; +Infinity when nothing is accepted. */
  readonly thresholdY: Float64Array
  readonly positiveCount: number
  readonly negativeCount: number
}

/** Options of {@link dualRoc}. */
export interface DualRocOptions {
  /**
   * `reference`: the frontier of the published code instead of the exact curve, each distinct
   * point once. Needed to reproduce published dual AUCs; see {@link dualAuroc} for how it differs.
   */
  readonly compat?: 'reference' | undefined
}

/**
 * Exact dual-threshold ROC: for every number k of accepted negatives, the most positives that any pair (a, b) accepts,
 *
 * TP(k) = max { #(x+ >= a and y+ >= b) : #(x- >= a and y- >= b) <= k },   k = 0 ... n-
 *
 * and a pair that reaches it. In the likelihood/LID detector (Kamkari et al. 2024) x is log p, y is LID, positives are
 * in-distribution. The pair is tight: a and b are the smallest x and y among the positives it accepts. Of several pairs
 * it is one with the fewest false positives and, among those, the highest a.
 *
 * The thresholds are chosen on the scores they are judged on, so the curve is what the best pair could do in hindsight.
 *
 * Method: raising a threshold to the next accepted positive loses nothing, so only coordinates of positives matter.
 * Positives enter by descending x; after each one, a scan over the y-ranks of the positives, loosest first, follows the
 * integer counts (TP, FP) up to the positive that just entered: above it the pair was already seen at a higher a. Blocks
 * of ranks whose counts cannot beat the curve found so far are skipped whole.
 *
 * @param positives - x and y of the class to accept, n+ >= 1 finite pairs
 * @param negatives - x and y of the class to reject, n- >= 1 finite pairs
 * @returns n- + 1 points (compat: at most n+ + n- + 1)
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_SHAPE, E_ARGUMENT
 *
 * Cost: at most n+^2 / 2 + n- n+ simple steps and O(n) memory; usually about n+^1.5, because most blocks are skipped.
 * `compat` has the same growth over the n + 2 thresholds of both classes.
 *
 * @example
 * const curve = dualRoc({ x: logProbId, y: lidId }, { x: logProbOod, y: lidOod })
 * const k = Math.floor(0.05 * curve.negativeCount) // at most 5 % of OOD accepted
 * console.log(curve.truePositiveRate[k], curve.thresholdX[k], curve.thresholdY[k])
 */
export function dualRoc(positives: DualScores, negatives: DualScores, options: DualRocOptions = {}): DualRoc {
  checkObject('options', options)
  if (options.compat !== undefined) checkOneOf('compat', options.compat, ['reference'])
  const pos = copyDual('positives', positives)
  const neg = copyDual('negatives', negatives)
  const points = options.compat === 'reference' ? referenceFrontier(pos, neg) : exactStaircase(pos, neg)
  const positiveCount = pos.x.length
  const negativeCount = neg.x.length
  return {
    ...points,
    falsePositiveRate: rates(points.falsePositives, negativeCount),
    truePositiveRate: rates(points.truePositives, positiveCount),
    positiveCount,
    negativeCount,
  }
}
