// Public face of @ood/roc.
export { type AucOptions, auc, type Interpolation } from './auc.ts'
export { auroc } from './auroc.ts'
export { type BootstrapInterval, type BootstrapOptions, bootstrapInterval } from './bootstrap.ts'
export { type Decisions, decisionsAt } from './decisions.ts'
export {
  type AurocInterval,
  type ClassScores,
  type DelongOptions,
  type DelongTest,
  delongInterval,
  delongTest,
} from './delong.ts'
export { type DetCurve, detCurve, probit } from './det-curve.ts'
export { detectionError } from './detection-error.ts'
export { type DualAurocOptions, dualAuroc } from './dual-auroc.ts'
export { type DualOperatingPoints, dualOperatingPoints } from './dual-points.ts'
export { type DualRoc, type DualRocOptions, dualRoc } from './dual-roc.ts'
export { RocError, type RocErrorCode } from './errors.ts'
export { type FprConvention, type FprOptions, falsePositiveRateAtTruePositiveRate } from './fpr-at-tpr.ts'
export { type OodMetrics, type OodMetricsOptions, oodMetrics } from './ood-metrics.ts'
export { type ParetoFrontier, type ParetoOptions, paretoFrontier, type RocPoints } from './pareto.ts'
export { type PartialAurocOptions, partialAuroc } from './partial-auroc.ts'
export { type PercentileRule, type PercentileRuleOptions, percentileRule } from './percentile-rule.ts'
export {
  auprTrapezoid,
  averagePrecision,
  type PrecisionRecallCurve,
  precisionRecallCurve,
} from './precision-recall.ts'
export { type RocCurve, type RocCurveOptions, rocCurve } from './roc-curve.ts'
export type { DualColumns, DualScores, OutlierScores, Scores } from './scores.ts'
export type { ClassWeights, OutlierWeights, WeightOptions } from './weights.ts'
