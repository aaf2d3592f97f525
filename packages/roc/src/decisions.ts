// Decisions at one threshold, counted: OOD items are the positives.
import { RocError } from './errors.ts'
import { checkObject, copyScores } from './internal/check.ts'
import type { OutlierScores } from './scores.ts'

/** Counts of decisions and the rates made of them; a rate over nothing is 0, as in scikit-learn. */
export interface Decisions {
  readonly threshold: number
  /** Items called in-distribution: rightly, and wrongly. */
  readonly trueNegatives: number
  readonly falseNegatives: number
  /** Items called OOD: rightly, and wrongly. */
  readonly truePositives: number
  readonly falsePositives: number
  /** Share of all items that are called what they are. */
  readonly accuracy: number
  /** Share of the items called OOD that are. */
  readonly precision: number
  /** Share of the OOD items called OOD. */
  readonly recall: number
  /** Harmonic mean of precision and recall. */
  readonly f1: number
}

/**
 * Decides `score > threshold`, strictly, for outlier scores. The threshold should come from other items than these.
 *
 * @param scores - outlier scores of both classes, higher = more OOD, each at least one finite number
 * @param threshold - any number but NaN; infinities call all items alike
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_ARGUMENT
 *
 * Cost: O(n).
 *
 * @example
 * const { recall, precision } = decisionsAt({ inDistribution: [1, 2], outOfDistribution: [2, 3] }, 2) // 0.5, 1
 */
export function decisionsAt(scores: OutlierScores, threshold: number): Decisions {
  checkObject('scores', scores, 'an object { inDistribution, outOfDistribution } of scores')
  if (typeof threshold !== 'number' || Number.isNaN(threshold))
    throw new RocError('E_ARGUMENT', 'threshold', 'a number', threshold)
  const inside = copyScores('inDistribution', scores.inDistribution)
  const outside = copyScores('outOfDistribution', scores.outOfDistribution)
  const above = (values: Float64Array): number =>
    values.reduce((count, score) => count + (score > threshold ? 1 : 0), 0)
  const [falsePositives, truePositives] = [above(inside), above(outside)]
  const trueNegatives = inside.length - falsePositives
  const falseNegatives = outside.length - truePositives
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
  return {
    threshold,
    trueNegatives,
    falseNegatives,
    truePositives,
    falsePositives,
    accuracy: share(trueNegatives + truePositives, inside.length + outside.length),
    precision: share(truePositives, truePositives + falsePositives),
    recall: share(truePositives, outside.length),
    f1: share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
  }
}
