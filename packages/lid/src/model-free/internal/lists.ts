// Nearest-neighbour distances inside one neighbourhood, which estimators of whole sets need when they work pointwise.
import { mismatch } from '@ood/core'
import type { Neighbourhood } from '../neighbourhood.ts'
import { pairSquaresOf } from './local.ts'

/** Ascending distances of each point to its k nearest others, count x k. */
interface DistanceLists {
  readonly count: number
  readonly k: number
  readonly distances: Float64Array
}

/** The k nearest distances of every point of a neighbourhood to the others in it. */
export function listsWithin(what: string, neighbourhood: Neighbourhood, k: number): DistanceLists {
  const { count } = neighbourhood
  if (k >= count) throw mismatch('E_ARGUMENT', `${what} neighbours`, `fewer than the ${count} points`, k)
  const pairs = pairSquaresOf(neighbourhood)
  const distances = new Float64Array(count * k)
  const row = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    row.set(pairs.subarray(i * count, (i + 1) * count))
    // The point itself goes to the end of the order.
    row[i] = Number.POSITIVE_INFINITY
    if (k <= 4) smallest(row, k)
    else row.sort()
    for (let j = 0; j < k; j++) distances[i * k + j] = Math.sqrt(row[j]!)
  }
  return { count, k, distances }
}

/** Brings the k smallest numbers to the front, ascending, for small k. */
function smallest(values: Float64Array, k: number): void {
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!
    let at = Math.min(i, k)
    if (at === k && !(value < values[k - 1]!)) continue
    if (at === k) {
      values[i] = values[k - 1]!
      at = k - 1
    }
    for (; at > 0 && values[at - 1]! > value; at--) values[at] = values[at - 1]!
    values[at] = value
  }
}
