// The interfaces that tie the packages together: estimators and detectors ask for these, model packages provide them.
import type { CallOptions } from './progress.ts'
import type { NdArray } from './tensor.ts'

/** Log-likelihoods of a batch. */
export interface LogProb {
  /** One number per row, in nats. */
  instance: Float64Array
  /** Per-feature contributions where the model has them; same shape as the input. */
  feature?: NdArray
}

/** A model with an exact or bounded log-density (normalizing flow, PixelCNN++, diffusion ODE ...). */
export interface LikelihoodModel {
  /** Log-density of each row of `x` in nats, in the space the model documents. Rows [N, ...dataShape]. */
  logProb(x: NdArray, options?: CallOptions): Promise<LogProb>
}

/**
 * The pullback metric JᵀJ of a map at N points in tridiagonal form, QᵀJᵀJQ = T, with the points rotated alike.
 * Eigenvalues of T are the squared singular values of J; 3 D numbers a point carry every LID scale.
 */
export interface TridiagonalMetric {
  /** Diagonals of T, [N, D]. */
  diagonal: NdArray<Float64Array>
  /** Off-diagonals of T, [N, D - 1]. */
  offDiagonal: NdArray<Float64Array>
  /** Qᵀ x for each input row x, [N, D]. */
  rotated: NdArray<Float64Array>
}

/** A map with forward-mode derivatives: y = f(x). */
export interface Differentiable {
  /** Shape of one input row. */
  readonly inputShape: readonly number[]
  /** Shape of one output row. */
  readonly outputShape: readonly number[]
  /** f at every row of `x` [N, ...inputShape]; returns [N, ...outputShape]. */
  evaluate(x: NdArray, options?: CallOptions): Promise<NdArray>
  /**
   * Jacobian-vector products: K directions for each row.
   *
   * @param x - points [N, ...inputShape]
   * @param v - tangents [K, N, ...inputShape]
   * @returns f(x) as [N, ...outputShape] and J(x) v as [K, N, ...outputShape]
   */
  jvp(x: NdArray, v: NdArray, options?: CallOptions): Promise<{ value: NdArray; tangent: NdArray }>
  /**
   * The whole Jacobian at one point: row i is the derivative of output i, so [outputSize, inputSize] row-major.
   * Providers that can do better than `jvp` with unit vectors implement it; `jacobian()` falls back on `jvp`.
   */
  jacobian?(x: NdArray, options?: CallOptions): Promise<NdArray>
  /**
   * JᵀJ at each row of `x`, tridiagonalised. Providers that can overlap and thread the work implement it;
   * estimators fall back on `jacobian()` and their own linear algebra.
   */
  tridiagonalMetric?(x: NdArray, options?: CallOptions): Promise<TridiagonalMetric>
  /** Vector-Jacobian products, where the provider has reverse mode. */
  vjp?(x: NdArray, u: NdArray, options?: CallOptions): Promise<{ value: NdArray; cotangent: NdArray }>
}

/** An invertible model: x = decode(z), z = encode(x). */
export interface Invertible {
  /** Latents [N, D] of points [N, ...dataShape]. */
  encode(x: NdArray, options?: CallOptions): Promise<NdArray>
  /** Points [N, ...dataShape] of latents [N, D]. */
  decode(z: NdArray, options?: CallOptions): Promise<NdArray>
  /** The decoder as a differentiable map. */
  readonly decoder: Differentiable
}

/** The stochastic differential equation a score model was trained with. */
export interface DiffusionProcess {
  /** Mean coefficient: x_t has mean mu(t) x_0. */
  mean(t: number): number
  /** Standard deviation sigma(t) of x_t given x_0. */
  standardDeviation(t: number): number
  /** g(t)^2. */
  diffusionSquared(t: number): number
}

/** A score model s(x, t) = grad_x log p_t(x). */
export interface ScoreModel {
  readonly sde: DiffusionProcess
  score(x: NdArray, t: number, options?: CallOptions): Promise<NdArray>
  jvp(x: NdArray, t: number, v: NdArray, options?: CallOptions): Promise<{ value: NdArray; tangent: NdArray }>
}

/**
 * A local intrinsic dimension estimator. `prepare` is the expensive, scale-free part; `lid` reads one scale off it,
 * so an LID curve is one `prepare` and many `lid` (spec: artifact separation).
 * Scales are logs of a standard deviation: scale -> -infinity gives D, scale -> +infinity gives 0.
 */
export interface LidEstimator<Artifact> {
  fit?(train: NdArray, options?: CallOptions): Promise<void>
  prepare(x: NdArray, options?: CallOptions): Promise<Artifact>
  /** One LID per prepared row. */
  lid(artifact: Artifact, scale: number): Float64Array
}

/** An out-of-distribution detector: higher score = more OOD, always. */
export interface Detector<Input = NdArray> {
  fit?(train: Input, options?: CallOptions): Promise<void> | void
  score(x: Input, options?: CallOptions): Promise<Float64Array> | Float64Array
}

/** What `predict` returns (field names follow the outlier-detection convention of the spec, section llr 1.7). */
export interface Prediction {
  meta: { name: string; online: boolean; dataType: string | null; version: string; detectorType: 'outlier' }
  data: {
    instanceScore: Float64Array | null
    featureScore: NdArray | null
    isOutlier: Uint8Array | null
    /** Share of training scores at least as extreme, (1 + #{training scores >= score}) / (n + 1). */
    pValue: Float64Array | null
    threshold: number | null
  }
}

/** A detector with a decision threshold. */
export interface Thresholded<Input = NdArray> extends Detector<Input> {
  /** Sets the threshold so that about `falsePositiveRate` of in-distribution data scores above it. */
  inferThreshold(x: Input, falsePositiveRate: number, options?: CallOptions): Promise<number> | number
  predict(x: Input, options?: CallOptions): Promise<Prediction> | Prediction
}
