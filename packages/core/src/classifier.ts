// What detectors ask of a classifier: logits, the features of its last linear layer, and that layer's weights.
import type { CallOptions } from './progress.ts'
import type { NdArray } from './tensor.ts'

/** Logits and features of N rows. */
export interface ClassifierOutputs {
  /** [N, classes]. */
  logits: NdArray
  /** What the last linear layer is given, [N, dimension]. */
  features: NdArray
}

/** A linear layer: logits = features Wᵀ + b. */
export interface LinearHead {
  /** W, [classes, dimension]. */
  readonly weight: NdArray<Float64Array>
  /** b, [classes]. */
  readonly bias: Float64Array
}

/** A classifier that lets its features be seen. */
export interface FeatureClassifier {
  /** Shape of one raw row. */
  readonly dataShape: readonly number[]
  /** Numbers of a logit row. */
  readonly classes: number
  /** Numbers of a feature row. */
  readonly dimension: number
  /** The last layer, where logits are a linear function of the features. */
  readonly head?: LinearHead
  /** Logits and features of raw rows `x` [N, ...dataShape]. */
  evaluate(x: NdArray, options?: CallOptions): Promise<ClassifierOutputs>
  /** Rows as the network takes them, after preprocessing. */
  preprocess(x: NdArray, options?: CallOptions): Promise<NdArray>
  /**
   * Gradients by preprocessed rows `v` of Σ_c u_c logit_c + Σ_f w_f feature_f, for K cotangents of each row at once.
   *
   * @param v - rows that `preprocess` gave
   * @param cotangents - `logits` [K, N, classes] and `features` [K, N, dimension]; one may be left out
   * @returns outputs at `v`, and [K, ...v.shape]
   */
  vjp?(
    v: NdArray,
    cotangents: { logits?: NdArray; features?: NdArray },
    options?: CallOptions,
  ): Promise<ClassifierOutputs & { gradient: NdArray }>
}
