// Sturm counts: how many eigenvalues of a symmetric tridiagonal matrix exceed a threshold, without computing any.
import { mismatch } from '@ood/core'
import { assertTridiagonal } from './internal/check.ts'

/** Smallest normal double: pivots are kept at least this far from zero (times max e², as LAPACK's dstebz does). */
const SAFE_MINIMUM = 2.2250738585072014e-308

/**
 * Number of eigenvalues of T strictly greater than `threshold`.
 *
 * By Sylvester's law of inertia it is the number of positive pivots of T - threshold · I = LDLᵀ,
 * q_i = d_i - threshold - e²_{i-1} / q_{i-1} (Barth, Martin and Wilkinson 1967). A pivot within the safe minimum of
 * zero counts as negative: an eigenvalue equal to the threshold is not greater than it. Rounding moves the threshold by
 * a few ulps of max(|T|, |threshold|) at most, and the count never decreases when the threshold falls.
 * With T = QᵀJᵀJQ and threshold e^{2s} this is the threshold LID #{singular values of J > e^s}.
 *
 * @param diagonal - n numbers
 * @param offDiagonal - n - 1 numbers
 * @param threshold - any number, infinities included
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`, or `E_ARGUMENT` for a NaN threshold
 *
 * Cost O(n).
 * @example
 * sturmCount(Float64Array.of(1, 2, 3), Float64Array.of(0, 0), 2) // 1
 */
export function sturmCount(diagonal: Float64Array, offDiagonal: Float64Array, threshold: number): number {
  assertTridiagonal('sturmCount', diagonal, offDiagonal)
  if (Number.isNaN(threshold)) throw mismatch('E_ARGUMENT', 'sturmCount threshold', 'a number', threshold)
  let largest = 1
  for (let i = 0; i < offDiagonal.length; i++) largest = Math.max(largest, Math.abs(offDiagonal[i]!))
  // Off-diagonals are divided, not squared first: e (e / q) stays in range where e² would overflow.
  const floor = SAFE_MINIMUM * largest
  let count = 0
  let pivot = 1
  for (let i = 0; i < diagonal.length; i++) {
    const e = i === 0 ? 0 : offDiagonal[i - 1]!
    pivot = diagonal[i]! - threshold - (e === 0 ? 0 : e * (e / pivot))
    if (Math.abs(pivot) <= floor) pivot = -floor
    if (pivot > 0) count++
  }
  return count
}
