// The interfaces that tie the packages together: estimators and detectors ask for these, model packages provide them.
import type { CallOptions } from './progress.ts'
import type { NdArray } from './tensor.ts'

/** Log-likelihoods of a batch. */
export interface LogProb {
  /** One number per row, in nats. */
  instance: Float64Array
  /** Per-feature log-probs in nats where the model has them, [N, ...featureShape]: a PixelCNN++ gives one a pixel. */
  feature?: NdArray | undefined
}

/** A model with an exact or bounded log-density (normalizing flow, PixelCNN++, diffusion ODE ...). */
export interface LikelihoodModel {
  /** Log-density of each raw row of `x` [N, ...dataShape] in nats, in the space the model documents. */
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
  /** Latents [N, D] of points, raw [N, ...dataShape] unless the model's options say otherwise. */
  encode(x: NdArray, options?: CallOptions): Promise<NdArray>
  /** Points of latents [N, D], raw [N, ...dataShape] unless the model's options say otherwise. */
  decode(z: NdArray, options?: CallOptions): Promise<NdArray>
  /** The decoder as a differentiable map. */
  readonly decoder: Differentiable
}

/** A diffusion time: one for all rows, or one for each row. */
export type Times = number | ArrayLike<number>

/**
 * A linear stochastic differential equation dx = f(t) x dt + g(t) dw that turns data into noise, x_t = mu(t) x_0 +
 * sigma(t) eps (Song et al. 2021, section 3.4). Everything is closed form in float64.
 */
export interface DiffusionProcess {
  /** `vp`, `sub-vp`, `ve`, `ve-exponential`, `ddpm` ... */
  readonly name: string
  /** Smallest time the process is used at: where sampling ends and likelihoods begin. */
  readonly tMin: number
  /** Largest time T: where sampling begins. */
  readonly tMax: number
  /** Mean coefficient: x_t has mean mu(t) x_0. */
  mean(t: number): number
  /** Standard deviation sigma(t) of x_t given x_0. */
  standardDeviation(t: number): number
  /** Noise over signal, tau(t) = sigma(t) / mu(t): the scale delta of FLIPD and of convolved densities. Increasing. */
  noiseToSignal(t: number): number
  /** The time whose `noiseToSignal` is `tau`, within [0, tMax]. */
  timeOf(tau: number): number
  /** Drift coefficient f(t): the drift is f(t) x. */
  drift(t: number): number
  /** g(t)^2. */
  diffusionSquared(t: number): number
  /** Rate beta(t): g^2 for VP and VE, and -2 f(t) for VP and sub-VP. */
  beta(t: number): number
  /** B(t), the integral of beta from 0 to t. */
  integratedBeta(t: number): number
}

/** How the trace of a D x D Jacobian is computed (Hutchinson 1990; Meyer et al. 2021 for `hutch++`). */
export type TraceMethod = 'exact' | 'rademacher' | 'gaussian' | 'hutch++'

/** Options of a trace. */
export interface TraceOptions extends CallOptions {
  /**
   * `exact` (D unit vectors), or an estimate from `probes` random vectors a row. Default: `exact` up to D = 3500,
   * `rademacher` above.
   */
  method?: TraceMethod | undefined
  /** Random vectors a row (default 50); `exact` ignores it. */
  probes?: number | undefined
  /**
   * `fresh` (default): every row has its own probes, a function of `seed` and the row's key. `shared`: all rows have the
   * same, so that differences between rows carry less noise.
   */
  sharing?: 'fresh' | 'shared' | undefined
  /** A key for each row (default 0..N-1): the probes of a row depend on `seed` and its key, in any batch or order. */
  rows?: ArrayLike<number> | undefined
}

/** Scores of a batch with the traces of their Jacobians. */
export interface ScoreDivergence {
  /** s(x, t), shaped as x. */
  score: NdArray
  /** tr (ds/dx) of each row. */
  divergence: Float64Array
  /** Standard error of each divergence. */
  standardError?: Float64Array
}

/** A score model s(x, t) = grad_x log p_t(x), in the space the model documents. */
export interface ScoreModel {
  /** Shape of one row in the model's space. (`dataShape` is everywhere the shape of a raw row.) */
  readonly modelShape: readonly number[]
  readonly sde: DiffusionProcess
  /** Rows in the model's space of raw rows; absent where they are the same. */
  preprocess?(x: NdArray, options?: CallOptions): Promise<NdArray>
  /** s(x, t) at every row of `x` [N, ...modelShape]. */
  score(x: NdArray, t: Times, options?: CallOptions): Promise<NdArray>
  /** sigma(t) s(x, t), what networks give (about -eps): finite where the score itself grows without bound. */
  scaledScore?(x: NdArray, t: Times, options?: CallOptions): Promise<NdArray>
  /**
   * Derivatives of the score along K directions for each row: `v` is [K, N, ...modelShape].
   *
   * @returns s(x, t) as [N, ...modelShape] and (ds/dx) v as [K, N, ...modelShape]
   */
  jvp(x: NdArray, t: Times, v: NdArray, options?: CallOptions): Promise<{ value: NdArray; tangent: NdArray }>
  /**
   * Score and trace of its Jacobian at every row. Providers that can draw probes and reduce tangents where they are
   * made implement it: memory is then flat in the number of probes. Estimators fall back on `jvp`.
   *
   * @returns `standardError`: of each divergence, from the spread over its row's probes (0 when exact, NaN for one
   *   probe), where the provider keeps it
   */
  divergence?(x: NdArray, t: Times, options?: TraceOptions): Promise<ScoreDivergence>
}

/**
 * A local intrinsic dimension estimator. `prepare` is the expensive, scale-free part; `lid` reads one scale off it,
 * so an LID curve is one `prepare` and many `lid`.
 * Scales are logs of a standard deviation: scale -> -infinity gives D, scale -> +infinity gives 0.
 */
export interface LidEstimator<Artifact> {
  fit?(train: NdArray, options?: CallOptions): Promise<void>
  prepare(x: NdArray, options?: CallOptions): Promise<Artifact>
  /** One LID per prepared row. */
  lid(artifact: Artifact, scale: number): Float64Array
  /** LID of every row at one scale without preparing the others, where a scale costs model calls. */
  lidAt?(x: NdArray, scale: number, options?: CallOptions): Promise<Float64Array>
  /** Models and settings that the artifact depends on: estimators of equal identity give equal artifacts. */
  readonly identity?: {
    readonly name: string
    readonly models: readonly object[]
    readonly settings: Readonly<Record<string, unknown>>
    /** Name of the estimator where several read the same artifact (default: `name`). */
    readonly estimator?: string
  }
  /** The artifact as columns of N rows, so that runs store it and methods share it. */
  readonly columns?: {
    readonly names: readonly string[]
    pack(artifact: Artifact): Readonly<Record<string, NdArray<Float64Array>>>
    unpack(columns: Readonly<Record<string, NdArray<Float64Array>>>): Artifact
  }
}

/** An out-of-distribution detector: higher score = more OOD, always. */
export interface Detector<Input = NdArray> {
  fit?(train: Input, options?: CallOptions): Promise<void> | void
  score(x: Input, options?: CallOptions): Promise<Float64Array> | Float64Array
}

/** What `predict` returns (field names are those of alibi-detect, a Python library of outlier detectors). */
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
