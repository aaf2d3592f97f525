// Argument checks: copy scores into Float64Array and reject what no curve is defined for.
import { RocError } from '../errors.ts'
import type { DualColumns, DualScores, Scores } from '../scores.ts'

/**
 * A fresh Float64Array of `scores`; empty lists, NaN, infinities and whatever is no number (a missing value counts as 0
 * or 1 once converted) are errors that name the place.
 */
export function copyScores(name: string, scores: Scores): Float64Array {
  if (
    typeof scores !== 'object' ||
    scores === null ||
    scores instanceof DataView ||
    !(Number.isSafeInteger(scores.length) && scores.length >= 0)
  ) {
    throw new RocError('E_ARGUMENT', name, 'an array of scores', scores)
  }
  if (scores.length === 0) throw new RocError('E_EMPTY', name, 'at least one score', 0)
  if (!ArrayBuffer.isView(scores)) checkNumbers(name, scores)
  else if (scores instanceof BigInt64Array || scores instanceof BigUint64Array) {
    throw new RocError('E_ARGUMENT', name, 'scores that are numbers (Float64Array.from(scores, Number))', scores)
  }
  const copy = new Float64Array(scores)
  for (let i = 0; i < copy.length; i++) {
    const value = copy[i]!
    // v - v is 0 for finite numbers and NaN for NaN and both infinities: one test, no call.
    if (value - value !== 0) throw new RocError('E_NOT_FINITE', `${name}[${i}]`, 'a finite score', value)
  }
  return copy
}

/** Fails at the first entry that is no number: null, '', true, '5', [1], 5n, a gap. */
function checkNumbers(name: string, scores: ArrayLike<unknown>): void {
  for (let i = 0; i < scores.length; i++) {
    const value = scores[i]
    if (typeof value !== 'number') throw new RocError('E_ARGUMENT', `${name}[${i}]`, 'a finite score', value)
  }
}

/** Fails unless `value` is an object of scores or options. */
export function checkObject(name: string, value: unknown, expected = 'an object of options'): void {
  if (typeof value !== 'object' || value === null) throw new RocError('E_ARGUMENT', name, expected, value)
}

/** Copies both columns of a dual score list and checks that they pair up. */
export function copyDual(name: string, scores: DualScores): DualColumns {
  checkObject(name, scores, 'an object { x, y } of scores')
  const x = copyScores(`${name}.x`, scores.x)
  const y = copyScores(`${name}.y`, scores.y)
  checkSameLength(`${name}.y`, `${name}.x`, y.length, x.length)
  return { x, y }
}

/** Fails unless two paired lists have the same length. */
export function checkSameLength(name: string, other: string, got: number, expected: number): void {
  if (got !== expected) throw new RocError('E_SHAPE', name, `${expected} scores as in ${other}`, got)
}

/** Fails unless `value` is one of `allowed`. */
export function checkOneOf<T extends string>(name: string, value: T, allowed: readonly T[]): void {
  if (!allowed.includes(value)) throw new RocError('E_ARGUMENT', name, `one of ${allowed.join(', ')}`, value)
}

/** Fails unless 0 < value < 1 (or <= 1 when `closed`). */
export function checkFraction(name: string, value: number, closed = false): void {
  if (!(typeof value === 'number' && value > 0 && (closed ? value <= 1 : value < 1))) {
    throw new RocError('E_ARGUMENT', name, closed ? 'a number in (0, 1]' : 'a number in (0, 1)', value)
  }
}

/** Fails unless `value` is an integer >= `least`. */
export function checkInteger(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RocError('E_ARGUMENT', name, least > 0 ? `an integer of at least ${least}` : 'an integer', value)
  }
}
