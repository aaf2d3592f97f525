// What a PixelCNN++ is here: the interface that `openPixelCnn` returns, and the options of its calls.
import type { CallOptions, LikelihoodModel, NdArray } from '@ood/core'
import type { Manifest } from '@ood/runtime'
import type { MixtureParams, PixelLogProb } from './mixture.ts'

/** Options of calls that take images. */
export interface PixelCnnCallOptions extends CallOptions {
  /**
   * What a conditional model is conditioned on: [K, ...conditionShape], or one condition without a batch axis. Batch axes
   * are broadcast: as many conditions as images, one condition for all images, or one image under every condition.
   */
  condition?: NdArray | undefined
}

/** Options of `sample`. */
export interface PixelCnnSampleOptions extends CallOptions {
  /** K conditions for a conditional model, repeated in turn up to n samples: n must be a multiple of K. */
  condition?: NdArray | undefined
  /**
   * What stands where nothing has been sampled yet: a first guess of every pixel from noise (`guess`, as the reference
   * does it: H W + 1 evaluations of the network), or the noise itself (`noise`: H W evaluations). No pixel depends on
   * later ones, so the samples are the same.
   */
  start?: 'guess' | 'noise' | undefined
  /**
   * What couples channels. Default: the model's own, so that samples follow its log-probability. The reference's sampler
   * uses `normalized` even for models whose log-probability is `raw`.
   */
  channelDependence?: 'normalized' | 'raw' | undefined
}

/**
 * A PixelCNN++ (Salimans et al. 2017): log p(x) = sum over pixels of log p(x_i | x_1..x_i-1), with a discretised mixture
 * of logistics for each pixel whose parameters one network gives for all pixels at once.
 */
export interface PixelCnn extends LikelihoodModel {
  readonly manifest: Manifest
  /** Shape of one raw row, [C, H, W]; the network sees the same. */
  readonly dataShape: readonly [number, number, number]
  /** Smallest and largest pixel value. */
  readonly low: number
  readonly high: number
  /** Logistic components a pixel. */
  readonly components: number
  readonly channelDependence: 'normalized' | 'raw'
  /** Shape of one condition; absent for models without. */
  readonly conditionShape?: readonly number[] | undefined

  /**
   * Exact log-probabilities of whole images, in nats: `feature` [N, H, W] one a pixel (its channels together) and
   * `instance` [N] their sums. A row's numbers do not depend on the batch it comes in, bit for bit on one device.
   *
   * @param x - whole pixels in [low, high], [N, C, H, W]
   * @throws OodError `E_SHAPE`; `E_ARGUMENT`, `E_NOT_FINITE` naming the first row that does not hold whole pixels in
   * [low, high]; `E_ABORTED`
   * @example
   * const { instance, feature } = await model.logProb(images)
   */
  logProb(x: NdArray, options?: PixelCnnCallOptions): Promise<PixelLogProb>

  /** -log p(x) / (C H W ln 2) of each row: the bits a channel of a pixel costs. */
  bitsPerDim(x: NdArray, options?: PixelCnnCallOptions): Promise<Float64Array>

  /** The mixture's parameters at every pixel of whole images, as `mixtureLogProb` takes them. */
  params(x: NdArray, options?: PixelCnnCallOptions): Promise<MixtureParams>

  /**
   * Draws `n` images by ancestral sampling: a canvas of uniform noise, then pixel after pixel in raster order, each from
   * the mixture that the network gives for the canvas so far. The canvas keeps continuous values in [-1, 1]; the result
   * is round(low + (high - low) / 2 (s + 1)).
   *
   * Row i is a function of (seed, i), and of its condition: the first rows of a larger sample are the same.
   *
   * Cost: H W + 1 evaluations of the network on n images, 785 for 28 x 28. Progress counts pixels.
   *
   * @returns whole pixels [n, C, H, W]
   * @example
   * const images = await model.sample(16, { seed: 3 })
   */
  sample(n: number, options?: PixelCnnSampleOptions): Promise<NdArray>

  /** Stops the workers and frees the engine. */
  release(): Promise<void>
}
