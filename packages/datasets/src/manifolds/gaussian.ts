// Gaussians with a chosen spectrum (dimension by scale) and mixtures of randomly projected Gaussians.
import { mismatch } from '@ood/core'
import { gaussianMatrix, multiply, randomIsometry } from './internal/orthogonal.ts'
import { firstAtLeast } from './internal/points.ts'
import type { Manifold } from './types.ts'

/**
 * N(D m, Q diag(eigenvalues) Qᵀ) with m ~ N(0, I) and a random rotation Q. Its dimension depends on the
 * scale it is looked at; the stated LID counts eigenvalues above `threshold`.
 *
 * @param eigenvalues - variances, >= 0, one a dimension
 * @param options - `threshold` (1e-3)
 * @throws OodError `E_ARGUMENT` for negative variances
 * @example
 * multiscaleGaussian([0.1, 0.1, 1, 1, 1, 1e4]) // LID 6; with threshold 0.5: 4
 */
export function multiscaleGaussian(eigenvalues: ArrayLike<number>, options: { threshold?: number } = {}): Manifold {
  const { threshold = 1e-3 } = options
  const variances = Float64Array.from(eigenvalues)
  const wrong = variances.findIndex((v) => !(v >= 0 && Number.isFinite(v)))
  if (variances.length === 0 || wrong >= 0)
    throw mismatch('E_ARGUMENT', 'multiscaleGaussian eigenvalues', 'variances >= 0', variances[wrong])
  const d = variances.length
  return {
    name: `multiscale_gaussian_${d}D`,
    shape: [d],
    dimensions: [variances.reduce((count, v) => count + (v > threshold ? 1 : 0), 0)],
    build: (geometry) => {
      const mean = gaussianMatrix(geometry.fork('mean'), 1, d).map((value) => value * d)
      const rotation = randomIsometry(geometry.fork('rotation'), d, d)
      const deviations = variances.map(Math.sqrt)
      const z = new Float64Array(d)
      return (rng, out, at) => {
        for (let j = 0; j < d; j++) z[j] = deviations[j]! * rng.normal()
        multiply(rotation, z, d, out, at)
        for (let j = 0; j < d; j++) out[at + j] = out[at + j]! + mean[j]!
        return 0
      }
    },
  }
}

/**
 * Mixture of Gaussians on random linear subspaces (projected mixtures): component i is A_i z plus a
 * mode i * distance * N(0, I), with z ~ N(0, I) in R^(d_i) and a Gaussian D x d_i matrix A_i. Components are equally
 * likely; LID d_i.
 *
 * @param dimensions - d_i, at most `ambient`
 * @param ambient - D
 */
export function projectedGaussians(
  dimensions: readonly number[],
  ambient: number,
  options: { distance?: number } = {},
): Manifold {
  const { distance = 10 } = options
  if (dimensions.length === 0 || dimensions.some((d) => !(Number.isSafeInteger(d) && d >= 0 && d <= ambient)))
    throw mismatch('E_ARGUMENT', 'projectedGaussians dimensions', `whole numbers up to ${ambient}`, [...dimensions])
  const cumulative = dimensions.map((_, i) => (i + 1) / dimensions.length)
  return {
    name: `projected_gaussians_${ambient}D_${dimensions.map((d) => `${d}d`).join('')}`,
    shape: [ambient],
    dimensions,
    build: (geometry) => {
      const parts = dimensions.map((d, i) => ({
        matrix: gaussianMatrix(geometry.fork(`matrix ${i}`), ambient, d),
        mode: gaussianMatrix(geometry.fork(`mode ${i}`), 1, ambient).map((value) => value * i * distance),
        z: new Float64Array(d),
      }))
      return (rng, out, at) => {
        const component = firstAtLeast(cumulative, rng.uniform())
        const { matrix, mode, z } = parts[component]!
        for (let j = 0; j < z.length; j++) z[j] = rng.normal()
        multiply(matrix, z, ambient, out, at)
        for (let j = 0; j < ambient; j++) out[at + j] = out[at + j]! + mode[j]!
        return component
      }
    },
  }
}
