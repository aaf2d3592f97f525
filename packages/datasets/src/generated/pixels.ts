// Pixel operations behind the generated OOD sets, on one image [C, H, W] of bytes.
import type { Random } from '@ood/core'

/** One image: `data` [C, H, W], row-major. */
export interface Picture {
  data: Float32Array
  channels: number
  height: number
  width: number
}

/** The picture with every pixel read from another place of the same channel. */
export function moved(
  { data, channels, height, width }: Picture,
  from: (y: number, x: number) => number,
): Float32Array {
  const out = new Float32Array(data.length)
  const size = height * width
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) out[c * size + y * width + x] = data[c * size + from(y, x)]!
  return out
}

/** A whole number in 0..255. */
export function byte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)))
}

/** A random order of 0..n-1. */
export function shuffled(n: number, rng: Random): number[] {
  const order = Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = rng.integer(i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}

/** Gaussian blur of standard deviation `sigma` pixels, edges repeated, rounded once at the end. */
export function blurred({ data, channels, height, width }: Picture, sigma: number): Float32Array {
  const reach = Math.ceil(3 * sigma)
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const clamp = (i: number, n: number): number => Math.max(0, Math.min(n - 1, i))
  const pass = (source: Float64Array, along: 'y' | 'x'): Float64Array =>
    source.map((_, at) => {
      const x = at % width
      const y = Math.floor(at / width) % height
      const start = at - (at % (height * width))
      let sum = 0
      for (let i = -reach; i <= reach; i++) {
        const place = along === 'y' ? clamp(y + i, height) * width + x : y * width + clamp(x + i, width)
        sum += weights[i + reach]! * source[start + place]!
      }
      return sum / total
    })
  if (data.length !== channels * height * width) return data.slice()
  return Float32Array.from(pass(pass(Float64Array.from(data), 'y'), 'x'), byte)
}
