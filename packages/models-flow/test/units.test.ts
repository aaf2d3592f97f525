// Raw rows of other units than the flow was trained on, other things than batches, and unknown options are refused.
import { fileURLToPath } from 'node:url'
import { type NdArray, tensor } from '@ood/core'
import { type Flow, openFlow } from '@ood/models-flow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('./fixtures/tiny-affine', import.meta.url))
const filled = (values: number[]): NdArray =>
  tensor(
    Float32Array.from({ length: 64 * 2 }, (_, i) => values[i % values.length]!),
    [2, 1, 8, 8],
  )

describe('a flow of bytes', () => {
  let flow: Flow
  beforeAll(async () => {
    flow = await openFlow(folder, { workers: 0 })
  })
  afterAll(() => flow.release())

  it.each([
    [
      [0, 0.25, 1],
      'expected integers in [0, 255], got 0.25 in row 0 at position 1 (images in [0, 1]? multiply them by 255)',
    ],
    [[-1, 0.25, 1], 'got -1 in row 0 at position 0 (images in [-1, 1]? use 127.5 * (x + 1))'],
    [[0, 100.5], 'got 100.5 in row 0 at position 1 (round them to whole numbers)'],
    [[0, 65535], 'got 65535 in row 0 at position 1 (16-bit images? divide them by 257 and round)'],
  ])('refuses %j in every call that takes raw rows', async (values, message) => {
    const calls = ['logProb', 'bitsPerDim', 'encode', 'preprocess', 'invertibilityReport'] as const
    for (const call of calls)
      await expect(flow[call](filled(values))).rejects.toMatchObject({
        code: 'E_ARGUMENT',
        message: expect.stringMatching(/^(logProb|encode|preprocess|invertibilityReport): /),
      })
    await expect(flow.logProb(filled(values))).rejects.toThrow(message)
  })

  it('takes rows of its own space as they are', async () => {
    const { instance } = await flow.logProb(filled([0.5, -3]), { input: 'model' })
    expect(instance.every(Number.isFinite)).toBe(true)
  })

  it('names what is no batch', async () => {
    const raw = { data: new Uint8Array(128), shape: [2, 1, 8, 8] } as unknown as NdArray
    await expect(flow.logProb(raw)).rejects.toThrow(/^logProb: expected a batch.*readNpy gives them.*toBatch$/)
    await expect(flow.encode(undefined as never)).rejects.toThrow('encode: expected a batch')
    await expect(flow.decode([[1, 2]] as never)).rejects.toThrow('decode: expected a batch')
    await expect(flow.decoder.jacobian(new Float32Array(64) as never)).rejects.toThrow('jacobian: expected a batch')
  })

  it('refuses options it does not know', async () => {
    const unknown = (name: string) => ({ code: 'E_ARGUMENT', message: expect.stringContaining(`got ${name}`) })
    await expect(openFlow(folder, { worker: 1 } as object)).rejects.toMatchObject(unknown('worker (workers?)'))
    await expect(flow.logProb(filled([1]), { batchsize: 1 } as object)).rejects.toMatchObject(
      unknown('batchsize (batchSize?)'),
    )
    await expect(flow.sample(1, { temperture: 1 } as object)).rejects.toMatchObject(
      unknown('temperture (temperature?)'),
    )
  })
})
