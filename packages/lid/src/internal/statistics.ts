// Means and spreads used by curves, detectors and the model-free estimators.

/**
 * Arithmetic mean; NaN for an empty list. It is taken about the first value, so that the mean of equal values is that
 * value to the last bit, and their spread 0.
 */
export function mean(values: ArrayLike<number>): number {
  const first = values[0] ?? Number.NaN
  const from = Number.isFinite(first) ? first : 0
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! - from
  return from + sum / values.length
}

/** Unbiased standard deviation (n - 1 in the denominator); 0 for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return 0
  const centre = mean(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i]! - centre) ** 2
  return Math.sqrt(sum / (values.length - 1))
}
