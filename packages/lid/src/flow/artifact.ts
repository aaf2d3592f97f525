// The scale-free artifact of the flow estimators: what it holds, and packing, joining and cutting it.
import {
  concatRows,
  flatData,
  type LidEstimator,
  mismatch,
  rowCount,
  sliceRows,
  type TridiagonalMetric,
  tensor,
} from '@ood/core'

/**
 * What the flow estimators keep of a point x = f(z): QᵀJᵀJQ = T tridiagonal and Qᵀz, J the decoder's Jacobian at z.
 * 3 D - 1 numbers a point, from which every scale is read in O(D).
 */
export type FlowArtifact = TridiagonalMetric

/** First number of a packed artifact: tells it from any other buffer, and which layout follows. */
const LAYOUT = 20260001
const HEADER = 3

/** Number of points in an artifact. */
export function artifactRows(artifact: FlowArtifact): number {
  return rowCount(artifact.diagonal)
}

/**
 * Artifact as one plain buffer, for a file, a message to a worker or a browser's storage:
 * [layout, N, D, diagonals (N D), off-diagonals (N (D - 1)), rotated latents (N D)].
 *
 * @throws OodError `E_SHAPE` when its three parts disagree
 * @example
 * const buffer = packArtifact(artifact)
 * const same = unpackArtifact(buffer)
 */
export function packArtifact(artifact: FlowArtifact): Float64Array {
  const { n, d } = artifactShape(artifact)
  const out = new Float64Array(HEADER + n * (3 * d - 1))
  out.set([LAYOUT, n, d])
  out.set(flatData(artifact.diagonal), HEADER)
  out.set(flatData(artifact.offDiagonal), HEADER + n * d)
  out.set(flatData(artifact.rotated), HEADER + n * (2 * d - 1))
  return out
}

/**
 * The artifact in a buffer that `packArtifact` made; shares the buffer's memory.
 *
 * @throws OodError `E_FILE` when the buffer is not a packed artifact or is cut short
 */
export function unpackArtifact(buffer: Float64Array): FlowArtifact {
  const [layout, n, d] = buffer
  if (layout !== LAYOUT)
    throw mismatch('E_FILE', 'unpackArtifact', `a packed artifact (first number ${LAYOUT})`, layout)
  if (!(Number.isSafeInteger(n) && Number.isSafeInteger(d) && n! >= 0 && d! >= 1))
    throw mismatch('E_FILE', 'unpackArtifact', 'a header [layout, N, D]', `[${layout}, ${n}, ${d}]`)
  const size = HEADER + n! * (3 * d! - 1)
  if (buffer.length !== size)
    throw mismatch('E_FILE', 'unpackArtifact', `${size} numbers for ${n} points of ${d}`, buffer.length)
  const middle = HEADER + n! * d!
  const last = HEADER + n! * (2 * d! - 1)
  return {
    diagonal: tensor(buffer.subarray(HEADER, middle), [n!, d!]),
    offDiagonal: tensor(buffer.subarray(middle, last), [n!, d! - 1]),
    rotated: tensor(buffer.subarray(last), [n!, d!]),
  }
}

/**
 * Artifacts of consecutive batches as one: `prepare` on slices then join gives what one `prepare` on all rows gives,
 * so a long run can store batches as they finish and resume.
 *
 * @throws OodError `E_EMPTY` without parts, `E_SHAPE` when they differ in D
 * @example
 * const all = concatArtifacts([await estimator.prepare(first), await estimator.prepare(second)])
 */
export function concatArtifacts(parts: readonly FlowArtifact[]): FlowArtifact {
  return {
    diagonal: concatRows(parts.map((part) => part.diagonal)),
    offDiagonal: concatRows(parts.map((part) => part.offDiagonal)),
    rotated: concatRows(parts.map((part) => part.rotated)),
  }
}

/**
 * Points `from` (inclusive) to `to` (exclusive) of an artifact; shares its memory.
 *
 * @throws OodError `E_ARGUMENT` for a range outside 0..N
 */
export function sliceArtifact(artifact: FlowArtifact, from: number, to: number): FlowArtifact {
  return {
    diagonal: sliceRows(artifact.diagonal, from, to),
    offDiagonal: sliceRows(artifact.offDiagonal, from, to),
    rotated: sliceRows(artifact.rotated, from, to),
  }
}

/** N and D of an artifact whose three parts agree. */
export function artifactShape(artifact: FlowArtifact): { n: number; d: number } {
  const n = rowCount(artifact.diagonal)
  const d = artifact.diagonal.shape[1] ?? 0
  const expected = { diagonal: [n, d], offDiagonal: [n, d - 1], rotated: [n, d] }
  for (const part of ['diagonal', 'offDiagonal', 'rotated'] as const) {
    const shape = artifact[part].shape
    if (shape.join() !== expected[part].join())
      throw mismatch('E_SHAPE', `artifact ${part}`, `shape [${expected[part].join(', ')}]`, `[${shape.join(', ')}]`)
  }
  return { n, d }
}

/** The artifact's three parts are columns as they stand. */
export const artifactColumns: NonNullable<LidEstimator<FlowArtifact>['columns']> = {
  names: ['diagonal', 'offDiagonal', 'rotated'],
  pack: ({ diagonal, offDiagonal, rotated }) => ({ diagonal, offDiagonal, rotated }),
  unpack: ({ diagonal, offDiagonal, rotated }) => ({
    diagonal: diagonal!,
    offDiagonal: offDiagonal!,
    rotated: rotated!,
  }),
}
