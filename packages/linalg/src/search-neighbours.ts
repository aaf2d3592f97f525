// Exact neighbours of a range of queries, by the fastest way there is.
import { fastSearch, type QueryRange } from './internal/fast-search.ts'
import { gathered } from './internal/short-products.ts'
import { product } from './matmul.ts'
import { type DistancePoints, rankNeighbours } from './neighbour-blocks.ts'
import type { SearchTarget } from './search-target.ts'

/** Which queries to search for, and how. */
export interface SearchRange extends QueryRange {}

/** Numbers in a block of float64 products: 32 MB. */
const BLOCK = 2 ** 22

/**
 * The k nearest rows of `data` for queries `from`..`to` - 1, by `squaredDistance`, equal distances in order of row number.
 *
 * Products in float32 choose candidates (WebAssembly SIMD; all pairs once where the queries are the data), with their
 * rounding errors bounded row by row; where they leave too many candidates, or there is no WebAssembly, float64 products
 * do. The result is the same bits.
 *
 * Cost 2 Q N D flops (half of that for all pairs) and O(D) a candidate; at most 100 MB beside the data.
 * @example
 * const points = distancePoints(x, n, d)
 * const out = { indices: new Int32Array(n * k), distances: new Float64Array(n * k) }
 * searchNeighbours(points, points, { rows: undefined, from: 0, to: n, k, excludeSelf: true }, out)
 */
export function searchNeighbours(
  data: DistancePoints,
  queries: DistancePoints,
  range: SearchRange,
  target: SearchTarget,
): void {
  const { rows, to, k, excludeSelf } = range
  const { count: n, ambient: d } = data
  let q = fastSearch(data, queries, range, target)
  const block = Math.max(16, Math.min(256, Math.floor(BLOCK / n)))
  for (; q < to; q += block) {
    const size = Math.min(block, to - q)
    const left = rows
      ? gathered(queries.centred, rows.subarray(q, q + size), d)
      : queries.centred.subarray(q * d, (q + size) * d)
    const dots = product(left, data.centred, size, d, n, true)
    for (let i = 0; i < size; i++) {
      const row = rows ? rows[q + i]! : q + i
      const options = { exclude: excludeSelf ? row : -1, unitRoundoff: 2 ** -53 }
      rankNeighbours(data, queries, row, dots, i * n, k, { ...target, at: (q + i) * k }, options)
    }
  }
}
