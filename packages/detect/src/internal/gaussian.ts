// Gaussians in a few hundred dimensions: means, shrunk covariances, log-densities of a point and of all but some of it.
import { mismatch } from '@ood/core'
import { cholesky } from '@ood/linalg'

/** A Gaussian with its Cholesky factor. */
export interface Gaussian {
  mean: Float64Array
  /** k x k row-major. */
  covariance: Float64Array
  /** Lower Cholesky factor of the covariance. */
  factor: Float64Array
  logDet: number
}

/** A Gaussian of mean and covariance. @throws OodError `E_ARGUMENT` for a covariance that is not positive definite */
export function gaussian(mean: Float64Array, covariance: Float64Array): Gaussian {
  const k = mean.length
  if (covariance.length !== k * k) throw mismatch('E_SHAPE', 'covariance', `${k * k} numbers`, covariance.length)
  const factor = cholesky(covariance, k)
  let logDet = 0
  for (let i = 0; i < k; i++) logDet += 2 * Math.log(factor[i * k + i]!)
  return { mean, covariance, factor, logDet }
}

/** (x - mean)ᵀ covariance⁻¹ (x - mean) of the point at `at`, by forward substitution. */
export function squaredDistance({ mean, factor }: Gaussian, x: Float64Array, at: number, work: Float64Array): number {
  const k = mean.length
  let sum = 0
  for (let i = 0; i < k; i++) {
    let value = x[at + i]! - mean[i]!
    for (let j = 0; j < i; j++) value -= factor[i * k + j]! * work[j]!
    value /= factor[i * k + i]!
    work[i] = value
    sum += value * value
  }
  return sum
}

/** log N(x; mean, covariance) in nats. */
export function logDensity(g: Gaussian, x: Float64Array, at: number, work: Float64Array): number {
  return -0.5 * (squaredDistance(g, x, at, work) + g.logDet + g.mean.length * Math.log(2 * Math.PI))
}

/** The Gaussian of the coordinates `kept` alone. */
export function marginal({ mean, covariance }: Gaussian, kept: readonly number[]): Gaussian {
  const k = mean.length
  return gaussian(
    Float64Array.from(kept, (i) => mean[i]!),
    Float64Array.from(kept.flatMap((i) => kept.map((j) => covariance[i * k + j]!))),
  )
}

/** Weighted mean and covariance (weights sum to anything positive) of rows [n, k]. */
export function moments(
  x: Float64Array,
  k: number,
  weights?: Float64Array,
): { mean: Float64Array; covariance: Float64Array; total: number } {
  const n = x.length / k
  const mean = new Float64Array(k)
  let total = 0
  for (let row = 0; row < n; row++) {
    const w = weights ? weights[row]! : 1
    total += w
    for (let i = 0; i < k; i++) mean[i] = mean[i]! + w * x[row * k + i]!
  }
  for (let i = 0; i < k; i++) mean[i] = mean[i]! / total
  const covariance = new Float64Array(k * k)
  const centred = new Float64Array(k)
  for (let row = 0; row < n; row++) {
    const w = weights ? weights[row]! : 1
    if (w === 0) continue
    for (let i = 0; i < k; i++) centred[i] = x[row * k + i]! - mean[i]!
    for (let i = 0; i < k; i++) {
      const a = w * centred[i]!
      for (let j = 0; j <= i; j++) covariance[i * k + j] = covariance[i * k + j]! + a * centred[j]!
    }
  }
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) covariance[j * k + i] = covariance[i * k + j] = covariance[i * k + j]! / total
  return { mean, covariance, total }
}

/**
 * Shrinkage intensity of Ledoit and Wolf 2004 (A well-conditioned estimator for large-dimensional covariance matrices)
 * towards the scaled identity: min(β, δ) / δ with δ = |S - m I|² / k and β the variance of S around the truth.
 *
 * Cost O(n k²).
 */
export function ledoitWolf(x: Float64Array, k: number, mean: Float64Array, covariance: Float64Array): number {
  const n = x.length / k
  let trace = 0
  let squares = 0
  for (let i = 0; i < k; i++) {
    trace += covariance[i * k + i]!
    for (let j = 0; j < k; j++) squares += covariance[i * k + j]! ** 2
  }
  const m = trace / k
  const delta = squares / k - m * m
  if (!(delta > 0)) return 1
  // mean over rows of |x xᵀ|² is the mean of |x|⁴
  let fourth = 0
  for (let row = 0; row < n; row++) {
    let square = 0
    for (let i = 0; i < k; i++) square += (x[row * k + i]! - mean[i]!) ** 2
    fourth += square * square
  }
  const beta = Math.min(delta, (fourth / n - squares) / (n * k))
  return Math.max(0, Math.min(1, beta / delta))
}

/** (1 - a) S + a m I, m the mean of S's diagonal. */
export function shrink(covariance: Float64Array, k: number, a: number): Float64Array {
  let trace = 0
  for (let i = 0; i < k; i++) trace += covariance[i * k + i]!
  const m = trace / k
  return covariance.map((value, at) => (1 - a) * value + (Math.floor(at / k) === at % k ? a * m : 0))
}
