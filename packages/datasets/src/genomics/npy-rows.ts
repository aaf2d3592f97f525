// Some rows of a .npy array that comes as a stream of bytes: memory is that of the rows, whatever the size of the array.
import { mismatch } from '@ood/core'
import { fileError } from '@ood/core/node'
import { swapBytes } from '../internal/endian.ts'
import { arrayBytes, checkBools, MAX_HEADER, npyHeader, numbers } from '../readers/npy.ts'
import type { RawArray } from '../readers/raw-array.ts'

/** The stream a `.npy` array is read from. */
interface NpyStream {
  chunks: AsyncIterable<Uint8Array>
  /** What errors call it. */
  name: string
  /** Bytes in the stream; for a gzip, which does not say, the most it can unpack to. */
  bytes: number
  exact: boolean
  /** Read on after the last row, so that the checksum at the stream's end is compared and a cut is noticed. */
  toEnd: boolean
}

/** A whole header and its 12 bytes of magic, version and length. */
const HEAD_BYTES = MAX_HEADER + 12

/**
 * The rows that `choose` names when it is told the array's shape, in that order, repeats allowed. A header that claims
 * more than the stream can hold is refused before anything is allocated.
 *
 * @throws OodError `E_FILE` naming the stream for anything but a row-major array of rank 1 or more, whole as far as it
 *   is read; `E_ARGUMENT` for rows there are not
 */
export async function npyRows(
  stream: NpyStream,
  choose: (shape: readonly number[]) => ArrayLike<number>,
): Promise<RawArray> {
  const head: Uint8Array[] = []
  let headBytes = 0
  let body: Rows | undefined
  const begin = (): Rows => {
    const bytes = Buffer.concat(head)
    const rows = new Rows(bytes, stream, choose)
    rows.push(bytes.subarray(rows.start))
    return rows
  }
  for await (const chunk of stream.chunks) {
    if (body) body.push(chunk)
    else {
      head.push(chunk)
      headBytes += chunk.length
      if (headBytes >= HEAD_BYTES) body = begin()
    }
    if (body?.done && !stream.toEnd) return body.finish()
  }
  body ??= begin()
  if (stream.toEnd) body.checkEnd()
  return body.finish()
}

class Rows {
  readonly start: number
  private readonly code: string
  private readonly order: 'little' | 'big'
  private readonly name: string
  private readonly row: number[]
  private readonly rowBytes: number
  private readonly rows: ArrayLike<number>
  /** Positions in `rows`, ordered by the row they want. */
  private readonly wanted: Uint32Array
  private readonly out: Uint8Array
  private next = 0
  private at = 0

  /** Bytes of the whole array. */
  private readonly bytes: number

  constructor(
    head: Uint8Array,
    { name, bytes, exact }: NpyStream,
    choose: (shape: readonly number[]) => ArrayLike<number>,
  ) {
    const { start, order, code, fortran, shape } = npyHeader(head, name)
    const width = Number(code[1])
    if (shape.length === 0 || (fortran && shape.length > 1))
      throw fileError(name, 'a row-major array with rows', fortran ? 'Fortran order' : 'a single number')
    this.start = start
    this.code = code
    this.order = order
    this.name = name
    this.row = shape.slice(1)
    this.rowBytes = arrayBytes(this.row, width)
    const count = shape[0]!
    this.bytes = arrayBytes(shape, width)
    if (start + this.bytes > bytes)
      throw fileError(name, `room for the [${shape}] numbers its header claims`, `${bytes} bytes`)
    if (exact && start + this.bytes !== bytes)
      throw fileError(name, `${this.bytes} bytes of numbers for shape [${shape}]`, `${bytes - start} bytes`)
    const rows = choose(shape)
    for (let i = 0; i < rows.length; i++)
      if (!(Number.isInteger(rows[i]) && rows[i]! >= 0 && rows[i]! < count))
        throw mismatch('E_ARGUMENT', `${name} rows`, `rows 0..${count - 1}`, rows[i])
    this.rows = rows
    this.wanted = Uint32Array.from({ length: rows.length }, (_, i) => i).sort((a, b) => rows[a]! - rows[b]! || a - b)
    this.out = new Uint8Array(rows.length * this.rowBytes)
  }

  /** Whether every wanted row is there. */
  get done(): boolean {
    return this.next === this.wanted.length
  }

  /** Fails when the stream had more or fewer bytes than the header says. */
  checkEnd(): void {
    if (this.at !== this.bytes) throw fileError(this.name, `${this.bytes} bytes of numbers`, `${this.at} bytes`)
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    const { rows, rowBytes, wanted } = this
    const from = this.at
    this.at += chunk.length
    while (this.next < wanted.length) {
      const position = wanted[this.next]!
      const start = rows[position]! * rowBytes
      const a = Math.max(start, from)
      const b = Math.min(start + rowBytes, this.at)
      if (b > a) this.out.set(chunk.subarray(a - from, b - from), position * rowBytes + (a - start))
      if (start + rowBytes > this.at) return
      this.next++
      while (this.next < wanted.length && rows[wanted[this.next]!] === rows[position]) {
        this.out.copyWithin(wanted[this.next]! * rowBytes, position * rowBytes, (position + 1) * rowBytes)
        this.next++
      }
    }
  }

  finish(): RawArray {
    if (this.next < this.wanted.length) {
      const missing = this.rows[this.wanted[this.next]!]!
      throw fileError(this.name, `row ${missing} of ${this.rowBytes} bytes`, `an end after ${this.at} bytes`)
    }
    swapBytes(this.out, Number(this.code[1]), this.order)
    if (this.code === 'b1') checkBools(this.out, this.name)
    return { data: numbers(this.code, this.out.buffer as ArrayBuffer), shape: [this.rows.length, ...this.row] }
  }
}
