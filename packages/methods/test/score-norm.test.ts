// The score norm as published: raw rows and t = 1e-5, beside the corrected one.
import { flatData, type NdArray, tensor } from '@ood/core'
import { measure } from '@ood/detect'
import { methodOf, scoreNormMethod } from '@ood/methods'
import { type Diffusion, vp } from '@ood/models-diffusion'
import { describe, expect, it } from 'vitest'

/** s(x, t) = -x: its norm says which rows reached it, and t is noted. */
const seen: number[] = []
const model = {
  sde: vp(),
  dataShape: [2],
  modelShape: [2],
  async score(x: NdArray, t: number) {
    seen.push(t)
    return x
  },
  async scaledScore(x: NdArray, t: number) {
    seen.push(t)
    return x
  },
  preprocess: async (x: NdArray) =>
    tensor(
      Float64Array.from(flatData(x), (v) => v / 10),
      x.shape,
    ),
} as unknown as Diffusion
const x = tensor(Float64Array.of(30, 40), [1, 2])

describe('scoreNormMethod', () => {
  it("measures preprocessed rows, and raw ones at t = 1e-5 with compat 'reference'", async () => {
    expect((await measure(scoreNormMethod(model), x))['score.norm']).toEqual(Float64Array.of(5))
    expect(seen.at(-1)).toBe(1e-3)
    const published = scoreNormMethod(model, { compat: 'reference' })
    expect((await measure(published, x))['score.norm']).toEqual(Float64Array.of(50))
    expect(seen.at(-1)).toBe(1e-5)
    const again = await methodOf('ScoreNorm', published.settings, { model })
    expect(again.settings).toEqual(published.settings)
    expect(() => scoreNormMethod(model, { compat: 'x' as never })).toThrow(
      'scoreNorm compat: expected reference or nothing, got x',
    )
  })
})
