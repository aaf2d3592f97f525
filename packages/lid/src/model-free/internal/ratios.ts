// Ratios of neighbour distances, and the one rule for copies: 0 where all points are one, an error where every point has
// too many copies of itself, and otherwise the points without them.
import { flatData, type NdArray, OodError, rowSize } from '@ood/core'
import type { Neighbourhood } from '../neighbourhood.ts'
import { pairSquaresOf } from './local.ts'

/**
 * R_far / R_near of every list of `k` distances with R_near > 0; undefined when the whole sample is one repeated point.
 *
 * @throws OodError `E_EMPTY` when every point has at least `near` copies though the sample is not one point
 */
export function ratiosOf(
  what: string,
  distances: Float64Array,
  k: number,
  isPoint: () => boolean,
  near = 1,
  far: number = k,
): Float64Array | undefined {
  const out: number[] = []
  for (let at = 0; at < distances.length; at += k) {
    const divisor = distances[at + near - 1]!
    if (divisor > 0) out.push(distances[at + far - 1]! / divisor)
  }
  if (out.length > 0) return Float64Array.from(out)
  if (isPoint()) return undefined
  throw onlyCopies(what, near)
}

/** The error where every point has `copies` copies of itself or more. */
export function onlyCopies(what: string, copies: number): OodError {
  const allowed = copies === 1 ? 'without copies' : `with fewer than ${copies} copies`
  return new OodError('E_EMPTY', `${what}: expected a point ${allowed} of itself, got none: leave repeated rows out`)
}

/** Whether all rows of a data set are equal, or all its distances 0. */
export function isPoint(x: NdArray): boolean {
  const data = flatData(x)
  const d = rowSize(x)
  for (let at = d, j = 0; at < data.length; at++) {
    if (data[at] !== data[j]) return false
    if (++j === d) j = 0
  }
  return true
}

/** Whether all points of a neighbourhood are one. */
export function isPointWithin(neighbourhood: Neighbourhood): boolean {
  const pairs = pairSquaresOf(neighbourhood)
  for (let j = 1; j < neighbourhood.count; j++) if (pairs[j]! > 0) return false
  return true
}
