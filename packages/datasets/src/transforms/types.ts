// The named transforms a checkpoint's manifest can list, and what a transform does to a batch.
import type { FloatArray, NdArray } from '@ood/core'

/**
 * One named transform with its parameters, exactly as it stands in a manifest's `preprocessing` list.
 * One of:
 *
 * - `dequantize` y = (k + u) / levels, u ~ U[0, 1): integer pixels k in 0..levels-1 spread over [0, 1).
 *   `input: 'unit'` takes x = k / (levels - 1) instead, y = ((levels - 1) x + u) / levels.
 * - `uniform-noise` y = x + u: dequantisation without the division, to be followed by `scale`.
 * - `gaussian-noise` y = x + std e, e ~ N(0, 1): the perturbed data sets of LIDL.
 * - `unit` y = x / (levels - 1): bytes to [0, 1] (torchvision's `to_tensor`).
 * - `scale` y = low + (high - low) x / levels, `range` = [low, high].
 * - `zero-center` y = (x - 0.5) / 0.5: [0, 1] to [-1, 1], what diffusions see.
 * - `standardize` y = (x - mean) / std, one number or one per channel.
 * - `logit` p = alpha + (1 - alpha) x, y = ln(p / (1 - p + eps)).
 * - `symmetric-logit` p = (1 + c (2 x - 1)) / 2, y = ln(p / (1 - p)).
 * - `flatten` [N, C, H, W] to [N, C H W]; `shape` is one row's shape before.
 * - `identity` a placeholder for overriding one entry of a list.
 */
export type TransformSpec =
  | { name: 'dequantize'; levels?: number; input?: 'bytes' | 'unit' }
  | { name: 'uniform-noise'; levels?: number }
  | { name: 'gaussian-noise'; std: number }
  | { name: 'unit'; levels?: number }
  | { name: 'scale'; levels?: number; range?: readonly [number, number] }
  | { name: 'zero-center' }
  | { name: 'standardize'; mean: number | readonly number[]; std: number | readonly number[] }
  | { name: 'logit'; alpha?: number; eps?: number; compat?: 'geometry' | 'ood-detection' }
  | { name: 'symmetric-logit'; c?: number; compat?: 'reference' }
  | { name: 'flatten'; shape?: readonly number[] }
  | { name: 'identity' }

/** How a batch goes forward. */
export interface ForwardOptions {
  /** Seed of the noise (default 0). */
  seed?: number | undefined
  /**
   * A key for each row (default 0..N-1). Row i's noise depends on (seed, rows[i]) and nothing else, so the same image
   * gets the same noise in any batch size or order as long as it keeps its key.
   */
  rows?: ArrayLike<number> | undefined
  /** The noise itself instead of a seed, as many numbers as `x`, for the one noise step of the list. */
  noise?: ArrayLike<number> | undefined
}

/** How a batch goes back. */
export interface InverseOptions {
  /** Return whole pixels, clamped to the range (default), or the continuous values the noise was added to. */
  quantize?: boolean | undefined
}

/** A transformed batch. */
export interface Transformed<A extends FloatArray = FloatArray> {
  /** Transformed rows, stored as the input was. */
  y: NdArray<A>
  /** ln |det dy/dx| of each row in nats, all steps; computed in float64. */
  logDet: Float64Array
  /** The same, step by step in list order. */
  stepLogDet: Float64Array[]
}

/** A chain of named transforms over batches. */
export interface Transform {
  /** The specs, defaults filled in. */
  readonly specs: readonly TransformSpec[]
  /**
   * y and ln |det dy/dx| for every row of `x`.
   *
   * @throws OodError `E_NOT_FINITE` on NaN or infinity in or out, `E_ARGUMENT` on pixels out of range
   */
  forward<A extends FloatArray>(x: NdArray<A>, options?: ForwardOptions): Transformed<A>
  /** x of y, exact unless a step's `compat` says otherwise; noise is undone by flooring (`quantize`) or left in. */
  inverse<A extends FloatArray>(y: NdArray<A>, options?: InverseOptions): NdArray<A>
}
