// Argument checks shared by every kernel: sizes and finiteness, with errors that name the function.
import { type FloatArray, mismatch } from '@ood/core'

/** Throws `E_ARGUMENT` unless `n` is an integer >= `least`. */
export function assertSize(what: string, n: number, least = 0): void {
  if (!(Number.isSafeInteger(n) && n >= least)) throw mismatch('E_ARGUMENT', what, `an integer >= ${least}`, n)
}

/** Throws `E_SHAPE` unless `data` has exactly `length` numbers. */
export function assertLength(what: string, data: ArrayLike<number>, length: number): void {
  if (data.length !== length) throw mismatch('E_SHAPE', what, `${length} numbers`, data.length)
}

/** Throws `E_NOT_FINITE` with the position of the first NaN or infinity. */
export function assertFiniteNumbers(what: string, data: FloatArray): void {
  // x * 0 is NaN exactly for NaN and the infinities, and NaN survives every sum: one pass without a branch.
  let probe = 0
  for (let i = 0; i < data.length; i++) probe += data[i]! * 0
  if (probe === 0) return
  const at = data.findIndex((value: number) => !Number.isFinite(value))
  throw mismatch('E_NOT_FINITE', what, 'finite numbers', `${data[at]} at position ${at}`)
}

/** Checks a flat row-major n x n matrix: size and finite numbers. */
export function assertSquare(what: string, M: FloatArray, n: number): void {
  assertSize(`${what} n`, n)
  assertLength(`${what} matrix`, M, n * n)
  assertFiniteNumbers(`${what} matrix`, M)
}

/** Checks a symmetric tridiagonal matrix: n diagonal and n - 1 off-diagonal finite numbers. */
export function assertTridiagonal(what: string, diagonal: Float64Array, offDiagonal: Float64Array): void {
  assertLength(`${what} off-diagonal`, offDiagonal, Math.max(0, diagonal.length - 1))
  assertFiniteNumbers(`${what} diagonal`, diagonal)
  assertFiniteNumbers(`${what} off-diagonal`, offDiagonal)
}
