// Arrays as files store them, before they become float batches.
import { type FloatArray, type NdArray, tensor } from '@ood/core'

/** Element types a reader can return. */
export type RawData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array

/** An array with the element type and shape of the file, row-major. */
export interface RawArray {
  data: RawData
  shape: number[]
}

/**
 * A float batch of a raw array: float32 where every value of the element type fits it exactly (up to 16-bit integers,
 * float32), else float64. Integers beyond 2^53 round. Copies unless the data are floats already.
 *
 * @example
 * const x = toBatch(await readNpy('features.npy')) // NdArray [N, ...]
 */
export function toBatch(array: RawArray): NdArray {
  return tensor(floats(array.data), array.shape)
}

function floats(data: RawData): FloatArray {
  if (data instanceof Float32Array || data instanceof Float64Array) return data
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Float64Array.from({ length: data.length }, (_, i) => Number(data[i]!))
  }
  return data.BYTES_PER_ELEMENT <= 2 ? Float32Array.from(data) : Float64Array.from(data)
}
