// From pointwise dimensions to one number, and to smoother pointwise ones.
import { mean, mismatch, OodError, unknownName } from '@ood/core'
import { assertSameLength } from '../internal/check.ts'
import type { NeighbourTable } from './neighbour-table.ts'

/** How pointwise dimensions become one number. */
export type Combination = 'mean' | 'median' | 'harmonic'

/**
 * One dimension from pointwise ones: their mean, median or harmonic mean (MacKay and Ghahramani 2005: likelihoods add
 * 1/d), each point counting with its weight.
 *
 * The weighted median is the first value at which half of the weight is reached (the midpoint of two where the half
 * falls between them). Infinite dimensions make the mean infinite, count as 0 in the harmonic sum, and are large in the
 * median. A dimension of 0 makes the harmonic mean 0.
 *
 * @param weights - non-negative, one a dimension (default: all equal)
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE` for NaN, `E_ARGUMENT` for weights below 0 or all 0, `E_SHAPE`
 * @example
 * combineDimensions([1, 2, 4], 'harmonic') // 1.714
 */
export function combineDimensions(
  lid: ArrayLike<number>,
  combination: Combination = 'mean',
  weights?: ArrayLike<number>,
): number {
  if (lid.length === 0) throw new OodError('E_EMPTY', 'combineDimensions: expected at least one dimension, got none')
  const values = Float64Array.from(lid)
  const nan = values.findIndex(Number.isNaN)
  if (nan >= 0) throw mismatch('E_NOT_FINITE', 'combineDimensions', 'numbers', `NaN at position ${nan}`)
  const share = weights && shares(values, weights)
  const average = (numbers: Float64Array): number =>
    share ? numbers.reduce((sum, value, i) => sum + (share[i] === 0 ? 0 : share[i]! * value), 0) : mean(numbers)
  if (combination === 'mean') return average(values)
  if (combination === 'harmonic') return 1 / average(values.map((value) => 1 / value))
  if (combination !== 'median') throw unknownName('combination', combination, ['mean', 'median', 'harmonic'])
  return weightedMedian(values, share ?? values.map(() => 1 / values.length))
}

function shares(values: Float64Array, weights: ArrayLike<number>): Float64Array {
  assertSameLength('combineDimensions weights', values, weights)
  const out = Float64Array.from(weights)
  const bad = out.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY))
  if (bad >= 0) throw mismatch('E_ARGUMENT', 'combineDimensions weights', 'finite numbers of at least 0', out[bad])
  const total = out.reduce((sum, weight) => sum + weight, 0)
  if (!(total > 0)) throw mismatch('E_ARGUMENT', 'combineDimensions weights', 'a positive sum', total)
  return out.map((weight) => weight / total)
}

function weightedMedian(values: Float64Array, share: Float64Array): number {
  const order = Array.from(values.keys())
    .filter((i) => share[i]! > 0)
    .sort((a, b) => values[a]! - values[b]!)
  let reached = 0
  for (const [place, i] of order.entries()) {
    reached += share[i]!
    // Sums of shares are exact to n eps.
    if (reached > 0.5 + 1e-12) return values[i]!
    if (reached > 0.5 - 1e-12) {
      const next = order[place + 1]
      return next === undefined || values[i] === values[next] ? values[i]! : (values[i]! + values[next]!) / 2
    }
  }
  return values[order.at(-1)!]!
}

/**
 * Asymptotic smoothing: each point's dimension becomes the mean over itself and its neighbours.
 *
 * @param lid - a dimension at every row of the table's data, in order
 * @param table - the neighbours; every row must be one of its points
 * @throws OodError `E_SHAPE` when dimensions are missing, `E_ARGUMENT` for a table of only some of the rows
 * @example
 * const { lid } = await mle(x, { neighbours: table })
 * const smooth = smoothDimensions(lid, table)
 */
export function smoothDimensions(lid: ArrayLike<number>, table: NeighbourTable): Float64Array {
  const { neighbours: k, indices, rows } = table
  const n = table.data.shape[0]!
  if (!rows || rows.length !== n || rows.some((row, i) => row !== i))
    throw new OodError('E_ARGUMENT', 'smoothDimensions: expected a table of every row of its data, got one of some')
  if (lid.length !== n) throw mismatch('E_SHAPE', 'smoothDimensions', `${n} dimensions`, lid.length)
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = lid[i]!
    for (let j = 0; j < k; j++) sum += lid[indices[i * k + j]!]!
    return sum / (k + 1)
  })
}
