// What models say about raw rows: the manifest first, then `dataShape`, then what a model without preprocessing takes.
import { describe, expect, it } from 'vitest'
import { describedBy } from '../src/index.ts'

describe('describedBy', () => {
  it.each([
    [{ manifest: { data: { shape: [1, 4, 4], valueRange: [0, 255] } }, dataShape: [16] }, [1, 4, 4], [0, 255]],
    [{ dataShape: [1, 4, 4], modelShape: [16], low: 0, high: 1 }, [1, 4, 4], [0, 1]],
    [{ modelShape: [16] }, [16], undefined],
    [{ modelShape: [16], preprocess: () => {} }, undefined, undefined],
    [{ dataShape: [0, 4], low: 1, high: 0 }, undefined, undefined],
    [{}, undefined, undefined],
  ])('%j', (model, dataShape, valueRange) => {
    const got = describedBy([model])
    expect([got.dataShape, got.valueRange]).toEqual([dataShape, valueRange])
  })

  it('models of other raw rows do not go together, whatever their networks see', () => {
    const flat = { dataShape: [1, 4, 4], modelShape: [16] }
    expect(describedBy([flat, { modelShape: [1, 4, 4] }]).dataShape).toEqual([1, 4, 4])
    expect(() => describedBy([flat, { modelShape: [16] }])).toThrow(
      'models: expected rows of one shape [1,4,4], got [16]',
    )
  })
})
