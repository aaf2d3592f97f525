// Cholesky factor and LU log-determinant of small to medium dense matrices.
import { mismatch } from '@ood/core'
import { assertSquare } from './internal/check.ts'

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
  const L = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    const row = i * n
    for (let j = 0; j <= i; j++) {
      const other = j * n
      let sum = M[row + j]!
      for (let k = 0; k < j; k++) sum -= L[row + k]! * L[other + k]!
      if (j < i) {
        L[row + j] = sum / L[other + j]!
      } else {
        if (!(sum > 0)) throw mismatch('E_ARGUMENT', `cholesky pivot ${i}`, 'a positive definite matrix', sum)
        L[row + i] = Math.sqrt(sum)
      }
    }
  }
  return L
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
  const A = M.slice()
  let sign = 1
  let logAbsDet = 0
  for (let k = 0; k < n; k++) {
    let pivotRow = k
    for (let i = k + 1; i < n; i++) if (Math.abs(A[i * n + k]!) > Math.abs(A[pivotRow * n + k]!)) pivotRow = i
    if (pivotRow !== k) {
      sign = -sign
      const kept = A.slice(k * n, (k + 1) * n)
      A.copyWithin(k * n, pivotRow * n, (pivotRow + 1) * n)
      A.set(kept, pivotRow * n)
    }
    const pivot = A[k * n + k]!
    if (pivot === 0) return { sign: 0, logAbsDet: Number.NEGATIVE_INFINITY }
    if (pivot < 0) sign = -sign
    logAbsDet += Math.log(Math.abs(pivot))
    const top = k * n
    for (let i = k + 1; i < n; i++) {
      const row = i * n
      const factor = A[row + k]! / pivot
      if (factor === 0) continue
      for (let j = k + 1; j < n; j++) A[row + j] = A[row + j]! - factor * A[top + j]!
    }
  }
  return { sign, logAbsDet }
}
