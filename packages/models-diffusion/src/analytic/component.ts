// Parts of analytic score models: Gaussians whose noised precision (mu² C + sigma² I)^-1 is known at every time.
import { mismatch } from '@ood/core'
import { cholesky } from '@ood/linalg'

/** The noised precision A^-1, A = mu² C + sigma² I, at one time. */
export interface Precision {
  /** out = A^-1 v for the D numbers of `v` from `at`. */
  apply(v: Float64Array, at: number, out: Float64Array): void
  /** tr A^-1. */
  trace: number
  /** log det A. */
  logDet: number
}

/** One Gaussian N(mean, C) of a mixture. */
export interface Component {
  weight: number
  mean: Float64Array
  precision(mu: number, sigma: number): Precision
}

/** C of any form: D numbers are a diagonal, D x D numbers row-major a full matrix. */
export function covariancePrecision(what: string, covariance: ArrayLike<number>, d: number): Component['precision'] {
  for (let i = 0; i < covariance.length; i++) {
    if (!Number.isFinite(covariance[i]!))
      throw mismatch('E_NOT_FINITE', `${what} covariance`, 'finite numbers', covariance[i])
  }
  if (covariance.length === d && d > 1) return diagonal(what, covariance)
  if (covariance.length === d * d) return dense(covariance, d)
  throw mismatch('E_SHAPE', `${what} covariance`, `${d} or ${d * d} numbers`, covariance.length)
}

function diagonal(what: string, variances: ArrayLike<number>): Component['precision'] {
  const values = Float64Array.from(variances)
  for (const value of values) if (value < 0) throw mismatch('E_ARGUMENT', `${what} variance`, 'a number >= 0', value)
  return (mu, sigma) => {
    const scale = values.map((value) => 1 / (mu * mu * value + sigma * sigma))
    return {
      apply(v, at, out) {
        for (let i = 0; i < scale.length; i++) out[i] = scale[i]! * v[at + i]!
      },
      trace: scale.reduce((sum, value) => sum + value, 0),
      logDet: scale.reduce((sum, value) => sum - Math.log(value), 0),
    }
  }
}

function dense(covariance: ArrayLike<number>, d: number): Component['precision'] {
  return (mu, sigma) => {
    const A = Float64Array.from(covariance, (value) => mu * mu * value)
    for (let i = 0; i < d; i++) A[i * d + i]! += sigma * sigma
    const L = cholesky(A, d)
    const solve = (v: Float64Array, at: number, out: Float64Array): void => {
      for (let i = 0; i < d; i++) {
        let sum = v[at + i]!
        for (let j = 0; j < i; j++) sum -= L[i * d + j]! * out[j]!
        out[i] = sum / L[i * d + i]!
      }
      for (let i = d - 1; i >= 0; i--) {
        let sum = out[i]!
        for (let j = i + 1; j < d; j++) sum -= L[j * d + i]! * out[j]!
        out[i] = sum / L[i * d + i]!
      }
    }
    let trace = 0
    let logDet = 0
    const unit = new Float64Array(d)
    const column = new Float64Array(d)
    for (let i = 0; i < d; i++) {
      logDet += 2 * Math.log(L[i * d + i]!)
      unit.fill(0)[i] = 1
      solve(unit, 0, column)
      trace += column[i]!
    }
    return { apply: solve, trace, logDet }
  }
}

/** C = variance BᵀB for k orthonormal rows B [k, D]: closed form, O(k D). */
export function subspacePrecision(basis: Float64Array, variances: Float64Array, d: number): Component['precision'] {
  const k = variances.length
  return (mu, sigma) => {
    const normal = 1 / (sigma * sigma)
    const along = variances.map((value) => 1 / (mu * mu * value + sigma * sigma))
    return {
      apply(v, at, out) {
        for (let i = 0; i < d; i++) out[i] = normal * v[at + i]!
        for (let j = 0; j < k; j++) {
          let dot = 0
          for (let i = 0; i < d; i++) dot += basis[j * d + i]! * v[at + i]!
          for (let i = 0; i < d; i++) out[i]! += (along[j]! - normal) * dot * basis[j * d + i]!
        }
      },
      trace: (d - k) * normal + along.reduce((sum, value) => sum + value, 0),
      logDet: -(d - k) * Math.log(normal) - along.reduce((sum, value) => sum + Math.log(value), 0),
    }
  }
}

/** C = 0: a point. */
export function pointPrecision(d: number): Component['precision'] {
  return (_mu, sigma) => {
    const scale = 1 / (sigma * sigma)
    return {
      apply(v, at, out) {
        for (let i = 0; i < d; i++) out[i] = scale * v[at + i]!
      },
      trace: d * scale,
      logDet: -d * Math.log(scale),
    }
  }
}
