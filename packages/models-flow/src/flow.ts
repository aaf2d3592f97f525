// What a normalizing flow is here: the interface that `openFlow` returns, and the options of its calls.
import type {
  CallOptions,
  Differentiable,
  Invertible,
  LikelihoodModel,
  LogDensity,
  LogProb,
  NdArray,
  TridiagonalMetric,
} from '@ood/core'
import type { Manifest } from '@ood/runtime'

/**
 * Where a density or a point lives.
 *
 * - `pixel`: raw data units, [0, 256) per pixel for byte images after dequantisation.
 * - `model`: what the graphs see, after the manifest's preprocessing (logit space for the shipped flows).
 */
export type Space = 'pixel' | 'model'

/** Options of calls that take data rows. */
export interface FlowCallOptions extends CallOptions {
  /**
   * What `x` holds: raw data (`pixel`, default), which is preprocessed with noise from `seed`, or rows that are already
   * preprocessed (`model`).
   */
  input?: Space | undefined
  /**
   * A key for each row (default 0..N-1): the dequantisation noise of a row depends on `seed` and its key only, so an
   * image keeps its noise in any batch, order or resumed run.
   */
  rows?: ArrayLike<number> | undefined
}

/** Options of `logProb`. */
export interface LogProbOptions extends FlowCallOptions {
  /** Which density to report (default `pixel`). */
  space?: Space | undefined
  /**
   * `reference`: the number that the code of Kirichenko et al. 2020 reports, log N(z) + log-determinants - D ln 256 with
   * images as x in [0, 1]. Of dequantised bytes it is pixel space plus D ln(255/256), which biases bits/dim by
   * -0.0056; of any other rows, features and tables too, pixel space minus D ln 256. Goes with `space: 'pixel'`.
   */
  compat?: 'reference' | undefined
}

/** Options of `decode` and `sample`. */
export interface DecodeOptions extends CallOptions {
  /** Return raw data, whole pixels 0..255 for byte images (`pixel`, default), or model space (`model`). */
  space?: Space | undefined
}

/** Options of `sample`. */
export interface SampleOptions extends DecodeOptions {
  /** Latents are drawn from N(0, temperature² I) (default 1). */
  temperature?: number | undefined
}

/** How well encode and decode undo each other on some rows; absolute errors. */
export interface InvertibilityReport {
  /** |x - decode(encode(x))| in model space. */
  data: { max: number; mean: number }
  /** |z - encode(decode(z))| at z = encode(x). */
  latent: { max: number; mean: number }
  /** Row with the largest error in model space. */
  worstRow: number
}

/** The parts of a flow's log-density, row by row. */
export interface FlowTerms {
  /** z, [N, D]. */
  latents: NdArray<Float32Array>
  /** log |det ∂z/∂v| in nats. */
  logDet: Float64Array
  /** log |det ∂v/∂x| of the preprocessing in nats; 0 for rows in model space. */
  preprocessingLogDet: Float64Array
}

/** The decoder x = f(z) from latents [N, D] to model space [N, ...modelShape], with all its derivatives. */
export interface FlowDecoder extends Differentiable {
  jacobian(z: NdArray, options?: CallOptions): Promise<NdArray>
  tridiagonalMetric(z: NdArray, options?: CallOptions): Promise<TridiagonalMetric>
}

/** A normalizing flow: an invertible map x = f(z) with z ~ N(0, I), so log p(x) = log N(f⁻¹(x)) + log |det ∂f⁻¹/∂x|. */
export interface Flow extends LikelihoodModel, Invertible {
  readonly manifest: Manifest
  /** Shape of one raw data row, [C, H, W]. */
  readonly dataShape: readonly number[]
  /** Shape of one row as the network sees it; differs from `dataShape` where preprocessing flattens. */
  readonly modelShape: readonly number[]
  /** Numbers in one row, D; latents are [N, D]. */
  readonly dimension: number
  readonly decoder: FlowDecoder
  /**
   * log p in model space with its derivatives by the row: rows are preprocessed ones, [N, ...modelShape]. The gradient is
   * one `vjp` of the encoder's graph (about three encodings), a product with the Hessian the `jvp` of that graph.
   *
   * @example
   * const { gradient } = await flow.density.gradient(await flow.preprocess(images, { seed: 7 }))
   */
  readonly density: Required<LogDensity>

  /**
   * Log-densities in nats of raw rows `x` [N, ...dataShape].
   *
   * With v the preprocessed row, `space: 'model'` is log p(v) = -½|z|² - (D/2) ln 2π + log |det ∂z/∂v|, what the
   * reference code reports. `space: 'pixel'` (default) adds log |det ∂v/∂x| of every preprocessing step,
   * so it is the density of the dequantised pixels x + u, u ~ U[0, 1), in units of one grey level: its integral over a
   * pixel's unit cell is the probability of the byte.
   *
   * @throws OodError `E_SHAPE`, `E_NOT_FINITE` naming the row, `E_ABORTED`
   * @example
   * const { instance } = await flow.logProb(images, { seed: 7 }) // Float64Array of N
   */
  logProb(x: NdArray, options?: LogProbOptions): Promise<LogProb>

  /**
   * -log p(x) / (D ln 2) with log p in pixel space: bits per dimension of the bytes (an upper bound on their code
   * length, as usual for dequantised models). Equal to -(log p(y) - D ln 256) / (D ln 2) with y = (x + u) / 256.
   */
  bitsPerDim(x: NdArray, options?: FlowCallOptions): Promise<Float64Array>

  /**
   * What log p is made of, from one encoding: latents z, log |det ∂z/∂v| and log |det ∂v/∂x| of the preprocessing, so that
   * log p(v) = log N(z; 0, I) + logDet and log p(x) adds preprocessingLogDet.
   *
   * @example
   * const { latents, logDet } = await flow.terms(images)
   */
  terms(x: NdArray, options?: FlowCallOptions): Promise<FlowTerms>

  /** Model-space rows v of raw rows `x`, with noise from `seed`. */
  preprocess(x: NdArray, options?: FlowCallOptions): Promise<NdArray>

  /** Latents [N, D] of rows `x`: z = f⁻¹(preprocess(x)). */
  encode(x: NdArray, options?: FlowCallOptions): Promise<NdArray>

  /** Rows of latents `z` [N, D], as whole pixels or in model space. */
  decode(z: NdArray, options?: DecodeOptions): Promise<NdArray>

  /**
   * Draws `n` rows. Row i depends on (seed, i) only: the first rows of a larger sample are the same.
   *
   * @example
   * const images = await flow.sample(16, { seed: 3, temperature: 0.8 }) // [16, 1, 28, 28], bytes
   */
  sample(n: number, options?: SampleOptions): Promise<NdArray>

  /** Round-trip errors of rows `x`, the check that a float32 flow is still invertible where it is used. */
  invertibilityReport(x: NdArray, options?: FlowCallOptions): Promise<InvertibilityReport>

  /** Stops the workers and frees the engine. */
  release(): Promise<void>
}
