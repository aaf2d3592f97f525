// Diffusion times as one number a row.
import { mismatch } from '../errors.ts'
import type { Times } from '../interfaces.ts'

/** One time for each of `n` rows. */
export function timesOf(what: string, t: Times, n: number): Float64Array {
  if (typeof t !== 'number' && t.length !== n) throw mismatch('E_SHAPE', `${what} t`, `${n} times, one a row`, t.length)
  const times = typeof t === 'number' ? new Float64Array(n).fill(t) : Float64Array.from(t)
  for (const value of times) {
    if (!(value >= 0 && Number.isFinite(value))) throw mismatch('E_ARGUMENT', `${what} t`, 'a time >= 0', value)
  }
  return times
}
