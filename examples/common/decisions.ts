// Scores of two sets, in and out of distribution: AUC, and the decisions at thresholds counted. Outliers are the positives.
import type { ReportTable } from '@ood/plots'
import { auroc, delongTest } from '@ood/roc'
import { intervalOf } from './judge.ts'
import { byName } from './splits.ts'

/** Counts of decisions and the rates made of them; a rate over nothing is 0, as in scikit-learn. */
export interface Decisions {
  /** Rows called in-distribution: rightly, and wrongly. */
  trueNegatives: number
  falseNegatives: number
  /** Rows called OOD: rightly, and wrongly. */
  truePositives: number
  falsePositives: number
  accuracy: number
  /** Share of the rows called OOD that are. */
  precision: number
  /** Share of the OOD rows called OOD. */
  recall: number
  /** Harmonic mean of precision and recall. */
  f1: number
}

/** Decisions at one threshold. */
export interface Decided extends Decisions {
  threshold: number
}

/** Decides score > threshold, strictly, for scores where higher = more OOD. */
export function decide(inDistribution: ArrayLike<number>, ood: ArrayLike<number>, threshold: number): Decisions {
  const above = (scores: ArrayLike<number>): number => Array.from(scores).filter((score) => score > threshold).length
  const [falsePositives, truePositives] = [above(inDistribution), above(ood)]
  const trueNegatives = inDistribution.length - falsePositives
  const falseNegatives = ood.length - truePositives
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
  return {
    trueNegatives,
    falseNegatives,
    truePositives,
    falsePositives,
    accuracy: share(trueNegatives + truePositives, inDistribution.length + ood.length),
    precision: share(truePositives, truePositives + falsePositives),
    recall: share(truePositives, ood.length),
    f1: share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
  }
}

/** A score's AUC with its DeLong interval, symmetric in log odds, and the decisions at every threshold. */
export function judgeTwo<Name extends string>(
  inside: Float64Array,
  outside: Float64Array,
  thresholds: Readonly<Record<Name, number>>,
): { auc: number; interval: [number, number]; decided: Record<Name, Decided> } {
  const decided = (name: Name): Decided => ({
    threshold: thresholds[name],
    ...decide(inside, outside, thresholds[name]),
  })
  return {
    auc: auroc(outside, inside),
    interval: intervalOf(outside, inside, 'logit'),
    decided: byName(Object.keys(thresholds) as Name[], decided),
  }
}

/** AUC of one score minus that of another on the same rows, with its standard error (DeLong). */
export function gainOf<Method extends string>(
  inside: Record<Method, Float64Array>,
  outside: Record<Method, Float64Array>,
  method: Method,
  over: Method,
): { difference: number; standardError: number } {
  const side = (of: Method) => ({ positives: outside[of], negatives: inside[of] })
  const { difference, standardError } = delongTest(side(method), side(over))
  return { difference, standardError }
}

/** Share of in-distribution rows that are flagged. */
export function flaggedShare({ falsePositives, trueNegatives }: Decided): number {
  return falsePositives / (falsePositives + trueNegatives)
}

/** A number with the typographer's minus. */
export function signed(value: number, digits = 3): string {
  return value.toFixed(digits).replace('-', '\u2212')
}

/** Decisions of one score at several thresholds. */
export function decisionTable(rows: readonly [string, Decided][], digits: number): ReportTable {
  const cells = rows.map(([title, { threshold, f1, accuracy, precision, recall }]) => {
    return [title, signed(threshold, digits), f1, accuracy, precision, recall]
  })
  const head = ['likelihood ratio', 'threshold (score)', 'F1', 'accuracy', 'precision', 'recall']
  return { table: [head, ...cells] }
}
