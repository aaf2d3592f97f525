// What a sequence model is here: the interface that `openSequenceModel` returns, and its options.
import type { CallOptions, LikelihoodModel, LogProb, NdArray } from '@ood/core'
import type { Manifest } from '@ood/runtime'
import type { EngineOptions } from './engine-options.ts'

/**
 * A log-probability of one's own: targets [n, T - 1] and the network's logits [n, T - 1, V] to one number a step,
 * [n, T - 1], or any [n, ...featureShape]. Rows must not influence each other: batches are scored one by one.
 */
export type SequenceScore = (targets: NdArray, logits: NdArray<Float32Array>) => NdArray | Promise<NdArray>

/** Options of `openSequenceModel`. */
export interface SequenceOptions extends EngineOptions {
  /**
   * How steps make an instance: `sum` (default), log p(x_2..x_T | x_1) in nats, or `mean`, nats a step, which the
   * reference's sequential detector takes.
   */
  instance?: 'sum' | 'mean' | undefined
  /** Replaces the log-softmax of the logits at the target. */
  logProb?: SequenceScore | undefined
}

/** Options of the calls of a sequence model. */
export type SequenceCallOptions = CallOptions

/** Log-probabilities with one number a step. */
export interface SequenceLogProb extends LogProb {
  /** [N, T - 1] in nats: entry t is log p(x_t+1 | x_1..x_t). With a callback, what that returned. */
  feature: NdArray<Float64Array>
}

/** An autoregressive model of integer sequences: logits at position t predict the token at t + 1. */
export interface SequenceModel extends LikelihoodModel {
  readonly manifest: Manifest
  /** Shape of one row of the training data, [T]; where the graph leaves T free, rows of other lengths are scored too. */
  readonly dataShape: readonly number[]
  /** Tokens are 0..vocabulary - 1. */
  readonly vocabulary: number
  /** How steps make an instance. */
  readonly instance: 'sum' | 'mean'

  /**
   * Log-probabilities of sequences given their first token. A row's numbers do not depend on the batch it comes in, bit
   * for bit on one device.
   *
   * @param x - tokens [N, T] as whole numbers, T >= 2
   * @throws OodError `E_SHAPE`; `E_ARGUMENT`, `E_NOT_FINITE` naming the first row that does not hold tokens; `E_ABORTED`
   * @example
   * const { instance, feature } = await model.logProb(tensor(Float32Array.of(0, 1, 2, 3), [1, 4])) // [1], [1, 3]
   */
  logProb(x: NdArray, options?: SequenceCallOptions): Promise<SequenceLogProb>

  /** The network's logits [N, T - 1, V] for the tokens at positions 1..T-1 of `x` [N, T]. */
  logits(x: NdArray, options?: SequenceCallOptions): Promise<NdArray<Float32Array>>

  /** Stops the workers and frees the engine. */
  release(): Promise<void>
}
