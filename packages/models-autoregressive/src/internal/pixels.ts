// What counts as whole pixels, and the one error for what does not.
import { flatData, mismatch, type NdArray, rowSize } from '@ood/core'

/**
 * Checks that every number is an integer in [low, high]; the first that is not is named by row and position.
 *
 * @throws OodError `E_NOT_FINITE` for NaN and infinity, `E_ARGUMENT` for the rest
 */
export function assertWholeNumbers(what: string, x: NdArray, low: number, high: number): void {
  const data = flatData(x)
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!
    if (value >= low && value <= high && Number.isInteger(value)) continue
    const d = Math.max(1, rowSize(x))
    const where = `${value} in row ${Math.floor(i / d)} at position ${i % d}`
    throw mismatch(Number.isFinite(value) ? 'E_ARGUMENT' : 'E_NOT_FINITE', what, `integers in [${low}, ${high}]`, where)
  }
}
