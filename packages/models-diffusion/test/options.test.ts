// Unknown options are refused by every public function, and the options of every long call are taken by every one.
import { type NdArray, tensor } from '@ood/core'
import { graphBuilder, writeModel } from '@ood/onnx'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  addNoise,
  ddpm,
  denoise,
  encode,
  gaussianScore,
  odeLogProb,
  openDiffusion,
  sample,
  subVp,
  timeGrid,
  ve,
  veExponential,
  vp,
} from '../src/index.ts'

const exact = gaussianScore([0, 0], [1, 2])
const x: NdArray = tensor(Float64Array.of(0.1, -0.2, 0.3, 0.4), [2, 2])
const v = tensor(Float64Array.of(1, 0, 1, 0), [1, 2, 2])
const other = { colour: 1 } as never

/** net = x of one number a row. */
function identity(): Uint8Array {
  const g = graphBuilder()
  const rows = g.input('x', 'float32', ['N', 2])
  const t = g.input('t', 'float32', ['N'])
  const zero = g.op('Mul', [g.op('Reshape', [t, g.int64([-1, 1])]), g.scalar('float32', 0)])
  g.output('net', g.op('Add', [rows, zero]))
  return writeModel(g.model())
}

let network: Awaited<ReturnType<typeof openDiffusion>>
beforeAll(async () => {
  network = await openDiffusion(
    { onnx: identity(), sde: { name: 'vp' }, prediction: 'epsilon', dataShape: [2] },
    { workers: 0 },
  )
})
afterAll(() => network.release())

const calls: Record<string, (options: never) => unknown> = {
  denoise: (options) => denoise(exact, x, options),
  encode: (options) => encode(exact, x, options),
  sample: (options) => sample(exact, 2, options),
  addNoise: (options) => addNoise(exact, x, 0.5, options),
  odeLogProb: (options) => odeLogProb(exact, x, options),
  'analytic score': (options) => exact.score(x, 0.5, options),
  'analytic scaledScore': (options) => exact.scaledScore(x, 0.5, options),
  'analytic jvp': (options) => exact.jvp(x, 0.5, v, options),
  'analytic divergence': (options) => exact.divergence(x, 0.5, options),
  score: (options) => network.score(x, 0.5, options),
  scaledScore: (options) => network.scaledScore(x, 0.5, options),
  jvp: (options) => network.jvp(x, 0.5, v, options),
  divergence: (options) => network.divergence(x, 0.5, options),
  'model.logProb': (options) => network.logProb(x, options),
  'model.bitsPerDim': (options) => network.bitsPerDim(x, options),
  'model.preprocess': (options) => network.preprocess(x, options),
  'model.sample': (options) => network.sample(2, options),
  'model.denoise': (options) => network.denoise(x, options),
  'model.encode': (options) => network.encode(x, options),
}

const settings: Record<string, (options: never) => unknown> = {
  timeGrid: (options) => timeGrid(vp(), options),
  gaussianScore: (options) => gaussianScore([0], [1], vp(), options),
  vp: (options) => vp(options),
  subVp: (options) => subVp(options),
  ve: (options) => ve(options),
  veExponential: (options) => veExponential(options),
  ddpm: (options) => ddpm(options),
}

describe('options', () => {
  it.each(Object.entries({ ...calls, ...settings }))('%s refuses one it does not know', async (_, call) => {
    await expect((async () => call(other))()).rejects.toMatchObject({
      code: 'E_ARGUMENT',
      message: expect.stringMatching(/: expected options .*, got colour$/),
    })
  })

  it.each(Object.entries(calls))('%s takes those of every long call', async (_, call) => {
    const common = { seed: 1, rows: [4, 7], signal: new AbortController().signal, batchSize: 2, onProgress: () => {} }
    await (async () => call(common as never))()
  })

  it.each([
    ['denoise', () => denoise(exact, x, { step: 2 } as never), 'got step (steps?)'],
    ['encode', () => encode(exact, x, { tolerence: 1 } as never), 'got tolerence (tolerance?)'],
    ['model.sample', () => network.sample(1, { sapce: 'model' } as never), 'got sapce (space?)'],
    ['model.logProb', () => network.logProb(x, { probe: 1 } as never), 'got probe (probes?)'],
  ])('%s names the option that was meant', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message)
  })
})
