// What crosses the boundary to the inference engine: flat data with a shape, of one of four element types.
import { mismatch, OodError } from '@ood/core'

/** Element types allowed at a graph's inputs and outputs. float16 is not: it breaks on some versions of Node. */
export type ElementType = 'float32' | 'float64' | 'int64' | 'bool'

/** Storage of each element type; a `Uint8Array` holds booleans as 0 and 1. */
export type TensorStorage = Float32Array | Float64Array | BigInt64Array | Uint8Array

/** A tensor as graphs take and give it: flat row-major data and its sizes. */
export interface TensorValue<S extends TensorStorage = TensorStorage> {
  data: S
  shape: readonly number[]
}

/** Name, element type and sizes of a graph input or output; a string is a symbolic size, such as a batch axis. */
export interface Port {
  name: string
  type: string
  shape: readonly (number | string)[]
}

/** Element type that the storage class of `data` stands for. */
export function elementType(data: TensorStorage): ElementType {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof BigInt64Array) return 'int64'
  if (data instanceof Uint8Array) return 'bool'
  throw mismatch('E_UNSUPPORTED', 'tensor', 'Float32Array, Float64Array, BigInt64Array or Uint8Array', data)
}

/**
 * Checks that `value` fits the input `port`: element type, number of axes, fixed sizes, and data length.
 *
 * @throws OodError `E_SHAPE` or `E_ARGUMENT` naming `what` and the input
 */
export function assertFits(what: string, port: Port, value: TensorValue): void {
  const name = `${what} input ${port.name}`
  const type = elementType(value.data)
  if (type !== port.type) throw mismatch('E_ARGUMENT', name, port.type, type)
  const fits =
    value.shape.length === port.shape.length &&
    port.shape.every((n, axis) => typeof n === 'string' || n === value.shape[axis])
  if (!fits) throw mismatch('E_SHAPE', name, `shape [${port.shape.join(', ')}]`, `[${value.shape.join(', ')}]`)
  const size = value.shape.reduce((product, n) => product * n, 1)
  if (size !== value.data.length) {
    throw new OodError(
      'E_SHAPE',
      `${name}: expected ${size} numbers for shape [${value.shape.join(', ')}], got ${value.data.length}`,
    )
  }
}

/** The same storage, copied when it is backed by shared memory, which the engine refuses. */
export function unshared<S extends TensorStorage>(data: S): S {
  return data.buffer instanceof SharedArrayBuffer ? (data.slice() as S) : data
}
