// Tensors in the file: raw bytes, typed fields, sparse pairs or a range of another file, as typed arrays on first use.
import { mismatch, OodError } from '@ood/core'
import { type ExternalData, externalRange } from './external.ts'
import {
  create,
  DataLocation,
  elementNumber,
  elementType,
  type SparseTensorProto,
  sources,
  type TensorProto,
  TensorProtoSchema,
  withFields,
} from './proto.ts'
import { arrays, byteSize, count, storageLength } from './tensors.ts'
import type { ElementType, Tensor, TypedArray } from './types.ts'

/** Axes of a tensor: more than any runtime takes. */
const LARGEST_RANK = 64

/** How much larger than its stored entries a sparse tensor may become, and what is small enough always. */
const SPARSE_GROWTH = 1000
const SPARSE_FREE = 2 ** 20

/** View of a tensor in the file; `data` is decoded on first use. */
export function readTensor(message: TensorProto, what: string, external: ExternalData | undefined): Tensor {
  const type = elementType(message.dataType)
  const shape = readShape(message.dims, what)
  const size = count(shape)
  const bytes = byteSize(type, shape)
  const outside = message.dataLocation === DataLocation.EXTERNAL
  if (outside) {
    if (bytes === undefined) throw mismatch('E_FILE', what, 'numbers in external data', `element type ${type}`)
    externalRange(message, bytes, what)
  } else checkSize(message, type, size, what)
  let data: TypedArray | undefined
  const tensor: Tensor = {
    type,
    shape,
    get data(): TypedArray {
      data ??= outside ? fetchData(message, type, shape, what, external) : decode(message, type, size, what)
      return data
    },
  }
  sources.tensor.set(tensor, message)
  return tensor
}

/** Is the tensor's data in another file? */
export function isExternal(tensor: Tensor): boolean {
  return sources.tensor.get(tensor)?.dataLocation === DataLocation.EXTERNAL
}

/** View of a sparse tensor as the dense tensor it stands for. */
export function readSparse(message: SparseTensorProto, what: string, external: ExternalData | undefined): Tensor {
  if (!message.values || !message.indices) throw mismatch('E_FILE', what, 'values and indices', 'one of them missing')
  const values = readTensor(message.values, `${what} values`, external)
  const indices = readTensor(message.indices, `${what} indices`, external)
  const shape = readShape(message.dims, what)
  const { type } = values
  const size = count(shape)
  const entries = count(values.shape)
  const linear = indices.shape.length === 1
  if (
    indices.type !== 'int64' ||
    values.shape.length !== 1 ||
    count(indices.shape) !== entries * (linear ? 1 : shape.length)
  )
    throw mismatch('E_FILE', what, `int64 indices of ${entries} entries`, `${indices.type} of shape [${indices.shape}]`)
  if (size > SPARSE_FREE && size > entries * SPARSE_GROWTH)
    throw mismatch(
      'E_UNSUPPORTED',
      what,
      `at most ${SPARSE_GROWTH} numbers for each stored one`,
      `${size} for ${entries}`,
    )
  let data: TypedArray | undefined
  return {
    type,
    shape,
    get data(): TypedArray {
      if (data) return data
      const Type = arrays[type]
      if (!Type || storageLength(type, 2) !== 2) throw mismatch('E_UNSUPPORTED', what, 'whole numbers of bytes', type)
      const dense = new Type(size) as { [index: number]: number | bigint }
      const at = indices.data as BigInt64Array
      for (let i = 0; i < entries; i++) {
        let position = 0
        if (linear) position = Number(at[i])
        else
          for (const [axis, n] of shape.entries()) {
            const index = Number(at[i * shape.length + axis])
            position = index >= 0 && index < n ? position * n + index : Number.NaN
          }
        if (!(position >= 0 && position < size)) throw mismatch('E_FILE', `${what} index`, `0 to ${size - 1}`, position)
        dense[position] = values.data[i]!
      }
      data = dense as unknown as TypedArray
      return data
    },
  }
}

/** Message of a tensor, under the given name. */
export function writeTensor(name: string, tensor: Tensor): TensorProto {
  const source = sources.tensor.get(tensor)
  if (source) return source.name === name ? source : withFields(source, { name })
  return create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: elementNumber(tensor.type),
    rawData: bytesOf(tensor.data),
  })
}

/** Message of a tensor whose data is brought into the file. */
export function writeInline(name: string, tensor: Tensor): TensorProto {
  const source = sources.tensor.get(tensor)
  if (!source || source.dataLocation !== DataLocation.EXTERNAL) return writeTensor(name, tensor)
  const rawData = bytesOf(tensor.data)
  return withFields(source, { name, externalData: [], dataLocation: DataLocation.DEFAULT, rawData })
}

/** The memory of a typed array as bytes, not copied. */
export function bytesOf(data: TypedArray): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
}

/**
 * The texts of a string tensor.
 *
 * @throws OodError `E_UNSUPPORTED` for other element types
 */
export function tensorStrings(tensor: Tensor): string[] {
  const message = sources.tensor.get(tensor)
  if (tensor.type !== 'string' || !message) throw mismatch('E_UNSUPPORTED', 'tensor', 'a string tensor', tensor.type)
  const decoder = new TextDecoder()
  return message.stringData.map((text) => decoder.decode(text))
}

function readShape(dims: readonly bigint[], what: string): number[] {
  const shape = dims.map(Number)
  if (shape.length > LARGEST_RANK)
    throw mismatch('E_FILE', `${what} shape`, `at most ${LARGEST_RANK} axes`, shape.length)
  if (shape.some((n) => !(Number.isSafeInteger(n) && n >= 0)))
    throw mismatch('E_FILE', `${what} shape`, 'sizes >= 0', shape)
  if (!Number.isSafeInteger(count(shape) * 16)) throw mismatch('E_FILE', `${what} shape`, 'a size that exists', shape)
  return shape
}

/** Refuses a tensor whose stored bytes cannot hold its shape, before anything of that size is allocated. */
function checkSize(message: TensorProto, type: ElementType, size: number, what: string): void {
  if (type === 'string') {
    if (message.stringData.length !== size)
      throw mismatch('E_FILE', what, `${size} stored texts`, message.stringData.length)
    return
  }
  const Type = arrays[type]
  if (!Type) return
  const raw = message.rawData.length
  const list = listOf(message, type)
  if (typedLists(message).some((other) => other !== list || raw > 0))
    throw mismatch('E_FILE', what, `its numbers once, as ${type}`, 'another list')
  const stored = raw > 0 ? raw / Type.BYTES_PER_ELEMENT : list.length
  const expected = storageLength(type, size)
  if (stored !== expected) throw mismatch('E_FILE', what, `${expected} stored numbers`, stored)
}

function typedLists(message: TensorProto): (readonly (number | bigint)[])[] {
  const { floatData, doubleData, int32Data, int64Data, uint64Data } = message
  return [floatData, doubleData, int32Data, int64Data, uint64Data].filter((list) => list.length > 0)
}

/** The one list that may hold numbers of an element type. */
function listOf(message: TensorProto, type: ElementType): readonly (number | bigint)[] {
  if (type === 'float32') return message.floatData
  if (type === 'float64') return message.doubleData
  if (type === 'int64') return message.int64Data
  if (type === 'uint32' || type === 'uint64') return message.uint64Data
  return message.int32Data
}

function decode(message: TensorProto, type: ElementType, size: number, what: string): TypedArray {
  const Type = arrays[type]
  if (!Type) throw mismatch('E_UNSUPPORTED', what, 'numbers', `element type ${message.dataType}`)
  if (message.rawData.length > 0) return viewOf(message.rawData, type)
  const data = new Type(storageLength(type, size)) as { [index: number]: number | bigint }
  for (const [i, value] of listOf(message, type).entries()) data[i] = type === 'uint32' ? Number(value) : value
  return data as unknown as TypedArray
}

function fetchData(
  message: TensorProto,
  type: ElementType,
  shape: readonly number[],
  what: string,
  external: ExternalData | undefined,
): TypedArray {
  const { location, offset, length } = externalRange(message, byteSize(type, shape)!, what)
  if (!external)
    throw new OodError(
      'E_UNSUPPORTED',
      `${what}: expected data inside the file, got external data in ${location} (give readModel the option external, ` +
        'or open the file with openModel)',
    )
  const bytes = length === 0 ? new Uint8Array(0) : external(location, offset, length)
  if (bytes.length !== length)
    throw mismatch('E_FILE', `${what} in ${location}`, `${length} bytes from byte ${offset}`, bytes.length)
  return viewOf(bytes, type)
}

/** Bytes as the typed array of an element type: a view where alignment allows, else a copy. */
function viewOf(bytes: Uint8Array, type: ElementType): TypedArray {
  const Type = arrays[type]!
  const length = bytes.length / Type.BYTES_PER_ELEMENT
  if (bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0) return new Type(bytes.buffer, bytes.byteOffset, length)
  // Not bytes.slice(): on a Buffer that shares memory instead of copying.
  return new Type(new Uint8Array(bytes).buffer, 0, length)
}
