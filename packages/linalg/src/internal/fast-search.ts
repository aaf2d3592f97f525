// The neighbour search in the WebAssembly module: float32 products choose, exact distances decide (wasm/search.c).
import type { DistancePoints } from '../neighbour-blocks.ts'
import type { SearchTarget } from '../search-target.ts'
import { copyEven } from './copy-even.ts'
import { groups, isShort, multiply, openSearch, pack, type Search, share, TINY, U } from './short-products.ts'

/** Most rows of which all pairs are multiplied once (33 MB), and the coordinates from which that pays. */
const ALL_PAIRS = 2896
const ALL_PAIRS_FROM = 48
/** Queries after which it is seen whether float32 tells neighbours apart. */
const TRIAL = 32

/** Queries `from`..`to` - 1: row `rows[q]` of `queries`, or row q. */
export interface QueryRange {
  rows: Int32Array | undefined
  from: number
  to: number
  k: number
  excludeSelf: boolean
}

/**
 * Finds neighbours of queries from `from` on. Returns the first query it did not do: `from` where the module cannot be
 * had, `to` usually, and one between where float32 leaves too many candidates.
 */
export function fastSearch(
  data: DistancePoints,
  queries: DistancePoints,
  range: QueryRange,
  target: SearchTarget,
): number {
  const { from, to, k } = range
  const { count: n, ambient: d } = data
  if (to <= from || !isShort(d)) return from
  const all = data === queries && range.rows === undefined && from === 0 && to === n
  const square = all && n <= ALL_PAIRS && d >= ALL_PAIRS_FROM
  const search = openSearch(data, queries, { rows: to - from, square, k })
  if (!search) return from
  return square ? allPairs(search, range, target) : blocks(search, range, target)
}

function allPairs(search: Search, range: QueryRange, target: SearchTarget): number {
  const { kernels, data, width, panels, products } = search
  const count = groups(data.count)
  pack(search, data.centred, 0, data.count, panels)
  kernels.clear(products, (width * width) / 2)
  kernels.shortProducts(panels, panels, data.ambient, count, count, 1, products, width)
  kernels.mirrorShort(products, width)
  return rankRows(search, range, range.from, range.to, target, 0) < 0 ? TRIAL : range.to
}

function blocks(search: Search, range: QueryRange, target: SearchTarget): number {
  const { from, to } = range
  let candidates = 0
  for (let q = from; q < to; q += search.height) {
    const end = Math.min(to, q + search.height)
    multiply(search, range.rows, q, end, q === from)
    candidates = rankRows(search, range, q, end, target, candidates)
    if (candidates < 0) return from + TRIAL
  }
  return to
}

/**
 * Writes the neighbours of queries q..end - 1, whose products begin at `search.products`. Returns the candidates of all
 * queries so far, or -1 once the first ones show that float32 tells too little apart.
 */
function rankRows(
  search: Search,
  range: QueryRange,
  q: number,
  end: number,
  target: SearchTarget,
  before: number,
): number {
  const { kernels, data, queries, factor, width, stride, resident, low, spread, heap, chosen, distances, raw } = search
  const { rows, from, k, excludeSelf } = range
  const d = data.ambient
  const error = share(d)
  const places = new Int32Array(search.buffer, chosen, k)
  const found = new Float64Array(search.buffer, distances, k)
  let candidates = before
  for (let at = q; at < end; at++) {
    const row = rows ? rows[at]! : at
    const slack = 2 * error * queries.squaredNorms[row]! * factor * factor * (1 + 4 * U) + TINY
    const exclude = excludeSelf ? row : -1
    const P = search.products + 4 * (at - q) * width
    const count = kernels.chooseCandidates(P, low, spread, width, k, exclude, slack, heap, chosen)
    let x = raw + 8 * row * stride
    if (!resident || queries !== data) {
      x = search.query
      copyEven(new Float64Array(search.buffer, x, stride), queries.raw.subarray(row * d, (row + 1) * d), 1, d)
    }
    if (resident) kernels.rankCandidates(x, raw, stride, chosen, count, distances)
    else rankCopies(search, x, count)
    target.indices.set(places, at * k)
    target.distances.set(found, at * k)
    candidates += count
    if (at + 1 === from + TRIAL && candidates > TRIAL * (4 * k + 64)) return -1
  }
  return candidates
}

/** Ranks candidates whose rows are not in the module: they are copied there in strips. */
function rankCopies(
  { kernels, buffer, data, stride, strip, room, chosen, distances }: Search,
  x: number,
  count: number,
) {
  const { ambient: d, raw } = data
  const places = new Int32Array(buffer, chosen, count)
  const most = Math.max(1, Math.floor((strip * d) / stride))
  for (let from = 0; from < count; from += most) {
    const height = Math.min(most, count - from)
    for (let i = 0; i < height; i++) {
      const row = places[from + i]!
      copyEven(new Float64Array(buffer, room + 8 * i * stride, stride), raw.subarray(row * d, (row + 1) * d), 1, d)
    }
    kernels.distancesOf(x, room, stride, height, distances + 8 * from)
  }
  kernels.sortPairs(distances, chosen, count)
}
