// CSV text of metric columns, in the form pandas and spreadsheets read: one header line, shortest exact numbers.
import { mismatch } from '@ood/core'

/** Columns of a table by name; all of one length. */
export type Columns = Readonly<Record<string, ArrayLike<number | string | boolean>>>

/**
 * CSV text of named columns (RFC 4180, newline ends). Numbers keep every digit; NaN is `nan`, infinities `inf`, `-inf`.
 *
 * @throws OodError `E_EMPTY` without columns, `E_SHAPE` for columns of unequal length
 * @example
 * csvText({ likelihood: logProb.instance, JacobianThresholdLID: lid })
 */
export function csvText(columns: Columns): string {
  const names = Object.keys(columns)
  if (names.length === 0) throw mismatch('E_EMPTY', 'csv', 'at least one column', 'none')
  const rows = columns[names[0]!]!.length
  for (const name of names) {
    const { length } = columns[name]!
    if (length !== rows) throw mismatch('E_SHAPE', `csv column ${name}`, `${rows} rows like ${names[0]}`, length)
  }
  const lines = [names.map(cell).join(',')]
  for (let i = 0; i < rows; i++) lines.push(names.map((name) => cell(columns[name]![i]!)).join(','))
  return `${lines.join('\n')}\n`
}

function cell(value: number | string | boolean): string {
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return String(value)
    return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  }
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
