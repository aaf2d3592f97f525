// Public face of @ood/llr.
export type { ByteImage, Codec } from './complexity/codec.ts'
export { type CodecName, codecNames, installedCodecs, openCodecs } from './complexity/codecs.ts'
export { type ByteCount, type Complexity, type ComplexityOptions, complexity } from './complexity/complexity.ts'
export { complexityScore } from './complexity/complexity-score.ts'
export {
  type ComplexityScores,
  type InputComplexity,
  type InputComplexityOptions,
  type InputComplexityState,
  inputComplexity,
  inputComplexityFromJSON,
} from './complexity/input-complexity.ts'
export { type JpegCodecOptions, jpegCodec } from './complexity/jpeg/jpeg-codec.ts'
export { type JpegXlCodecOptions, jpegXlCodec } from './complexity/optional/jpeg-xl-codec.ts'
export { type Jpeg2000CodecOptions, jpeg2000Codec } from './complexity/optional/jpeg2000-codec.ts'
export { type WebpCodecOptions, webpCodec } from './complexity/optional/webp-codec.ts'
export { type Deflate, type PngCodecOptions, pngCodec } from './complexity/png/png-codec.ts'
export {
  couplingFraction,
  type FractionChoice,
  leastVarianceFraction,
  separationFraction,
} from './diffusion/choose.ts'
export {
  type DiffusionRatio,
  type DiffusionRatioOptions,
  type DiffusionRatioRule,
  type DiffusionRatioState,
  diffusionRatio,
  diffusionRatioFromJSON,
} from './diffusion/diffusion-ratio.ts'
export { fitJointRatio, type JointRatioFit, jointRatio } from './diffusion/joint.ts'
export {
  type DenoisingLosses,
  denoisingLosses,
  type LossCall,
  type LossSettings,
  publishedFractions,
  wholeLoss,
} from './diffusion/losses.ts'
export { type LossRatioOptions, lossRatio, type RatioForm, type RatioValues } from './diffusion/ratio.ts'
export { averageLossTrend, type LossTrend, type LossTrendOptions, trendGrid } from './diffusion/trend.ts'
export { quarterTurns } from './diffusion/turns.ts'
export type { LossWeighting } from './diffusion/weighting.ts'
export type { DataProfile } from './ratio/data-profile.ts'
export type { DecisionState } from './ratio/decision-state.ts'
export { fitJointScore, type JointScoreFit, jointScore } from './ratio/joint-score.ts'
export {
  type LikelihoodRatio,
  type LikelihoodRatioOptions,
  type LikelihoodRatioState,
  likelihoodRatio,
  likelihoodRatioFromJSON,
  type RatioLogProbs,
} from './ratio/likelihood-ratio.ts'
export {
  applyReplacement,
  applyShift,
  type CategoricalOptions,
  type Mutation,
  type MutationOptions,
  mutateCategorical,
  mutateUniform,
  type UniformOptions,
} from './ratio/mutate.ts'
export { mutateRows } from './ratio/mutate-rows.ts'
export {
  type NegativeLogLikelihood,
  type NegativeLogLikelihoodState,
  negativeLogLikelihood,
  negativeLogLikelihoodFromJSON,
} from './ratio/negative-log-likelihood.ts'
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
export type { StoredDetector } from './ratio/stored-detector.ts'
export { type TypicalBatch, type TypicalBatchOptions, typicalBatch } from './ratio/typical-batch.ts'
export { type Typicality, type TypicalityState, typicality, typicalityFromJSON } from './ratio/typicality.ts'
export { type Waic, type WaicOptions, type WaicState, waic, waicFromJSON } from './ratio/waic.ts'
