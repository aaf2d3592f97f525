// Order statistics behind thresholds and p-values. Infinite scores are ordinary values here; NaN never gets this far.
import { mismatch } from '@ood/core'

/**
 * The (1 - rate) quantile, taking the higher neighbour: at most a share `rate` of the scores lies strictly above it.
 *
 * @throws OodError `E_ARGUMENT` unless 1/n <= rate < 1, which is what n scores can resolve
 */
export function upperQuantile(sorted: Float64Array, rate: number): number {
  const n = sorted.length
  if (!(rate > 0 && rate < 1)) throw mismatch('E_ARGUMENT', 'falsePositiveRate', 'a number in (0, 1)', rate)
  if (rate < 1 / n)
    throw mismatch('E_ARGUMENT', 'falsePositiveRate', `at least 1/${n}, which ${n} scores can resolve`, rate)
  // The 1e-9 keeps a product that rounding left just above a whole number from moving one score up.
  return sorted[Math.max(0, Math.ceil((1 - rate) * (n - 1) - 1e-9))]!
}

/** Number of ascending entries that are >= value (or > value). */
export function countFrom(sorted: Float64Array, value: number, strict: boolean): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    const entry = sorted[middle]!
    if (strict ? entry > value : entry >= value) to = middle
    else from = middle + 1
  }
  return sorted.length - from
}
