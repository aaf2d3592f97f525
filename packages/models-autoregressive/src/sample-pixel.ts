// One pixel drawn from its mixture, with the randomness passed in.
import { mismatch } from '@ood/core'
import type { MixtureOptions } from './mixture.ts'

/** The mixture of one pixel: M components, C channels, component-major. */
export interface PixelMixture {
  /** [M]. */
  logits: ArrayLike<number>
  /** [M, C] in the [-1, 1] frame. */
  locations: ArrayLike<number>
  /** [M, C], positive. */
  scales: ArrayLike<number>
  /** [M, C (C - 1) / 2], needed when C > 1. */
  coefficients?: ArrayLike<number> | undefined
}

/** Random numbers of one pixel. */
export interface PixelDraw {
  /** Which component; `drawComponent` picks one. */
  component: number
  /** One number in [0, 1) a channel. */
  uniforms: ArrayLike<number>
}

/** A drawn pixel. */
export interface DrawnPixel {
  /** Channels in [-1, 1], not rounded: what goes back into the network. */
  frame: Float64Array
  /** The same as whole values in [low, high], halves to even. */
  value: Float64Array
}

/**
 * Draws the channels of a pixel from one component: channel i is logistic(l_i + sum over j < i of coefficient_ij c_j, s_i)
 * by its inverse, l + s ln(u / (1 - u)), clipped to [-1, 1], where c_j are the channels already drawn (Salimans et al.
 * 2017, section 2.2).
 *
 * @param options - `channelDependence` says whether c_j is in [-1, 1] (`normalized`) or in [low, high] (`raw`)
 * @throws OodError `E_SHAPE`, `E_ARGUMENT`
 * @example
 * samplePixel({ logits: [0], locations: [0.5], scales: [0.1] }, { component: 0, uniforms: [0.5] }).frame // [0.5]
 */
export function samplePixel(mixture: PixelMixture, draw: PixelDraw, options: MixtureOptions = {}): DrawnPixel {
  const { low = 0, high = 255, channelDependence = 'normalized' } = options
  const { logits, locations, scales, coefficients } = mixture
  const { component, uniforms } = draw
  const m = logits.length
  const channels = uniforms.length
  const couplings = (channels * (channels - 1)) / 2
  const sizes = [locations.length, scales.length, coefficients?.length ?? 0]
  if (sizes.join() !== [m * channels, m * channels, m * couplings].join())
    throw mismatch('E_SHAPE', 'samplePixel mixture', `${m} components of ${channels} channels`, sizes)
  if (!(Number.isInteger(component) && component >= 0 && component < m))
    throw mismatch('E_ARGUMENT', 'samplePixel component', `a component 0..${m - 1}`, component)
  const half = (high - low) / 2
  const frame = new Float64Array(channels)
  const value = new Float64Array(channels)
  let k = component * couplings
  for (let c = 0; c < channels; c++) {
    const u = uniforms[c]!
    if (!(u >= 0 && u < 1)) throw mismatch('E_ARGUMENT', 'samplePixel uniforms', 'numbers in [0, 1)', u)
    const i = component * channels + c
    let location = locations[i]!
    for (let j = 0; j < c; j++, k++) {
      const seen = channelDependence === 'raw' ? low + half * (frame[j]! + 1) : frame[j]!
      location += coefficients![k]! * seen
    }
    frame[c] = Math.min(1, Math.max(-1, location + scales[i]! * Math.log(u / (1 - u))))
    value[c] = roundHalfEven(low + half * (frame[c]! + 1))
  }
  return { frame, value }
}

/** The component whose share of softmax(logits) holds `u` in [0, 1). */
export function drawComponent(logits: ArrayLike<number>, u: number): number {
  let top = Number.NEGATIVE_INFINITY
  for (let m = 0; m < logits.length; m++) top = Math.max(top, logits[m]!)
  let total = 0
  for (let m = 0; m < logits.length; m++) total += Math.exp(logits[m]! - top)
  let rest = u * total
  for (let m = 0; m < logits.length - 1; m++) {
    rest -= Math.exp(logits[m]! - top)
    if (rest < 0) return m
  }
  return logits.length - 1
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x)
  const part = x - below
  if (part !== 0.5) return part < 0.5 ? below : below + 1
  return below % 2 === 0 ? below : below + 1
}
