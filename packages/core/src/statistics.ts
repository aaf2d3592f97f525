// Means, spreads and order statistics of plain numbers: the only implementation in the packages that import this one.

/**
 * Arithmetic mean; NaN for an empty list. It is taken about the first value, so that the mean of equal values is that
 * value to the last bit, and their spread 0.
 */
export function mean(values: ArrayLike<number>): number {
  const from = origin(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! - from
  return from + sum / values.length
}

/** Unbiased variance (n - 1 in the denominator); 0 for fewer than two values. A large constant part costs no digits. */
export function variance(values: ArrayLike<number>): number {
  const n = values.length
  if (n < 2) return 0
  const from = origin(values)
  let sum = 0
  for (let i = 0; i < n; i++) sum += values[i]! - from
  const centre = sum / n
  let squares = 0
  for (let i = 0; i < n; i++) squares += (values[i]! - from - centre) ** 2
  return squares / (n - 1)
}

/** Square root of the unbiased variance; 0 for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(variance(values))
}

/** Ascending copy; -Infinity first, +Infinity and NaN last. */
export function ascending(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort()
}

/** Middle value, or the mean of the middle two; NaN for an empty list. O(n log n). */
export function median(values: ArrayLike<number>): number {
  const sorted = ascending(values)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/**
 * Quantile q in [0, 1] of ascending values with linear interpolation at position (n - 1) q (Hyndman and Fan's type 7,
 * NumPy's default), in NumPy's order of operations (from the nearer end), so results are equal to the last bit. Infinite
 * values are ordinary ones.
 *
 * @param sorted - ascending, at least one
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const position = (sorted.length - 1) * q
  const below = Math.floor(position)
  const share = position - below
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  // Without these two lines infinite neighbours would give Infinity * 0 or Infinity - Infinity, which are NaN.
  if (share === 0 || low === high) return low
  if (!(Number.isFinite(low) && Number.isFinite(high))) return Number.isFinite(low) ? high : low
  const step = high - low
  return share < 0.5 ? low + step * share : high - step * (1 - share)
}

/**
 * log Γ(x) for x > 0: shift up to x >= 15 by Γ(x + 1) = x Γ(x), then Stirling's series with four terms, whose first
 * neglected term 1 / (1188 x⁹) is below 3e-14 there (DLMF 5.11.1).
 *
 * @param from - another place to shift to
 */
export function logGamma(x: number, from = 15): number {
  let shift = 0
  let y = x
  while (y < from) {
    shift += Math.log(y)
    y++
  }
  const inverse = 1 / (y * y)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / y
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift
}

/** Where sums begin: the first value, if it is finite. */
function origin(values: ArrayLike<number>): number {
  const first = values[0] ?? Number.NaN
  return Number.isFinite(first) ? first : 0
}
