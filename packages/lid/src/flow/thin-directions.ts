// How thin a flow's thin directions are: the mean log singular value below a scale.
import { flatData, OodError } from '@ood/core'
import { tridiagonalEigenvalues } from '@ood/linalg'
import { variance } from '../internal/scale-variance.ts'
import { artifactShape, type FlowArtifact } from './artifact.ts'

/**
 * Mean of log σ_i over all singular values σ_i <= e^scale of all points: log r₀ of the local mass rule, measured on a
 * training artifact. Eigenvalues of JᵀJ below 1e-20 count as 1e-20.
 *
 * Cost O(D²) a point.
 *
 * @param artifact - of training points
 * @param scale - s, the log of a singular value
 * @returns a number at most `scale`
 * @throws OodError `E_EMPTY` when every singular value of every point is above e^scale
 * @example
 * pairMethod({ name: 'localMass', logRadius: s, logResolution: meanLogThin(trainArtifact, s) })
 */
export function meanLogThin(artifact: FlowArtifact, scale: number): number {
  const threshold = variance('meanLogThin scale', scale)
  const { n, d } = artifactShape(artifact)
  const diagonal = flatData(artifact.diagonal)
  const offDiagonal = flatData(artifact.offDiagonal)
  let sum = 0
  let count = 0
  for (let i = 0; i < n; i++) {
    const e = offDiagonal.subarray(i * (d - 1), (i + 1) * (d - 1))
    for (const value of tridiagonalEigenvalues(diagonal.subarray(i * d, (i + 1) * d), e)) {
      if (value > threshold) break
      sum += 0.5 * Math.log(Math.max(value, 1e-20))
      count++
    }
  }
  if (count === 0) throw new OodError('E_EMPTY', `meanLogThin: expected singular values below e^${scale}, got none`)
  return sum / count
}
