// From latents back to data: decoding and sampling.
import { assertOptions, CALL_OPTIONS, mismatch, type NdArray, random, rowCount, tensor } from '@ood/core'
import type { Transform } from '@ood/datasets'
import type { DecodeOptions, Flow, FlowDecoder, SampleOptions } from '../flow.ts'
import type { FlowShape } from './shape.ts'

/** What the sampling side of a flow is built from. */
export interface SamplerParts {
  shape: FlowShape
  transform: Transform
  decoder: FlowDecoder
}

/** Builds `decode` and `sample`. */
export function createSampler({ shape, transform, decoder }: SamplerParts): Pick<Flow, 'decode' | 'sample'> {
  const { dimension: d, dataShape } = shape

  async function decode(z: NdArray, options?: DecodeOptions): Promise<NdArray> {
    assertOptions('decode', options, [...CALL_OPTIONS, 'space', 'temperature'])
    const space = options?.space ?? 'pixel'
    if (space !== 'pixel' && space !== 'model') throw mismatch('E_ARGUMENT', 'decode space', 'pixel or model', space)
    const v = await decoder.evaluate(z, options)
    if (space === 'model') return v
    return tensor(transform.inverse(v).data, [rowCount(z), ...dataShape])
  }

  async function sample(n: number, options: SampleOptions = {}): Promise<NdArray> {
    assertOptions('sample', options, [...CALL_OPTIONS, 'space', 'temperature'])
    const { seed = 0, temperature = 1 } = options
    if (!(Number.isInteger(n) && n >= 0)) throw mismatch('E_ARGUMENT', 'sample', '0 or a positive integer', n)
    if (!(Number.isFinite(temperature) && temperature >= 0))
      throw mismatch('E_ARGUMENT', 'sample temperature', 'a number >= 0', temperature)
    const rng = random(seed).fork('flow sample')
    const z = new Float32Array(n * d)
    for (let row = 0; row < n; row++) {
      const own = rng.fork(row)
      for (let i = row * d; i < (row + 1) * d; i++) z[i] = temperature * own.normal()
    }
    return decode(tensor(z, [n, d]), options)
  }

  return { decode, sample }
}
