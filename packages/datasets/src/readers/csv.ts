// CSV: numeric columns to a float64 batch and back; what run folders keep their scores in.
import { mismatch, type NdArray, OodError, tensor } from '@ood/core'
import { fileError, writeFileAtomic } from '@ood/core/node'
import { DEFAULT_MAX_BYTES } from '../internal/bounds.ts'
import { CsvRecords } from '../internal/csv-records.ts'
import { openStream } from '../internal/files.ts'

/** Which columns of a CSV file to read, and what to do where it is not whole. */
export interface ReadCsvOptions {
  /** Names of the columns to read, in this order (default: all). Others may hold text. */
  columns?: readonly string[] | undefined
  /**
   * Cells without a value - empty, `NA`, `N/A`, `null`, `None` - are an error naming row and column (default), or NaN
   * in their place. Rows never move.
   */
  missing?: 'error' | 'nan' | undefined
  /**
   * Whether the last row must end in a line end (default `required`): a file cut inside its last number is then an
   * error, where -2345.6789 would read as -2345. `optional` takes files of writers that leave it out.
   */
  finalNewline?: 'required' | 'optional' | undefined
  /** Most bytes of numbers to keep (default 2^31). */
  maxBytes?: number | undefined
}

/** A numeric table. */
export interface Table {
  columns: string[]
  /** [rows, columns]. */
  data: NdArray<Float64Array>
}

/**
 * Reads the numeric columns of a CSV file (RFC 4180, UTF-8) whose first line names them. `NaN`, `inf`, `-inf`,
 * `Infinity` are numbers. Row i of the result is row i of the file: a cell or line without a value is an error or, with
 * `missing: 'nan'`, NaN.
 *
 * Cost: linear in the file; memory of the numbers kept, up to three times while they grow.
 *
 * @throws OodError `E_FILE` naming file, row (1 = the first after the header) and column: no number, a missing value,
 *   another number of cells than the header has, an open quote, a last row without line end; `E_ARGUMENT` for options
 *   there are not
 * @example
 * const { data } = await readCsv('runs/demo/ood/scores.csv', { columns: ['log_prob', 'lid'] }) // [N, 2]
 */
export async function readCsv(path: string, options: ReadCsvOptions = {}): Promise<Table> {
  const { missing = 'error', finalNewline = 'required', maxBytes = DEFAULT_MAX_BYTES } = options
  if (missing !== 'error' && missing !== 'nan') throw mismatch('E_ARGUMENT', 'readCsv missing', 'error or nan', missing)
  if (finalNewline !== 'required' && finalNewline !== 'optional')
    throw mismatch('E_ARGUMENT', 'readCsv finalNewline', 'required or optional', finalNewline)
  const rows = new Rows(path, options.columns, missing, maxBytes)
  const records = new CsvRecords(path, (cells, empty) => rows.take(cells, empty))
  const text = new TextDecoder('utf-8', { fatal: true })
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes ? text.decode(bytes, { stream: true }) : text.decode()
    } catch {
      throw fileError(path, 'text in UTF-8', 'other bytes')
    }
  }
  for await (const chunk of (await openStream(path)).chunks) records.push(decode(chunk))
  records.push(decode())
  if (!records.finish() && finalNewline === 'required') {
    const how = "the end of the file: was it cut? (finalNewline: 'optional' takes it)"
    throw fileError(path, 'a line end after the last row', how)
  }
  return rows.finish()
}

/** What spreadsheets and data frames write where there is no value. */
const MISSING = /^(|na|n\/a|null|none)$/i

/** The numbers of the wanted columns, row by row. */
class Rows {
  private readonly path: string
  private readonly nan: boolean
  private readonly maxBytes: number
  private columns: readonly string[] | undefined
  private width = -1
  private positions: number[] = []
  private values = new Float64Array(1024)
  private count = 0
  private rows = 0
  /** Lines without a character, which may stand at the end only. */
  private blank = 0

  constructor(path: string, columns: readonly string[] | undefined, missing: 'error' | 'nan', maxBytes: number) {
    this.path = path
    this.columns = columns
    this.nan = missing === 'nan'
    this.maxBytes = maxBytes
  }

  take(cells: string[], empty: boolean): void {
    if (this.width < 0) this.header(cells, empty)
    // In a table of one column an empty line is an empty cell; in a wider one it is no row, and may end the file.
    else if (empty && this.width > 1) this.blank++
    else this.row(cells)
  }

  private header(cells: string[], empty: boolean): void {
    if (empty) throw fileError(this.path, 'a first line of column names', 'an empty line')
    const at = new Map<string, number>()
    const twice = new Set<string>()
    // A byte-order mark before the first name is no part of it; TextDecoder has taken it off.
    for (const [i, name] of cells.entries()) {
      if (at.has(name)) twice.add(name)
      at.set(name, i)
    }
    this.width = cells.length
    this.columns = [...(this.columns ?? cells)]
    this.positions = this.columns.map((name) => {
      const position = at.get(name)
      if (position === undefined) throw fileError(this.path, `a column ${name}`, cells)
      if (twice.has(name)) throw fileError(this.path, `one column ${name}`, 'two')
      return position
    })
  }

  private row(cells: readonly string[]): void {
    const row = ++this.rows
    if (this.blank > 0) throw fileError(`${this.path} row ${row}`, `${this.width} cells`, 'an empty line')
    if (cells.length !== this.width) throw fileError(`${this.path} row ${row}`, `${this.width} cells`, cells.length)
    const needed = this.count + this.positions.length
    if (needed * 8 > this.maxBytes) throw fileError(this.path, `at most ${this.maxBytes} bytes of numbers`, 'more')
    if (needed > this.values.length) this.values = grown(this.values, needed)
    for (let i = 0; i < this.positions.length; i++) {
      const text = cells[this.positions[i]!]!.trim()
      const value = this.nan && MISSING.test(text) ? Number.NaN : numberIn(text)
      if (value === undefined) throw fileError(`${this.path} row ${row} column ${this.columns![i]}`, 'a number', text)
      this.values[this.count++] = value
    }
  }

  finish(): Table {
    if (this.width < 0) throw fileError(this.path, 'a first line of column names', 'an empty file')
    const columns = [...this.columns!]
    return { columns, data: tensor(this.values.slice(0, this.count), [this.rows, columns.length]) }
  }
}

/** The number a cell holds, or undefined. Decimal notation only: Number() alone would also take '' and '0x10'. */
function numberIn(text: string): number | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text)
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text)
  if (!special) return undefined
  if (special[2]!.toLowerCase() === 'nan') return Number.NaN
  return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

function grown(values: Float64Array<ArrayBuffer>, needed: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.max(needed, 2 * values.length))
  larger.set(values)
  return larger
}

/** Cells of a column: numbers, text, or 64-bit integers, which keep all their digits. */
type Column = ArrayLike<number> | ArrayLike<string> | ArrayLike<bigint>

/** Rows put together before they are written. */
const ROWS_AT_ONCE = 1024

/**
 * Writes named columns as CSV, numbers with all their digits so that reading gives the same bits. The file appears
 * whole or not at all (temporary name, then rename), and ends in a line end, by which `readCsv` tells a whole one.
 *
 * @throws OodError `E_SHAPE` when the columns differ in length or there is none, `E_ARGUMENT` naming column and row of
 *   what is neither number nor text, `E_FILE` when the place cannot be written
 * @example
 * await writeCsv('scores.csv', { log_prob: logProb, lid })
 */
export async function writeCsv(path: string, columns: Readonly<Record<string, Column>>): Promise<void> {
  const names = Object.keys(columns)
  if (names.length === 0) throw new OodError('E_SHAPE', 'writeCsv: expected at least one column, got none')
  const rows = columns[names[0]!]!.length
  for (const name of names) {
    if (columns[name]!.length !== rows) {
      throw mismatch('E_SHAPE', `writeCsv column ${name}`, `${rows} values like ${names[0]}`, columns[name]!.length)
    }
  }
  function* parts(): Generator<Uint8Array> {
    let text = `${names.map(quoted).join(',')}\n`
    for (let i = 0; i < rows; i++) {
      const cells = names.map((name) => cell(columns[name]![i], `writeCsv column ${name} row ${i + 1}`))
      text += `${cells.join(',')}\n`
      if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) {
        yield Buffer.from(text)
        text = ''
      }
    }
    yield Buffer.from(text)
  }
  await writeFileAtomic(path, parts())
}

function cell(value: unknown, where: string): string {
  // String(-0) is '0', which would lose a bit.
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string') return quoted(value)
  throw mismatch('E_ARGUMENT', where, 'a number or text', value)
}

/** Quoted where a comma, quote or line end stands in it, or nothing does: an empty line would be no row. */
function quoted(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
