// Some rows of a .npy array that comes as a stream of bytes: memory is that of the rows, whatever the size of the array.
import { mismatch } from '@ood/core'
import { fileError } from '@ood/core/node'
import { swapBytes } from '../internal/endian.ts'
import { npyHeader, numbers } from '../readers/npy.ts'
import type { RawArray } from '../readers/raw-array.ts'

/** A `.npy` header is far shorter; NumPy refuses longer ones too. */
const MAX_HEADER = 65_536

/**
 * The rows that `choose` names when it is told the array's shape, in that order, repeats allowed. Reading stops after
 * the last of them. `mostBytes` is what the stream can hold: a header that claims more is refused before anything is
 * allocated.
 *
 * @throws OodError `E_FILE` naming `name` for anything but a row-major array of rank 1 or more, whole as far as it is
 *   read; `E_ARGUMENT` for rows there are not
 */
export async function npyRows(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  mostBytes: number,
  choose: (shape: readonly number[]) => ArrayLike<number>,
): Promise<RawArray> {
  let head: Uint8Array = new Uint8Array(0)
  let body: Rows | undefined
  for await (const chunk of chunks) {
    if (body) {
      if (body.push(chunk)) return body.finish()
      continue
    }
    head = head.length === 0 ? chunk : Uint8Array.from([...head, ...chunk])
    if (head.length < MAX_HEADER) continue
    body = new Rows(head, name, mostBytes, choose)
    if (body.push(head.subarray(body.start))) return body.finish()
  }
  if (!body) {
    body = new Rows(head, name, mostBytes, choose)
    body.push(head.subarray(body.start))
  }
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

  constructor(
    head: Uint8Array,
    name: string,
    mostBytes: number,
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
    this.rowBytes = this.row.reduce((product, n) => product * n, width)
    const count = shape[0]!
    if (start + count * this.rowBytes > mostBytes)
      throw fileError(name, `room for the [${shape}] numbers its header claims`, `${mostBytes} bytes`)
    const rows = choose(shape)
    for (let i = 0; i < rows.length; i++)
      if (!(Number.isInteger(rows[i]) && rows[i]! >= 0 && rows[i]! < count))
        throw mismatch('E_ARGUMENT', `${name} rows`, `rows 0..${count - 1}`, rows[i])
    this.rows = rows
    this.wanted = Uint32Array.from({ length: rows.length }, (_, i) => i).sort((a, b) => rows[a]! - rows[b]! || a - b)
    this.out = new Uint8Array(rows.length * this.rowBytes)
  }

  /** Takes the next bytes; true when no more are needed. */
  push(chunk: Uint8Array): boolean {
    const { rows, rowBytes, wanted } = this
    const from = this.at
    this.at += chunk.length
    while (this.next < wanted.length) {
      const position = wanted[this.next]!
      const start = rows[position]! * rowBytes
      const a = Math.max(start, from)
      const b = Math.min(start + rowBytes, this.at)
      if (b > a) this.out.set(chunk.subarray(a - from, b - from), position * rowBytes + (a - start))
      if (start + rowBytes > this.at) return false
      this.next++
      while (this.next < wanted.length && rows[wanted[this.next]!] === rows[position]) {
        this.out.copyWithin(wanted[this.next]! * rowBytes, position * rowBytes, (position + 1) * rowBytes)
        this.next++
      }
    }
    return true
  }

  finish(): RawArray {
    if (this.next < this.wanted.length) {
      const missing = this.rows[this.wanted[this.next]!]!
      throw fileError(this.name, `row ${missing} of ${this.rowBytes} bytes`, `an end after ${this.at} bytes`)
    }
    swapBytes(this.out, Number(this.code[1]), this.order)
    return { data: numbers(this.code, this.out.buffer as ArrayBuffer), shape: [this.rows.length, ...this.row] }
  }
}
