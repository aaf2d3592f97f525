// Binary searches and quantiles in ascending sorted arrays.

/** How many entries of ascending `sorted` are < value. */
export function countBelow(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** How many entries of ascending `sorted` are <= value. */
export function countUpTo(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}

/** Quantile q in [0, 1] of an ascending array, linear between order statistics (NumPy's default). */
export function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1)
  const below = Math.floor(position)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  const part = position - below
  // The difference of two finite scores can be infinite, and infinity times 0 is NaN.
  return high - low < Number.POSITIVE_INFINITY ? low + (high - low) * part : low * (1 - part) + high * part
}

/** The distinct values of an ascending array, ascending. */
export function distinct(sorted: Float64Array): Float64Array {
  const out = new Float64Array(sorted.length)
  let n = 0
  for (const value of sorted) if (n === 0 || value !== out[n - 1]) out[n++] = value
  return out.slice(0, n)
}
