// Statistics: named numbers of an image that a combination looks at, one or several a row, read off columns.
import { flatData, mismatch, type NdArray, OodError, tensor } from '@ood/core'
import { type Columns, columnBatch, columnRows } from '../columns.ts'
import type { Needs } from '../measurement.ts'

/** One statistic of a combination. It may have several numbers a row: an LID curve is one statistic. */
export interface Statistic<Input = NdArray> {
  readonly name: string
  /** What must be measured. Prefixes are shared by all statistics of a combination. */
  readonly needs: Needs<Input>
  /** [N] or [N, K], read off the measured columns. */
  values(columns: Columns): Float64Array | NdArray<Float64Array>
}

/** The statistics of N rows side by side. */
export interface StatisticTable {
  /** [N, K] row-major. */
  values: Float64Array
  rows: number
  width: number
  /** Statistic that each of the K numbers belongs to, an index. */
  owner: Int32Array
  /** Names of the statistics. */
  names: string[]
}

/** The statistic that is one column as it stands. */
export function columnStatistic<Input = NdArray>(name: string, needs: Needs<Input>, column: string): Statistic<Input> {
  return { name, needs, values: (columns) => columnBatch(columns[column]!) }
}

/** Everything the statistics need, together. @throws OodError `E_ARGUMENT` when a prefix means two measurements */
export function needsOf<Input>(statistics: readonly Statistic<Input>[]): Needs<Input> {
  const together: Record<string, Needs<Input>[string]> = {}
  for (const { name, needs } of statistics)
    for (const [prefix, entry] of Object.entries(needs)) {
      const other = together[prefix]
      if (other && other.key !== entry.key)
        throw mismatch('E_ARGUMENT', `statistic ${name} needs ${prefix}`, other.key, entry.key)
      together[prefix] = entry
    }
  return together
}

/**
 * Reads all statistics.
 *
 * @throws OodError `E_NOT_FINITE` for NaN, naming statistic and row; `E_SHAPE` for rows that differ
 */
export function statisticTable<Input>(statistics: readonly Statistic<Input>[], columns: Columns): StatisticTable {
  if (statistics.length === 0) throw new OodError('E_EMPTY', 'statistics: expected at least one, got none')
  const rows = columnRows(columns)
  const parts = statistics.map(({ name, values }) => {
    const data = flatData(columnBatch(values(columns)))
    if (rows > 0 && data.length % rows !== 0)
      throw mismatch('E_SHAPE', `statistic ${name}`, `numbers for ${rows} rows`, data.length)
    const bad = data.findIndex(Number.isNaN)
    if (bad >= 0)
      throw mismatch(
        'E_NOT_FINITE',
        `statistic ${name}`,
        'numbers',
        `NaN in row ${Math.floor((bad * rows) / data.length)}`,
      )
    return { data, width: rows === 0 ? 0 : data.length / rows }
  })
  const width = parts.reduce((sum, part) => sum + part.width, 0)
  const values = new Float64Array(rows * width)
  const owner = new Int32Array(width)
  let at = 0
  for (const [s, part] of parts.entries()) {
    owner.fill(s, at, at + part.width)
    for (let row = 0; row < rows; row++)
      values.set(part.data.subarray(row * part.width, (row + 1) * part.width), row * width + at)
    at += part.width
  }
  return { values, rows, width, owner, names: statistics.map(({ name }) => name) }
}

/** Numbers [N, K] as a batch. */
export function tableBatch(values: Float64Array, width: number): NdArray<Float64Array> {
  return tensor(values, [width === 0 ? 0 : values.length / width, width])
}
