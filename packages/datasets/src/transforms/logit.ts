// The logit in both parameterisations, with exact log-determinants and the references' inexact ones on request.
import { elementwise, type Step } from '../internal/step.ts'

function sigmoid(v: number): number {
  // Two forms so that neither tail computes exp of a large number.
  if (v >= 0) return 1 / (1 + Math.exp(-v))
  const e = Math.exp(v)
  return e / (1 + e)
}

/**
 * p = alpha + (1 - alpha) x, y = ln(p / (1 - p + eps))
 * (Dinh et al. 2017, Real NVP, section 4.1; eps is the reference code's).
 *
 * Exact: dy/dp = 1/p + 1/(1 - p + eps) = (1 + eps) / (p (1 - p + eps)), and p = (1 + eps) sigmoid(y).
 *
 * - `compat: 'geometry'`: the newer reference's inverse (sigmoid(y) - alpha) / (1 - alpha), which forgets eps.
 * - `compat: 'ood-detection'`: the older reference: the inverse sigmoid(y) forgets the affine map too, and
 *   the log-determinant is -ln(p + eps) - ln(1 - p + eps) + ln(1 - alpha).
 */
export function logit(alpha: number, eps: number, compat?: 'geometry' | 'ood-detection'): Step {
  const width = 1 - alpha
  const constant = Math.log(width) + Math.log1p(eps)
  const exactSlope = (x: number): number => {
    const p = alpha + width * x
    return constant - Math.log(p * (1 - p + eps))
  }
  const oldSlope = (x: number): number => {
    const p = alpha + width * x
    return Math.log(width) - Math.log(p + eps) - Math.log(1 - p + eps)
  }
  const inverses = {
    exact: (y: number) => ((1 + eps) * sigmoid(y) - alpha) / width,
    geometry: (y: number) => (sigmoid(y) - alpha) / width,
    'ood-detection': sigmoid,
  }
  return elementwise(
    { name: 'logit', alpha, eps, ...(compat ? { compat } : {}) },
    (x) => {
      const p = alpha + width * x
      return Math.log(p / (1 - p + eps))
    },
    inverses[compat ?? 'exact'],
    compat === 'ood-detection' ? oldSlope : exactSlope,
  )
}

/**
 * p = (1 + c (2 x - 1)) / 2 in [(1 - c) / 2, (1 + c) / 2], y = ln p - ln(1 - p).
 * ln |dy/dx| = softplus(y) + softplus(-y) + ln c = ln c - ln(p (1 - p)).
 * `compat: 'reference'` inverts by sigmoid(y) alone, without undoing the affine map.
 */
export function symmetricLogit(c: number, compat?: 'reference'): Step {
  const squeeze = (x: number): number => (1 + c * (2 * x - 1)) / 2
  return elementwise(
    { name: 'symmetric-logit', c, ...(compat ? { compat } : {}) },
    (x) => {
      const p = squeeze(x)
      return Math.log(p) - Math.log1p(-p)
    },
    compat === 'reference' ? sigmoid : (y) => ((2 * sigmoid(y) - 1) / c + 1) / 2,
    (x) => {
      const p = squeeze(x)
      return Math.log(c) - Math.log(p) - Math.log1p(-p)
    },
  )
}
