// The discretised mixture of logistics as a function of its parameters, usable without a network.
import { assertFinite, flatData, type LogProb, mismatch, type NdArray, rowCount, tensor } from '@ood/core'
import { mixtureRows } from './internal/mixture-kernel.ts'
import { assertWholeNumbers } from './internal/pixels.ts'

/** Parameters of the mixture at every pixel, for M components and C channels. */
export interface MixtureParams {
  /** Weight logits [N, M, H, W]; a component is chosen once for all channels of a pixel. */
  logits: NdArray
  /** [N, M, C, H, W] in the [-1, 1] frame, unconstrained. */
  locations: NdArray
  /** [N, M, C, H, W] in the [-1, 1] frame, positive. */
  scales: NdArray
  /** [N, M, K, H, W] with K = C (C - 1) / 2, in the order (1, 0), (2, 0), (2, 1), ...; needed when C > 1. */
  coefficients?: NdArray | undefined
}

/** What the pixels mean. */
export interface MixtureOptions {
  /** Smallest value (default 0). */
  low?: number | undefined
  /** Largest value (default 255). */
  high?: number | undefined
  /**
   * What couples the channels of a pixel: their values in [-1, 1] (`normalized`, default, as in PixelCNN++), or as they
   * are (`raw`, what the log-probability of the reference library does).
   */
  channelDependence?: 'normalized' | 'raw' | undefined
}

/** Log-probabilities with one number a pixel, channels of a pixel together. */
export interface PixelLogProb extends LogProb {
  /** [N, H, W] in nats. */
  feature: NdArray<Float64Array>
}

/**
 * Log-probability of integer pixels under a discretised mixture of logistics (Salimans et al. 2017, section 2.1).
 *
 * With half = (high - low) / 2, mu = low + half (l + 1) and sigma = half s, the integer j has the probability
 * F((j + 1/2 - mu) / sigma) - F((j - 1/2 - mu) / sigma), F the logistic function; the outermost bins take the tails, so
 * the values low..high sum to 1. A pixel has log sum_m softmax(logits)_m prod_c P_mc. Channel i's location is first
 * moved by sum over j < i of coefficient_ij times channel j.
 *
 * Float64 throughout: absolute error about 1e-14 relative to the log-probability, for any scale and location. Cost:
 * about 3 exponentials a component and channel, one logarithm a pixel; memory for the result only.
 *
 * @param x - whole pixels in [low, high], [N, C, H, W]
 * @returns `feature` [N, H, W] and its sums `instance` [N], in nats
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`, `E_ARGUMENT` naming the argument, and the row for pixels
 * @example
 * const params = { logits: tensor(zeros, [1, 1, 1, 1]), locations: tensor(zeros, [1, 1, 1, 1, 1]), scales: ... }
 * const { instance } = mixtureLogProb(tensor(Float64Array.of(127), [1, 1, 1, 1]), params)
 */
export function mixtureLogProb(x: NdArray, params: MixtureParams, options: MixtureOptions = {}): PixelLogProb {
  const { low = 0, high = 255, channelDependence = 'normalized' } = options
  const what = 'mixtureLogProb'
  if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && low < high))
    throw mismatch('E_ARGUMENT', `${what} low, high`, 'integers with low < high', [low, high])
  if (channelDependence !== 'normalized' && channelDependence !== 'raw')
    throw mismatch('E_ARGUMENT', `${what} channelDependence`, 'normalized or raw', channelDependence)
  if (x.shape.length !== 4) throw mismatch('E_SHAPE', what, 'shape [N, C, H, W]', x.shape)
  const [n, channels, h, w] = x.shape as [number, number, number, number]
  const components = params.logits.shape[1] ?? 0
  if (components < 1 || channels < 1) throw mismatch('E_SHAPE', what, 'a component and a channel', params.logits.shape)
  const planes: (readonly [keyof MixtureParams, number[]])[] = [
    ['logits', [n, components, h, w]],
    ['locations', [n, components, channels, h, w]],
    ['scales', [n, components, channels, h, w]],
  ]
  if (channels > 1) planes.push(['coefficients', [n, components, (channels * (channels - 1)) / 2, h, w]])
  for (const [name, shape] of planes) {
    const value = params[name]
    if (value?.shape.join() !== shape.join())
      throw mismatch('E_SHAPE', `${what} ${name}`, `shape [${shape.join(', ')}]`, value?.shape)
    assertFinite(`${what} ${name}`, value)
  }
  const scales = flatData(params.scales)
  const bad = scales.findIndex((scale) => !(scale > 0))
  if (bad >= 0) throw mismatch('E_ARGUMENT', `${what} scales`, 'numbers > 0', scales[bad])
  assertWholeNumbers(what, x, low, high)
  const sizes = { components, channels, pixels: h * w, low, high, channelDependence }
  const flat = {
    logits: flatData(params.logits),
    locations: flatData(params.locations),
    scales,
    coefficients: channels > 1 ? flatData(params.coefficients!) : undefined,
  }
  const out = new Float64Array(n * h * w)
  mixtureRows(flat, flatData(x), rowCount(x), sizes, out, 0)
  return summed(out, [n, h, w])
}

/** Pixels' log-probabilities with their sums. */
export function summed(pixels: Float64Array, shape: readonly [number, number, number]): PixelLogProb {
  const size = shape[1] * shape[2]
  const instance = new Float64Array(shape[0])
  for (let row = 0; row < shape[0]; row++) {
    let sum = 0
    for (let i = row * size; i < (row + 1) * size; i++) sum += pixels[i]!
    instance[row] = sum
  }
  return { instance, feature: tensor(pixels, shape) }
}
