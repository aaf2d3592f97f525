// Public face of @ood/llr.

export {
  applyReplacement,
  applyShift,
  type CategoricalOptions,
  type Mutation,
  type MutationOptions,
  mutateCategorical,
  mutateUniform,
  type UniformOptions,
} from './background/mutate.ts'
export { mutateRows } from './background/mutate-rows.ts'
export type { ByteImage, Codec } from './complexity/codec.ts'
export { type CodecName, codecNames, installedCodecs, openCodecs } from './complexity/codecs.ts'
export { type ByteCount, type Complexity, type ComplexityOptions, complexity } from './complexity/complexity.ts'
export { complexityScore } from './complexity/complexity-score.ts'
export { codeLength, type InputComplexityOptions, inputComplexity } from './complexity/input-complexity.ts'
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
  type DiffusionRatioFit,
  type DiffusionRatioOptions,
  type DiffusionRatioRule,
  denoisingLossColumns,
  diffusionRatio,
  lossesOf,
} from './diffusion/diffusion-ratio.ts'
export { type LossRatioOptions, lossRatio, type RatioForm, type RatioValues } from './diffusion/loss-ratio.ts'
export {
  type DenoisingLosses,
  denoisingLosses,
  type LossCall,
  type LossSettings,
  publishedFractions,
  wholeLoss,
} from './diffusion/losses.ts'
export {
  denoisingProfile,
  denoisingProfileOf,
  type ProfileColumnOptions,
  type ProfileOptions,
  profileScales,
} from './diffusion/profile.ts'
export { averageLossTrend, type LossTrend, type LossTrendOptions, trendGrid } from './diffusion/trend.ts'
export { quarterTurns } from './diffusion/turns.ts'
export type { LossWeighting } from './diffusion/weighting.ts'
export { upgradeStored } from './legacy.ts'
export { type FeatureLikelihoodOptions, featureLikelihood } from './likelihood/feature-likelihood.ts'
export { likelihood } from './likelihood/likelihood.ts'
export { type TypicalBatch, type TypicalBatchOptions, typicalBatch } from './likelihood/typical-batch.ts'
export { type TypicalityFit, typicality } from './likelihood/typicality.ts'
export { type WaicOptions, waic } from './likelihood/waic.ts'
export { type LikelihoodRatioOptions, likelihoodRatio } from './ratio/likelihood-ratio.ts'
export { type OutlierScores, type RatioConvention, type RatioScoreOptions, ratioScores } from './ratio/ratio-scores.ts'
