// The check of every option that counts something.
import { mismatch } from './errors.ts'

/**
 * Throws `E_ARGUMENT` unless `value` is an integer of at least `least` (default 1); `what` begins the line.
 *
 * @example
 * assertCount('flow chunk', options.chunk ?? 0, 0)
 */
export function assertCount(what: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return
  const expected = ['0 or a positive integer', 'a positive integer'][least] ?? `an integer of at least ${least}`
  throw mismatch('E_ARGUMENT', what, expected, value)
}
