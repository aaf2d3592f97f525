// Flow log-likelihoods of images, against PyTorch on the same encode graph.
import { readFile } from 'node:fs/promises'
import { loadSample, writeNpy } from '@ood/datasets'
import { openFlow } from '@ood/models-flow'
import { readModel } from '@ood/onnx'
import { type BenchFlow, benchFlows } from '../flows.ts'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'
import { multiplications } from '../work.ts'

const BATCH = 64

/** Both sides take preprocessed rows and give log p in model space; times are per image. */
export const logProbRows: Row[] = benchFlows.flatMap((subject) =>
  ([1, 2] as const).map((threads) => ({
    name: `${subject.name} logProb, batch ${BATCH}, ${threads === 1 ? '1 thread' : '2 threads'}`,
    run: (context: Context) => row(context, threads, subject),
  })),
)

async function row(context: Context, threads: 1 | 2, subject: BenchFlow): Promise<Measured> {
  const { peer, peaks, folder, quick } = context
  const count = quick ? 2 * BATCH : 8 * BATCH
  const source = await subject.folder(context)
  const encode = `${source}/encode.onnx`
  const flow = await openFlow(source, { workers: threads, batchSize: BATCH })
  try {
    const { images } = await loadSample('fashion-mnist', 'test', { limit: count })
    const v = await flow.preprocess(images, { seed: 1 })
    const ours = async () => (await flow.logProb(v, { input: 'model', batchSize: BATCH })).instance
    context.pin(threads)
    let details: Record<string, string | number> = {}
    if (peer) {
      await writeNpy(`${folder}/v.npy`, v)
      await peer.prepare('log_prob', { onnx: encode, v: `${folder}/v.npy`, batch: BATCH, threads })
      const theirs = (await peer.run('log_prob')).result.logProb as number[]
      const gap = (await ours()).map((value, i) => Math.abs(value - theirs[i]!))
      details = { log_prob_max_difference_nats: round(Math.max(...gap)) }
    }
    const flops = 2 * multiplications(readModel(await readFile(encode)))
    const result = await measure(context, {
      threads,
      ours,
      oursItems: count,
      peer: peer && (() => peer.run('log_prob')),
      peerItems: count,
      peerName: 'PyTorch, no_grad',
      bound: {
        ms: flops / peaks.float32[threads],
        of: 'flops',
        work: `${round(flops / 1e6)} Mflop float32 an image (Conv and Gemm)`,
      },
      aimRatio: 2,
      details: { images: count, ...details },
    })
    const perSecond = (ms: number) => round(1000 / ms)
    result.details.ours_images_per_s = perSecond(result.ours_ms)
    if (result.peer_ms !== null) result.details.peer_images_per_s = perSecond(result.peer_ms)
    return result
  } finally {
    await flow.release()
  }
}
