// Public face of @ood/models-autoregressive.
export { bindCondition } from './bindCondition.ts'
export { type MixtureOptions, type MixtureParams, mixtureLogProb, type PixelLogProb } from './mixture.ts'
export { openPixelCnn, type PixelCnnOptions } from './openPixelCnn.ts'
export type { PixelCnn, PixelCnnCallOptions, PixelCnnSampleOptions } from './pixelCnn.ts'
export { type DrawnPixel, drawComponent, type PixelDraw, type PixelMixture, samplePixel } from './samplePixel.ts'
