// Tensors in the file and in memory: raw bytes or typed fields on one side, typed arrays on the other.
import { mismatch, OodError } from '@ood/core'
import {
  create,
  DataLocation,
  elementNumber,
  elementType,
  sources,
  type TensorProto,
  TensorProtoSchema,
} from './proto.ts'
import type { ElementType, Tensor, TypedArray } from './types.ts'

type ArrayType = {
  readonly BYTES_PER_ELEMENT: number
  new (length: number): TypedArray
  new (buffer: ArrayBufferLike, offset: number, length: number): TypedArray
}

const arrays: Readonly<Partial<Record<ElementType, ArrayType>>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as Partial<Record<ElementType, ArrayType>>

/**
 * A constant tensor.
 *
 * @param data - row-major numbers; its class must be the one that stores `type` (see `TypedArray`)
 * @throws OodError `E_SHAPE` when the sizes do not multiply to `data.length`, `E_ARGUMENT` for the wrong array class
 * @example
 * const w = constantTensor('float32', [2, 3], new Float32Array(6))
 */
export function constantTensor(type: ElementType, shape: readonly number[], data: TypedArray): Tensor {
  const Type = arrays[type]
  if (!Type || !(data instanceof (Type as unknown as new () => TypedArray)))
    throw mismatch(
      'E_ARGUMENT',
      `constant of type ${type}`,
      Type ? (Type as unknown as { name: string }).name : 'a known type',
      data,
    )
  if (count(shape) !== data.length)
    throw mismatch('E_SHAPE', 'constant', `${count(shape)} numbers for shape [${shape}]`, data.length)
  return { type, shape: [...shape], data }
}

/** A constant of `type` from plain numbers (not for 16-bit floats or strings). */
export function tensorOf(type: ElementType, shape: readonly number[], values: readonly number[]): Tensor {
  const Type = arrays[type]
  if (!Type || type === 'float16' || type === 'bfloat16')
    throw mismatch('E_ARGUMENT', 'constant type', 'a number type with a JavaScript array', type)
  const data = new Type(values.length)
  for (let i = 0; i < values.length; i++) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(values[i]!)
    else data[i] = values[i]!
  }
  return constantTensor(type, shape, data)
}

/** Product of sizes. */
export function count(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1)
}

/** Numbers of an integer or float tensor as plain numbers (int64 beyond 2^53 saturates, as slice ends do on purpose). */
export function plainNumbers(tensor: Tensor): number[] {
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number)
}

/** View of a tensor in the file; `data` is decoded on first use. */
export function readTensor(message: TensorProto, what: string): Tensor {
  const type = elementType(message.dataType)
  const shape = message.dims.map(Number)
  if (shape.some((n) => !(Number.isSafeInteger(n) && n >= 0)))
    throw mismatch('E_FILE', `${what} shape`, 'sizes >= 0', shape)
  checkSize(message, type, count(shape), what)
  let data: TypedArray | undefined
  const tensor: Tensor = {
    type,
    shape,
    get data(): TypedArray {
      data ??= decode(message, type, count(shape), what)
      return data
    },
  }
  sources.tensor.set(tensor, message)
  return tensor
}

/** Message of a tensor, under the given name. */
export function writeTensor(name: string, tensor: Tensor): TensorProto {
  const source = sources.tensor.get(tensor)
  if (source) return source.name === name ? source : { ...source, name }
  const { buffer, byteOffset, byteLength } = tensor.data
  return create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: elementNumber(tensor.type),
    rawData: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
  })
}

/** Refuses a tensor whose stored bytes cannot hold its shape, before anything of that size is allocated. */
function checkSize(message: TensorProto, type: ElementType, size: number, what: string): void {
  const Type = arrays[type]
  if (!Type || message.dataLocation === DataLocation.EXTERNAL) return
  const stored =
    message.rawData.length > 0
      ? message.rawData.length / Type.BYTES_PER_ELEMENT
      : Math.max(
          message.floatData.length,
          message.doubleData.length,
          message.int32Data.length,
          message.int64Data.length,
          message.uint64Data.length,
        )
  if (stored !== size) throw mismatch('E_FILE', what, `${size} stored numbers`, stored)
}

function decode(message: TensorProto, type: ElementType, size: number, what: string): TypedArray {
  const Type = arrays[type]
  if (!Type) throw mismatch('E_UNSUPPORTED', what, 'numbers', `element type ${message.dataType}`)
  if (message.dataLocation === DataLocation.EXTERNAL)
    throw new OodError('E_UNSUPPORTED', `${what}: expected data inside the file, got external data`)
  const raw = message.rawData
  if (raw.length > 0) {
    if (raw.byteOffset % Type.BYTES_PER_ELEMENT === 0) return new Type(raw.buffer, raw.byteOffset, size)
    // Not raw.slice(): on a Buffer that shares memory instead of copying.
    return new Type(new Uint8Array(raw).buffer, 0, size)
  }
  const typed = [message.floatData, message.doubleData, message.int32Data, message.int64Data, message.uint64Data]
  const values = typed.find((list) => list.length > 0) ?? []
  const data = new Type(size)
  for (let i = 0; i < size; i++) (data as { [index: number]: number | bigint })[i] = values[i]!
  return data
}
