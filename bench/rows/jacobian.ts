// The full 784 x 784 decoder Jacobian of one image with its LID curve, against PyTorch on the same graph.
import { readFile } from 'node:fs/promises'
import { type NdArray, rowCount, sliceRows } from '@ood/core'
import { loadSample, writeNpy } from '@ood/datasets'
import { defaultScales, thresholdDimension } from '@ood/lid'
import { tridiagonalEigenvalues } from '@ood/linalg'
import { type Flow, openFlow } from '@ood/models-flow'
import { jacobian, readModel } from '@ood/onnx'
import { type BenchFlow, benchFlows } from '../flows.ts'
import { measure, round } from '../measure.ts'
import type { Bound, Context, Measured, Row } from '../types.ts'
import { multiplications } from '../work.ts'

/**
 * Two PyTorch routes: `jacfwd` is the reference's; `fastest` tries jacrev and jacfwd at several chunk sizes and keeps
 * the best. With two threads we run one image a worker and count the time per image; PyTorch threads its operators.
 */
export const jacobianRows: Row[] = benchFlows.flatMap((subject) =>
  ([1, 2] as const).flatMap((threads) =>
    (['jacfwd', 'fastest'] as const).map((mode) => ({
      name: `${subject.name === 'flow' ? '' : `${subject.name} `}jacobian + LID curve, ${threads === 1 ? '1 thread' : '2 threads'}, vs ${mode === 'jacfwd' ? 'jacfwd (the reference)' : 'fastest PyTorch'}`,
      run: (context: Context) => row(context, threads, mode, subject),
    })),
  ),
)

async function row(
  context: Context,
  threads: 1 | 2,
  mode: 'jacfwd' | 'fastest',
  subject: BenchFlow,
): Promise<Measured> {
  const { peer, folder, quick } = context
  const source = await subject.folder(context)
  const decode = `${source}/decode.onnx`
  const flow = await openFlow(source, { workers: threads })
  try {
    const { images } = await loadSample('fashion-mnist', 'test', { limit: threads === 1 ? 1 : 4 })
    const z = await flow.encode(images, { seed: 1 })
    const scales = defaultScales()
    const ours = () => curves(flow, z, scales)
    context.pin(threads)
    let said: Record<string, unknown> = {}
    if (peer) {
      await writeNpy(`${folder}/z.npy`, sliceRows(z, 0, 1))
      const options = { onnx: decode, z: `${folder}/z.npy`, scales: [...scales], threads, mode, quick }
      said = await peer.prepare('jacobian', options)
    }
    const agreement = peer ? await compare(flow, z, scales, said, (await peer.run('jacobian')).result) : {}
    return await measure(context, {
      threads,
      ours,
      oursItems: rowCount(z),
      peer: peer && (() => peer.run('jacobian')),
      peerName: `PyTorch ${said.route} + eigvalsh`,
      bound: await bound(context, threads, decode),
      aimRatio: subject.name !== 'flow' ? 3 : mode === 'jacfwd' ? 5 : 2,
      details: {
        ours: `${threads} worker${threads > 1 ? 's' : ''} of one thread, ${rowCount(z)} image${threads > 1 ? 's' : ''} a run`,
        ...agreement,
        ...(said.tried ? { peer_tried_ms: String(said.tried) } : {}),
      },
    })
  } finally {
    await flow.release()
  }
}

async function curves(flow: Flow, z: NdArray, scales: Float64Array): Promise<Float64Array[]> {
  const artifact = await flow.decoder.tridiagonalMetric(z)
  return [...scales].map((scale) => thresholdDimension(artifact, scale))
}

/** The products of the graph we run, in float32, then JᵀJ (n³ flops) and its tridiagonal form (4/3 n³) in float64. */
async function bound({ peaks }: Context, threads: 1 | 2, file: string): Promise<Bound> {
  const decode = readModel(await readFile(file))
  const forward = 784 * 2 * multiplications(decode)
  const products = 2 * multiplications(jacobian(decode, { wrt: 'z', of: ['x'] }))
  const algebra = (1 + 4 / 3) * 784 ** 3
  return {
    ms: products / peaks.float32[threads] + algebra / peaks.float64[threads],
    of: 'flops',
    work: `${round(products / 1e9)} Gflop float32 (products of our Jacobian graph; 784 plain directions would take ${round(forward / 1e9)}) + ${round(algebra / 1e9)} Gflop float64 (Gram, tridiagonalisation)`,
  }
}

/** Our spectrum and curve against the peer's timed float32 result, and against singular values of its J in float64. */
async function compare(
  flow: Flow,
  z: NdArray,
  scales: Float64Array,
  said: Record<string, unknown>,
  timed: Record<string, unknown>,
): Promise<Record<string, string | number>> {
  const artifact = await flow.decoder.tridiagonalMetric(sliceRows(z, 0, 1))
  const { diagonal, offDiagonal } = artifact
  const eigenvalues = tridiagonalEigenvalues(diagonal.data as Float64Array, offDiagonal.data as Float64Array)
  const singular = eigenvalues.map((value) => Math.sqrt(Math.max(0, value)))
  const theirs = said.singular as number[]
  let gap = 0
  for (let i = 0; i < theirs.length; i++) gap = Math.max(gap, Math.abs(singular[i]! - theirs[i]!))
  const mine = [...scales].map((scale) => thresholdDimension(artifact, scale)[0]!)
  const equal = (curve: unknown) => mine.filter((lid, i) => lid === (curve as number[])[i]).length
  const apart = (curve: unknown) => Math.max(...mine.map((lid, i) => Math.abs(lid - (curve as number[])[i]!)))
  return {
    decode_max_difference_to_onnxruntime: said.decodeError as number,
    singular_value_max_difference: round(gap),
    singular_value_largest: round(singular.at(-1)!),
    singular_value_smallest: round(theirs[0]!),
    lid_equal_scales_float64_svd: `${equal(said.lid)} of ${mine.length}, at most ${apart(said.lid)} apart`,
    lid_equal_scales_peer_float32: `${equal(timed.lid)} of ${mine.length}, at most ${apart(timed.lid)} apart`,
  }
}
