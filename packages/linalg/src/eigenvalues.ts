// Eigenvalues of symmetric matrices, values only: Householder tridiagonalisation, then implicit QL.
import { OodError } from '@ood/core'
import { assertTridiagonal } from './internal/check.ts'
import { unitScale } from './internal/safe-scale.ts'
import { tridiagonalize } from './tridiagonalize.ts'

const EPSILON = 2 ** -52
/** QL steps for one eigenvalue; typical is below 2, LAPACK gives up at 30. */
const MAX_STEPS = 60

/**
 * All eigenvalues of the symmetric tridiagonal matrix T, ascending, by the implicit QL algorithm with Wilkinson shifts
 * (Golub and Van Loan, Matrix Computations, 8.3.5).
 *
 * An off-diagonal is dropped when it is below eps (|d_i| + |d_{i+1}|) or below the absolute floor eps ‖T‖: with the
 * relative test alone graded spectra (1 down to 1e-12, n = 784) do not converge. Dropping it moves eigenvalues by at
 * most eps ‖T‖, the backward error of the algorithm anyway; eigenvalues far below ‖T‖ have that absolute accuracy.
 *
 * @param diagonal - n numbers, not changed
 * @param offDiagonal - n - 1 numbers, not changed
 * @returns n eigenvalues, ascending
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`; `E_RUNTIME` if an eigenvalue does not converge in 60 steps (never seen)
 *
 * Cost O(n²), about 1.7 QL steps an eigenvalue.
 * @example
 * tridiagonalEigenvalues(Float64Array.of(0, 0), Float64Array.of(1)) // -1 and 1
 */
export function tridiagonalEigenvalues(diagonal: Float64Array, offDiagonal: Float64Array): Float64Array {
  assertTridiagonal('tridiagonalEigenvalues', diagonal, offDiagonal)
  const n = diagonal.length
  let norm = 0
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(diagonal[i]!), Math.abs(offDiagonal[i] ?? 0))
  if (norm === 0) return new Float64Array(n)
  // Scaling by a power of two is exact, and nothing inside can overflow or underflow harmfully then.
  const scale = unitScale(norm)
  const d = diagonal.map((value) => value * scale)
  const e = new Float64Array(n)
  for (let i = 0; i < n - 1; i++) e[i] = offDiagonal[i]! * scale
  implicitQL(d, e, EPSILON * norm * scale)
  return d.map((value) => value / scale).sort()
}

/**
 * All eigenvalues of a symmetric matrix, ascending.
 *
 * @param M - n x n row-major; only the lower triangle is used
 * @throws OodError as {@link tridiagonalize} and {@link tridiagonalEigenvalues}
 *
 * Cost 4/3 n³ + O(n²). Absolute accuracy about n · 2e-16 · ‖M‖: of a Gram matrix JᵀJ, singular values of J below
 * about 1e-6 of the largest are not resolved.
 * @example
 * symmetricEigenvalues(Float64Array.of(2, 1, 1, 2), 2) // [1, 3]
 */
export function symmetricEigenvalues(M: Float64Array, n: number): Float64Array {
  const { diagonal, offDiagonal } = tridiagonalize(M, n)
  return tridiagonalEigenvalues(diagonal, offDiagonal)
}

/** Diagonalises (d, e) in place, e[n - 1] being spare. */
function implicitQL(d: Float64Array, e: Float64Array, floor: number): void {
  const n = d.length
  const negligible = (i: number): boolean => {
    const size = Math.abs(e[i]!)
    return size <= floor || size <= EPSILON * (Math.abs(d[i]!) + Math.abs(d[i + 1]!))
  }
  for (let low = 0; low < n; low++) {
    for (let step = 0; ; step++) {
      let high = low
      while (high < n - 1 && !negligible(high)) high++
      if (high === low) break
      if (step === MAX_STEPS)
        throw new OodError('E_RUNTIME', `tridiagonalEigenvalues: expected convergence in ${MAX_STEPS} steps, got none`)
      const half = (d[low + 1]! - d[low]!) / (2 * e[low]!)
      // Overflow gives the right limit, no shift; Math.hypot would take longer than the rest of the step.
      const root = Math.sqrt(half * half + 1)
      let g = d[high]! - d[low]! + e[low]! / (half + (half >= 0 ? root : -root))
      let s = 1
      let c = 1
      let p = 0
      let i = high - 1
      for (; i >= low; i--) {
        const f = s * e[i]!
        const b = c * e[i]!
        const r = Math.sqrt(f * f + g * g)
        e[i + 1] = r
        if (r === 0) break
        s = f / r
        c = g / r
        g = d[i + 1]! - p
        const t = (d[i]! - g) * s + 2 * c * b
        p = s * t
        d[i + 1] = g + p
        g = c * t - b
      }
      if (i >= low) {
        // The rotation vanished: the block splits at i + 1, start the step again.
        d[i + 1] = d[i + 1]! - p
      } else {
        d[low] = d[low]! - p
        e[low] = g
      }
      e[high] = 0
    }
  }
}
