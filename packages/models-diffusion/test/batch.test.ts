// A row's result does not depend on the batch it is in, to the last bit.
import { fileURLToPath } from 'node:url'
import { normals, random, sliceRows, tensor } from '@ood/core'
import { type Diffusion, openDiffusion } from '@ood/models-diffusion'
import { openCheckpoint } from '@ood/runtime'
import { afterAll, describe, expect, it } from 'vitest'

const open: Diffusion[] = []
async function shipped(name: string): Promise<Diffusion> {
  const folder = fileURLToPath(new URL(`../../zoo/checkpoints/${name}`, import.meta.url))
  const model = await openDiffusion(await openCheckpoint(folder))
  open.push(model)
  return model
}
afterAll(async () => {
  for (const model of open) await model.release()
})

describe.each([
  ['diffusion-lollipop', 2],
  ['diffusion-mixture-10d', 10],
] as const)('%s', (name, d) => {
  it('gives the same bits in batches of every size', async () => {
    const model = await shipped(name)
    const n = 13
    const x = tensor(
      Float32Array.from(normals(random(1), n * d), (v) => v / 2),
      [n, d],
    )
    // From t = 0.3 on: fewer steps, as many of them chosen by the error.
    const options = { seed: 2, t: 0.3, method: 'rademacher', probes: 2 } as const
    const whole = (await model.logProb(x, options)).instance
    for (const size of [1, 3, 4, 11]) {
      const { instance } = await model.logProb(sliceRows(x, 0, size), options)
      expect([size, ...instance]).toEqual([size, ...whole.subarray(0, size)])
    }
    const parts = (await model.logProb(x, { ...options, batchSize: 5 })).instance
    expect([...parts]).toEqual([...whole])
    const at = await model.divergence(x, 0.3, { method: 'rademacher', probes: 3, seed: 4 })
    const alone = await model.divergence(sliceRows(x, 5, 6), 0.3, {
      method: 'rademacher',
      probes: 3,
      seed: 4,
      rows: [5],
    })
    expect(alone.divergence[0]).toBe(at.divergence[5])
    const score = await model.score(x, 0.2)
    for (const row of [0, 4, 12])
      expect([...(await model.score(sliceRows(x, row, row + 1), 0.2)).data]).toEqual([
        ...score.data.slice(row * d, (row + 1) * d),
      ])
  })
})

describe('diffusion-fmnist', () => {
  it('gives the same scores to the bit in batches of every size, traces and log p within a bound', async () => {
    const model = await shipped('diffusion-fmnist')
    const n = 5
    const x = tensor(Float32Array.from(normals(random(3), n * 784)), [n, 1, 28, 28])
    const times = Float64Array.from({ length: n }, (_, i) => 0.05 + 0.17 * i)
    const whole = await model.score(x, times)
    const trace = { method: 'rademacher', probes: 2, seed: 4 } as const
    const traces = await model.divergence(x, times, trace)
    for (const [from, to] of [
      [0, 1],
      [0, 3],
      [2, 4],
      [4, 5],
    ] as const) {
      const rows = Array.from({ length: to - from }, (_, i) => from + i)
      const part = sliceRows(x, from, to)
      const { data } = await model.score(part, times.subarray(from, to))
      expect(Buffer.from(Float64Array.from(data).buffer)).toEqual(
        Buffer.from(Float64Array.from(whole.data.subarray(from * 784, to * 784)).buffer),
      )
      const { divergence } = await model.divergence(part, times.subarray(from, to), { ...trace, rows })
      // Derivatives fold directions into the batch; here 5e-10 of a trace was seen.
      for (const [j, v] of divergence.entries())
        expect(Math.abs(v - traces.divergence[from + j]!) / Math.abs(v)).toBeLessThan(1e-7)
    }
    const options = { t: 0.5, probes: 1, seed: 2 }
    const all = (await model.logProb(x, { ...options, input: 'model' })).instance
    const some = (await model.logProb(sliceRows(x, 0, 3), { ...options, input: 'model' })).instance
    for (const [i, v] of some.entries()) expect(Math.abs(v - all[i]!) / Math.abs(v)).toBeLessThan(1e-6)
  })
})
