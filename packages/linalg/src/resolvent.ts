// Traces, log-determinants and quadratic forms of (T + vI)⁻¹ for a tridiagonal T in O(n): one LID scale, no eigenvectors.
import { mismatch } from '@ood/core'
import { assertFiniteNumbers, assertLength, assertTridiagonal } from './internal/check.ts'

/** Spectral sums of a positive semidefinite T at the shift v; λ_i are its eigenvalues, w_i the vector in its eigenbasis. */
export interface Resolvent {
  /** log det (T + vI) = Σ log(λ_i + v). */
  logDet: number
  /** tr (T + vI)⁻¹ = Σ 1 / (λ_i + v). */
  trace: number
  /** tr T (T + vI)⁻¹ = Σ λ_i / (λ_i + v) = n - v · trace, without that cancellation; in [0, n]. */
  effectiveDimension: number
  /** wᵀ (T + vI)⁻¹ w = Σ w_i² / (λ_i + v); 0 without w. */
  quadratic: number
  /** wᵀ (T + vI)⁻² w = Σ w_i² / (λ_i + v)²; 0 without w. */
  quadraticSquared: number
  /** wᵀ (T + vI)⁻¹ T (T + vI)⁻¹ w = Σ λ_i w_i² / (λ_i + v)² = quadratic - v · quadraticSquared; 0 without w. */
  quadraticSandwich: number
}

/**
 * Everything fast flow LIDL needs at one scale v = e^{2 delta} (Kamkari et al. 2024). With T = QᵀJᵀJQ
 * and w = Qᵀz:
 *
 *   log rho(delta) = -½ (n log 2π + logDet + |w|² - v · quadratic)
 *   LID(delta) = effectiveDimension + v · quadraticSandwich
 *              = n - v · trace + v (quadratic - v · quadraticSquared)
 *
 * Pivots of the two factorisations T + vI = L D Lᵀ (top down) and U D' Uᵀ (bottom up) are carried as v + s_i and v + r_i
 * with s_i = d_i - e²_{i-1} / (v + s_{i-1}). The diagonal of the inverse is then 1 / (s_i + r_i - d_i + v)
 * (Meurant 1992, A review on the inverse of symmetric tridiagonal and block tridiagonal matrices). For T positive
 * semidefinite every Schur complement of T + vI is at least v, so s_i, r_i and s_i + r_i - d_i are >= 0 in exact
 * arithmetic; negative values are rounding and are set to 0. All results are therefore positive, the trace at most n / v,
 * and nothing cancels when v is far above the spectrum. When v is far below it, the absolute uncertainty eps ‖T‖ of the
 * small eigenvalues of T itself is what limits: relative errors are about n eps ‖T‖ / v.
 *
 * @param diagonal - n numbers of a positive semidefinite tridiagonal T (a Gram matrix)
 * @param offDiagonal - n - 1 numbers
 * @param shift - v > 0
 * @param w - n numbers, in the basis of T (`rotated` of {@link tridiagonalize})
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`, `E_ARGUMENT` for a shift that is not positive and
 *   finite, or a T with a diagonal entry below rounding of zero
 *
 * Cost O(n): about 4 n divisions and n logarithms.
 * @example
 * const v = Math.exp(2 * delta)
 * const r = tridiagonalResolvent(diagonal, offDiagonal, v, rotated)
 * const lid = r.effectiveDimension + v * r.quadraticSandwich
 */
export function tridiagonalResolvent(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  shift: number,
  w?: Float64Array,
): Resolvent {
  assertTridiagonal('tridiagonalResolvent', diagonal, offDiagonal)
  if (!(shift > 0 && shift < Number.POSITIVE_INFINITY))
    throw mismatch('E_ARGUMENT', 'tridiagonalResolvent shift', 'a positive finite number', shift)
  const n = diagonal.length
  assertNotNegative(diagonal)
  // Bottom-up Schur complements, less the shift.
  const upward = new Float64Array(n)
  let s = 0
  for (let i = n - 1; i >= 0; i--) {
    const e = offDiagonal[i] ?? 0
    s = Math.max(0, diagonal[i]! - e * (e / (s + shift)))
    upward[i] = s
  }
  const pivot = new Float64Array(n)
  const result: Resolvent = {
    logDet: 0,
    trace: 0,
    effectiveDimension: 0,
    quadratic: 0,
    quadraticSquared: 0,
    quadraticSandwich: 0,
  }
  s = 0
  for (let i = 0; i < n; i++) {
    const e = i === 0 ? 0 : offDiagonal[i - 1]!
    s = Math.max(0, diagonal[i]! - e * (e / (s + shift)))
    pivot[i] = s + shift
    const inverse = Math.max(0, s + (upward[i]! - diagonal[i]!))
    result.logDet += Math.log(s + shift)
    result.trace += 1 / (inverse + shift)
    result.effectiveDimension += inverse / (inverse + shift)
  }
  if (w) addQuadratics(result, diagonal, offDiagonal, pivot, w)
  return result
}

/** A positive semidefinite matrix has no negative diagonal entry; rounding may leave -eps ‖T‖. */
function assertNotNegative(diagonal: Float64Array): void {
  let largest = 0
  for (let i = 0; i < diagonal.length; i++) largest = Math.max(largest, Math.abs(diagonal[i]!))
  for (let i = 0; i < diagonal.length; i++) {
    if (diagonal[i]! < -1e-8 * largest)
      throw mismatch('E_ARGUMENT', `tridiagonalResolvent diagonal ${i}`, 'a positive semidefinite T', diagonal[i])
  }
}

/** y = (T + vI)⁻¹ w by the factorisation, then the three quadratic forms. */
function addQuadratics(
  result: Resolvent,
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  pivot: Float64Array,
  w: Float64Array,
): void {
  const n = diagonal.length
  assertLength('tridiagonalResolvent w', w, n)
  assertFiniteNumbers('tridiagonalResolvent w', w)
  const y = new Float64Array(n)
  let u = 0
  for (let i = 0; i < n; i++) {
    u = w[i]! - (i === 0 ? 0 : (offDiagonal[i - 1]! / pivot[i - 1]!) * u)
    y[i] = u / pivot[i]!
    result.quadratic += u * y[i]!
  }
  let sandwich = 0
  for (let i = n - 1; i >= 0; i--) {
    if (i < n - 1) {
      y[i] = y[i]! - (offDiagonal[i]! / pivot[i]!) * y[i + 1]!
      sandwich += 2 * offDiagonal[i]! * y[i]! * y[i + 1]!
    }
    result.quadraticSquared += y[i]! * y[i]!
    sandwich += diagonal[i]! * y[i]! * y[i]!
  }
  result.quadraticSandwich = Math.max(0, sandwich)
}
