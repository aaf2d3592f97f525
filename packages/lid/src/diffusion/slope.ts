// Straight lines through log-densities over log noise.
import { mean } from '@ood/core'

/** Slope of the least-squares line of y over x; NaN for fewer than two distinct x. */
export function olsSlope(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return slopeWeights(x).reduce((sum, weight, i) => sum + weight * y[i]!, 0)
}

/** w with slope = Σ w_i y_i: (x_i - mean) / Σ (x - mean)². */
export function slopeWeights(x: ArrayLike<number>): Float64Array {
  const centre = mean(x)
  let squares = 0
  for (let i = 0; i < x.length; i++) squares += (x[i]! - centre) ** 2
  // No spread gives 0 / 0 = NaN, which is what such a slope is.
  return Float64Array.from(x, (value) => (value - centre) / squares)
}
