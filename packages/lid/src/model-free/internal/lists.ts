// Nearest-neighbour distances inside one neighbourhood, which estimators of whole sets need when they work pointwise.
import { mismatch } from '@ood/core'
import type { Neighbourhood } from '../neighbourhood.ts'
import { pairSquaresOf } from './local.ts'

/** Ascending distances of each point to its k nearest others, count x k. */
export interface DistanceLists {
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
  const row = new Float64Array(count - 1)
  for (let i = 0; i < count; i++) {
    row.set(pairs.subarray(i * count, i * count + i))
    row.set(pairs.subarray(i * count + i + 1, (i + 1) * count), i)
    const nearest = k <= 4 ? smallest(row, k) : row.sort().subarray(0, k)
    for (let j = 0; j < k; j++) distances[i * k + j] = Math.sqrt(nearest[j]!)
  }
  return { count, k, distances }
}

/** The k smallest numbers, ascending, for small k. */
function smallest(values: Float64Array, k: number): Float64Array {
  const out = new Float64Array(k).fill(Number.POSITIVE_INFINITY)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!(value < out[k - 1]!)) continue
    let at = k - 1
    for (; at > 0 && out[at - 1]! > value; at--) out[at] = out[at - 1]!
    out[at] = value
  }
  return out
}
