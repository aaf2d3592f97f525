// What an opened diffusion model is: the interface that `openDiffusion` returns, and the options of its calls.
import type {
  CallOptions,
  LikelihoodModel,
  LogProb,
  NdArray,
  ScoreDivergence,
  ScoreModel,
  Times,
  TraceOptions,
} from '@ood/core'
import type { Manifest } from '@ood/runtime'
import type { PredictionType } from './internal/prediction.ts'
import type { OdeLogProb, OdeLogProbOptions } from './likelihood/options.ts'
import type { DenoiseOptions, EncodeOptions, SampleOptions } from './sample/options.ts'

/**
 * Where a point lives.
 *
 * - `pixel`: raw data units, such as bytes 0..255.
 * - `model`: what the network sees, after the manifest's preprocessing ([-1, 1] for the shipped models).
 */
export type Space = 'pixel' | 'model'

/** Options of calls that take data rows. */
export interface DiffusionCallOptions extends CallOptions {
  /** What `x` holds: raw data (`pixel`, default), which is preprocessed with noise from `seed`, or `model` rows. */
  input?: Space | undefined
  /** A key for each row (default 0..N-1): everything random about a row depends on `seed` and its key only. */
  rows?: ArrayLike<number> | undefined
}

/** Options of `logProb`. */
export interface DiffusionLogProbOptions extends Omit<OdeLogProbOptions, 'rows'>, DiffusionCallOptions {
  /** Which density to report: of raw data (`pixel`, default) or of the network's input (`model`). */
  space?: Space | undefined
}

/** Options of `sample`. */
export interface DiffusionSampleOptions extends SampleOptions {
  /** Return raw data, whole pixels for byte images (`pixel`, default), or model space (`model`). */
  space?: Space | undefined
}

/** A score network with everything that follows from it. Times, scores and derivatives are in the network's space. */
export interface Diffusion extends ScoreModel, LikelihoodModel {
  /** The checkpoint's manifest, where it was opened from one. */
  readonly manifest: Manifest | undefined
  /** Shape of one raw row, [C, H, W] for images. */
  readonly dataShape: readonly number[]
  /** Shape of one row as the network sees it; differs from `dataShape` where preprocessing changes it. */
  readonly modelShape: readonly number[]
  /** Numbers in one row, D. */
  readonly dimension: number
  readonly prediction: PredictionType

  scaledScore(x: NdArray, t: Times, options?: CallOptions): Promise<NdArray<Float64Array>>
  divergence(x: NdArray, t: Times, options?: TraceOptions): Promise<ScoreDivergence>

  /**
   * Log-densities in nats of raw rows `x`: `odeLogProb` of the preprocessed rows, and in `pixel` space the
   * log-determinants of the preprocessing added.
   *
   * The density is that of the data with noise of tau(t) (see `OdeLogProbOptions.t`): it grows without bound as t goes
   * to 0 wherever data are discrete or of lower dimension, so compare values of one t only.
   *
   * @throws OodError `E_SHAPE`, `E_NOT_FINITE` naming the row, `E_ABORTED`
   * @example
   * const { instance } = await model.logProb(images, { seed: 7, probes: 1 })
   */
  logProb(x: NdArray, options?: DiffusionLogProbOptions): Promise<LogProb & OdeLogProb>

  /** -log p(x) / (D ln 2) with log p in pixel space at noise tau(t): see `logProb` for what that means. */
  bitsPerDim(x: NdArray, options?: DiffusionLogProbOptions): Promise<Float64Array>

  /** The network's rows of raw rows `x`. */
  preprocess(x: NdArray, options?: DiffusionCallOptions): Promise<NdArray>

  /** Raw rows of the network's rows: whole pixels, clamped to their range. */
  postprocess(v: NdArray): NdArray

  /**
   * Draws `n` rows with the sampler of `options.method`. Row i depends on (seed, i) only.
   *
   * @example
   * const images = await model.sample(16, { seed: 3, method: 'heun', steps: 24 }) // bytes
   */
  sample(n: number, options?: DiffusionSampleOptions): Promise<NdArray>

  /** `denoise` of this package with this model: from x_t of `options.from` to `options.to`, in the network's space. */
  denoise(x: NdArray, options?: DenoiseOptions): Promise<NdArray<Float64Array>>

  /** `encode` of this package with this model: x_T of rows along the probability-flow ODE, in the network's space. */
  encode(x: NdArray, options?: EncodeOptions): Promise<NdArray<Float64Array>>

  /** Stops the workers and frees the engine. */
  release(): Promise<void>
}
