// Cholesky factor and LU log-determinant of small to medium dense matrices.
import { mismatch } from '@ood/core'
import { assertSquare } from './internal/check.ts'
import { fastCholesky, fastPivots } from './internal/fast.ts'
import { plainCholesky, plainPivots } from './internal/plain.ts'

/**
 * Cholesky factor of a symmetric positive definite matrix: M = L Lᵀ (Golub and Van Loan, Matrix Computations, 4.2.5).
 *
 * @param M - n x n row-major; only the lower triangle is used, M is not changed
 * @returns L, n x n row-major, zero above the diagonal; log det M = 2 Σ log L_ii
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`; `E_ARGUMENT` naming the pivot when M is not positive definite
 *
 * Cost n³ / 3 flops.
 * @example
 * cholesky(Float64Array.of(4, 2, 2, 5), 2) // [2, 0, 1, 2]
 */
export function cholesky(M: Float64Array, n: number): Float64Array {
  assertSquare('cholesky', M, n)
  const L = fastCholesky(M, n) ?? plainCholesky(M, n)
  if (L instanceof Float64Array) return L
  throw mismatch('E_ARGUMENT', `cholesky pivot ${L.column}`, 'a positive definite matrix', L.pivot)
}

/** A determinant as sign and logarithm, so that it neither overflows nor underflows. */
export interface LogDeterminant {
  /** -1, 0 (singular) or 1. */
  sign: number
  /** log |det M| in nats; -Infinity for a singular matrix, 0 for n = 0. */
  logAbsDet: number
}

/**
 * Sign and log |det M| of a square matrix by LU with partial pivoting (Golub and Van Loan, Matrix Computations, 3.4).
 *
 * @param M - n x n row-major, not changed
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`
 *
 * Cost 2/3 n³ flops.
 * @example
 * luLogDet(Float64Array.of(0, 2, 3, 0), 2) // { sign: -1, logAbsDet: Math.log(6) }
 */
export function luLogDet(M: Float64Array, n: number): LogDeterminant {
  assertSquare('luLogDet', M, n)
  const { pivots, swaps } = fastPivots(M, n) ?? plainPivots(M, n)
  if (swaps < 0) return { sign: 0, logAbsDet: Number.NEGATIVE_INFINITY }
  let sign = swaps % 2 === 0 ? 1 : -1
  let logAbsDet = 0
  for (const pivot of pivots) {
    if (pivot < 0) sign = -sign
    logAbsDet += Math.log(Math.abs(pivot))
  }
  return { sign, logAbsDet }
}
