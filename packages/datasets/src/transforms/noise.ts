// Dequantisation and other additive noise.
import { mismatch } from '@ood/core'
import { additiveNoise, type Step } from '../internal/step.ts'

/** Clamps to 0..levels-1. */
function pixel(k: number, levels: number): number {
  return Math.min(levels - 1, Math.max(0, k))
}

function checkedPixel(x: number, top: number, name: string): number {
  if (!(x >= 0 && x <= top)) throw mismatch('E_ARGUMENT', name, `pixels in 0..${top}`, x)
  return x
}

/**
 * y = (k + u) / levels. ln |dy/dk| = -ln levels a dimension, so that log p(y) + logDet is the density per pixel unit,
 * whose integral over a unit cell bounds the probability of the whole pixel: bits/dim need no further constant.
 * With `input: 'unit'` the slope is (levels - 1) / levels, D ln(255/256) in all.
 */
export function dequantize(levels: number, input: 'bytes' | 'unit'): Step {
  const top = input === 'unit' ? levels - 1 : 1
  const largest = input === 'unit' ? 1 : levels - 1
  return additiveNoise(
    { name: 'dequantize', levels, input },
    (rng) => rng.uniform(),
    (x, u) => (top * checkedPixel(x, largest, 'dequantize') + u) / levels,
    (y, quantize) => (quantize ? pixel(Math.floor(levels * y), levels) : levels * y) / top,
    Math.log(top / levels),
  )
}

/** y = k + u; the inverse floors. */
export function uniformNoise(levels: number): Step {
  return additiveNoise(
    { name: 'uniform-noise', levels },
    (rng) => rng.uniform(),
    (x, u) => checkedPixel(x, levels - 1, 'uniform-noise') + u,
    (y, quantize) => (quantize ? pixel(Math.floor(y), levels) : y),
    0,
  )
}

/** y = x + std e; the inverse leaves the noise in, for nothing can tell it from the data. */
export function gaussianNoise(std: number): Step {
  return additiveNoise(
    { name: 'gaussian-noise', std },
    (rng) => rng.normal(),
    (x, e) => x + std * e,
    (y) => y,
    0,
  )
}
