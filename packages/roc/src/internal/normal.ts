// Tail probability of the standard normal and its inverse, for confidence intervals and p-values.

/**
 * P(Z >= z). Taylor series of the central part for |z| < 3, Laplace's continued fraction beyond; relative error below
 * 1e-12 wherever the result is a normal float64.
 */
export function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z)
  if (z < 3) {
    // Phi(z) - 1/2 = density(z) (z + z^3/3 + z^5/(3*5) + ...)
    let term = z
    let sum = z
    for (let k = 3; term > sum * 1e-17; k += 2) {
      term *= (z * z) / k
      sum += term
    }
    return 0.5 - density(z) * sum
  }
  if (z === Number.POSITIVE_INFINITY) return 0
  // density(z) / (z + 1/(z + 2/(z + 3/ ...))); 100 levels are exact to rounding at z = 3 and more so beyond.
  let fraction = z
  for (let k = 100; k >= 1; k--) fraction = z + k / fraction
  return density(z) / fraction
}

/**
 * The z >= 0 with P(Z >= z) = tail, for 0 < tail <= 1/2. Newton from 0: the tail is convex and decreasing there, so the
 * steps approach the root from the left and never overshoot.
 */
export function upperQuantile(tail: number): number {
  let z = 0
  for (let i = 0; i < 1000; i++) {
    const next = z + (upperTail(z) - tail) / density(z)
    if (!(next > z)) break
    z = next
  }
  return z
}

function density(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
}
