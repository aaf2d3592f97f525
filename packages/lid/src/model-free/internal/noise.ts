// The logarithm of a distance known only up to Gaussian noise.

/** Half the width of the integrals in standard deviations: what lies beyond weighs below 1e-18. */
const WIDTH = 9

/**
 * E[log X] of X ~ N(r, σ²) given X > 0; absolute error below 1e-12.
 *
 * With r > 9 σ the integrand is smooth, where the trapezoidal rule under a Gaussian converges faster than any power.
 * Else the pole of the logarithm at 0 is inside; the doubly exponential rule takes it in its stride.
 */
export function expectedLog(r: number, sigma: number): number {
  if (sigma === 0) return Math.log(r)
  return r > WIDTH * sigma ? Math.log(r) + smooth(sigma / r) : Math.log(sigma) + withPole(r / sigma)
}

/** E[log(1 + ε Z)]. */
function smooth(epsilon: number): number {
  let sum = 0
  let total = 0
  for (let i = -8 * WIDTH; i < 8 * WIDTH; i++) {
    const z = (i + 0.5) / 8
    const weight = Math.exp(-0.5 * z * z)
    sum += weight * Math.log1p(epsilon * z)
    total += weight
  }
  return sum / total
}

/** E[log(m + Z) | m + Z > 0] for m <= 9. */
function withPole(m: number): number {
  const width = m + WIDTH
  let sum = 0
  let total = 0
  for (let i = -160; i <= 160; i++) {
    const s = Math.PI * Math.sinh(i / 40)
    // x is measured from the pole, so that it keeps all its digits there.
    const share = 1 / (1 + Math.exp(-s))
    const x = width * share
    const weight = Math.cosh(i / 40) * share * (1 / (1 + Math.exp(s))) * Math.exp(-0.5 * (x - m) * (x - m))
    if (weight === 0) continue
    sum += weight * Math.log(x)
    total += weight
  }
  return sum / total
}
