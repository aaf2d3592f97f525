// Volume of the unit ball in any (also fractional) dimension.

/** log V_d = (d/2) log π - log Γ(d/2 + 1); dimensions below 0 count as 0. */
export function logBallVolume(dimension: number): number {
  const d = Math.max(0, dimension)
  return (d / 2) * Math.log(Math.PI) - logGamma(d / 2 + 1)
}

/**
 * log Γ(x) for x > 0: shift up to x >= 10 by Γ(x + 1) = x Γ(x), then Stirling's series with four terms, whose first
 * neglected term 1 / (1188 x⁹) is below 1e-12 there.
 */
export function logGamma(x: number): number {
  let shift = 0
  let y = x
  while (y < 10) {
    shift += Math.log(y)
    y++
  }
  const inverse = 1 / (y * y)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / y
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift
}
