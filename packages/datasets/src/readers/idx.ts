// IDX, the format of MNIST: magic 00 00 type ndim, big-endian uint32 sizes, then the numbers; plain or gzipped.
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { mismatch } from '@ood/core'
import { fileError, writeFileAtomic } from '@ood/core/node'
import { swapBytes } from '../internal/endian.ts'
import { DEFAULT_MAX_BYTES, MAX_DEFLATE_RATIO, openStream } from '../internal/files.ts'
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
  rows?: ArrayLike<number>
  /** Most bytes to keep (default 2^31). */
  maxBytes?: number
  /** Expected SHA-256 of the unzipped file, checked while reading. */
  sha256?: string
  signal?: AbortSignal
}

/**
 * Reads an IDX file, gzipped or not (told by its first bytes, not its name).
 *
 * The file is streamed: memory is that of the rows kept. The header is checked against the bytes there are before
 * anything is allocated, so a file that claims 10^12 items fails at once.
 *
 * @throws OodError `E_FILE` naming the file: missing, not IDX, truncated, too long; `E_CHECKSUM` when `sha256` differs;
 *   `E_ARGUMENT` for rows the file does not have
 * @example
 * const { data, shape } = await readIdx('t10k-images-idx3-ubyte.gz', { rows: [0, 1, 2] }) // Uint8Array, [3, 28, 28]
 */
export async function readIdx(path: string, options: ReadIdxOptions = {}): Promise<RawArray> {
  const file = await openStream(path, options.signal)
  const hash = options.sha256 === undefined ? undefined : createHash('sha256')
  let head: Uint8Array = new Uint8Array(0)
  let body: Body | undefined
  for await (const chunk of file.chunks) {
    hash?.update(chunk)
    if (body) {
      body.push(chunk)
      continue
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const header = parseHeader(path, head)
    if (!header) continue
    const largest = file.gzip ? file.size * MAX_DEFLATE_RATIO : file.size
    if (header.length + header.bytes > largest) {
      const shown = header.shape.slice(0, 8).join(', ')
      const claim = `[${shown}${header.shape.length > 8 ? ', ...' : ''}] items`
      throw fileError(
        path,
        `room for the ${claim} its header claims`,
        `${file.size} bytes${file.gzip ? ' of gzip' : ''}`,
      )
    }
    body = new Body(path, header, options)
    body.push(head.subarray(header.length))
  }
  if (!body) throw fileError(path, 'an IDX header', `a file of ${head.length} bytes`)
  const array = body.finish()
  const digest = hash?.digest('hex')
  if (digest !== options.sha256) throw mismatch('E_CHECKSUM', path, `contents with SHA-256 ${options.sha256}`, digest)
  return array
}

/**
 * The sizes an IDX file claims, from its header alone.
 *
 * @throws OodError `E_FILE` naming the file when it is missing or not IDX
 */
export async function readIdxShape(path: string): Promise<number[]> {
  let head: Uint8Array = new Uint8Array(0)
  for await (const chunk of (await openStream(path)).chunks) {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const header = parseHeader(path, head)
    if (header) return header.shape
  }
  throw fileError(path, 'an IDX header', `a file of ${head.length} bytes`)
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

/** Writes an IDX file, gzipped when the name ends in `.gz`; the file appears whole or not at all. */
export async function writeIdx(path: string, array: RawArray): Promise<void> {
  const bytes = encodeIdx(array)
  await writeFileAtomic(path, [path.endsWith('.gz') ? gzipSync(bytes, { level: 9 }) : bytes])
}

interface Header {
  /** Bytes of the header. */
  length: number
  type: ElementType
  shape: number[]
  /** Bytes of the numbers. */
  bytes: number
}

/** The header, or undefined while more bytes are needed. */
function parseHeader(path: string, head: Uint8Array): Header | undefined {
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

/** Collects the wanted rows from the stream of numbers. */
class Body {
  private readonly path: string
  private readonly header: Header
  private readonly rowBytes: number
  private readonly rows: ArrayLike<number> | undefined
  /** Positions in `rows`, ordered by the row they want. */
  private readonly order: Uint32Array
  private readonly out: Uint8Array
  private next = 0
  private at = 0

  constructor(path: string, header: Header, options: ReadIdxOptions) {
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
