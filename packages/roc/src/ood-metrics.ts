// The usual row of an OOD results table, every convention under its own name.
import { auroc } from './auroc.ts'
import { detectionError } from './detection-error.ts'
import { falsePositiveRateAtTruePositiveRate } from './fpr-at-tpr.ts'
import { checkObject, copyScores } from './internal/check.ts'
import { negated } from './internal/counts.ts'
import { auprTrapezoid, averagePrecision } from './precision-recall.ts'
import type { OutlierScores } from './scores.ts'

/** Threshold-free OOD metrics, all in [0, 1]. "Out" has OOD as the positive class, "in" has ID. */
export interface OodMetrics {
  /** Probability that an OOD item has the higher outlier score. The same number with ID positive and scores negated. */
  readonly auroc: number
  /** AUPR with OOD positive, trapezoid rule. */
  readonly auprOutTrapezoid: number
  /** AUPR with ID positive, trapezoid rule. */
  readonly auprInTrapezoid: number
  /** Average precision with OOD positive. */
  readonly averagePrecisionOut: number
  /** Average precision with ID positive. */
  readonly averagePrecisionIn: number
  /** Share of ID flagged when at least `tpr` of OOD is flagged (OpenOOD, pytorch-ood). */
  readonly fprOodPositive: number
  /** Share of OOD accepted when at least `tpr` of ID is accepted (most papers). */
  readonly fprIdPositive: number
  /** Share of OOD accepted at the ID recall closest to `tpr` (NCIS, Dream-OOD). */
  readonly fprIdPositiveClosest: number
  /** Minimum over thresholds of the mean of both error rates. */
  readonly detectionError: number
  /** The true positive rate that the three FPR values were read at. */
  readonly tpr: number
}

/** Options of {@link oodMetrics}. */
export interface OodMetricsOptions {
  /** True positive rate of the three FPR values, in (0, 1]. Default 0.95. */
  readonly tpr?: number | undefined
}

/**
 * Every common OOD metric of one detector on one pair of sets, from outlier scores (higher = more OOD).
 *
 * @param scores - outlier scores of both classes, each at least one finite number
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_ARGUMENT
 *
 * Cost: nine passes of O(n log n).
 *
 * @example
 * const row = oodMetrics({ inDistribution: energyId, outOfDistribution: energyOod })
 * console.log(row.auroc, row.fprIdPositive)
 */
export function oodMetrics(scores: OutlierScores, options: OodMetricsOptions = {}): OodMetrics {
  checkObject('scores', scores, 'an object { inDistribution, outOfDistribution } of scores')
  checkObject('options', options)
  const { tpr = 0.95 } = options
  const id = copyScores('inDistribution', scores.inDistribution)
  const ood = copyScores('outOfDistribution', scores.outOfDistribution)
  const copies: OutlierScores = { inDistribution: id, outOfDistribution: ood }
  return {
    auroc: auroc(ood, id),
    auprOutTrapezoid: auprTrapezoid(ood, id),
    auprInTrapezoid: auprTrapezoid(negated(id), negated(ood)),
    averagePrecisionOut: averagePrecision(ood, id),
    averagePrecisionIn: averagePrecision(negated(id), negated(ood)),
    fprOodPositive: falsePositiveRateAtTruePositiveRate(copies, { tpr, convention: 'oodPositive' }),
    fprIdPositive: falsePositiveRateAtTruePositiveRate(copies, { tpr, convention: 'idPositive' }),
    fprIdPositiveClosest: falsePositiveRateAtTruePositiveRate(copies, { tpr, convention: 'idPositiveClosest' }),
    detectionError: detectionError(ood, id),
    tpr,
  }
}
