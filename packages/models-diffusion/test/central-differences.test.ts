// Derivatives by differences against the graph's own, on a float32 score network: how good the fallback is, and at which step.
import { fileURLToPath } from 'node:url'
import { centralDifferences, flatData, normals, random, tensor } from '@ood/core'
import { openDiffusion } from '@ood/models-diffusion'
import { expect, it } from 'vitest'

it('central differences of a float32 network err least near the default step', async () => {
  const model = await openDiffusion(fileURLToPath(new URL('./fixtures/score-vp', import.meta.url)), { workers: 0 })
  try {
    const shape = [...model.modelShape]
    const d = shape.reduce((product, n) => product * n, 1)
    const t = 0.3
    const x = tensor(Float32Array.from(normals(random(1), 2 * d)), [2, ...shape])
    const v = tensor(Float32Array.from(normals(random(2), 3 * 2 * d)), [3, 2, ...shape])
    const exact = Float64Array.from(flatData((await model.jvp(x, t, v)).tangent))
    const size = Math.sqrt(exact.reduce((sum, value) => sum + value * value, 0))
    const errorAt = async (step: number): Promise<number> => {
      const map = { inputShape: shape, outputShape: shape, evaluate: (points: typeof x) => model.score(points, t) }
      const { tangent } = await centralDifferences(map as never, { step }).jvp(x, v)
      const slow = Float64Array.from(flatData(tangent))
      return Math.sqrt(slow.reduce((sum, value, i) => sum + (value - exact[i]!) ** 2, 0)) / size
    }
    const usual = await errorAt(1e-2)
    // The formula's error falls with h², rounding's rises with 1/h. Seen: 2.6e-4 at 1e-1, 1.6e-5 at 1e-2, 1.4e-4 at 1e-3.
    expect(usual).toBeLessThan(1e-4)
    expect(await errorAt(1e-1)).toBeGreaterThan(3 * usual)
    expect(await errorAt(1e-3)).toBeGreaterThan(3 * usual)
    expect(await errorAt(1e-5)).toBeGreaterThan(100 * usual)
  } finally {
    await model.release()
  }
})
