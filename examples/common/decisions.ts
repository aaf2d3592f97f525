// Scores of two sets, in and out of distribution: AUC, and the decisions at thresholds counted. Outliers are the positives.
import type { ReportTable } from '@ood/plots'
import { auroc, type Decisions, decisionsAt, delongTest } from '@ood/roc'
import { intervalOf } from './judge.ts'
import { byName } from './splits.ts'

/** A score's AUC with its DeLong interval, symmetric in log odds, and the decisions at every threshold. */
export function judgeTwo<Name extends string>(
  inside: Float64Array,
  outside: Float64Array,
  thresholds: Readonly<Record<Name, number>>,
): { auc: number; interval: [number, number]; decided: Record<Name, Decisions> } {
  const scores = { inDistribution: inside, outOfDistribution: outside }
  return {
    auc: auroc(outside, inside),
    interval: intervalOf(outside, inside, 'logit'),
    decided: byName(Object.keys(thresholds) as Name[], (name) => decisionsAt(scores, thresholds[name])),
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
export function flaggedShare({ falsePositives, trueNegatives }: Decisions): number {
  return falsePositives / (falsePositives + trueNegatives)
}

/** A number with the typographer's minus. */
export function signed(value: number, digits = 3): string {
  return value.toFixed(digits).replace('-', '\u2212')
}

/** Decisions of one score at several thresholds. */
export function decisionTable(rows: readonly [string, Decisions][], digits: number): ReportTable {
  const cells = rows.map(([title, { threshold, f1, accuracy, precision, recall }]) => {
    return [title, signed(threshold, digits), f1, accuracy, precision, recall]
  })
  const head = ['likelihood ratio', 'threshold (score)', 'F1', 'accuracy', 'precision', 'recall']
  return { table: [head, ...cells] }
}
