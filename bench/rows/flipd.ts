// FLIPD with 50 probes on 64 images through a score network, against torch.func on the same network.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { flatData, type NdArray, normals, random, rowCount, sliceRows, tensor } from '@ood/core'
import { loadSample, writeNpy } from '@ood/datasets'
import { flipd } from '@ood/lid'
import { type Diffusion, openDiffusion } from '@ood/models-diffusion'
import { readModel } from '@ood/onnx'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'
import { multiplications } from '../work.ts'

type Mode = 'fastest' | 'reference'

/** log tau = -1.75, the middle of what FLIPD curves are read at. */
const T = 0.05
const PROBES = 50
const IMAGES = 64
/** A run of a slow route takes half a minute: no more of them than this. */
const MOST_RUNS = 3
const SMALL_UNET = fileURLToPath(new URL('../../packages/onnx/test/models/fixtures/unet.dynamo.onnx', import.meta.url))

export const flipdRows: Row[] = (
  [
    [1, 'fastest'],
    [2, 'fastest'],
    [1, 'reference'],
  ] as const
).map(([threads, mode]) => ({
  name: `FLIPD, ${PROBES} probes, ${IMAGES} images, ${threads === 1 ? '1 thread' : '2 threads'}, vs ${mode === 'fastest' ? 'fastest PyTorch' : 'batches of 128 pairs (the reference)'}`,
  run: (context: Context) => row(context, threads, mode),
}))

async function row(context: Context, threads: 1 | 2, mode: Mode): Promise<Measured> {
  const { peer, peaks, folder, quick } = context
  const probes = quick ? 4 : PROBES
  context.pin(threads)
  const { onnx, about, images } = await subject(context, quick ? 4 : IMAGES)
  const model = await openDiffusion(
    { onnx, sde: { name: 'vp' }, prediction: 'scaled-score', dataShape: images.shape.slice(1), ports: portsOf(onnx) },
    { workers: threads },
  )
  try {
    const estimator = flipd(model, { method: 'rademacher', probes })
    let seed = 0
    const ours = () => estimator.at(images, { t: T }, { seed: seed++ })
    const { lid, standardError } = await ours()
    // Before anything long has run: what more probes alone need.
    const memory = await growth(model, sliceRows(images, 0, Math.min(4, rowCount(images))), probes)
    const theirs = mode === 'fastest' ? rowCount(images) : Math.min(16, rowCount(images))
    let said: Record<string, unknown> = {}
    const details: Record<string, string | number> = { network: about, images: rowCount(images), probes, ...memory }
    if (peer) {
      await writeNpy(`${folder}/flipd.npy`, sliceRows(images, 0, theirs))
      said = await peer.prepare('flipd', { images: `${folder}/flipd.npy`, t: T, probes, threads, mode, quick })
      const answer = (await peer.run('flipd')).result
      // Both draw probes of their own, so they differ by √2 standard errors.
      const z = (answer.lid as number[]).map((value, i) => (value - lid[i]!) / (Math.SQRT2 * standardError[i]!))
      details.difference_in_standard_errors_rms = round(Math.sqrt(z.reduce((sum, v) => sum + v * v, 0) / z.length))
      details.peer_peak_mb = round(answer.peakMb as number)
      if (said.tried) details.peer_tried_ms_an_image = String(said.tried)
    }
    details.standard_error_mean = round(standardError.reduce((a, b) => a + b, 0) / standardError.length)
    // One network evaluation an image, and as many tangents as probes, each with the products of an evaluation.
    const flops = 2 * (probes + 1) * multiplications(readModel(await readFile(onnx)))
    return await measure(
      { runs: Math.min(context.runs, MOST_RUNS), pin: context.pin },
      {
        threads,
        ours,
        oursItems: rowCount(images),
        peer: peer && (() => peer.run('flipd')),
        peerItems: theirs,
        peerName: `PyTorch ${said.route}`,
        bound: {
          ms: flops / peaks.float32[threads],
          of: 'flops',
          work: `${round(flops / 1e9)} Gflop float32 an image: products of the network and of ${probes} directions`,
        },
        aimRatio: 3,
        details,
      },
    )
  } finally {
    await model.release()
  }
}

/** Resident memory gained, in MB, when eight times as many probes run as before. */
async function growth(model: Diffusion, images: NdArray, probes: number): Promise<Record<string, number>> {
  const resident = async (many: number): Promise<number> => {
    await flipd(model, { method: 'rademacher', probes: many }).at(images, { t: T })
    return process.memoryUsage().rss / 2 ** 20
  }
  const before = await resident(probes)
  const after = await resident(8 * probes)
  return { rss_mb: round(before), rss_growth_mb_with_8_times_the_probes: round(after - before) }
}

/** The peer writes the network; without Python a small UNet of the tests shows that the row runs. */
async function subject(context: Context, count: number): Promise<{ onnx: string; about: string; images: NdArray }> {
  const { peer, folder, quick } = context
  if (!peer) {
    const noise = tensor(Float32Array.from(normals(random(7), count * 64)), [count, 1, 8, 8])
    return { onnx: SMALL_UNET, about: 'small UNet on 8 x 8 (no Python)', images: noise }
  }
  const onnx = `${folder}/score.onnx`
  const { parameters } = await peer.prepare('score_network', { onnx, t: T, quick })
  const { images } = await loadSample('fashion-mnist', 'test', { limit: count })
  const scaled = Float32Array.from(flatData(images), (byte) => byte / 127.5 - 1)
  return {
    onnx,
    about: `UNet of training/configs/diffusion-fmnist.toml, random weights, ${parameters} parameters`,
    images: tensor(scaled, images.shape),
  }
}

function portsOf(onnx: string): { x: string; t: string; net: string } {
  return { x: 'x', t: 't', net: onnx === SMALL_UNET ? 'y' : 'net' }
}
