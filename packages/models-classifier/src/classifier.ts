// What a classifier is here: the interface that `openClassifier` returns.
import type { CallOptions, ClassifierOutputs, FeatureClassifier, NdArray } from '@ood/core'
import type { Manifest } from '@ood/runtime'

/** Options of calls that take data rows. */
export interface ClassifierCallOptions extends CallOptions {
  /** What `x` holds: raw data (`raw`, default), or rows that `preprocess` gave (`model`). */
  input?: 'raw' | 'model' | undefined
}

/** A classifier from ONNX. */
export interface Classifier extends FeatureClassifier {
  /** The checkpoint's manifest; of a file without one, what the graph says. */
  readonly manifest: Manifest
  /** Names in the graph of what was found. */
  readonly values: { readonly input: string; readonly logits: string; readonly features: string }
  /**
   * Logits and features of rows `x` [N, ...dataShape].
   *
   * @throws OodError `E_SHAPE`, `E_NOT_FINITE` naming the row, `E_ABORTED`
   * @example
   * const { logits, features } = await classifier.evaluate(images)
   */
  evaluate(x: NdArray, options?: ClassifierCallOptions): Promise<ClassifierOutputs>
  /** Features alone. */
  features(x: NdArray, options?: ClassifierCallOptions): Promise<NdArray>
  /** Logits alone. */
  logits(x: NdArray, options?: ClassifierCallOptions): Promise<NdArray>
  vjp: NonNullable<FeatureClassifier['vjp']>
  /** Stops the workers and frees the engine. */
  release(): Promise<void>
}
