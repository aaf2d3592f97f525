// Named columns: what measuring images gives, and all that fitting and scoring ever see.
import { concatRows, flatData, mismatch, type NdArray, OodError, sliceRows, takeRows, tensor } from '@ood/core'

/** One number a row, or an array a row: an LID curve [N, scales], losses [N, levels], a feature map [N, H, W]. */
export type Column = Float64Array | NdArray<Float64Array>

/** Columns of the same N rows by name. */
export type Columns = Readonly<Record<string, Column>>

/** A column as a batch: a plain list becomes [N]. */
export function columnBatch(column: Column): NdArray<Float64Array> {
  return column instanceof Float64Array ? tensor(column, [column.length]) : column
}

/**
 * Number of rows, which all columns share.
 *
 * @throws OodError `E_EMPTY` without columns, `E_SHAPE` naming the column whose rows differ
 */
export function columnRows(columns: Columns): number {
  let rows: number | undefined
  for (const [name, column] of Object.entries(columns)) {
    const n = column instanceof Float64Array ? column.length : (column.shape[0] ?? 0)
    rows ??= n
    if (n !== rows) throw mismatch('E_SHAPE', `column ${name}`, `${rows} rows, as the other columns have`, n)
  }
  if (rows === undefined) throw new OodError('E_EMPTY', 'columns: expected at least one, got none')
  return rows
}

/**
 * The column `name`, one number a row.
 *
 * @throws OodError `E_UNKNOWN_NAME` when it is not there, `E_SHAPE` when it has more than one number a row
 * @example
 * const logProb = vector(columns, 'flow.logProb')
 */
export function vector(columns: Columns, name: string): Float64Array {
  const batch = columnBatch(column(columns, name))
  const width = batch.shape.slice(1).reduce((product, n) => product * n, 1)
  if (width !== 1) throw mismatch('E_SHAPE', `column ${name}`, 'one number a row', `${width} a row`)
  return flatData(batch)
}

/** The column `name` as a batch [N, ...]. @throws OodError `E_UNKNOWN_NAME` */
export function array(columns: Columns, name: string): NdArray<Float64Array> {
  return columnBatch(column(columns, name))
}

function column(columns: Columns, name: string): Column {
  if (!Object.hasOwn(columns, name))
    throw new OodError('E_UNKNOWN_NAME', `column ${name}: expected one of ${Object.keys(columns).join(', ')}`)
  return columns[name]!
}

/** Rows `from` to `to` of every column. */
export function sliceColumns(columns: Columns, from: number, to: number): Columns {
  return mapColumns(columns, (batch) => sliceRows(batch, from, to))
}

/** The rows at `indices` of every column, in that order. */
export function takeColumns(columns: Columns, indices: ArrayLike<number>): Columns {
  return mapColumns(columns, (batch) => takeRows(batch, indices))
}

/**
 * Columns of consecutive blocks of rows as one.
 *
 * @throws OodError `E_EMPTY` without parts, `E_UNKNOWN_NAME` when a part lacks a column, `E_SHAPE`
 */
export function concatColumns(parts: readonly Columns[]): Columns {
  const first = parts[0]
  if (!first) throw new OodError('E_EMPTY', 'concatColumns: expected at least one part, got none')
  return Object.fromEntries(
    Object.keys(first).map((name) => {
      const whole = concatRows(parts.map((part) => columnBatch(column(part, name))))
      return [name, whole.shape.length === 1 ? flatData(whole) : whole]
    }),
  )
}

/**
 * Throws `E_NOT_FINITE` for the first NaN of any column, naming column and row; with `finite` for infinities as well.
 */
export function assertColumns(what: string, columns: Columns, finite = false): void {
  const n = columnRows(columns)
  for (const [name, column] of Object.entries(columns)) {
    const data = flatData(columnBatch(column))
    const width = data.length / Math.max(1, n)
    const at = data.findIndex(finite ? (value) => !Number.isFinite(value) : Number.isNaN)
    if (at >= 0)
      throw mismatch(
        'E_NOT_FINITE',
        `${what} column ${name}`,
        finite ? 'finite numbers' : 'numbers',
        `${data[at]} in row ${Math.floor(at / width)}`,
      )
  }
}

function mapColumns(columns: Columns, part: (batch: NdArray<Float64Array>) => NdArray<Float64Array>): Columns {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const result = part(columnBatch(column))
      return [name, column instanceof Float64Array ? flatData(result) : result]
    }),
  )
}
