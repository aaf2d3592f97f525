// Tables in plain text for the terminal: aligned columns, numbers to the right.

/** A cell: numbers are shown with the table's digits, everything else as it is. */
export type TableCell = string | number | undefined

/** Options of `formatTable`. */
export interface TableOptions {
  /** Digits after the point of numbers that are not whole (default 3). */
  digits?: number | undefined
}

/**
 * Text of a table; the first row is its head. A column is aligned right when all its cells are numbers or empty.
 *
 * @returns lines joined by newlines, without a final newline
 * @example
 * console.log(formatTable([['pair', 'AUC'], ['fmnist -> mnist', 0.291], ['mnist -> fmnist', 0.999]]))
 * // pair               AUC
 * // ---------------  -----
 * // fmnist -> mnist  0.291
 * // mnist -> fmnist  0.999
 */
export function formatTable(rows: readonly (readonly TableCell[])[], { digits = 3 }: TableOptions = {}): string {
  const [head, ...body] = rows
  if (!head) return ''
  const columns = Math.max(...rows.map((row) => row.length))
  const cells = Array.from({ length: columns }, (_, c) => body.map((row) => row[c]))
  const right = cells.map(
    (column) => column.some(isNumber) && column.every((cell) => cell === undefined || isNumber(cell)),
  )
  // One rule for a whole column: shares keep their digits even where one of them is exactly 1.
  const fractions = cells.map((column) => column.some((cell) => isNumber(cell) && cell % 1 !== 0))
  const text = (row: readonly TableCell[], c: number): string => {
    const cell = row[c] ?? ''
    return isNumber(cell) && fractions[c] ? cell.toFixed(digits) : String(cell)
  }
  const width = cells.map((_, c) => Math.max(...rows.map((row) => characters(text(row, c)))))
  const line = (row: readonly TableCell[]) =>
    width
      .map((w, c) => {
        const gap = ' '.repeat(w - characters(text(row, c)))
        return right[c] ? gap + text(row, c) : text(row, c) + gap
      })
      .join('  ')
      .trimEnd()
  return [line(head), width.map((w) => '-'.repeat(w)).join('  '), ...body.map(line)].join('\n')
}

function isNumber(cell: TableCell): cell is number {
  return typeof cell === 'number'
}

function characters(text: string): number {
  return [...text].length
}
