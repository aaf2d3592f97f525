// Joins the stored batches of one step along the rows.
import { concatRows, mismatch, type NdArray, rowCount } from '@ood/core'
import { isNdArray, type StoredArray } from '../internal/value.ts'

/** Result of one batch: arrays whose first axis is the rows of the batch (flat arrays may hold k numbers a row). */
export type BatchColumns = Readonly<Record<string, StoredArray | NdArray>>

/** Joins batches in order. Every batch must have the same columns with the same numbers per row. */
export function joinBatches<C extends BatchColumns>(name: string, batches: readonly { rows: number; value: C }[]): C {
  const first = batches[0]!
  const columns = Object.keys(first.value)
  for (const { value } of batches) {
    const got = Object.keys(value)
    if (got.join() !== columns.join()) throw mismatch('E_SHAPE', `${name} batch`, `columns ${columns}`, got.join(', '))
  }
  return Object.fromEntries(columns.map((column) => [column, joinColumn(`${name} ${column}`, column, batches)])) as C
}

function joinColumn(what: string, column: string, batches: readonly { rows: number; value: BatchColumns }[]) {
  const parts = batches.map(({ rows, value }) => ({ rows, part: value[column]! }))
  if (parts.every(({ part }) => isNdArray(part))) {
    for (const { rows, part } of parts)
      if (rowCount(part as NdArray) !== rows) throw mismatch('E_SHAPE', what, `${rows} rows`, rowCount(part as NdArray))
    return concatRows(parts.map(({ part }) => part as NdArray))
  }
  const flat = parts.map(({ part }) => part as StoredArray)
  const width = flat[0]!.length / parts[0]!.rows
  const Type = flat[0]!.constructor as new (n: number) => StoredArray
  const joined = new Type(flat.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const [i, part] of flat.entries()) {
    const rows = parts[i]!.rows
    if (!Number.isInteger(width) || part.constructor !== Type || part.length !== rows * width)
      throw mismatch('E_SHAPE', what, `${Type.name} of ${width} x ${rows} rows`, `${part.length} numbers`)
      // Both sides have the same constructor, which the compiler cannot see through the union.
    ;(joined as Float64Array).set(part as Float64Array, at)
    at += part.length
  }
  return joined
}
