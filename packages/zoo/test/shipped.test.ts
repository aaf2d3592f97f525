// Every shipped flow of images is what its manifest says: it opens, is invertible in float32 and scores what it was recorded to.
import { sliceRows } from '@ood/core'
import { loadSample } from '@ood/datasets'
import { type Flow, openFlow } from '@ood/models-flow'
import { openCheckpoint } from '@ood/runtime'
import { checkpointPath, listCheckpoints } from '@ood/zoo'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const flows = (await Promise.all(listCheckpoints().map((name) => openCheckpoint(checkpointPath(name)))))
  .filter(({ manifest }) => manifest.kind === 'flow' && manifest.data.shape.length === 3)
  .map(({ manifest }) => manifest.name)

describe.each(flows)('%s', (name) => {
  let flow: Flow
  beforeAll(async () => {
    const checkpoint = await openCheckpoint(checkpointPath(name))
    flow = await openFlow(checkpoint, { workers: 0 })
  })
  afterAll(() => flow.release())
  const images = async (split: 'train' | 'test', n: number) =>
    sliceRows((await loadSample(String(flow.manifest.data.dataset), split)).images, 0, n)

  it('undoes itself on real images and on its own samples', async () => {
    const real = await flow.invertibilityReport(await images('test', 32), { seed: 1 })
    const drawn = await flow.invertibilityReport(await flow.sample(16, { seed: 1, space: 'model' }), { input: 'model' })
    // A grey level is at least 0.004 wide in logit space: an error of 0.002 moves no pixel by one level.
    expect(real.data.max).toBeLessThan(2e-3)
    expect(drawn.data.max).toBeLessThan(2e-3)
  })

  it('gives an image the same bits in any batch', async () => {
    const x = await images('test', 9)
    const whole = (await flow.logProb(x, { seed: 1 })).instance
    for (const batchSize of [1, 4]) expect((await flow.logProb(x, { seed: 1, batchSize })).instance).toEqual(whole)
  })

  it('scores held-out images at the recorded bits per dimension', async () => {
    const { bitsPerDim, medianBitsPerDim } = flow.manifest.metrics as Record<
      string,
      { validation: number; test?: number }
    >
    const bits = [...(await flow.bitsPerDim(await images('test', 128), { seed: 1 }))].sort((a, b) => a - b)
    if (medianBitsPerDim) {
      // A flow trained to push some images away has images of its own far off: medians, and the spread by quartiles.
      const spread = (bits[96]! - bits[32]!) / 1.35
      const tolerance = (4 * 1.253 * spread) / Math.sqrt(bits.length)
      expect(Math.abs(bits[64]! - (medianBitsPerDim.test ?? medianBitsPerDim.validation))).toBeLessThan(tolerance)
      return
    }
    const mean = bits.reduce((sum, value) => sum + value, 0) / bits.length
    const spread = Math.sqrt(bits.reduce((sum, value) => sum + (value - mean) ** 2, 0) / bits.length)
    // 128 other images of the same kind: within four standard errors.
    expect(Math.abs(mean - (bitsPerDim!.test ?? bitsPerDim!.validation))).toBeLessThan(
      4 * (spread / Math.sqrt(bits.length)),
    )
  })
})
