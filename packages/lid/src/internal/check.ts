// Argument checks shared by the package: every wrong value becomes one OodError line that names the function.
import { mismatch, OodError } from '@ood/core'

/** Throws `E_ARGUMENT` unless `value` is a finite number. */
export function assertNumber(what: string, value: number): void {
  if (!Number.isFinite(value)) throw mismatch('E_ARGUMENT', what, 'a finite number', value)
}

/** Throws `E_ARGUMENT` unless `value` is a number strictly between `low` and `high`. */
export function assertBetween(what: string, value: number, low: number, high: number): void {
  if (!(value > low && value < high)) throw mismatch('E_ARGUMENT', what, `a number in (${low}, ${high})`, value)
}

/** Throws `E_ARGUMENT` unless `value` is an integer of at least `low`. */
export function assertCount(what: string, value: number, low: number): void {
  if (!(Number.isSafeInteger(value) && value >= low))
    throw mismatch('E_ARGUMENT', what, `an integer of at least ${low}`, value)
}

/** Throws `E_EMPTY` for an empty list and `E_NOT_FINITE` for the first NaN or infinity in it. */
export function assertFiniteList(what: string, values: ArrayLike<number>): void {
  if (values.length === 0) throw new OodError('E_EMPTY', `${what}: expected at least one number, got none`)
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!))
      throw mismatch('E_NOT_FINITE', what, 'finite numbers', `${values[i]} at position ${i}`)
  }
}

/** Throws `E_SHAPE` unless both lists have the same length. */
export function assertSameLength(what: string, a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length) throw mismatch('E_SHAPE', what, 'two lists of equal length', `${a.length} and ${b.length}`)
}
