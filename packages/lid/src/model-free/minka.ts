// Minka's choice of the number of principal components by Laplace's approximation of the evidence.
import { logGamma, mismatch } from '@ood/core'
import { assertCount } from '../internal/check.ts'

/**
 * The number of principal components with the largest evidence (Minka 2000, equation 76): for k in 1..d-1,
 *
 *   log p(k) = Σ_{i<=k} [log Γ((d-i+1)/2) - (d-i+1)/2 log π] - k log 2 - N/2 Σ_{i<=k} log λ_i - N (d-k)/2 log v
 *              + (m + k)/2 log 2π - 1/2 log|A| - k/2 log N,
 *   v = mean of λ_{k+1..d},   m = dk - k(k+1)/2,
 *   log|A| = Σ_{i<=k} Σ_{j>i} log[(1/λ̂_j - 1/λ̂_i)(λ_i - λ_j) N],   λ̂_j = λ_j for j <= k, else v.
 *
 * Variances that are exactly 0 make the evidence of their complement infinite: the result is the number of the others.
 * Of N <= d points give the N - 1 variances they can have. Equal eigenvalues make a determinant 0 and their k impossible.
 *
 * @param eigenvalues - explained variances, descending, non-negative
 * @param samples - number of points N they come from
 * @returns 0 without variance, 1 for a single one
 * @throws OodError `E_ARGUMENT` for fewer than 2 samples
 * @example
 * minkaDimension([4, 3, 0.01, 0.009], 100) // 2
 */
export function minkaDimension(eigenvalues: ArrayLike<number>, samples: number): number {
  assertCount('Minka samples', samples, 2)
  const largest = eigenvalues[0] ?? 0
  if (!(largest >= 0)) throw mismatch('E_ARGUMENT', 'Minka eigenvalues', 'non-negative numbers', largest)
  const values = Float64Array.from(eigenvalues)
  const d = values.length
  const zero = values.indexOf(0)
  if (zero >= 0 || d < 2) return zero >= 0 ? zero : d
  let best = 1
  let most = Number.NEGATIVE_INFINITY
  for (let k = 1; k < d; k++) {
    const evidence = logEvidence(values, k, samples)
    if (evidence > most) {
      most = evidence
      best = k
    }
  }
  return best
}

function logEvidence(values: Float64Array, k: number, n: number): number {
  const d = values.length
  let volume = -k * Math.LN2
  let logs = 0
  for (let i = 1; i <= k; i++) {
    const half = (d - i + 1) / 2
    volume += logGamma(half) - half * Math.log(Math.PI)
    logs += Math.log(values[i - 1]!)
  }
  let v = 0
  for (let j = k; j < d; j++) v += values[j]! / (d - k)
  let determinant = 0
  for (let i = 0; i < k; i++) {
    for (let j = i + 1; j < d; j++) {
      const inverse = 1 / (j < k ? values[j]! : v) - 1 / values[i]!
      determinant += Math.log(inverse * (values[i]! - values[j]!) * n)
    }
  }
  const m = d * k - (k * (k + 1)) / 2
  const evidence =
    volume -
    (n / 2) * logs -
    ((n * (d - k)) / 2) * Math.log(v) +
    ((m + k) / 2) * Math.log(2 * Math.PI) -
    determinant / 2 -
    (k / 2) * Math.log(n)
  // A determinant of 0 or rounding below it: no Gaussian peak to integrate.
  return Number.isFinite(determinant) ? evidence : Number.NEGATIVE_INFINITY
}
