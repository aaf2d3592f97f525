// From images to the flow artifact: encode, differentiate the decoder, tridiagonalise the metric.
import {
  assertFinite,
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  flatData,
  forEachBatch,
  type Invertible,
  jacobian,
  type LidEstimator,
  mismatch,
  type NdArray,
  rowCount,
  sliceRows,
  tensor,
  throwIfAborted,
} from '@ood/core'
import { gram, tridiagonalize } from '@ood/linalg'
import { artifactShape, type FlowArtifact } from './artifact.ts'

/** Entries of JᵀJ are clamped to ± this by the reference code. */
const REFERENCE_CLAMP = 10 ** 4.5

/** How the flow artifact is made. */
export interface FlowArtifactOptions {
  /**
   * `'reference'` clamps every entry of JᵀJ to ±10^4.5 and sets NaN entries and NaN latents to 0, as the reference code
   * does. That can destroy positive definiteness; it needs J itself, so a provider's `tridiagonalMetric` is not used.
   */
  compat?: 'reference' | undefined
}

/** What the artifact depends on: the estimators of one flow share it. */
export function flowIdentity(
  flow: Invertible,
  options: FlowArtifactOptions,
): NonNullable<LidEstimator<FlowArtifact>['identity']> {
  return { name: 'flowArtifact', models: [flow], settings: { compat: options.compat ?? null } }
}

/**
 * The artifact of every row of `x`: z = encode(x), J the Jacobian of decode at z, T = QᵀJᵀJQ and Qᵀz
 * (Kamkari et al. 2024, A Geometric Explanation of the Likelihood OOD Detection Paradox).
 *
 * `flow.decoder.tridiagonalMetric` does the work where the provider has it, else one `jacobian()` a point and
 * O(D³) of linear algebra here. `batchSize` and `onProgress` go to the provider, or count points.
 *
 * @param flow - an invertible map
 * @param x - points [N, ...dataShape], in the space the flow encodes
 * @throws OodError `E_NOT_FINITE` for a NaN image or a NaN Jacobian, `E_SHAPE` when D of encode and decode disagree
 * @example
 * const artifact = await flowLidArtifact(flow, images)
 */
export async function flowLidArtifact(
  flow: Invertible,
  x: NdArray,
  options: CallOptions & FlowArtifactOptions = {},
): Promise<FlowArtifact> {
  assertOptions('flowLidArtifact', options, [...CALL_OPTIONS, 'compat'])
  assertFinite('flowLidArtifact x', x)
  const d = flow.decoder.inputShape.reduce((product, size) => product * size, 1)
  const n = rowCount(x)
  const { compat, ...call } = options
  if (n === 0) return emptyArtifact(d)
  const { onProgress: _, ...quiet } = call
  let z = await flow.encode(x, quiet)
  if (flatData(z).length !== n * d)
    throw mismatch('E_SHAPE', 'flowLidArtifact encode', `${n} latents of ${d} numbers`, `shape [${z.shape.join(', ')}]`)
  if (compat === 'reference')
    z = tensor(
      flatData(z).map((value) => (Number.isNaN(value) ? 0 : value)),
      z.shape,
    )
  else assertFinite('flowLidArtifact latents', z)
  throwIfAborted(call.signal, 'flowLidArtifact')
  if (flow.decoder.tridiagonalMetric && compat !== 'reference') {
    const metric = await flow.decoder.tridiagonalMetric(z, call)
    const shape = artifactShape(metric)
    if (shape.n !== n || shape.d !== d)
      throw mismatch('E_SHAPE', 'flowLidArtifact tridiagonalMetric', `${n} points of ${d}`, `${shape.n} of ${shape.d}`)
    for (const part of ['diagonal', 'offDiagonal', 'rotated'] as const)
      assertFinite(`flowLidArtifact metric ${part}`, metric[part])
    return metric
  }
  return fromJacobians(flow, z, d, call, compat === 'reference')
}

/** One Jacobian a point, for providers without a fast metric and for the reference's clamping. */
async function fromJacobians(
  flow: Invertible,
  z: NdArray,
  d: number,
  call: CallOptions,
  clamp: boolean,
): Promise<FlowArtifact> {
  const n = rowCount(z)
  const outputs = flow.decoder.outputShape.reduce((product, size) => product * size, 1)
  const artifact = {
    diagonal: new Float64Array(n * d),
    offDiagonal: new Float64Array(n * (d - 1)),
    rotated: new Float64Array(n * d),
  }
  const { onProgress: _, batchSize: __, ...quiet } = call
  await forEachBatch('flow LID', n, 1, { ...call, batchSize: 1 }, async (i) => {
    const row = sliceRows(z, i, i + 1)
    const J = await jacobian(flow.decoder, tensor(flatData(row), [1, ...flow.decoder.inputShape]), quiet)
    const point = Float64Array.from(flatData(row))
    let M: Float64Array
    if (clamp) M = clampEntries(gram(zeroBadColumns(flatData(J), d), outputs, d))
    else {
      assertFinite(`flowLidArtifact Jacobian of point ${i}`, J)
      M = gram(flatData(J), outputs, d)
    }
    const T = tridiagonalize(M, d, point)
    artifact.diagonal.set(T.diagonal, i * d)
    artifact.offDiagonal.set(T.offDiagonal, i * (d - 1))
    artifact.rotated.set(T.rotated, i * d)
  })
  return {
    diagonal: tensor(artifact.diagonal, [n, d]),
    offDiagonal: tensor(artifact.offDiagonal, [n, d - 1]),
    rotated: tensor(artifact.rotated, [n, d]),
  }
}

function emptyArtifact(d: number): FlowArtifact {
  const none = (): Float64Array => new Float64Array(0)
  return {
    diagonal: tensor(none(), [0, d]),
    offDiagonal: tensor(none(), [0, Math.max(0, d - 1)]),
    rotated: tensor(none(), [0, d]),
  }
}

function clampEntries(M: Float64Array): Float64Array {
  return M.map((value) => Math.max(-REFERENCE_CLAMP, Math.min(REFERENCE_CLAMP, value)))
}

/** A NaN in column i of J makes row and column i of JᵀJ NaN, which the reference sets to 0: a zero column does the same. */
function zeroBadColumns(J: Float64Array, d: number): Float64Array {
  const out = J.slice()
  for (let at = 0; at < J.length; at++) {
    if (Number.isNaN(J[at]!)) for (let i = at % d; i < out.length; i += d) out[i] = 0
  }
  return out
}
