// `ood score` from images on disk to log-likelihoods, against PyTorch from the same array in memory.

import { readFile } from 'node:fs/promises'
import { scoreImages } from '@ood/cli'
import { mean } from '@ood/core'
import { loadSample, writeNpy } from '@ood/datasets'
import { readModel } from '@ood/onnx'
import { checkpointPath } from '@ood/zoo'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'
import { multiplications } from '../work.ts'

const FOLDER = checkpointPath('flow-fmnist')
const ENCODE = `${FOLDER}/encode.onnx`
const BATCH = 16

/**
 * Times are per image. Ours is the whole command but for starting Node: open and check the model, read the file,
 * dequantise, log p and bits per dimension. The peer's graph is loaded and its images are read before the clock starts.
 */
export const scoreImagesRows: Row[] = [{ name: 'ood score images/s', run: row }]

async function row(context: Context): Promise<Measured> {
  const { peer, peaks, folder, quick } = context
  const count = quick ? 64 : 1024
  const file = `${folder}/images.npy`
  const { images } = await loadSample('fashion-mnist', 'test', { limit: count })
  await writeNpy(file, images)
  const total = images.shape[0]!
  const ours = async () =>
    (await scoreImages({ model: FOLDER, images: file, seed: 0, batchSize: BATCH, workers: 0 })).log_prob_pixel!
  context.pin(1)
  let details: Record<string, string | number> = {}
  if (peer) {
    const { alpha, eps } = await logitOf()
    await peer.prepare('score_images', { onnx: ENCODE, images: file, batch: BATCH, threads: 1, alpha, eps })
    const theirs = (await peer.run('score_images')).result.logProb as number[]
    // Other noise of dequantisation on the two sides: only means compare.
    const gap = mean((await ours()) as Float64Array) - mean(theirs)
    details = { mean_log_prob_difference_nats: round(gap) }
  }
  const flops = 2 * multiplications(readModel(await readFile(ENCODE)))
  const result = await measure(context, {
    threads: 1,
    ours,
    oursItems: total,
    peer: peer && (() => peer.run('score_images')),
    peerItems: total,
    peerName: 'PyTorch, no_grad, images in memory',
    bound: {
      ms: flops / peaks.float32[1],
      of: 'flops',
      work: `${round(flops / 1e6)} Mflop float32 an image (Conv and Gemm)`,
    },
    details: { images: total, ...details },
  })
  const perSecond = (ms: number) => round(1000 / ms)
  result.details.ours_images_per_s = perSecond(result.ours_ms)
  if (result.peer_ms !== null) result.details.peer_images_per_s = perSecond(result.peer_ms)
  return result
}

/** Parameters of the model's logit. */
async function logitOf(): Promise<{ alpha: number; eps: number }> {
  const { preprocessing } = JSON.parse(await readFile(`${FOLDER}/manifest.json`, 'utf8'))
  return preprocessing.find(({ name }: { name: string }) => name === 'logit')
}
