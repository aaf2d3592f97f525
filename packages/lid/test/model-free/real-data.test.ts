// The model-free target of scale selection on real images: the published pointwise lPCA means.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { sharedPath } from '../../../../tools/shared.ts'
import { lpca } from '../../src/index.ts'

describe('pointwise lPCA of 4096 training images, k = 1000, alphaFO = 0.001', () => {
  for (const [name, published] of [
    ['fashion-mnist', 222.48],
    ['mnist', 251.62],
  ] as const) {
    const path = sharedPath('data', name, 'train-images-idx3-ubyte.gz')
    it.skipIf(!path)(
      `${name} is ${published}${path ? '' : ' (skipped: data absent)'}`,
      async () => {
        const bytes = gunzipSync(readFileSync(path!)).subarray(16, 16 + 784 * 8192)
        const data = new Float32Array(bytes.length)
        for (let i = 0; i < data.length; i++) data[i] = bytes[i]! / 255
        const x = tensor(data, [8192, 784])
        const options = { subsample: 4096, neighbours: 1000, alphaFO: 0.001, queries: 12, seed: 42 }
        const { mean, standardError } = await lpca(x, options)
        // 12 of 4096 points: standard error 6 to 9; the published mean, over all points of another subset, adds about 3.
        expect(standardError).toBeLessThan(15)
        expect(Math.abs(mean - published)).toBeLessThan(3 * standardError + 3)
      },
      300_000,
    )
  }
})
