// Special functions in double precision: ln Γ for volumes of balls, erfc for masses of boxes.

/** Coefficients B_2k / (2k (2k - 1)) of Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156]

/** ln Γ(x) for x > 0: Stirling's series from 15 on, below it by the recurrence. Relative error about 1e-15. */
export function lnGamma(x: number): number {
  let shift = 1
  let at = x
  while (at < 15) {
    shift *= at
    at += 1
  }
  let sum = 0
  for (let k = STIRLING.length - 1; k >= 0; k--) sum = (sum + STIRLING[k]!) / (k === 0 ? at : at * at)
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + sum - Math.log(shift)
}

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
