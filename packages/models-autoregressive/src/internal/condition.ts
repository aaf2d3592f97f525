// Pairs images with conditions: one each, or one for all of the other.
import { assertFinite, flatData, mismatch, type NdArray, rowCount } from '@ood/core'
import type { Rows } from './kernels.ts'

/** Images with what they are conditioned on, as rows that can be cut out. */
export interface Paired {
  total: number
  /** Flat rows `from`..`to`. */
  rows(from: number, to: number): Rows
}

/**
 * Broadcasts the batch axes of images [N, ...] and conditions [K, ...conditionShape] against each other: N = K, or one of
 * them is 1; a condition without a batch axis counts as K = 1.
 *
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`; `E_ARGUMENT` for a condition that is missing or not wanted
 */
export function pair(
  what: string,
  x: NdArray,
  condition: NdArray | undefined,
  conditionShape: readonly number[] | undefined,
): Paired {
  const n = rowCount(x)
  const data = flatData(x)
  const d = n === 0 ? 0 : data.length / n
  if (!conditionShape) {
    if (condition)
      throw mismatch('E_ARGUMENT', `${what} condition`, 'none, the model has no such input', condition.shape)
    return {
      total: n,
      rows: (from, to) => ({ x: Float32Array.from(data.subarray(from * d, to * d)), rows: to - from }),
    }
  }
  const { given, k, e } = conditions(what, condition, conditionShape)
  if (n !== k && n !== 1 && k !== 1)
    throw mismatch('E_SHAPE', `${what} condition`, `1 or ${n} rows, as many as images`, k)
  const total = n === 0 || k === 0 ? 0 : Math.max(n, k)
  return {
    total,
    rows(from, to) {
      const rows = to - from
      const images = new Float32Array(rows * d)
      const beside = new Float32Array(rows * e)
      for (let i = 0; i < rows; i++) {
        const image = n === 1 ? 0 : from + i
        const row = k === 1 ? 0 : from + i
        images.set(data.subarray(image * d, (image + 1) * d), i * d)
        beside.set(given.subarray(row * e, (row + 1) * e), i * e)
      }
      return { x: images, condition: beside, rows }
    },
  }
}

/** Flat conditions, how many there are, and the size of one. */
export function conditions(
  what: string,
  condition: NdArray | undefined,
  conditionShape: readonly number[],
): { given: Float32Array; k: number; e: number } {
  const shape = conditionShape.join(', ')
  if (!condition) throw mismatch('E_ARGUMENT', `${what} condition`, `a tensor of shape [K, ${shape}]`, condition)
  const batched = condition.shape.length === conditionShape.length + 1
  if ((batched ? condition.shape.slice(1) : condition.shape).join() !== conditionShape.join())
    throw mismatch('E_SHAPE', `${what} condition`, `shape [K, ${shape}] or [${shape}]`, condition.shape)
  assertFinite(`${what} condition`, condition)
  const e = conditionShape.reduce((product, n) => product * n, 1)
  return { given: Float32Array.from(flatData(condition)), k: batched ? rowCount(condition) : 1, e }
}
