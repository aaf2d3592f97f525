// Ancestral sampling: one evaluation of the network a pixel, in raster order.
import {
  assertFiniteRows,
  assertOptions,
  CALL_OPTIONS,
  mismatch,
  type NdArray,
  type Random,
  random,
  tensor,
} from '@ood/core'
import type { PixelCnn, PixelCnnSampleOptions } from '../pixel-cnn.ts'
import { drawComponent, samplePixel } from '../sample-pixel.ts'
import { conditions } from './condition.ts'
import type { DensityParts } from './density.ts'
import type { Rows } from './kernels.ts'
import type { MixturePlanes } from './mixture-kernel.ts'

/** Builds `sample`. */
export function createSampler({ engine, facts }: DensityParts): Pick<PixelCnn, 'sample'> {
  const { dataShape, mixture, conditionShape } = facts
  const [channels, height, width] = dataShape
  const { components, low, high } = mixture
  const pixels = height * width
  const d = channels * pixels
  const couplings = (channels * (channels - 1)) / 2

  /** The conditions of rows `from`..`to` of n: the given ones in turn. */
  function tiled(n: number, condition: NdArray | undefined): (from: number, to: number) => Pick<Rows, 'condition'> {
    if (!conditionShape) {
      if (condition)
        throw mismatch('E_ARGUMENT', 'sample condition', 'none, the model has no such input', condition.shape)
      return () => ({})
    }
    const { given, k, e } = conditions('sample', condition, conditionShape)
    if (k === 0 || n % k !== 0) throw mismatch('E_ARGUMENT', 'sample', `a multiple of the ${k} conditions`, n)
    return (from, to) => {
      const rows = new Float32Array((to - from) * e)
      for (let row = from; row < to; row++)
        rows.set(given.subarray((row % k) * e, ((row % k) + 1) * e), (row - from) * e)
      return { condition: rows }
    }
  }

  async function sample(n: number, options: PixelCnnSampleOptions = {}): Promise<NdArray> {
    assertOptions('sample', options, [...CALL_OPTIONS, 'condition', 'start', 'channelDependence'])
    const { seed = 0, start = 'guess', channelDependence = mixture.channelDependence, signal } = options
    if (!(Number.isInteger(n) && n >= 0)) throw mismatch('E_ARGUMENT', 'sample', '0 or a positive integer', n)
    if (start !== 'guess' && start !== 'noise') throw mismatch('E_ARGUMENT', 'sample start', 'guess or noise', start)
    if (channelDependence !== 'normalized' && channelDependence !== 'raw')
      throw mismatch('E_ARGUMENT', 'sample channelDependence', 'normalized or raw', channelDependence)
    const conditionsOf = tiled(n, options.condition)
    const rng = random(seed).fork('pixelcnn sample')
    const out = new Float32Array(n * d)
    const uniforms = new Float64Array(channels)
    let done = 0

    /** Draws the pixel `p` of row `i` of `planes` (one pixel a row, or all of them) into the canvas. */
    function draw(
      planes: MixturePlanes,
      i: number,
      size: number,
      p: number,
      stream: Random,
      canvas: Float32Array,
    ): Float64Array {
      const offset = size === 1 ? 0 : p
      const own = (plane: ArrayLike<number>, count: number): Float64Array =>
        Float64Array.from({ length: count }, (_, j) => plane[(i * count + j) * size + offset]!)
      const given = {
        logits: own(planes.logits, components),
        locations: own(planes.locations, components * channels),
        scales: own(planes.scales, components * channels),
        coefficients: planes.coefficients && own(planes.coefficients, components * couplings),
      }
      const component = drawComponent(given.logits, stream.uniform())
      for (let c = 0; c < channels; c++) uniforms[c] = stream.uniform()
      const { frame, value } = samplePixel(given, { component, uniforms }, { low, high, channelDependence })
      for (let c = 0; c < channels; c++) canvas[i * d + c * pixels + p] = frame[c]!
      return value
    }

    async function block(from: number, to: number): Promise<void> {
      const rows = to - from
      const streams = Array.from({ length: rows }, (_, i) => rng.fork(from + i))
      const canvas = new Float32Array(rows * d)
      streams.forEach((stream, i) => {
        const noise = stream.fork('noise')
        for (let j = 0; j < d; j++) canvas[i * d + j] = 2 * noise.uniform() - 1
      })
      const beside = conditionsOf(from, to)
      const given = (): Rows => ({ x: canvas, rows, ...beside })
      if (start === 'guess') {
        const planes = await engine.call('params', [given()], signal)
        check(planes, rows, from)
        for (let p = 0; p < pixels; p++)
          streams.forEach((stream, i) => {
            draw(planes, i, pixels, p, stream.fork(`guess ${p}`), canvas)
          })
      }
      for (let p = 0; p < pixels; p++) {
        const planes = await engine.call('paramsAt', [given(), p], signal)
        check(planes, rows, from)
        streams.forEach((stream, i) => {
          const value = draw(planes, i, 1, p, stream.fork(`pixel ${p}`), canvas)
          for (let c = 0; c < channels; c++) out[(from + i) * d + c * pixels + p] = value[c]!
        })
        done += rows
        options.onProgress?.({ done, total: n * pixels, label: 'sample' })
      }
    }

    await engine.sweep('sample', n, { signal, batchSize: options.batchSize }, block)
    return tensor(out, [n, ...dataShape])
  }

  return { sample }
}

function check(planes: MixturePlanes, rows: number, from: number): void {
  for (const [name, plane] of Object.entries(planes)) assertFiniteRows(`sample ${name}`, plane, rows, from)
}
