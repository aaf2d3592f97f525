// The linear algebra behind one image's LID curve, alone: Gram matrix and eigenvalues at order 784, against numpy.
import { random, tensor } from '@ood/core'
import { writeNpy } from '@ood/datasets'
import { gram, symmetricEigenvalues, tridiagonalize } from '@ood/linalg'
import { graphBuilder, int, writeModel } from '@ood/onnx'
import { openSession } from '@ood/runtime'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'

const N = 784
const DOUBLE = 11

export const linearAlgebraRows: Row[] = [
  { name: `Gram matrix ${N}, @ood/linalg`, run: (context) => gramRow(context, 'linalg') },
  { name: `Gram matrix ${N}, onnxruntime as in the flow`, run: (context) => gramRow(context, 'engine') },
  { name: `tridiagonalisation ${N} with a vector`, run: (context) => eigenRow(context, 'tridiagonal') },
  { name: `symmetric eigenvalues ${N}`, run: (context) => eigenRow(context, 'eigenvalues') },
]

/** A dense Jacobian-like matrix in float32. */
function jacobian(): Float32Array {
  const rng = random(3)
  return Float32Array.from({ length: N * N }, () => rng.normal())
}

async function gramRow(context: Context, how: 'linalg' | 'engine'): Promise<Measured> {
  const { peer, peaks, folder } = context
  const J = jacobian()
  const session = how === 'engine' ? await openSession(gramGraph(), { threads: 1, name: 'Gram matrix' }) : undefined
  const ours = async (): Promise<Float64Array> =>
    session
      ? ((await session.run({ J: { data: J, shape: [N, N] } })).M!.data as Float64Array)
      : gram(J, N, N, { transposed: true })
  let details: Record<string, string | number> = {}
  if (peer) {
    await writeNpy(`${folder}/J.npy`, tensor(J, [N, N]))
    await peer.prepare('gram', { J: `${folder}/J.npy` })
    const theirs = (await peer.run('gram')).result.norm as number
    const M = await ours()
    details = { norm_relative_difference: Math.abs(norm(M) - theirs) / theirs }
  }
  const result = await measure(context, {
    threads: 1,
    ours,
    peer: peer && (() => peer.run('gram')),
    peerName: 'numpy J @ J.T in float64',
    bound: { ms: N ** 3 / peaks.float64[1], of: 'flops', work: `${round(N ** 3 / 1e9)} Gflop float64 (one triangle)` },
    details,
  })
  await session?.release()
  return result
}

async function eigenRow(context: Context, what: 'tridiagonal' | 'eigenvalues'): Promise<Measured> {
  const { peer, peaks, folder } = context
  const M = gram(jacobian(), N, N, { transposed: true })
  const z = Float64Array.from({ length: N }, (_, i) => Math.sin(i))
  const ours = () => (what === 'tridiagonal' ? tridiagonalize(M, N, z) : symmetricEigenvalues(M, N))
  let details: Record<string, string | number> = { context: 'eigvalsh does more than a tridiagonalisation' }
  if (peer) {
    await writeNpy(`${folder}/M.npy`, tensor(M, [N, N]))
    await peer.prepare('eigenvalues', { M: `${folder}/M.npy` })
    if (what === 'eigenvalues') {
      const theirs = (await peer.run('eigenvalues')).result.eigenvalues as number[]
      const gap = symmetricEigenvalues(M, N).map((value, i) => Math.abs(value - theirs[i]!))
      details = { relative_difference: round(Math.max(...gap) / theirs.at(-1)!) }
    }
  }
  const flops = (4 / 3) * N ** 3
  return measure(context, {
    threads: 1,
    ours,
    peer: peer && (() => peer.run('eigenvalues')),
    peerName: 'numpy eigvalsh',
    bound: { ms: flops / peaks.float64[1], of: 'flops', work: `${round(flops / 1e9)} Gflop float64 (Householder)` },
    details,
  })
}

function norm(M: Float64Array): number {
  let squares = 0
  for (const value of M) squares += value * value
  return Math.sqrt(squares)
}

/** J [N, N] float32 -> J Jᵀ in float64, rows of J being the tangents. */
function gramGraph(): Uint8Array {
  const g = graphBuilder()
  const wide = g.op('Cast', [g.input('J', 'float32', [N, N])], { to: int(DOUBLE) })
  g.output('M', g.op('Gemm', [wide, wide], { transB: int(1) }))
  return writeModel(g.model())
}
