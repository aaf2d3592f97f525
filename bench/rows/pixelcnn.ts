// PixelCNN++ log-probabilities of images, against the PyTorch module the graph was exported from.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type NdArray, tensor } from '@ood/core'
import { loadSample, writeNpy } from '@ood/datasets'
import { openPixelCnn } from '@ood/models-autoregressive'
import { readModel } from '@ood/onnx'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'
import { multiplications } from '../work.ts'

const BATCH = 16
const MOST_RUNS = 5
const TINY = fileURLToPath(new URL('../../packages/models-autoregressive/test/fixtures/tiny-gray', import.meta.url))

/** Both sides: whole images to log p in nats; times are per image. */
export const pixelcnnRows: Row[] = ([1, 2] as const).map((threads) => ({
  name: `pixelcnn logProb, batch ${BATCH}, ${threads === 1 ? '1 thread' : '2 threads'}`,
  run: (context: Context) => row(context, threads),
}))

async function row(context: Context, threads: 1 | 2): Promise<Measured> {
  const { peer, peaks, folder, quick } = context
  const count = quick ? BATCH : 4 * BATCH
  context.pin(threads)
  const sample = (await loadSample('fashion-mnist', 'test', { limit: count })).images
  const said: Record<string, unknown> = {}
  let checkpoint = TINY
  if (peer) {
    checkpoint = join(folder, 'pixelcnn')
    await writeNpy(`${folder}/pixels.npy`, sample)
    const options = { folder: checkpoint, images: `${folder}/pixels.npy`, batch: BATCH, threads, quick }
    Object.assign(said, await peer.prepare('pixelcnn', options))
  }
  const model = await openPixelCnn(checkpoint, { workers: threads, batchSize: BATCH })
  try {
    // Without Python a tiny network of the tests, which takes the corners of the images, shows that the row runs.
    const images = peer ? sample : corners(sample, model.dataShape)
    const ours = async () => (await model.logProb(images)).instance
    const details: Record<string, string | number> = { images: count, components: model.components }
    if (peer) {
      const theirs = (await peer.run('pixelcnn')).result.logProb as number[]
      const mine = await ours()
      const relative = mine.map((value, i) => Math.abs(value - theirs[i]!) / Math.abs(theirs[i]!))
      details.log_prob_max_relative_difference = round(Math.max(...relative))
      details.peer_tried_ms = String(said.tried)
    }
    const flops = 2 * multiplications(readModel(await readFile(join(checkpoint, 'params.onnx'))))
    return await measure(
      { runs: Math.min(context.runs, MOST_RUNS), pin: context.pin },
      {
        threads,
        ours,
        oursItems: count,
        peer: peer && (() => peer.run('pixelcnn')),
        peerItems: count,
        peerName: `PyTorch ${said.route}`,
        bound: {
          ms: flops / peaks.float32[threads],
          of: 'flops',
          work: `${round(flops / 1e6)} Mflop float32 an image (Conv)`,
        },
        aimRatio: 2,
        details,
      },
    )
  } finally {
    await model.release()
  }
}

/** The upper left corners of images, in the shape of one row. */
function corners(images: NdArray, shape: readonly [number, number, number]): NdArray {
  const [channels, height, width] = shape
  const n = images.shape[0]!
  const out = new Float32Array(n * channels * height * width)
  let at = 0
  for (let row = 0; row < n; row++)
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out[at++] = images.get(row, c, y, x)
  return tensor(out, [n, ...shape])
}
