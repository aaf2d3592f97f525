// Public face of @ood/llr.
export type { DataProfile } from './ratio/data-profile.ts'
export type { DecisionState } from './ratio/decision-state.ts'
export {
  type LikelihoodRatio,
  type LikelihoodRatioOptions,
  type LikelihoodRatioState,
  likelihoodRatio,
  likelihoodRatioFromJSON,
  type RatioLogProbs,
} from './ratio/likelihood-ratio.ts'
export {
  type DetectorOptions,
  type FeatureRequest,
  type OutlierDetector,
  type OutlierDetectorSpec,
  type OutlierType,
  outlierDetector,
  type PredictionRequest,
  type ThresholdTarget,
} from './ratio/outlier-detector.ts'
export { type OutlierScores, type RatioConvention, type RatioScoreOptions, ratioScores } from './ratio/ratio-scores.ts'
