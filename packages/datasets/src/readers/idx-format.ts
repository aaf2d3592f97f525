// The bytes of IDX files: magic 00 00 type ndim, big-endian uint32 sizes, then the numbers. Nothing here opens a file.
import { mismatch } from '@ood/core'
import { fileError } from '@ood/core/node'
import { Gunzip } from 'fflate'
import { DEFAULT_MAX_BYTES, MAX_DEFLATE_RATIO } from '../internal/bounds.ts'
import { swapBytes } from '../internal/endian.ts'
import type { RawArray, RawData } from './raw-array.ts'

interface ElementType {
  code: number
  make: new (buffer: ArrayBuffer) => Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array
}

const types: readonly ElementType[] = [
  { code: 0x08, make: Uint8Array },
  { code: 0x09, make: Int8Array },
  { code: 0x0b, make: Int16Array },
  { code: 0x0c, make: Int32Array },
  { code: 0x0d, make: Float32Array },
  { code: 0x0e, make: Float64Array },
]
const bytesOf: Readonly<Record<number, number>> = { 8: 1, 9: 1, 11: 2, 12: 4, 13: 4, 14: 8 }

/** How much of an IDX file to read, and what it must be. */
export interface ReadIdxOptions {
  /** Rows to keep, in this order, repeats allowed (default: all). Memory is that of the rows kept. */
  rows?: ArrayLike<number> | undefined
  /** Most bytes to keep (default 2^31). */
  maxBytes?: number | undefined
  /** Expected SHA-256 of the unzipped file, checked while reading. */
  sha256?: string | undefined
  signal?: AbortSignal | undefined
}

/** Bytes of packed data handed to the unpacker at once: deflate makes at most 1032 times as many of them. */
const PIECE = 2 ** 13

/**
 * The array in the bytes of an IDX file, gzipped or not, where there are no files to read (a browser): as `readIdx`,
 * without `sha256` and `signal`. `name` is what errors call it.
 *
 * @throws OodError `E_FILE` naming what is wrong with the bytes; `E_ARGUMENT` for rows the file does not have
 * @example
 * const response = await fetch('t10k-images-idx3-ubyte.gz')
 * const { data, shape } = decodeIdx(new Uint8Array(await response.arrayBuffer()), response.url)
 */
export function decodeIdx(
  bytes: Uint8Array,
  name: string,
  options: Pick<ReadIdxOptions, 'rows' | 'maxBytes'> = {},
): RawArray {
  const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  const reader = new IdxBytes(name, options, bytes.length, gzip)
  if (!gzip) reader.push(bytes)
  else {
    const stream = new Gunzip((piece) => reader.push(piece))
    try {
      for (let at = 0; at < bytes.length; at += PIECE)
        stream.push(bytes.subarray(at, at + PIECE), at + PIECE >= bytes.length)
    } catch (error) {
      throw fileError(name, 'a whole gzip file', error)
    }
  }
  return reader.finish()
}

/** Header, then numbers, from pieces of any length. */
class IdxBytes {
  private readonly name: string
  private readonly options: ReadIdxOptions
  private readonly size: number
  private readonly gzip: boolean
  private head: Uint8Array = new Uint8Array(0)
  private body: Body | undefined

  constructor(name: string, options: ReadIdxOptions, size: number, gzip: boolean) {
    this.name = name
    this.options = options
    this.size = size
    this.gzip = gzip
  }

  push(piece: Uint8Array): void {
    if (this.body) {
      this.body.push(piece)
      return
    }
    const head = new Uint8Array(this.head.length + piece.length)
    head.set(this.head)
    head.set(piece, this.head.length)
    this.head = head
    const header = parseHeader(this.name, head)
    if (!header) return
    checkClaim(this.name, header, this.size, this.gzip)
    this.body = new Body(this.name, header, this.options)
    this.body.push(head.subarray(header.length))
  }

  finish(): RawArray {
    if (!this.body) throw fileError(this.name, 'an IDX header', `${this.head.length} bytes`)
    return this.body.finish()
  }
}

/**
 * The bytes of an IDX file holding `array`.
 *
 * @throws OodError `E_UNSUPPORTED` for element types IDX does not have, `E_SHAPE` when sizes and data disagree
 */
export function encodeIdx(array: RawArray): Uint8Array {
  const { data, shape } = array
  const type = types.find(({ make }) => data instanceof make)
  if (!type) throw mismatch('E_UNSUPPORTED', 'encodeIdx', 'uint8, int8, int16, int32, float32 or float64', data)
  const size = shape.reduce((product, n) => product * n, 1)
  if (size !== data.length || shape.length > 255 || shape.some((n) => !(n >= 0 && n < 2 ** 32))) {
    throw mismatch('E_SHAPE', 'encodeIdx', `${data.length} numbers of an IDX shape`, `[${shape}]`)
  }
  const bytes = new Uint8Array(4 + 4 * shape.length + data.byteLength)
  bytes.set([0, 0, type.code, shape.length])
  const view = new DataView(bytes.buffer)
  shape.forEach((n, axis) => {
    view.setUint32(4 + 4 * axis, n)
  })
  const body = bytes.subarray(4 + 4 * shape.length)
  body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  swapBytes(body, data.BYTES_PER_ELEMENT, 'big')
  return bytes
}

/** What an IDX file says of itself. */
interface IdxHeader {
  /** Bytes of the header. */
  length: number
  type: ElementType
  shape: number[]
  /** Bytes of the numbers. */
  bytes: number
}

/** The header, or undefined while more bytes are needed. */
export function parseHeader(path: string, head: Uint8Array): IdxHeader | undefined {
  if (head.length < 4) return undefined
  const type = types.find(({ code }) => code === head[2])
  const dimensions = head[3]!
  if (head[0] !== 0 || head[1] !== 0 || !type || dimensions === 0) {
    const magic = [...head.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    throw fileError(path, 'an IDX file (magic 00 00 type dimensions)', magic)
  }
  const length = 4 + 4 * dimensions
  if (head.length < length) return undefined
  const view = new DataView(head.buffer, head.byteOffset)
  const shape = Array.from({ length: dimensions }, (_, axis) => view.getUint32(4 + 4 * axis))
  // 255 sizes of 2^32 overflow to infinity, and infinity times an empty axis is NaN.
  const bytes = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, bytesOf[type.code]!)
  return { length, type, shape, bytes }
}

/** Refuses a header that claims more numbers than a file of `size` bytes can hold. */
export function checkClaim(path: string, header: IdxHeader, size: number, gzip: boolean): void {
  if (header.length + header.bytes <= (gzip ? size * MAX_DEFLATE_RATIO : size)) return
  const shown = header.shape.slice(0, 8).join(', ')
  const claim = `[${shown}${header.shape.length > 8 ? ', ...' : ''}] items`
  throw fileError(path, `room for the ${claim} its header claims`, `${size} bytes${gzip ? ' of gzip' : ''}`)
}

/** Collects the wanted rows from the stream of numbers. */
export class Body {
  private readonly path: string
  private readonly header: IdxHeader
  private readonly rowBytes: number
  private readonly rows: ArrayLike<number> | undefined
  /** Positions in `rows`, ordered by the row they want. */
  private readonly order: Uint32Array
  private readonly out: Uint8Array
  private next = 0
  private at = 0

  constructor(path: string, header: IdxHeader, options: ReadIdxOptions) {
    this.path = path
    this.header = header
    this.rows = options.rows
    const count = header.shape[0]!
    this.rowBytes = header.bytes === 0 ? 0 : header.bytes / count
    const { rows } = this
    this.order = Uint32Array.from({ length: rows?.length ?? 0 }, (_, i) => i)
    if (rows) {
      for (const i of this.order) {
        const row = rows[i]!
        if (!(Number.isInteger(row) && row >= 0 && row < count)) {
          throw mismatch(
            'E_ARGUMENT',
            `${path} rows`,
            count === 0 ? 'no row of an empty file' : `rows 0..${count - 1}`,
            row,
          )
        }
      }
      this.order.sort((a, b) => rows[a]! - rows[b]! || a - b)
    }
    const kept = rows ? rows.length * this.rowBytes : header.bytes
    const limit = options.maxBytes ?? DEFAULT_MAX_BYTES
    if (kept > limit) throw fileError(path, `at most ${limit} bytes to keep`, `${kept} bytes`)
    this.out = new Uint8Array(kept)
  }

  push(chunk: Uint8Array): void {
    const from = this.at
    this.at += chunk.length
    if (this.at > this.header.bytes) {
      throw fileError(this.path, `${this.header.bytes} bytes of numbers as its header says`, 'more bytes')
    }
    if (!this.rows) {
      this.out.set(chunk, from)
      return
    }
    while (this.next < this.order.length) {
      const position = this.order[this.next]!
      const start = this.rows[position]! * this.rowBytes
      if (start >= this.at) return
      const a = Math.max(start, from)
      const b = Math.min(start + this.rowBytes, this.at)
      if (b > a) this.out.set(chunk.subarray(a - from, b - from), position * this.rowBytes + (a - start))
      if (start + this.rowBytes > this.at) return
      this.next++
      this.repeat(position)
    }
  }

  /** Copies a finished row to the other positions that want it. */
  private repeat(position: number): void {
    const rows = this.rows!
    const row = position * this.rowBytes
    while (this.next < this.order.length && rows[this.order[this.next]!] === rows[position]) {
      this.out.copyWithin(this.order[this.next]! * this.rowBytes, row, row + this.rowBytes)
      this.next++
    }
  }

  finish(): RawArray {
    if (this.at !== this.header.bytes) {
      throw fileError(this.path, `${this.header.bytes} bytes of numbers as its header says`, `${this.at} bytes`)
    }
    const { type, shape } = this.header
    swapBytes(this.out, bytesOf[type.code]!, 'big')
    const data: RawData = new type.make(this.out.buffer as ArrayBuffer)
    return { data, shape: [this.rows ? this.rows.length : shape[0]!, ...shape.slice(1)] }
  }
}
