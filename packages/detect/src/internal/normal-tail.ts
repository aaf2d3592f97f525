// The logarithm of the upper tail of the normal distribution, however far out.

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI)

/**
 * log P(Z > z) of a standard normal Z. By the series of P(0 < Z < z) up to 2.5, beyond by Laplace's continued fraction
 * (Abramowitz and Stegun 26.2.11 and 26.2.14). Relative error below 1e-12 in log P for z > 0, absolute below that
 * elsewhere; -z²/2 far out, so it goes on ordering what a probability would round to 0.
 */
export function logNormalTail(z: number): number {
  if (z === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY
  if (z < 0) return Math.log1p(-Math.exp(logNormalTail(-z)))
  const logDensity = -0.5 * z * z - HALF_LOG_TWO_PI
  if (z <= 2.5) {
    let term = z
    let sum = z
    for (let k = 3; Math.abs(term) > 1e-17 * sum; k += 2) {
      term *= (z * z) / k
      sum += term
    }
    return Math.log(0.5 - Math.exp(logDensity) * sum)
  }
  let fraction = z
  for (let k = 160; k >= 1; k--) fraction = z + k / fraction
  return logDensity - Math.log(fraction)
}
