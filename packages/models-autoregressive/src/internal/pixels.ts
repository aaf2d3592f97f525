// What counts as whole pixels, and the one error for what does not.
import { assertUnits, type NdArray } from '@ood/core'

/**
 * Checks that every number is an integer in [low, high]; one that is not is named by row and position, with a hint
 * where the numbers look like images on another scale.
 *
 * @throws OodError `E_NOT_FINITE` for NaN and infinity, `E_ARGUMENT` for the rest
 */
export function assertWholeNumbers(what: string, x: NdArray, low: number, high: number): void {
  assertUnits(what, x, { valueRange: [low, high], wholeNumbers: true })
}
