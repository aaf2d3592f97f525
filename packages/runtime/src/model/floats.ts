// Blocks of floats into and out of sessions whose graphs may be in another number type.
import { type FloatArray, OodError } from '@ood/core'
import type { Session } from '../session.ts'
import type { TensorStorage, TensorValue } from '../tensor-value.ts'

/** Numbers as an input wants them: float32 as they are, float64, or whole numbers in int64. */
export function feedNumbers(
  session: Pick<Session, 'inputs'>,
  name: string,
  data: ArrayLike<number>,
  shape: readonly number[],
): TensorValue {
  const type = session.inputs.find((port) => port.name === name)?.type ?? 'float32'
  return { data: stored(type, data), shape }
}

function stored(type: string, data: ArrayLike<number>): TensorStorage {
  if (type === 'int64') return BigInt64Array.from(Array.from(data, (value) => BigInt(Math.round(value))))
  if (type === 'float64') return data instanceof Float64Array ? data : Float64Array.from(data)
  return data instanceof Float32Array ? data : Float32Array.from(data)
}

/** The floats of an output, exactly `size` of them; throws `E_SHAPE` otherwise. */
export function takeFloats(what: string, value: TensorValue | undefined, size: number): FloatArray {
  const data = value?.data
  if (!(data instanceof Float32Array || data instanceof Float64Array) || data.length !== size)
    throw new OodError('E_SHAPE', `${what}: expected ${size} floats, got ${data?.length ?? 'none'}`)
  return data
}

/** In float32, without a copy where they already are. */
export function toFloat32(data: FloatArray): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data)
}
