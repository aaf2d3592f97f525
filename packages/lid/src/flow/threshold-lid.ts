// Jacobian threshold LID of a flow: how many directions the decoder stretches by more than e^scale.
import { assertOptions, type CallOptions, flatData, type Invertible, type LidEstimator, type NdArray } from '@ood/core'
import { sturmCount, tridiagonalEigenvalues } from '@ood/linalg'
import { variance } from '../internal/scale-variance.ts'
import { artifactColumns, artifactShape, type FlowArtifact } from './artifact.ts'
import { type FlowArtifactOptions, flowIdentity, flowLidArtifact } from './prepare.ts'

/** The reference raises eigenvalues to at least this, so below it every direction counts. */
const EIGENVALUE_FLOOR = 1e-20

/**
 * Threshold LID estimator (Kamkari et al. 2024): LID(s) = #{ i : λ_i > e^{2s} }, λ_i the eigenvalues of
 * JᵀJ, that is the number of singular values of the decoder's Jacobian above e^s. Strict inequality, so LID is an
 * integer that never increases with s.
 *
 * JᵀJ in float64 resolves singular values down to about 1e-6 of the largest: below that scale the count is noise.
 * Below s = -23.03 (e^{2s} < 1e-20) every direction counts, so LID → D whatever the rounding.
 *
 * @param flow - the invertible map; `prepare` encodes and differentiates it, `lid` needs the artifact alone
 * @param options - `compat: 'reference'` clamps the entries of JᵀJ (see `FlowArtifactOptions`)
 * @returns an estimator whose `lid` costs O(D) a point
 * @example
 * const estimator = thresholdLid(flow)
 * const artifact = await estimator.prepare(images)
 * estimator.lid(artifact, -3) // Float64Array of N integers
 */
export function thresholdLid(flow: Invertible, options: FlowArtifactOptions = {}): LidEstimator<FlowArtifact> {
  assertOptions('thresholdLid', options, ['compat'])
  return {
    prepare: (x: NdArray, call?: CallOptions) => flowLidArtifact(flow, x, { ...call, ...options }),
    lid: thresholdDimension,
    identity: flowIdentity(flow, options),
    columns: artifactColumns,
  }
}

/**
 * The threshold LID of every point of an artifact at one scale; what `thresholdLid(flow).lid` is, without the flow.
 *
 * @param artifact - from `flowLidArtifact` or `unpackArtifact`
 * @param scale - s, the log of a singular value
 * @returns N integers in 0..D
 * @throws OodError `E_ARGUMENT` for a NaN scale, `E_SHAPE` for a broken artifact
 */
export function thresholdDimension(artifact: FlowArtifact, scale: number): Float64Array {
  const threshold = variance('thresholdDimension scale', scale)
  const { n, d } = artifactShape(artifact)
  if (threshold < EIGENVALUE_FLOOR) return new Float64Array(n).fill(d)
  return Float64Array.from({ length: n }, (_, i) => sturmCount(...rowOf(artifact, i, d), threshold))
}

/**
 * LID without a scale, by the largest gap in the spectrum: eigenvalues of JᵀJ sorted descending,
 * LID = argmax_i (λ_i - λ_{i+1}) + 1, the first of equal gaps. In 1..D-1 (D = 1 gives 1).
 *
 * `compat: 'reference'` sorts ascending as the reference code does, where the same argmax finds the *smallest* gap, and
 * returns D - (argmax + 1); kept to reproduce its numbers.
 *
 * Cost O(D²) a point.
 * @example
 * gapDimension(artifact) // Float64Array of N integers
 */
export function gapDimension(artifact: FlowArtifact, options: { compat?: 'reference' } = {}): Float64Array {
  assertOptions('gapDimension', options, ['compat'])
  const { n, d } = artifactShape(artifact)
  return Float64Array.from({ length: n }, (_, i) => {
    if (d === 1) return 1
    const ascending = tridiagonalEigenvalues(...rowOf(artifact, i, d)).map((value) => Math.max(value, EIGENVALUE_FLOOR))
    const reference = options.compat === 'reference'
    const values = reference ? ascending : ascending.reverse()
    let best = 0
    for (let j = 1; j < d - 1; j++) {
      if (values[j]! - values[j + 1]! > values[best]! - values[best + 1]!) best = j
    }
    return reference ? d - (best + 1) : best + 1
  })
}

/** Diagonal and off-diagonal of point `i`. */
function rowOf(artifact: FlowArtifact, i: number, d: number): [Float64Array, Float64Array] {
  return [
    flatData(artifact.diagonal).subarray(i * d, (i + 1) * d),
    flatData(artifact.offDiagonal).subarray(i * (d - 1), (i + 1) * (d - 1)),
  ]
}
