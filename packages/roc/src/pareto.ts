// Pareto frontier of ROC operating points: the true one, and the greedy scan of the reference code.
import { checkObject, checkOneOf, checkSameLength, copyScores } from './internal/check.ts'
import type { Scores } from './scores.ts'

/** ROC operating points in any order, rates in [0, 1]. */
export interface RocPoints {
  readonly falsePositiveRate: Scores
  readonly truePositiveRate: Scores
}

/** A frontier from (0, 0) to (1, 1), both rates ascending. */
export interface ParetoFrontier {
  readonly falsePositiveRate: Float64Array
  readonly truePositiveRate: Float64Array
  /** Index of each frontier point in the input; -1 for the end points (0, 0) and (1, 1) that were added. */
  readonly index: Int32Array
}

/** Options of {@link paretoFrontier}. */
export interface ParetoOptions {
  /**
   * `reference`: the greedy scan of the published code, needed to reproduce published dual
   * AUCs. It keeps every point that is not below the last kept one, dominated and repeated points included.
   */
  readonly compat?: 'reference' | undefined
}

/**
 * The operating points that no other point beats (lower FPR and higher TPR), with (0, 0) and (1, 1) as ends.
 *
 * Points are scanned by ascending FPR and, within one FPR, descending TPR; a point is kept when its TPR exceeds the last
 * kept one. With `compat: 'reference'` both rates ascend in the scan and a point is kept when its TPR is **not below**
 * the last kept one; (1, 1) is always appended.
 *
 * @param points - FPR and TPR lists of equal length, at least one point
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_SHAPE, E_ARGUMENT
 *
 * Cost: O(n log n).
 *
 * @example
 * const frontier = paretoFrontier({ falsePositiveRate: [0.2, 0.1, 0.3], truePositiveRate: [0.5, 0.6, 0.9] })
 * // falsePositiveRate [0, 0.1, 0.3, 1], truePositiveRate [0, 0.6, 0.9, 1], index [-1, 1, 2, -1]
 */
export function paretoFrontier(points: RocPoints, options: ParetoOptions = {}): ParetoFrontier {
  checkObject('points', points, 'an object { falsePositiveRate, truePositiveRate }')
  checkObject('options', options)
  const isReference = options.compat !== undefined
  if (options.compat !== undefined) checkOneOf('compat', options.compat, ['reference'])
  const fpr = copyScores('falsePositiveRate', points.falsePositiveRate)
  const tpr = copyScores('truePositiveRate', points.truePositiveRate)
  checkSameLength('truePositiveRate', 'falsePositiveRate', tpr.length, fpr.length)

  const upwards = isReference ? 1 : -1
  const order = new Uint32Array(fpr.length).map((_, i) => i)
  order.sort((i, j) => fpr[i]! - fpr[j]! || upwards * (tpr[i]! - tpr[j]!))

  const index: number[] = [-1]
  let last = 0
  for (const i of order) {
    if (isReference ? tpr[i]! >= last : tpr[i]! > last) {
      index.push(i)
      last = tpr[i]!
    }
  }
  const end = index[index.length - 1]!
  const endsAtCorner = end >= 0 && fpr[end] === 1 && tpr[end] === 1
  if (isReference || !endsAtCorner) index.push(-1)

  // The added points are the first, (0, 0), and the last, (1, 1).
  const rateAt = (rate: Float64Array): Float64Array =>
    Float64Array.from(index, (i, k) => (i >= 0 ? rate[i]! : k === 0 ? 0 : 1))
  return {
    falsePositiveRate: rateAt(fpr),
    truePositiveRate: rateAt(tpr),
    index: Int32Array.from(index),
  }
}
