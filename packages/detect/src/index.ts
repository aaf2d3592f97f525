// Public face of @ood/detect.
export { type Calibration, calibration, type ThresholdTarget } from './calibration.ts'
export {
  array,
  assertColumns,
  type Column,
  type Columns,
  columnBatch,
  columnRows,
  concatColumns,
  sliceColumns,
  takeColumns,
  vector,
} from './columns.ts'
export { type CombinationFit, combination, type DensityRule, type Standardised } from './combine/combination.ts'
export {
  chiSquaredTail,
  combinePValues,
  type FisherCorrection,
  fisherCorrection,
  type PValueRule,
  pValueRules,
  twoSided,
} from './combine/conformal.ts'
export { type DensityOfStatesKept, densityOfStates } from './combine/density-of-states.ts'
export { type FisherMember, fisherOf } from './combine/fisher-of.ts'
export { gaussianOf, type PackedGaussian } from './combine/gaussian.ts'
export { type MixtureKept, type MixtureOptions, mixtureOf } from './combine/mixture.ts'
export { type OneClassKept, type OneClassOptions, oneClassOf } from './combine/one-class.ts'
export { type PValueFit, pValuesOf } from './combine/p-values.ts'
export { type Standardisation, varies } from './combine/standardise.ts'
export { columnStatistic, needsOf, type Statistic } from './combine/statistic.ts'
export { type SubspaceMixtureFit, type SubspaceMixtureOptions, subspaceMixtureOf } from './combine/subspace-mixture.ts'
export { fitWorst, type Spread, type WorstOfMember, worst, worstOf } from './combine/worst-of.ts'
export { assertProfile, type DataProfile } from './data-profile.ts'
export { type Described, describedBy } from './described.ts'
export { detector, restoreDetector } from './detector.ts'
export type {
  DetectorOptions,
  DetectorTarget,
  Measured,
  OodDetector,
  OutlierType,
  PredictionRequest,
} from './detector-types.ts'
export { featuresOf } from './features.ts'
export { heldOutScores } from './held-out-scores.ts'
export { type LogProbSettings, logProbOf } from './log-prob.ts'
export {
  isStorable,
  type Measurement,
  type MeasureOptions,
  measurement,
  measureNeeds,
  modelKey,
  type Needs,
} from './measurement.ts'
export { type Explanation, fitMethod, type Method, measure } from './method.ts'
export { packNumbers, unpackNumbers } from './pack.ts'
export {
  assertSameMethod,
  modelKeys,
  parseStored,
  type ReferenceRows,
  type StoredDetector,
  wrongField,
} from './stored.ts'
