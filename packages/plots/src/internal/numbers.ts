// Small statistics of plotted numbers: quantiles, axis ranges, evenly spaced bins.

/** The q-quantile of ascending numbers by linear interpolation (Hyndman and Fan's type 7, NumPy's default). */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1)
  const low = Math.floor(at)
  const a = sorted[low]!
  const b = sorted[Math.min(low + 1, sorted.length - 1)]!
  return a + (b - a) * (at - low)
}

/** An ascending copy. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort()
}

// Tukey's fences at 4 instead of his 1.5 quartile ranges: 5.4 standard deviations of a normal law past the quartile.
const FENCE = 4

/**
 * The range of an axis that shows every series: all values, unless a few far outliers would squeeze the rest into less
 * than half of it; then only the values of each series within its fences.
 */
export function axisRange(series: readonly ArrayLike<number>[]): [number, number] {
  const ascending = series.map(sorted)
  const low = Math.min(...ascending.map((values) => values[0]!))
  const high = Math.max(...ascending.map((values) => values[values.length - 1]!))
  if (low === high) return [low - 0.5, high + 0.5]
  const fenced = ascending.map((values) => {
    const [q1, q3] = [quantile(values, 0.25), quantile(values, 0.75)]
    return values.filter((value) => value >= q1 - FENCE * (q3 - q1) && value <= q3 + FENCE * (q3 - q1))
  })
  const innerLow = Math.min(...fenced.map((values) => values[0]!))
  const innerHigh = Math.max(...fenced.map((values) => values[values.length - 1]!))
  const far = innerHigh > innerLow && high - low > 2 * (innerHigh - innerLow)
  return far ? [innerLow, innerHigh] : [low, high]
}

/** How many values of all series lie outside `range`. */
export function countOutside(series: readonly ArrayLike<number>[], [low, high]: readonly [number, number]): number {
  let count = 0
  for (const values of series)
    for (let i = 0; i < values.length; i++) if (values[i]! < low || values[i]! > high) count += 1
  return count
}

/** Share of `values` in each of `bins` equal bins of `range`; values outside go to the first or last bin. */
export function histogram(values: ArrayLike<number>, [low, high]: readonly [number, number], bins: number): number[] {
  const shares = new Array<number>(bins).fill(0)
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor(((values[i]! - low) / (high - low)) * bins)
    shares[Math.max(0, Math.min(bins - 1, bin))]! += 1 / values.length
  }
  return shares
}
