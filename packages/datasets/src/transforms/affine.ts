// Transforms that scale and shift: bytes to [0, 1], to [-1, 1], to any range, or to zero mean and unit variance.
import { mismatch } from '@ood/core'
import { elementwise, type Rows, type Step } from '../internal/step.ts'

/** y = x / (levels - 1); the inverse rounds to whole pixels. */
export function unit(levels: number): Step {
  const top = levels - 1
  return elementwise(
    { name: 'unit', levels },
    (x) => x / top,
    (y, quantize) => (quantize ? Math.min(top, Math.max(0, Math.round(top * y))) : top * y),
    -Math.log(top),
  )
}

/** y = low + (high - low) x / levels: with [0, 1] the division by 256, with [-1, 1] the diffusions' 2 x / 256 - 1. */
export function scale(levels: number, range: readonly [number, number]): Step {
  const [low, high] = range
  const slope = (high - low) / levels
  return elementwise(
    { name: 'scale', levels, range },
    (x) => low + slope * x,
    (y) => (y - low) / slope,
    Math.log(Math.abs(slope)),
  )
}

/** y = (x - 0.5) / 0.5; the inverse (y + 1) / 2 is clamped to [0, 1] when whole pixels are wanted. */
export function zeroCenter(): Step {
  return elementwise(
    { name: 'zero-center' },
    (x) => (x - 0.5) / 0.5,
    (y, quantize) => (quantize ? Math.min(1, Math.max(0, (y + 1) / 2)) : (y + 1) / 2),
    Math.LN2,
  )
}

/** y = (x - mean) / std for each channel; ln |det| = -(H W) sum ln std. */
export function standardize(mean: number | readonly number[], std: number | readonly number[]): Step {
  const means = typeof mean === 'number' ? [mean] : mean
  const stds = typeof std === 'number' ? [std] : std
  const spread = (rows: Rows, values: readonly number[]): Float64Array => {
    const channels = rows.shape[0] ?? 1
    if (values.length !== 1 && values.length !== channels) {
      throw mismatch('E_SHAPE', 'standardize', `1 or ${channels} numbers (one a channel)`, values.length)
    }
    const plane = rows.size / channels
    return Float64Array.from({ length: rows.size }, (_, i) => values[values.length === 1 ? 0 : Math.floor(i / plane)]!)
  }
  return {
    spec: { name: 'standardize', mean, std },
    noisy: false,
    forward(rows, _noise, logDet) {
      const m = spread(rows, means)
      const s = spread(rows, stds)
      let each = 0
      for (const value of s) each -= Math.log(value)
      for (let i = 0; i < rows.data.length; i++) rows.data[i] = (rows.data[i]! - m[i % rows.size]!) / s[i % rows.size]!
      for (let row = 0; row < rows.count; row++) logDet[row]! += each
    },
    inverse(rows) {
      const m = spread(rows, means)
      const s = spread(rows, stds)
      for (let i = 0; i < rows.data.length; i++) rows.data[i] = rows.data[i]! * s[i % rows.size]! + m[i % rows.size]!
    },
  }
}
