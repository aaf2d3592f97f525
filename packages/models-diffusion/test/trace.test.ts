// Score and trace of analytic models: their own divergence against products with vectors.
import { normals, random, type ScoreModel, tensor } from '@ood/core'
import { gaussianScore, scoreDivergence } from '@ood/models-diffusion'
import { describe, expect, it } from 'vitest'

describe('scoreDivergence', () => {
  const model = gaussianScore([1, 2, 0], [1, 0.5, 0, 0.5, 2, 0, 0, 0, 0.1])
  const x = tensor(normals(random(1), 12), [4, 3])
  const times = [0.01, 0.1, 0.5, 0.9]

  it("falls back on jvp with the same numbers as the model's own divergence", async () => {
    const { divergence: _, ...plain } = model
    for (const method of ['exact', 'rademacher', 'hutch++'] as const) {
      const options = { method, probes: 6, seed: 3 }
      const own = await scoreDivergence(model, x, times, options)
      const fallback = await scoreDivergence(plain as ScoreModel, x, times, options)
      for (let row = 0; row < 4; row++)
        expect(Math.abs(own.divergence[row]! / fallback.divergence[row]! - 1)).toBeLessThan(1e-10)
      expect([...fallback.score.data]).toEqual([...own.score.data])
      // Of the mean of 6 probes; never known for hutch++, nothing to know when exact.
      for (const error of own.standardError!) {
        if (method === 'exact') expect(error).toBe(0)
        else if (method === 'hutch++') expect(error).toBeNaN()
        else expect(error).toBeGreaterThanOrEqual(0)
      }
    }
  })
})
