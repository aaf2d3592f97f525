// Logits and features as columns.
import { type NdArray, tensor } from '@ood/core'
import { featuresOf, measureNeeds } from '@ood/detect'
import { expect, it } from 'vitest'

it('featuresOf gives both outputs of one run in float64', async () => {
  let runs = 0
  const model = {
    dataShape: [1],
    classes: 2,
    dimension: 1,
    async evaluate(x: NdArray) {
      runs++
      return { logits: tensor(Float32Array.of(1, 2, 3, 4), [2, 2]), features: x }
    },
    preprocess: async (x: NdArray) => x,
  }
  const columns = await measureNeeds(
    { c: featuresOf(model), same: featuresOf(model) },
    tensor(Float32Array.of(5, 6), [2, 1]),
  )
  expect(runs).toBe(1)
  expect(columns['c.logits']).toMatchObject({ data: Float64Array.of(1, 2, 3, 4), shape: [2, 2] })
  expect(columns['same.features']).toMatchObject({ data: Float64Array.of(5, 6), shape: [2, 1] })
  expect(() => featuresOf({} as never)).toThrow('classifier: expected a model with logits and features')
})
