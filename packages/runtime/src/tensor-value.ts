// What crosses the boundary to the inference engine: flat data with a shape, of any element type the engine takes.
import { mismatch, OodError } from '@ood/core'
import type { ElementType as GraphElementType, TypedArray } from '@ood/onnx'

/** Element types allowed at a graph's inputs and outputs: all numbers that the engine itself passes on to JavaScript. */
export type ElementType = Extract<
  GraphElementType,
  `float${16 | 32 | 64}` | `int${8 | 16 | 32 | 64}` | `uint${8 | 16 | 32 | 64}` | 'bool'
>

/**
 * Storage of each element type. A `Uint8Array` holds bytes, or booleans as 0 and 1; a `Uint16Array` holds 16-bit integers,
 * or the bits of float16 numbers, on every version of Node: which of the two is the port's to say.
 */
export type TensorStorage = TypedArray

type StorageClass = { readonly name: string; new (length: number): TensorStorage }

const storage: Readonly<Record<ElementType, StorageClass>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
}

/** Names of the element types a port may have. */
export const elementTypes: readonly string[] = Object.keys(storage)

/** Is this the name of an element type that may cross? */
export function isElementType(name: string): name is ElementType {
  return Object.hasOwn(storage, name)
}

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

/** The element types that the storage class of `data` may stand for. */
function elementTypesOf(what: string, data: TensorStorage): ElementType[] {
  const found = Object.entries(storage).flatMap(([type, Class]) => (data instanceof Class ? [type as ElementType] : []))
  if (found.length > 0) return found
  const classes = [...new Set(Object.values(storage).map(({ name }) => name))]
  throw mismatch('E_UNSUPPORTED', what, classes.join(', '), data)
}

/**
 * Checks that `value` fits the input `port`: element type, number of axes, fixed sizes, and data length.
 *
 * @throws OodError `E_SHAPE` or `E_ARGUMENT` naming `what` and the input
 */
export function assertFits(what: string, port: Port, value: TensorValue): void {
  const name = `${what} input ${port.name}`
  const types = elementTypesOf(name, value.data)
  if (!(types as string[]).includes(port.type)) throw mismatch('E_ARGUMENT', name, port.type, types.join(' or '))
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
