// The likelihood of features: exactly that of the model at what the classifier gives.
import { flatData, type NdArray, rowCount, tensor } from '@ood/core'
import { detector } from '@ood/detect'
import { featureLikelihood } from '@ood/llr'
import { describe, expect, it } from 'vitest'

/** Features (x, 2x), logits x. */
const classifier = {
  dataShape: [1],
  classes: 1,
  dimension: 2,
  async evaluate(x: NdArray) {
    const values = flatData(x)
    return {
      logits: x,
      features: tensor(
        Float64Array.from({ length: 2 * values.length }, (_, i) => values[i >> 1]! * (1 + (i & 1))),
        [rowCount(x), 2],
      ),
    }
  },
  preprocess: async (x: NdArray) => x,
}
const model = {
  dataShape: [2],
  asked: [] as unknown[],
  async logProb(z: NdArray, options?: object) {
    model.asked.push(options)
    return { instance: Float64Array.from({ length: rowCount(z) }, (_, i) => -z.get(i, 0) - z.get(i, 1) ** 2) }
  },
}

describe('featureLikelihood', () => {
  it('scores minus log p of the features, and passes seed, keys and settings on', async () => {
    const method = featureLikelihood({ classifier, model, logProb: { space: 'model' } })
    const scores = await detector(method).score(tensor(Float64Array.of(1, -2), [2, 1]), { seed: 7 })
    expect([...scores]).toEqual([1 + 4, -2 + 16])
    expect(model.asked.at(-1)).toMatchObject({ seed: 7, space: 'model' })
    expect(method.models).toEqual({ classifier, model })
    expect(method.data).toEqual({ dataShape: [1] })
  })

  it('refuses what does not fit', () => {
    expect(() => featureLikelihood({ classifier: {} as never, model })).toThrow(
      'classifier: expected a model with logits and features',
    )
    expect(() => featureLikelihood({ classifier, model: {} as never })).toThrow('model: expected a model with logProb')
    expect(() => featureLikelihood({ classifier, model: { ...model, dataShape: [3] } as never })).toThrow(
      'expected rows of 2 features, got [3]',
    )
  })
})
