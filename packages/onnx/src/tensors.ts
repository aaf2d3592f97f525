// Tensors in memory: typed arrays for every element type, constants from numbers, numbers from packed and short types.
import { mismatch, OodError } from '@ood/core'
import type { ElementType, Tensor, TypedArray } from './types.ts'

type ArrayType = {
  readonly BYTES_PER_ELEMENT: number
  readonly name: string
  new (length: number): TypedArray
  new (buffer: ArrayBufferLike, offset: number, length: number): TypedArray
}

/** The typed array that stores each element type. */
export const arrays: Readonly<Partial<Record<ElementType, ArrayType>>> = {
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
  float8e4m3fn: Uint8Array,
  float8e4m3fnuz: Uint8Array,
  float8e5m2: Uint8Array,
  float8e5m2fnuz: Uint8Array,
  float8e8m0: Uint8Array,
  float4e2m1: Uint8Array,
  int4: Uint8Array,
  uint4: Uint8Array,
  int2: Uint8Array,
  uint2: Uint8Array,
} as Partial<Record<ElementType, ArrayType>>

/** Length of the typed array that stores so many numbers: short types keep several in a byte. */
export function storageLength(type: ElementType, size: number): number {
  return Math.ceil(size / perByte(type))
}

/** Numbers in one element of the typed array. */
function perByte(type: ElementType): number {
  if (type === 'int2' || type === 'uint2') return 4
  return type === 'int4' || type === 'uint4' || type === 'float4e2m1' ? 2 : 1
}

/** Bytes a tensor takes in a file; undefined for text and types without an array. */
export function byteSize(type: ElementType, shape: readonly number[]): number | undefined {
  const Type = arrays[type]
  return Type && storageLength(type, count(shape)) * Type.BYTES_PER_ELEMENT
}

function isPacked(type: ElementType): boolean {
  return perByte(type) > 1
}

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
    throw mismatch('E_ARGUMENT', `constant of type ${type}`, Type ? Type.name : 'a known type', data)
  const expected = storageLength(type, count(shape))
  if (expected !== data.length)
    throw mismatch('E_SHAPE', 'constant', `${expected} numbers for shape [${shape}]`, data.length)
  return { type, shape: [...shape], data }
}

/**
 * A constant of `type` from plain numbers (not for 8-bit and shorter floats, 4-bit and 2-bit integers or strings). float16 and
 * bfloat16 are rounded to the nearest, ties to even; int64 and uint64 saturate, because graphs say "to the end" with the
 * largest int64, which as a number is one too large.
 */
export function tensorOf(type: ElementType, shape: readonly number[], values: readonly number[]): Tensor {
  const Type = arrays[type]
  const half = type === 'float16' || type === 'bfloat16'
  if (!Type || (isCoded(type) && !half))
    throw mismatch('E_ARGUMENT', 'constant type', 'a number type with a JavaScript array', type)
  const data = new Type(values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (data instanceof BigInt64Array) data[i] = toInt64(value)
    else if (data instanceof BigUint64Array)
      data[i] = value >= 2 ** 64 ? 2n ** 64n - 1n : wholeNumber(Math.max(0, value))
    else if (type === 'float16') data[i] = half16(value, 10, 15)
    else if (type === 'bfloat16') data[i] = half16(value, 7, 127)
    else data[i] = value
  }
  return constantTensor(type, shape, data)
}

/** A whole number as int64, saturated: 2^63 becomes the largest. */
export function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return 2n ** 63n - 1n
  if (value <= -(2 ** 63)) return -(2n ** 63n)
  return wholeNumber(value)
}

/** BigInt(value) would end in a bare RangeError, or in a SyntaxError for the name of a size. */
function wholeNumber(value: number): bigint {
  if (!Number.isInteger(value)) throw mismatch('E_ARGUMENT', 'int64 constant', 'a whole number', value)
  return BigInt(value)
}

/** Bits of a 16-bit float: sign, exponent, `fractionBits` of fraction; IEEE 754, rounded to nearest, ties to even. */
function half16(value: number, fractionBits: number, bias: number): number {
  const exponentTop = 2 ** (15 - fractionBits) - 1
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const a = Math.abs(value)
  if (Number.isNaN(value)) return (exponentTop << fractionBits) | (1 << (fractionBits - 1))
  if (a === Number.POSITIVE_INFINITY) return sign | (exponentTop << fractionBits)
  // Spacing of the numbers around a; the smallest normal exponent holds for what is below it, too.
  let exponent = a === 0 ? 1 - bias : Math.max(Math.floor(Math.log2(a)), 1 - bias)
  // The logarithm of a number next to a power of two may round to that power's.
  if (2 ** exponent > a && exponent > 1 - bias) exponent--
  const steps = roundEven(a / 2 ** (exponent - fractionBits))
  // A rounding up to the next power of two carries into the exponent by itself.
  const bits = steps + (exponent - (1 - bias)) * 2 ** fractionBits
  return sign | Math.min(bits, exponentTop << fractionBits)
}

function roundEven(x: number): number {
  const low = Math.floor(x)
  const rest = x - low
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low
}

/** Is the type stored as something that is not its number? */
function isCoded(type: ElementType): boolean {
  return type === 'float16' || type === 'bfloat16' || type.startsWith('float8') || isPacked(type)
}

/** Product of sizes; 0 as soon as one is 0, however large the others. */
export function count(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1)
}

/** Numbers of a tensor of any numeric type as plain numbers, decoded as `tensorNumbers` does. */
export function plainNumbers(tensor: Tensor): number[] {
  if (isCoded(tensor.type)) return Array.from(tensorNumbers(tensor))
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number)
}

/**
 * The numbers of a tensor of any numeric type, decoded: float16, bfloat16, the 8-bit floats, 4-bit and 2-bit types and bool too.
 * int64 beyond 2^53 is rounded.
 *
 * @throws OodError `E_UNSUPPORTED` for text and types without numbers
 * @example
 * tensorNumbers(constantTensor('float16', [2], new Uint16Array([0x3c00, 0xc000]))) // Float64Array [1, -2]
 */
export function tensorNumbers(tensor: Tensor): Float64Array {
  const { type, data } = tensor
  const size = count(tensor.shape)
  const out = new Float64Array(size)
  if (isPacked(type)) {
    const bytes = data as Uint8Array
    const [n, bits] = [perByte(type), 8 / perByte(type)]
    for (let i = 0; i < size; i++) {
      const shift = bits * (i % n)
      out[i] = short(type, (bytes[Math.floor(i / n)]! >> shift) & (2 ** bits - 1), bits)
    }
    return out
  }
  const read = isCoded(type) ? decoder(type) : Number
  for (let i = 0; i < size; i++) out[i] = read(data[i] as number)
  return out
}

/** Value of a number of 2 or 4 bits. */
function short(type: ElementType, stored: number, bits: number): number {
  if (type.startsWith('uint')) return stored
  if (type.startsWith('int')) return stored < 2 ** (bits - 1) ? stored : stored - 2 ** bits
  return small(stored, 2, 1, 1, 'finite')
}

/** From the stored bits of a short float to its value. Layouts: ONNX "Float stored in 8 bits", IEEE 754 binary16. */
function decoder(type: ElementType): (bits: number) => number {
  if (type === 'float16') return (bits) => small(bits, 5, 10, 15, 'ieee')
  if (type === 'bfloat16') return (bits) => small(bits, 8, 7, 127, 'ieee')
  if (type === 'float8e4m3fn') return (bits) => small(bits, 4, 3, 7, 'fn')
  if (type === 'float8e4m3fnuz') return (bits) => small(bits, 4, 3, 8, 'fnuz')
  if (type === 'float8e5m2') return (bits) => small(bits, 5, 2, 15, 'ieee')
  if (type === 'float8e5m2fnuz') return (bits) => small(bits, 5, 2, 16, 'fnuz')
  if (type === 'float8e8m0') return (bits) => (bits === 255 ? Number.NaN : 2 ** (bits - 127))
  throw new OodError('E_UNSUPPORTED', `tensor: expected numbers, got element type ${type}`)
}

/**
 * Value of sign, exponent and fraction bits. `special` says what the largest exponent means: infinities and NaN
 * ('ieee'), NaN for all ones only ('fn'), nothing, with NaN in place of -0 ('fnuz'), nothing at all ('finite').
 */
function small(
  bits: number,
  exponentBits: number,
  fractionBits: number,
  bias: number,
  special: 'ieee' | 'fn' | 'fnuz' | 'finite',
): number {
  const sign = bits >> (exponentBits + fractionBits) === 1 ? -1 : 1
  const top = 2 ** exponentBits - 1
  const exponent = (bits >> fractionBits) & top
  const fraction = bits & (2 ** fractionBits - 1)
  if (special === 'ieee' && exponent === top) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (special === 'fn' && exponent === top && fraction === 2 ** fractionBits - 1) return Number.NaN
  if (special === 'fnuz' && sign === -1 && exponent === 0 && fraction === 0) return Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits)
  return sign * (2 ** fractionBits + fraction) * 2 ** (exponent - bias - fractionBits)
}
