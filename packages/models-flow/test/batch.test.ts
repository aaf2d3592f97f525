// How far a row's log-probability depends on the batch it is in, for flows on vectors: the bound of the README.
import { fileURLToPath } from 'node:url'
import { normals, random, sliceRows, tensor } from '@ood/core'
import { openFlow } from '@ood/models-flow'
import { expect, it } from 'vitest'

it.each([
  ['flow-lollipop', 2],
  ['flow-mixture-10d', 10],
] as const)('%s moves by less than 2e-6 of log p', async (name, d) => {
  const flow = await openFlow(fileURLToPath(new URL(`../../zoo/checkpoints/${name}`, import.meta.url)))
  try {
    const n = 60
    const x = tensor(Float32Array.from(normals(random(1), n * d)), [n, d])
    const whole = (await flow.logProb(x)).instance
    for (const size of [1, 2, 3, 7, 13]) {
      for (let from = 0; from + size <= n; from += size) {
        const part = (await flow.logProb(sliceRows(x, from, from + size))).instance
        for (const [i, v] of part.entries()) {
          // A few float32 roundings of numbers of the size of log p, or 1.
          expect(Math.abs(v - whole[from + i]!) / Math.max(1, Math.abs(v))).toBeLessThan(2e-6)
        }
      }
    }
  } finally {
    await flow.release()
  }
})
