// CSV by fast-csv: numeric columns to a float64 batch and back; what run folders keep their scores in.
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { mismatch, type NdArray, tensor } from '@ood/core'
import { fileError, fileSize, writeFileAtomic } from '@ood/core/node'
import { format, parse } from 'fast-csv'
import { DEFAULT_MAX_BYTES } from '../internal/files.ts'

/** Which columns of a CSV file to read. */
export interface ReadCsvOptions {
  /** Names of the columns to read, in this order (default: all). Others may hold text. */
  columns?: readonly string[]
  /** Most bytes of numbers to keep (default 2^31). */
  maxBytes?: number
}

/** A numeric table. */
export interface Table {
  columns: string[]
  /** [rows, columns]. */
  data: NdArray<Float64Array>
}

/**
 * Reads the numeric columns of a CSV file whose first line names them. `NaN`, `inf`, `-inf`, `Infinity` are numbers.
 *
 * @throws OodError `E_FILE` naming file, row (1 = the first after the header) and column
 * @example
 * const { data } = await readCsv('runs/demo/ood/scores.csv', { columns: ['log_prob', 'lid'] }) // [N, 2]
 */
export async function readCsv(path: string, options: ReadCsvOptions = {}): Promise<Table> {
  await fileSize(path)
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES
  let header: string[] | undefined
  let columns: string[] = []
  let positions: number[] = []
  let values = new Float64Array(1024)
  let count = 0
  let row = 0
  const source = createReadStream(path)
  const parser = parse({ ignoreEmpty: true })
  source.on('error', (error) => parser.destroy(error)).pipe(parser)
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      if (!header) {
        header = cells
        columns = [...(options.columns ?? header)]
        positions = columns.map((name) => columnOf(path, header!, name))
        continue
      }
      row++
      if (cells.length !== header.length) {
        throw fileError(`${path} row ${row}`, `${header.length} cells`, cells.length)
      }
      if ((count + columns.length) * 8 > maxBytes) throw fileError(path, `at most ${maxBytes} bytes of numbers`, 'more')
      if (count + columns.length > values.length) values = grown(values, count + columns.length)
      for (const [i, position] of positions.entries()) {
        values[count++] = numberIn(cells[position]!, `${path} row ${row} column ${columns[i]}`)
      }
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'OodError') throw error
    throw fileError(path, 'a CSV file', error)
  } finally {
    source.destroy()
  }
  if (!header) throw fileError(path, 'a first line of column names', 'an empty file')
  return { columns, data: tensor(values.slice(0, count), [row, columns.length]) }
}

/**
 * Writes named columns as CSV, numbers with all their digits so that reading gives the same bits. The file appears
 * whole or not at all (temporary name, then rename).
 *
 * @throws OodError `E_SHAPE` when the columns differ in length, `E_FILE` when the place cannot be written
 * @example
 * await writeCsv('scores.csv', { log_prob: logProb, lid })
 */
export async function writeCsv(
  path: string,
  columns: Readonly<Record<string, ArrayLike<number> | ArrayLike<string>>>,
): Promise<void> {
  const names = Object.keys(columns)
  const rows = names.length === 0 ? 0 : columns[names[0]!]!.length
  for (const name of names) {
    if (columns[name]!.length !== rows) {
      throw mismatch('E_SHAPE', `writeCsv column ${name}`, `${rows} values like ${names[0]}`, columns[name]!.length)
    }
  }
  const lists = names.map((name) => columns[name]!)
  function* lines(): Generator<(string | number)[]> {
    yield names
    for (let i = 0; i < rows; i++) yield lists.map((list) => cell(list[i]!))
  }
  await writeFileAtomic(path, Readable.from(lines()).pipe(format({ includeEndRowDelimiter: true })))
}

/** String(-0) is '0', which would lose a bit. */
function cell(value: number | string): number | string {
  return Object.is(value, -0) ? '-0' : value
}

function columnOf(path: string, header: readonly string[], name: string): number {
  const at = header.indexOf(name)
  if (at < 0) throw fileError(path, `a column ${name}`, header)
  if (header.indexOf(name, at + 1) >= 0) throw fileError(path, `one column ${name}`, 'two')
  return at
}

function numberIn(cell: string, where: string): number {
  const text = cell.trim()
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text)
  if (special) {
    if (special[2]!.toLowerCase() === 'nan') return Number.NaN
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
  // Decimal notation only: Number() alone would also take '' and '0x10'.
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw fileError(where, 'a number', text)
  return Number(text)
}

function grown(values: Float64Array<ArrayBuffer>, needed: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.max(needed, 2 * values.length))
  larger.set(values)
  return larger
}
