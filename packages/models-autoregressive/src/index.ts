// Public face of @ood/models-autoregressive.
export { bindCondition } from './bind-condition.ts'
export { categoricalLogProb } from './categorical.ts'
export type { EngineOptions } from './engine-options.ts'
export { type MixtureOptions, type MixtureParams, mixtureLogProb, type PixelLogProb } from './mixture.ts'
export { openPixelCnn } from './open-pixel-cnn.ts'
export { openSequenceModel } from './open-sequence-model.ts'
export type { PixelCnn, PixelCnnCallOptions, PixelCnnSampleOptions } from './pixel-cnn.ts'
export { type DrawnPixel, drawComponent, type PixelDraw, type PixelMixture, samplePixel } from './sample-pixel.ts'
export type {
  SequenceCallOptions,
  SequenceLogProb,
  SequenceModel,
  SequenceOptions,
  SequenceScore,
} from './sequence.ts'
