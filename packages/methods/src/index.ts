// Public face of @ood/methods.
export {
  type CompareOptions,
  type Comparison,
  type ComparisonRow,
  compare,
  type MethodFailure,
  type MethodResult,
} from './compare/compare.ts'
export { type ColumnStore, createMeasurer, type Measurer, type MeasurerOptions } from './compare/measurer.ts'
export { byRole, type Models, type OpenedModel, type OpenModelOptions, openModel, type Role } from './open-model.ts'
export { recommendedMethod } from './recommended.ts'
export { availableMethods, type MethodEntry, makeMethod, methodEntry, methods, missingRoles } from './registry.ts'
export { type ScoreNormSettings, scoreNormMethod } from './score-norm.ts'
export { backgroundStatistics, byRegion, pixelStatistics } from './statistics/autoregressive.ts'
export { groupsOf, type StatisticGroup, statisticsOf, type Tier, tiers } from './statistics/available.ts'
export { featureStatistic } from './statistics/features.ts'
export { flowLidStatistic, flowStatistics, flowTermsOf } from './statistics/flow.ts'
export { codeStatistic, denoisingStatistic } from './statistics/others.ts'
export { methodOf } from './stored-method.ts'
