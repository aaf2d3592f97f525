// Fast flow LIDL: the slope of the log-density of the linearised flow under growing Gaussian noise.
import { assertOptions, type CallOptions, flatData, type Invertible, type LidEstimator, type NdArray } from '@ood/core'
import { type Resolvent, tridiagonalResolvent } from '@ood/linalg'
import { variance } from '../internal/scale-variance.ts'
import { artifactColumns, artifactShape, type FlowArtifact } from './artifact.ts'
import { type FlowArtifactOptions, flowIdentity, flowLidArtifact } from './prepare.ts'

/**
 * Fast flow LIDL estimator (Kamkari et al. 2024). Around z₀ the flow is x₀ + J (z - z₀), so the data
 * are N(x₀ - J z₀, JJᵀ); with N(0, vI) added, v = e^{2δ}, and z' = z₀ in the eigenbasis of JᵀJ,
 *
 *   LID(δ) = D + d log ρ(δ) / dδ = Σ λ_i / (λ_i + v) + v Σ λ_i z'_i² / (λ_i + v)².
 *
 * A smooth version of the threshold LID. It can exceed D or fall below the threshold count at unusual z'.
 * As δ → -∞ it tends to D (to the numerical rank of JᵀJ, where that is less), as δ → ∞ to 0.
 *
 * @param flow - the invertible map; the artifact is the threshold estimator's, one `prepare` serves both
 * @returns an estimator whose `lid` costs O(D) a point
 * @example
 * const artifact = await thresholdLid(flow).prepare(images)
 * fastFlowLidl(flow).lid(artifact, -3)
 */
export function fastFlowLidl(flow: Invertible, options: FlowArtifactOptions = {}): LidEstimator<FlowArtifact> {
  assertOptions('fastFlowLidl', options, ['compat'])
  return {
    prepare: (x: NdArray, call?: CallOptions) => flowLidArtifact(flow, x, { ...call, ...options }),
    lid: lidlDimension,
    identity: { ...flowIdentity(flow, options), estimator: 'fastFlowLidl' },
    columns: artifactColumns,
  }
}

/** The fast flow LIDL of every point at δ = `scale`; what `fastFlowLidl(flow).lid` is, without the flow. */
export function lidlDimension(artifact: FlowArtifact, scale: number): Float64Array {
  const v = variance('lidlDimension scale', scale)
  return mapPoints(artifact, v, (r) => r.effectiveDimension + v * r.quadraticSandwich)
}

/**
 * Log-density at x of the linearised flow after Gaussian smoothing by δ = `scale`, in nats:
 *
 *   log ρ(δ) = -(D/2) log 2π - ½ Σ log(λ_i + v) - ½ Σ λ_i z'_i² / (λ_i + v),  v = e^{2δ}.
 *
 * As δ → -∞ it is the flow's own log p(x), in the space the decoder maps to; `lidlDimension` is D + d log ρ / dδ.
 *
 * @returns N log-densities
 * @example
 * logConvolution(artifact, -2)
 */
export function logConvolution(artifact: FlowArtifact, scale: number): Float64Array {
  const v = variance('logConvolution scale', scale)
  return mapPoints(artifact, v, (r, w) => {
    let norm = 0
    for (let i = 0; i < w.length; i++) norm += w[i]! * w[i]!
    // Σ λ w² / (λ + v) = |w|² - v Σ w² / (λ + v)
    return -0.5 * (w.length * Math.log(2 * Math.PI) + r.logDet + (norm - v * r.quadratic))
  })
}

function mapPoints(
  artifact: FlowArtifact,
  v: number,
  value: (resolvent: Resolvent, w: Float64Array) => number,
): Float64Array {
  const { n, d } = artifactShape(artifact)
  const diagonal = flatData(artifact.diagonal)
  const offDiagonal = flatData(artifact.offDiagonal)
  const rotated = flatData(artifact.rotated)
  return Float64Array.from({ length: n }, (_, i) => {
    const w = rotated.subarray(i * d, (i + 1) * d)
    const e = offDiagonal.subarray(i * (d - 1), (i + 1) * (d - 1))
    return value(tridiagonalResolvent(diagonal.subarray(i * d, (i + 1) * d), e, v, w), w)
  })
}
