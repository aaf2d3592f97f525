// One likelihood evaluation of a batch through a score network, against torch.func on the same network.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { flatData, type NdArray, normals, random, tensor } from '@ood/core'
import { loadSample, writeNpy } from '@ood/datasets'
import { openDiffusion } from '@ood/models-diffusion'
import { readModel } from '@ood/onnx'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'
import { multiplications } from '../work.ts'

const T = 1e-2
const IMAGES = 16
/** Steps of Heun's method in log tau, two evaluations of score and trace each: the same path on both sides. */
const STEPS = 8
const MOST_RUNS = 3
const TINY = fileURLToPath(
  new URL('../../packages/models-diffusion/test/fixtures/score-vp/score.onnx', import.meta.url),
)

/** Both sides: probability-flow ODE from t = 0.01 with one Rademacher probe a row; times are per image. */
export const diffusionLogProbRows: Row[] = ([1, 2] as const).map((threads) => ({
  name: `diffusion logProb, batch ${IMAGES}, ${threads === 1 ? '1 thread' : '2 threads'}`,
  run: (context: Context) => row(context, threads),
}))

async function row(context: Context, threads: 1 | 2): Promise<Measured> {
  const { peer, peaks, folder, quick } = context
  const steps = quick ? 2 : STEPS
  context.pin(threads)
  const { onnx, x } = await subject(context, quick ? 4 : IMAGES)
  const dataShape = x.shape.slice(1)
  const model = await openDiffusion(
    { onnx, sde: { name: 'vp' }, prediction: 'scaled-score', dataShape },
    { workers: threads },
  )
  try {
    const ours = () =>
      model.logProb(x, { t: T, integrator: 'heun', steps, method: 'rademacher', probes: 1, space: 'model' })
    const mine = await ours()
    const details: Record<string, string | number> = { steps, images: mine.instance.length }
    let said: Record<string, unknown> = {}
    if (peer) {
      await writeNpy(`${folder}/rows.npy`, x)
      const options = { images: `${folder}/rows.npy`, t: T, steps, threads, quick }
      said = await peer.prepare('diffusion_log_prob', options)
      const answer = (await peer.run('diffusion_log_prob')).result
      // Probes differ, so the log-likelihoods do; the paths of the points are the same.
      const theirs = answer.latent as number[]
      const gap = mine.latent.data.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0)
      const apart = (answer.logProb as number[]).map((value, i) => value - mine.instance[i]!)
      const rms = Math.sqrt(apart.reduce((a, b) => a + b * b, 0) / apart.length)
      details.latent_max_difference = round(gap)
      details.log_prob_difference_rms_of_other_probes = round(rms)
      details.peer_tried_ms = String(said.tried)
    }
    // Two evaluations a step, each the products of the network twice: for the value and for one direction.
    const flops = 2 * steps * 2 * 2 * multiplications(readModel(await readFile(onnx)))
    return await measure(
      { runs: Math.min(context.runs, MOST_RUNS), pin: context.pin },
      {
        threads,
        ours,
        oursItems: mine.instance.length,
        peer: peer && (() => peer.run('diffusion_log_prob')),
        peerItems: mine.instance.length,
        peerName: `PyTorch ${said.route}`,
        bound: {
          ms: flops / peaks.float32[threads],
          of: 'flops',
          work: `${round(flops / 1e9)} Gflop float32 an image: ${2 * steps} evaluations of the network and one direction`,
        },
        aimRatio: 3,
        details,
      },
    )
  } finally {
    await model.release()
  }
}

/** The peer writes the network; without Python a tiny UNet of the tests shows that the row runs. */
async function subject(context: Context, count: number): Promise<{ onnx: string; x: NdArray }> {
  const { peer, folder, quick } = context
  if (!peer) return { onnx: TINY, x: tensor(Float32Array.from(normals(random(7), count * 64)), [count, 1, 8, 8]) }
  const onnx = `${folder}/score.onnx`
  await peer.prepare('score_network', { onnx, t: T, quick })
  const { images } = await loadSample('fashion-mnist', 'test', { limit: count })
  const scaled = Float32Array.from(flatData(images), (byte) => byte / 127.5 - 1)
  return { onnx, x: tensor(scaled, images.shape) }
}
