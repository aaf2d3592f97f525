// `dataShape` is the shape of a raw row and `modelShape` that of the network's, wherever each comes from.
import { flatData, tensor } from '@ood/core'
import { graphBuilder, writeModel } from '@ood/onnx'
import { describe, expect, it } from 'vitest'
import { openDiffusion } from '../src/index.ts'

/** net = x for rows of the given sizes; a string is a free one. */
function identity(sizes: (number | string)[]): Uint8Array {
  const g = graphBuilder()
  const x = g.input('x', 'float32', ['N', ...sizes])
  const t = g.input('t', 'float32', ['N'])
  const ones = new Array(sizes.length).fill(1)
  const zero = g.op('Mul', [g.op('Reshape', [t, g.int64([-1, ...ones])]), g.scalar('float32', 0)])
  g.output('net', g.op('Add', [x, zero]))
  return writeModel(g.model())
}

const open = (sizes: (number | string)[], more: object = {}) =>
  openDiffusion({ onnx: identity(sizes), sde: { name: 'vp' }, prediction: 'scaled-score', ...more }, { workers: 0 })

describe('shapes of a bare network', () => {
  it.each([
    [[2, 3], {}, [2, 3], [2, 3]],
    [[2, 3], { dataShape: [2, 3] }, [2, 3], [2, 3]],
    [['H', 'W'], { dataShape: [2, 3] }, [2, 3], [2, 3]],
    [['H', 'W'], { modelShape: [2, 3] }, [2, 3], [2, 3]],
    [[2, 'W'], { modelShape: [2, 3] }, [2, 3], [2, 3]],
    [[6], { dataShape: [2, 3] }, [2, 3], [6]],
    [['D'], { dataShape: [2, 3], modelShape: [6] }, [2, 3], [6]],
  ])('%j with %j: raw %j, model %j', async (sizes, more, dataShape, modelShape) => {
    const model = await open(sizes, more)
    expect([model.dataShape, model.modelShape, model.dimension]).toEqual([dataShape, modelShape, 6])
    await model.release()
  })

  it('a network of flat rows takes and gives raw rows of their own shape', async () => {
    const model = await open([6], { dataShape: [2, 3], preprocessing: [{ name: 'flatten', shape: [2, 3] }] })
    const raw = tensor(Float32Array.of(0, 1, 2, 3, 4, 5), [1, 2, 3])
    const v = await model.preprocess(raw)
    expect(v.shape).toEqual([1, 6])
    const back = model.postprocess(v)
    expect([back.shape, [...flatData(back)]]).toEqual([
      [1, 2, 3],
      [0, 1, 2, 3, 4, 5],
    ])
    expect((await model.sample(2, { steps: 2 })).shape).toEqual([2, 2, 3])
    expect((await model.sample(2, { steps: 2, space: 'model' })).shape).toEqual([2, 6])
    await expect(model.score(raw, 0.5)).rejects.toMatchObject({ code: 'E_SHAPE' })
    expect((await model.score(v, 0.5)).shape).toEqual([1, 6])
    await model.release()
  })

  it.each([
    [['H', 'W'], {}, 'modelShape: expected the sizes of one row of x, got [H, W]'],
    [['H', 'W'], { dataShape: [6] }, 'modelShape: expected the sizes of one row of x, got [H, W]'],
    [[2, 3], { dataShape: [2, 4] }, 'dataShape: expected rows of 6 numbers, got [2, 4]'],
    [[2, 3], { rawShape: [2, 3] }, 'rawShape'],
  ])('%j with %j is refused', async (sizes, more, message) => {
    await expect(open(sizes, more)).rejects.toThrow(message)
  })
})
