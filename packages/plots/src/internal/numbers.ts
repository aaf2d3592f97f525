// Small statistics of plotted numbers: quantiles, axis ranges, evenly spaced bins.
import { ascending, quantile } from '@ood/core'

// Tukey's fences at 4 instead of his 1.5 quartile ranges: 5.4 standard deviations of a normal law past the quartile.
const FENCE = 4
// How many times wider than the usual series one may be, and how far beyond the usual series the axis may reach.
const WIDE = 4

/**
 * The range of an axis that shows every series and lets none hide the others: all values, unless
 * - far outliers would squeeze the rest into less than half of it: then the values of each series within its fences;
 * - a series is more than four times as wide as the median one: then four median widths beyond the other series.
 */
export function axisRange(series: readonly ArrayLike<number>[]): [number, number] {
  const ordered = series.map(ascending)
  const whole = union(ordered.map(ends))
  if (whole[0] === whole[1]) return [whole[0] - 0.5, whole[1] + 0.5]
  const fenced = ordered.map((values) => {
    const [q1, q3] = [quantile(values, 0.25), quantile(values, 0.75)]
    const reach = FENCE * (q3 - q1)
    return ends(values.filter((value) => value >= q1 - reach && value <= q3 + reach))
  })
  const inner = union(fenced)
  const far = inner[1] > inner[0] && whole[1] - whole[0] > 2 * (inner[1] - inner[0])
  const [low, high] = far ? inner : whole
  const widths = fenced.map(([a, b]) => b - a)
  const usual = WIDE * [...widths].sort((a, b) => a - b)[(widths.length - 1) >> 1]!
  if (usual === 0) return [low, high]
  const core = union(fenced.filter((_, k) => widths[k]! <= usual))
  return [Math.max(low, core[0] - usual), Math.min(high, core[1] + usual)]
}

function ends(sorted: ArrayLike<number>): [number, number] {
  return [sorted[0]!, sorted[sorted.length - 1]!]
}

function union(ranges: readonly (readonly [number, number])[]): [number, number] {
  return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))]
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
