// Public face of @ood/models-autoregressive.
export { bindCondition } from './bindCondition.ts'
export { categoricalLogProb } from './categorical.ts'
export type { EngineOptions } from './engineOptions.ts'
export { type MixtureOptions, type MixtureParams, mixtureLogProb, type PixelLogProb } from './mixture.ts'
export { openPixelCnn } from './openPixelCnn.ts'
export { openSequenceModel } from './openSequenceModel.ts'
export type { PixelCnn, PixelCnnCallOptions, PixelCnnSampleOptions } from './pixelCnn.ts'
export { type DrawnPixel, drawComponent, type PixelDraw, type PixelMixture, samplePixel } from './samplePixel.ts'
export type {
  SequenceCallOptions,
  SequenceLogProb,
  SequenceModel,
  SequenceOptions,
  SequenceScore,
} from './sequence.ts'
