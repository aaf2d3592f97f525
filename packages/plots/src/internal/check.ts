// Checks of plotted numbers: a chart that silently drops NaN or infinite values lies about them.
import { mismatch } from '@ood/core'

/** Throws unless `values` is a non-empty list of finite numbers. */
export function checkNumbers(what: string, values: ArrayLike<number>): void {
  if (values.length === 0) throw mismatch('E_EMPTY', what, 'at least one number', 'none')
  for (let i = 0; i < values.length; i++) checkNumber(`${what}[${i}]`, values[i]!)
}

/** Throws unless `value` is finite. */
export function checkNumber(what: string, value: number): void {
  if (!Number.isFinite(value)) throw mismatch('E_NOT_FINITE', what, 'a finite number', value)
}

/** Throws when a list is empty, or when two of its labels are the same: they would share one legend entry. */
export function checkLabels(what: string, labels: readonly string[]): void {
  if (labels.length === 0) throw mismatch('E_EMPTY', what, 'at least one series', 'none')
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  if (twice !== undefined) throw mismatch('E_ARGUMENT', what, 'labels that differ', `${twice} twice`)
}

/** Throws when two lists that belong together differ in length. */
export function checkLength(what: string, expected: number, values: ArrayLike<unknown>): void {
  if (values.length !== expected) throw mismatch('E_SHAPE', what, `${expected} numbers`, values.length)
}
