// Log-probabilities of targets under logits: the default score of a sequence model.
import { assertRows, flatData, mismatch, type NdArray, tensor } from '@ood/core'
import { assertWholeNumbers } from './internal/pixels.ts'

/**
 * log softmax(logits) at the targets, minus the cross-entropy of each step.
 *
 * @param targets - whole numbers 0..V-1, [N, T]
 * @param logits - [N, T, V]
 * @returns [N, T] in nats, computed in float64
 * @throws OodError `E_SHAPE`, `E_ARGUMENT` and `E_NOT_FINITE` for targets
 * @example
 * categoricalLogProb(tensor(Float32Array.of(1), [1, 1]), tensor(Float32Array.of(0, 0), [1, 1, 2])).data // [-0.693...]
 */
export function categoricalLogProb(targets: NdArray, logits: NdArray): NdArray<Float64Array> {
  const vocabulary = logits.shape[2] ?? 0
  if (logits.shape.length !== 3 || vocabulary === 0)
    throw mismatch('E_SHAPE', 'categoricalLogProb logits', 'shape [N, T, V]', logits.shape)
  assertRows('categoricalLogProb targets', targets, [logits.shape[1]!])
  assertWholeNumbers('categoricalLogProb targets', targets, 0, vocabulary - 1)
  if (targets.shape[0] !== logits.shape[0])
    throw mismatch('E_SHAPE', 'categoricalLogProb targets', `${logits.shape[0]} rows`, targets.shape[0])
  return tensor(logSoftmaxAt(flatData(logits), flatData(targets), vocabulary), targets.shape)
}

/** The same on flat rows: one target for each `vocabulary` logits. */
export function logSoftmaxAt(logits: ArrayLike<number>, targets: ArrayLike<number>, vocabulary: number): Float64Array {
  const out = new Float64Array(targets.length)
  for (let i = 0; i < out.length; i++) {
    const at = i * vocabulary
    let top = Number.NEGATIVE_INFINITY
    for (let j = at; j < at + vocabulary; j++) if (logits[j]! > top) top = logits[j]!
    let total = 0
    for (let j = at; j < at + vocabulary; j++) total += Math.exp(logits[j]! - top)
    out[i] = logits[at + targets[i]!]! - top - Math.log(total)
  }
  return out
}
