// Empirical tails: p-values among sorted scores, and the quantile that keeps a false positive rate.
import { mismatch } from '@ood/core'

/** (1 + #{ascending >= value}) / (n + 1). */
export function shareAtLeast(ascending: Float64Array, value: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! >= value) high = middle
    else low = middle + 1
  }
  return (1 + ascending.length - low) / (ascending.length + 1)
}

/**
 * The (1 - rate) quantile of scores, taking the higher neighbour: at most a share `rate` lies strictly above it.
 * Refuses rates below 1/n, which n scores cannot resolve.
 */
export function upperQuantile(scores: ArrayLike<number>, rate: number): number {
  const n = scores.length
  if (!(rate >= 1 / n && rate < 1)) throw mismatch('E_ARGUMENT', 'falsePositiveRate', `a number in [1/${n}, 1)`, rate)
  const ascending = Float64Array.from(scores).sort()
  // The 1e-9 keeps a product that rounding left just above an integer from moving one score up.
  return ascending[Math.max(0, Math.ceil((1 - rate) * (n - 1) - 1e-9))]!
}
