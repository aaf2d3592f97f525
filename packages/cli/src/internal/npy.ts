// Typed arrays as NumPy `.npy` files (format 1.0), so that stored steps open in Python as they are.
import { OodError } from '@ood/core'

/** Element types a stored array may have. */
export type StoredArray = Float64Array | Float32Array | Int32Array | Uint32Array | Uint8Array | BigInt64Array

const descriptors = {
  Float64Array: '<f8',
  Float32Array: '<f4',
  Int32Array: '<i4',
  Uint32Array: '<u4',
  Uint8Array: '|u1',
  BigInt64Array: '<i8',
} as const

const constructors = { Float64Array, Float32Array, Int32Array, Uint32Array, Uint8Array, BigInt64Array }

type Name = keyof typeof descriptors

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]

/** Says whether `value` is a typed array that can be stored. A Node `Buffer` counts as Uint8Array. */
export function isStoredArray(value: unknown): value is StoredArray {
  return arrayName(value) !== undefined
}

function arrayName(value: unknown): Name | undefined {
  return (Object.keys(constructors) as Name[]).find((name) => value instanceof constructors[name])
}

/** The bytes of a `.npy` file with the numbers of `data` in row-major order. */
export function encodeNpy(data: StoredArray, shape: readonly number[]): Uint8Array {
  const descriptor = descriptors[arrayName(data)!]
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${descriptor}', 'fortran_order': False, 'shape': (${sizes}), }`
  // NumPy wants the data to start at a multiple of 64 bytes and the header to end in a newline.
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`
  const bytes = new Uint8Array(10 + padded.length + data.byteLength)
  bytes.set(magic)
  bytes[8] = padded.length & 255
  bytes[9] = padded.length >> 8
  bytes.set(Buffer.from(padded, 'latin1'), 10)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + padded.length)
  return bytes
}

/** Reads back what `encodeNpy` wrote; `path` is named in errors. */
export function decodeNpy(bytes: Uint8Array, path: string): { data: StoredArray; shape: number[] } {
  if (magic.some((byte, i) => bytes[i] !== byte))
    throw new OodError('E_FILE', `${path}: expected a .npy file, got other bytes`)
  const length = bytes[8]! + 256 * bytes[9]!
  const header = Buffer.from(bytes.subarray(10, 10 + length)).toString('latin1')
  const match = /'descr': '(.{3})', 'fortran_order': False, 'shape': \(([\d, ]*)\)/.exec(header)
  const name = (Object.keys(descriptors) as Name[]).find((key) => descriptors[key] === match?.[1])
  if (!match || !name) throw new OodError('E_FILE', `${path}: expected a row-major number array, got ${header.trim()}`)
  const shape = [...match[2]!.matchAll(/\d+/g)].map(Number)
  const count = shape.reduce((product, n) => product * n, 1)
  const size = constructors[name].BYTES_PER_ELEMENT * count
  const body = bytes.subarray(10 + length)
  if (body.byteLength !== size) throw new OodError('E_FILE', `${path}: expected ${size} bytes, got ${body.byteLength}`)
  // A buffer of its own: typed arrays need aligned offsets, and a file read by Node may lie anywhere in a larger one.
  return { data: new constructors[name](new Uint8Array(body).buffer), shape }
}
