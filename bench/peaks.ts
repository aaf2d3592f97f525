// What this machine can do at most, measured in the same run: matrix products for flops, a large copy for bytes.
import { graphBuilder, writeModel } from '@ood/onnx'
import { openSession } from '@ood/runtime'
import { round } from './measure.ts'
import type { Peer } from './peer.ts'
import type { Context, Peaks } from './types.ts'

const ORDER = 1024
const REPEATS = 6

/**
 * The faster of onnxruntime's and PyTorch's product of two 1024 x 1024 matrices, best of 6, is the peak of its type and
 * thread count; reading and writing 256 MB (five times the last-level cache) with one thread gives the bytes.
 */
export async function measurePeaks({ peer, pin, quick }: Pick<Context, 'peer' | 'pin' | 'quick'>): Promise<Peaks> {
  const best = async (type: 'float32' | 'float64', threads: number): Promise<number> => {
    pin(threads)
    const own = await ownProduct(type, threads, quick)
    return Math.max(own, peer ? await peerProduct(peer, type, threads, quick) : 0)
  }
  const both = async (type: 'float32' | 'float64') => ({ 1: await best(type, 1), 2: await best(type, 2) })
  return { float32: await both('float32'), float64: await both('float64'), bytes: copyRate(quick) }
}

/** The peaks in customary units, for results.json. */
export function describePeaks({ float32, float64, bytes }: Peaks): Record<string, number | string> {
  return {
    float32_gflops_1_thread: round(float32[1] / 1e6),
    float32_gflops_2_threads: round(float32[2] / 1e6),
    float64_gflops_1_thread: round(float64[1] / 1e6),
    float64_gflops_2_threads: round(float64[2] / 1e6),
    memory_gb_per_s_1_thread: round(bytes / 1e6),
    how: `flops: best of ${REPEATS} products of two ${ORDER} x ${ORDER} matrices, the faster of onnxruntime and PyTorch; memory: bytes read and written by copying 256 MB`,
  }
}

async function ownProduct(type: 'float32' | 'float64', threads: number, quick: boolean): Promise<number> {
  const n = ORDER
  const g = graphBuilder()
  g.output('C', g.op('MatMul', [g.input('A', type, [n, n]), g.input('B', type, [n, n])]))
  const session = await openSession(writeModel(g.model()), { threads, name: 'peak' })
  const one = type === 'float32' ? new Float32Array(n * n).fill(0.5) : new Float64Array(n * n).fill(0.5)
  const matrix = { data: one, shape: [n, n] }
  let fastest = Number.POSITIVE_INFINITY
  for (let run = 0; run < (quick ? 2 : REPEATS); run++) {
    const start = performance.now()
    await session.run({ A: matrix, B: matrix })
    fastest = Math.min(fastest, performance.now() - start)
  }
  await session.release()
  return (2 * n ** 3) / fastest
}

async function peerProduct(peer: Peer, type: string, threads: number, quick: boolean): Promise<number> {
  await peer.prepare('peak', { type, threads, n: ORDER })
  let fastest = Number.POSITIVE_INFINITY
  for (let run = 0; run < (quick ? 2 : REPEATS); run++) fastest = Math.min(fastest, (await peer.run('peak')).ms)
  return (2 * ORDER ** 3) / fastest
}

function copyRate(quick: boolean): number {
  const from = new Float64Array(2 ** 25).fill(1)
  const to = new Float64Array(2 ** 25)
  let fastest = Number.POSITIVE_INFINITY
  for (let run = 0; run < (quick ? 2 : REPEATS); run++) {
    const start = performance.now()
    to.set(from)
    fastest = Math.min(fastest, performance.now() - start)
  }
  return (2 * from.byteLength) / fastest
}
