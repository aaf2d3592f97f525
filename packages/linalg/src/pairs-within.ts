// Correlation integrals: how many pairs of points are closer than each of some radii.
import { mismatch } from '@ood/core'
import { assertFiniteNumbers, assertSize } from './internal/check.ts'
import { fastCounts } from './internal/fast-counts.ts'
import { product } from './matmul.ts'
import { type DistancePoints, productBound } from './neighbour-blocks.ts'
import { squaredDistance } from './squared-distance.ts'

/** Rows of a block of float64 products. */
const BLOCK = 256

/**
 * The number of pairs i < j with √`squaredDistance` strictly below each radius, exactly: products tell most pairs, and
 * those that their rounding error leaves open are told by their distances.
 *
 * @param points - of `distancePoints`
 * @param radii - ascending, finite
 * @param gap - pairs of rows whose numbers differ by this much or less are not counted (default 0)
 * @throws OodError `E_ARGUMENT`, `E_NOT_FINITE`
 *
 * Cost N² D flops.
 * @example
 * pairsWithin(distancePoints(Float64Array.of(0, 1, 3), 3, 1), [1, 1.5, 4]) // [0, 1, 3]
 */
export function pairsWithin(points: DistancePoints, radii: ArrayLike<number>, gap = 0): Float64Array {
  const limits = Float64Array.from(radii)
  assertFiniteNumbers('pairsWithin radii', limits)
  for (let r = 1; r < limits.length; r++)
    if (limits[r]! < limits[r - 1]!) throw mismatch('E_ARGUMENT', 'pairsWithin radii', 'ascending numbers', limits[r])
  assertSize('pairsWithin gap', gap)
  return fastCounts(points, limits, gap) ?? counts(points, limits, gap)
}

function counts(points: DistancePoints, radii: Float64Array, gap: number): Float64Array {
  const { centred, squaredNorms, raw, count: n, ambient: d } = points
  const bound = productBound(d, 2 ** -53, 2 * points.largest)
  const squares = radii.map((r) => r * r)
  const farthest = squares[squares.length - 1] ?? 0
  const out = new Float64Array(radii.length)
  for (let from = 0; from < n; from += BLOCK) {
    const rows = Math.min(BLOCK, n - from)
    const width = n - from
    const dots = product(
      centred.subarray(from * d, (from + rows) * d),
      centred.subarray(from * d),
      rows,
      d,
      width,
      true,
    )
    for (let i = 0; i < rows; i++) {
      for (let j = i + 1 + gap; j < width; j++) {
        const value = squaredNorms[from + i]! + squaredNorms[from + j]! - 2 * dots[i * width + j]!
        if (value > farthest + bound + 4 * Number.EPSILON * farthest) continue
        let exact = -1
        for (let which = 0; which < squares.length; which++) {
          const limit = squares[which]!
          if (Math.abs(value - limit) > bound + 4 * Number.EPSILON * limit) {
            if (value < limit) out[which]!++
            continue
          }
          if (exact < 0) exact = Math.sqrt(squaredDistance(raw, (from + i) * d, raw, (from + j) * d, d))
          if (exact < radii[which]!) out[which]!++
        }
      }
    }
  }
  return out
}
