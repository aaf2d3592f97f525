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
