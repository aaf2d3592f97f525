// Public face of @ood/models-autoregressive.
export { type MixtureOptions, type MixtureParams, mixtureLogProb, type PixelLogProb } from './mixture.ts'
export { openPixelCnn, type PixelCnnOptions } from './openPixelCnn.ts'
export type { PixelCnn, PixelCnnCallOptions, PixelCnnSampleOptions } from './pixelCnn.ts'
