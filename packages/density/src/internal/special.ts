// Special functions in double precision: erfc, and with it masses of boxes.

/** erfc(x) for x >= 0: Maclaurin's series of erf below 2, Laplace's continued fraction above. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x)
  if (x < 2) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
      if (n > 100) break
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum
  }
  // erfc(x) = exp(-x²) / (x √π) · 1 / (1 + v / (1 + 2v / (1 + 3v / ...))), v = 1 / 2x², from the far end.
  const v = 1 / (2 * x * x)
  let fraction = 1
  for (let n = 60; n >= 1; n--) fraction = 1 + (n * v) / fraction
  return Math.exp(-x * x) / (x * Math.sqrt(Math.PI) * fraction)
}

/** Mass of [z - r, z + r] under N(0, 1), without cancellation in the tails. */
export function normalMass(z: number, r: number): number {
  const a = Math.abs(z)
  return 0.5 * (erfc((a - r) / Math.SQRT2) - erfc((a + r) / Math.SQRT2))
}
