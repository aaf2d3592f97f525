// NumPy's .npy: magic, version, a Python dict literal as header, then the numbers. Reads versions 1-3, writes 1.
import { mismatch, type OodError } from '@ood/core'
import { fileError, readBounded, writeFileAtomic } from '@ood/core/node'
import { DEFAULT_MAX_BYTES } from '../internal/bounds.ts'
import { machineOrder, swapBytes } from '../internal/endian.ts'
import type { RawArray, RawData } from './raw-array.ts'

/** NumPy type codes without the byte-order mark. */
const makers: Readonly<Record<string, (buffer: ArrayBuffer) => RawData>> = {
  b1: (b) => new Uint8Array(b),
  u1: (b) => new Uint8Array(b),
  i1: (b) => new Int8Array(b),
  u2: (b) => new Uint16Array(b),
  i2: (b) => new Int16Array(b),
  u4: (b) => new Uint32Array(b),
  i4: (b) => new Int32Array(b),
  u8: (b) => new BigUint64Array(b),
  i8: (b) => new BigInt64Array(b),
  f4: (b) => new Float32Array(b),
  f8: (b) => new Float64Array(b),
}

const TYPES = `an element type of ${Object.keys(makers).join(', ')}`

/** `\x93NUMPY`. */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

/** NumPy's own limit since version 2 (32 before). */
const MAX_AXES = 64

/** A header is a line of text; NumPy refuses ones above 10,000 characters, too. */
export const MAX_HEADER = 65_536

/** Bounds of a `.npy` or `.npz` read. */
export interface ReadNpyOptions {
  /** Largest file, for `.npz` largest unpacked contents of the arrays asked for, in bytes (default 2^31). */
  maxBytes?: number | undefined
}

/**
 * Reads a `.npy` file: bool (as 0 and 1), integers of 1 to 8 bytes, float32 and float64, either byte order;
 * Fortran order is turned into row-major.
 *
 * @throws OodError `E_FILE` naming the file: missing, not NumPy, truncated, too long, pickled objects or another type
 * @example
 * const x = toBatch(await readNpy('features.npy'))
 */
export async function readNpy(path: string, options: ReadNpyOptions = {}): Promise<RawArray> {
  return decodeNpy(await readBounded(path, options.maxBytes ?? DEFAULT_MAX_BYTES), path)
}

/** Decodes the bytes of a `.npy` file; `name` is what errors call it. */
export function decodeNpy(bytes: Uint8Array, name: string): RawArray {
  const { order, code, fortran, shape, start } = npyHeader(bytes, name)
  const width = Number(code[1])
  const size = arrayBytes(shape, width)
  // A copy of its own: Buffer's slice would be a view into a shared pool, whose whole memory the array would then take.
  const body = new Uint8Array(bytes.subarray(start))
  if (body.length !== size) {
    throw fileError(name, `${size} bytes of numbers for shape [${shape}] of ${code}`, `${body.length} bytes`)
  }
  swapBytes(body, width, order)
  if (code === 'b1') checkBools(body, name)
  const data = numbers(code, body.buffer)
  return { data: fortran ? rowMajor(data, shape) : data, shape }
}

/**
 * The bytes of a `.npy` file (version 1.0, row-major) holding `array`.
 *
 * @throws OodError `E_SHAPE` when sizes and data disagree
 */
export function encodeNpy(array: RawArray): Uint8Array {
  const { data, shape } = array
  const size = shape.reduce((product, n) => product * n, 1)
  if (size !== data.length || !shape.every((n) => Number.isSafeInteger(n) && n >= 0) || shape.length > MAX_AXES) {
    throw mismatch('E_SHAPE', 'encodeNpy', `${data.length} numbers of that shape`, `[${shape}]`)
  }
  const kind = data.constructor.name.startsWith('Float') ? 'f' : /^(Big)?Ui/.test(data.constructor.name) ? 'u' : 'i'
  const mark = data.BYTES_PER_ELEMENT === 1 ? '|' : machineOrder === 'little' ? '<' : '>'
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dict = `{'descr': '${mark}${kind}${data.BYTES_PER_ELEMENT}', 'fortran_order': False, 'shape': ${tuple}, }`
  // The numbers begin at a multiple of 64, as NumPy writes them for memory mapping.
  const header = `${dict}${' '.repeat(63 - ((10 + dict.length) % 64))}\n`
  const bytes = new Uint8Array(10 + header.length + data.byteLength)
  bytes.set([...MAGIC, 1, 0, header.length & 0xff, header.length >> 8])
  bytes.set(new TextEncoder().encode(header), 10)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length)
  return bytes
}

/** Writes a `.npy` file; it appears whole or not at all. */
export async function writeNpy(path: string, array: RawArray): Promise<void> {
  await writeFileAtomic(path, [encodeNpy(array)])
}

/** What the header of a `.npy` file says; not exported from the package. */
interface NpyHeader {
  /** Where the numbers begin. */
  start: number
  order: 'little' | 'big'
  code: string
  fortran: boolean
  shape: number[]
}

/** The header at the beginning of a `.npy` file's bytes. */
export function npyHeader(bytes: Uint8Array, name: string): NpyHeader {
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw fileError(name, 'a .npy file (magic \\x93NUMPY)', `${bytes.length} bytes of something else`)
  }
  const version = bytes[6]!
  if (version < 1 || version > 3) throw fileError(name, '.npy version 1, 2 or 3', version)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = version === 1 ? 10 : 12
  const length = version === 1 ? view.getUint16(8, true) : bytes.length < 12 ? 0 : view.getUint32(8, true)
  if (length > MAX_HEADER) throw fileError(name, `a header of at most ${MAX_HEADER} bytes`, length)
  if (start + length > bytes.length) throw fileError(name, `a header of ${length} bytes`, `${bytes.length} bytes`)
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(start, start + length))
  return { start: start + length, ...parseHeader(text, name) }
}

/** The numbers of an element type in a buffer of the machine's byte order. */
export function numbers(code: string, buffer: ArrayBuffer): RawData {
  return makers[code]!(buffer)
}

/** The three entries of a header, each in a form that is matched, never evaluated. */
const ENTRIES: Readonly<Record<string, RegExp>> = {
  descr: /'([<>|=]?)([a-zA-Z]\d*)'/y,
  fortran_order: /(True|False)/y,
  // () or (5,) or (2, 3); Python 2 wrote L behind long numbers.
  shape: /\(\s*((?:\d+L?\s*,\s*)*(?:\d+L?\s*)?)\)/y,
}

/** Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }` and nothing else. */
function parseHeader(text: string, name: string): Omit<NpyHeader, 'start'> {
  const found: Record<string, RegExpExecArray> = {}
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match) at = pattern.lastIndex
    return match
  }
  const wrong = (): OodError =>
    fileError(name, 'a .npy header with descr, fortran_order and shape', text.slice(0, 200).trim())
  if (!take(/\s*\{\s*/y)) throw wrong()
  while (!take(/\}\s*$/y)) {
    const key = take(/'(descr|fortran_order|shape)'\s*:\s*/y)?.[1]
    if (key === undefined || Object.hasOwn(found, key)) throw wrong()
    const value = take(ENTRIES[key]!)
    // Types of several fields stand in brackets; their names say more than "no header".
    if (!value && key === 'descr') throw fileError(name, TYPES, text.slice(at, at + 40))
    if (!value || !take(/\s*,\s*|\s*(?=\})/y)) throw wrong()
    found[key] = value
  }
  const { descr, fortran_order: fortran, shape } = found
  if (!descr || !fortran || !shape) throw wrong()
  const code = descr[2]!
  if (!Object.hasOwn(makers, code)) throw fileError(name, TYPES, code)
  const sizes = shape[1]!.match(/\d+/g)?.map(Number) ?? []
  if (sizes.length === 1 && !shape[1]!.includes(',')) throw wrong()
  if (sizes.length > MAX_AXES) throw fileError(name, `at most ${MAX_AXES} axes`, sizes.length)
  if (!sizes.every(Number.isSafeInteger)) throw fileError(name, 'sizes below 2^53', sizes)
  const order = descr[1] === '>' ? 'big' : descr[1] === '<' ? 'little' : machineOrder
  return { order, code, fortran: fortran[1] === 'True', shape: sizes }
}

/** Bytes of an array of this shape; 0 when an axis is empty, however long the others. */
export function arrayBytes(shape: readonly number[], width: number): number {
  return shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, width)
}

/** NumPy writes bools as 0 and 1; anything else is damage. */
export function checkBools(bytes: Uint8Array, name: string): void {
  const bad = bytes.findIndex((byte) => byte > 1)
  if (bad >= 0) throw fileError(name, 'bools 0 and 1', `${bytes[bad]} at ${bad}`)
}

/** Column-major numbers in row-major order. */
function rowMajor(data: RawData, shape: readonly number[]): RawData {
  const out = data.slice() as RawData
  const strides: number[] = []
  let stride = 1
  for (const n of shape) {
    strides.push(stride)
    stride *= n
  }
  const index = new Array<number>(shape.length).fill(0)
  for (let i = 0; i < data.length; i++) {
    let from = 0
    for (let axis = 0; axis < shape.length; axis++) from += index[axis]! * strides[axis]!
    out[i] = data[from]!
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0
  }
  return out
}
