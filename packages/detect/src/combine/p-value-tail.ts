// p-values that go on falling beyond the last reference value, so that a score can order rows out there.
import { calibration } from '../calibration.ts'
import { twoSided } from './conformal.ts'
import { robustSpread } from './standardise.ts'

/**
 * Two-sided conformal p-values of `values`, continued beyond the smallest and largest of the n reference values: there
 *
 *   p = 2 / ((n + 1) (1 + e)), e = distance beyond the last reference value / spread of the reference values,
 *
 * a tail of index 1, heavier than that of any law with a mean. Within the reference values, and at e = 0, these are the
 * conformal p-values. Beyond them they are an order and no probabilities: n rows cannot tell anything below 1 / (n + 1).
 * An infinite value has p = 0. Cost O((n + N) log n).
 *
 * @param reference - values of in-distribution rows that vary
 */
export function tailedPValues(reference: Float64Array, values: Float64Array): Float64Array {
  const upper = calibration(reference)
  const lower = calibration(reference.map((value) => -value))
  const spread = robustSpread(upper.scores)
  const [least, most] = [upper.scores[0]!, upper.scores.at(-1)!]
  const conformal = twoSided(upper.pValues(values), lower.pValues(values.map((value) => -value)))
  return conformal.map((p, row) => {
    const beyond = Math.max(values[row]! - most, least - values[row]!)
    return beyond > 0 ? p / (1 + beyond / spread) : p
  })
}
