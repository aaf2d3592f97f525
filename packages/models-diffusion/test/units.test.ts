// Raw rows of other units than the network was trained on are refused, in pixel space and in the network's own.
import { type NdArray, tensor } from '@ood/core'
import { graphBuilder, writeModel } from '@ood/onnx'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Diffusion, openDiffusion } from '../src/index.ts'

const images = (values: number[]): NdArray => tensor(Float32Array.from(values), [values.length / 4, 1, 2, 2])

/** net = x: a network is not what is tested here. */
function identity(rows: number | string = 'N'): Uint8Array {
  const g = graphBuilder()
  const x = g.input('x', 'float32', [rows, 1, 2, 2])
  const t = g.input('t', 'float32', ['N'])
  const zero = g.op('Mul', [g.op('Reshape', [t, g.int64([-1, 1, 1, 1])]), g.scalar('float32', 0)])
  g.output('net', g.op('Add', [x, zero]))
  return writeModel(g.model())
}

const described = {
  onnx: identity(),
  sde: { name: 'vp' },
  prediction: 'epsilon',
  dataShape: [1, 2, 2],
  preprocessing: [{ name: 'unit' }, { name: 'zero-center' }],
} as const

describe('units of a score network of bytes', () => {
  let model: Diffusion
  beforeAll(async () => {
    model = await openDiffusion(described, { workers: 0 })
  })
  afterAll(() => model.release())

  it.each([
    [
      [0, 0.25, 0.5, 1],
      'expected values in [0, 255], got 0.25 in row 0 at position 1 (images in [0, 1]? multiply them by 255)',
    ],
    [[-1, 0.25, 0.5, 1], 'got -1 in row 0 at position 0 (images in [-1, 1]? use 127.5 * (x + 1))'],
    [[0, 256, 0, 0], 'expected values in [0, 255], got 256 in row 0 at position 1'],
  ])('%j are refused', async (values, message) => {
    for (const call of ['logProb', 'bitsPerDim', 'preprocess'] as const)
      await expect(model[call](images(values))).rejects.toMatchObject({
        code: 'E_ARGUMENT',
        message: expect.stringContaining(message),
      })
  })

  it('bytes, black images and fractions of grey levels pass', async () => {
    const rows = images([0, 0, 0, 0, 0, 255, 3, 4, 0, 0.5, 128, 7.25])
    expect((await model.preprocess(rows)).shape).toEqual([3, 1, 2, 2])
  })

  it("bytes in place of the network's own rows are refused, noise is not", async () => {
    const bytes = images([0, 20, 200, 255])
    const message = /expected rows in the network's space, at most 1 without noise, got 20 in row 0 \(raw rows\? pass/
    await expect(model.score(bytes, 0.01)).rejects.toThrow(message)
    await expect(model.divergence(bytes, 0.01, { method: 'exact' })).rejects.toThrow(message)
    expect((await model.score(images([-1, 1, 6, -6]), 1)).shape).toEqual([1, 1, 2, 2])
  })

  it('states that a coarse solver makes of an odd row are scored, however far they lie', async () => {
    const thrown = images([40, -3, 0.5, -200, -90, -80, -70, -60])
    expect((await model.score(thrown, 0.01)).shape).toEqual([2, 1, 2, 2])
  })

  it('a time scale beside a discrete process and a fixed batch are refused', async () => {
    const ddpm = { ...described, sde: { name: 'ddpm' }, timeScale: 1000 }
    await expect(openDiffusion(ddpm)).rejects.toThrow('timeScale: expected none beside a discrete process')
    const fixed = { ...described, onnx: identity(4) }
    await expect(openDiffusion(fixed)).rejects.toThrow('input x: expected a free batch axis, got 4 rows')
  })

  it('unknown options and descriptions are refused', async () => {
    await expect(openDiffusion(described, { worker: 0 } as object)).rejects.toThrow('got worker (workers?)')
    await expect(openDiffusion({ ...described, shape: [1, 2, 2] } as never)).rejects.toThrow('openDiffusion: expected')
  })
})
