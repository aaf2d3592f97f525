// The shipped score networks of images predict noise as well as their manifests say.
import { flatData, normals, random, tensor } from '@ood/core'
import { loadSample } from '@ood/datasets'
import { openDiffusion } from '@ood/models-diffusion'
import { checkpointPath } from '@ood/zoo'
import { describe, expect, it } from 'vitest'

const N = 64
const T = 0.1

interface Metrics {
  test: { noiseErrorAt: Record<string, number> }
}

describe.each([
  ['diffusion-fmnist', 'fashion-mnist'],
  ['diffusion-mnist', 'mnist'],
] as const)('%s', (name, set) => {
  it('predicts noise as recorded', async () => {
    const model = await openDiffusion(checkpointPath(name), { workers: 0 })
    const { images } = await loadSample(set, 'test', { limit: N })
    const x = flatData(await model.preprocess(images))
    const noise = normals(random(3), x.length)
    const [mean, std] = [model.sde.mean(T), model.sde.standardDeviation(T)]
    const noisy = tensor(
      Float32Array.from(x, (value, i) => mean * value + std * noise[i]!),
      [N, 1, 28, 28],
    )
    const net = flatData(await model.scaledScore(noisy, T))
    let error = 0
    for (let i = 0; i < net.length; i++) error += (net[i]! + noise[i]!) ** 2 / net.length
    const recorded = (model.manifest!.metrics as unknown as Metrics).test.noiseErrorAt[String(T)]!
    // Errors of single images vary by about half of their mean: over 64, 6 % standard error; three of them and some.
    expect(Math.abs(error / recorded - 1)).toBeLessThan(0.25)
    await model.release()
  })
})
