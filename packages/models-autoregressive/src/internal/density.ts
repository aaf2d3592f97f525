// From whole images to log-probabilities and mixture parameters.
import { assertFiniteRows, assertOptions, assertRows, CALL_OPTIONS, type NdArray, tensor } from '@ood/core'
import type { Engine } from '@ood/runtime'
import { type MixtureParams, type PixelLogProb, summed } from '../mixture.ts'
import type { PixelCnn, PixelCnnCallOptions } from '../pixel-cnn.ts'
import { type Paired, pair } from './condition.ts'
import type { PixelCnnFacts } from './facts.ts'
import type { Kernels } from './kernels.ts'
import { assertWholeNumbers } from './pixels.ts'

/** What the density side of a PixelCNN++ is built from. */
export interface DensityParts {
  engine: Engine<Kernels>
  facts: PixelCnnFacts
}

/** Builds `logProb`, `bitsPerDim` and `params`. */
export function createDensity(parts: DensityParts): Pick<PixelCnn, 'logProb' | 'bitsPerDim' | 'params'> {
  const { engine, facts } = parts
  const { dataShape, mixture, conditionShape } = facts
  const [channels, height, width] = dataShape
  const pixels = height * width

  /** Images checked once, as a whole, so that an error names the caller's row and not a batch's. */
  function checked(what: string, x: NdArray, options: PixelCnnCallOptions | undefined): Paired {
    assertOptions(what, options, [...CALL_OPTIONS, 'condition'])
    assertRows(what, x, dataShape)
    assertWholeNumbers(what, x, mixture.low, mixture.high)
    return pair(what, x, options?.condition, conditionShape)
  }

  async function logProb(x: NdArray, options?: PixelCnnCallOptions): Promise<PixelLogProb> {
    const paired = checked('logProb', x, options)
    const { total } = paired
    const out = new Float64Array(total * pixels)
    await engine.sweep('logProb', total, options, async (from, to) => {
      const got = await engine.call('logProb', [paired.rows(from, to)], options?.signal)
      assertFiniteRows('logProb', got, to - from, from)
      out.set(got, from * pixels)
    })
    return summed(out, [total, height, width])
  }

  async function bitsPerDim(x: NdArray, options?: PixelCnnCallOptions): Promise<Float64Array> {
    const { instance } = await logProb(x, options)
    return instance.map((nats) => -nats / (channels * pixels * Math.LN2))
  }

  async function params(x: NdArray, options?: PixelCnnCallOptions): Promise<MixtureParams> {
    const paired = checked('params', x, options)
    const { total } = paired
    const { components: m, low, high } = mixture
    const shapes: Record<string, readonly number[]> = {
      logits: [m],
      locations: [m, channels],
      scales: [m, channels],
      ...(channels > 1 ? { coefficients: [m, (channels * (channels - 1)) / 2] } : {}),
    }
    const out: Record<string, NdArray<Float32Array>> = {}
    for (const [name, sizes] of Object.entries(shapes)) {
      const size = total * sizes.reduce((product, n) => product * n, pixels)
      out[name] = tensor(new Float32Array(size), [total, ...sizes, height, width])
    }
    await engine.sweep('params', total, options, async (from, to) => {
      const given = paired.rows(from, to)
      given.x = given.x.map((v) => (2 * (v - low)) / (high - low) - 1)
      const planes = await engine.call('params', [given], options?.signal)
      for (const [name, plane] of Object.entries(planes)) {
        assertFiniteRows(`params ${name}`, plane, to - from, from)
        out[name]!.data.set(plane, (out[name]!.data.length / total) * from)
      }
    })
    return out as unknown as MixtureParams
  }

  return { logProb, bitsPerDim, params }
}
