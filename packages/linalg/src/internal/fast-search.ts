// The neighbour search in the WebAssembly module: float32 products choose, exact distances decide (wasm/search.c).
import type { DistancePoints } from '../neighbour-blocks.ts'
import type { SearchTarget } from '../search-neighbours.ts'
import { copyEven } from './copy-even.ts'
import { type Workspace, workspace } from './wasm.ts'

/** Unit roundoff of float32. */
const U = 2 ** -24
/** Rows of a group of the panels. */
const GROUP = 8
/** Products of one block of queries: 16 MB. */
const BLOCK = 2 ** 22
/** Numbers of the data held as panels at a time: 16 MB. */
const PANELS = 2 ** 22
/** Numbers of the data held for exact distances: 32 MB; larger data are copied candidate by candidate. */
const RAW = 2 ** 22
/** Most rows of which all pairs are multiplied once (33 MB), and the coordinates from which that pays. */
const ALL_PAIRS = 2896
const ALL_PAIRS_FROM = 48
/** Queries after which it is seen whether float32 tells neighbours apart. */
const TRIAL = 32

/** What numbers below the range of float32 can add to a product: 2^-149 a coordinate, and room. */
const TINY = 2 ** -100

const groups = (n: number): number => Math.ceil(n / GROUP)
const even = (n: number): number => n + (n % 2)

/** Queries `from`..`to` - 1: row `rows[q]` of `queries`, or row q. */
export interface QueryRange {
  rows: Int32Array | undefined
  from: number
  to: number
  k: number
  excludeSelf: boolean
}

/**
 * The error of n_i + n_j - 2 P_ij in shares of n_i + n_j: (D + 4) units for float32 rows, products, sums and norms
 * (|a| |b| is at most (n_i + n_j) / 2), three times over for what is left out: (D u)² and the rounding of the bound.
 */
const share = (ambient: number): number => 3 * (ambient + 4) * U

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
  if (to <= from || d === 0 || share(d) > 2 ** -5) return from
  const all = data === queries && range.rows === undefined && from === 0 && to === n
  const square = all && n <= ALL_PAIRS && d >= ALL_PAIRS_FROM
  const width = GROUP * groups(n)
  const height = square ? width : GROUP * groups(Math.min(to - from, Math.max(16, Math.min(256, BLOCK / width))))
  const chunk = square ? groups(n) : Math.max(1, Math.min(groups(n), Math.floor(PANELS / (GROUP * d))))
  const stride = even(d)
  const resident = n * stride <= RAW
  const strip = GROUP * Math.max(1, Math.min(groups(n), Math.floor(2 ** 15 / (GROUP * d))))
  const space = workspace([
    (chunk * GROUP * d) / 2,
    square ? 0 : (height * d) / 2,
    (height * width) / 2,
    strip * d,
    width / 2,
    width / 2,
    2 * k,
    width / 2,
    width,
    resident ? n * stride : 0,
    stride,
  ])
  if (!space) return from
  const [panels, left, products, room, low, spread, heap, chosen, distances, raw, query] = space.at as Addresses
  // A power of two near 1 / largest keeps float32 in range and changes no digit.
  const largest = Math.max(data.largest, queries.largest)
  const factor = largest > 0 ? 2 ** -Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest)))) : 1
  const search: Search = {
    ...{ data, queries, factor, width, height, chunk, stride, resident, strip, kernels: space.kernels },
    ...{ panels, left, products, room, low, spread, heap, chosen, distances, raw, query },
    buffer: space.kernels.memory.buffer,
  }
  setNorms(search)
  if (resident) copyEven(space.numbers(raw, n * stride), data.raw, n, d)
  return square ? allPairs(search, range, target) : blocks(search, range, target)
}

type Addresses = [number, number, number, number, number, number, number, number, number, number, number]

/** One search: what it looks at, its layout, and byte addresses in the module. */
interface Search {
  data: DistancePoints
  queries: DistancePoints
  /** What rows are multiplied by before they become float32. */
  factor: number
  /** Columns and rows of a block of products, multiples of 8. */
  width: number
  height: number
  /** Groups of the data multiplied at a time. */
  chunk: number
  /** Numbers a row for exact distances. */
  stride: number
  /** Whether all rows of the data are in the module. */
  resident: boolean
  /** Rows copied at a time. */
  strip: number
  kernels: Workspace['kernels']
  buffer: ArrayBuffer
  panels: number
  left: number
  products: number
  room: number
  low: number
  spread: number
  heap: number
  chosen: number
  distances: number
  raw: number
  query: number
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
    multiply(search, range, q, end)
    candidates = rankRows(search, range, q, end, target, candidates)
    if (candidates < 0) return from + TRIAL
  }
  return to
}

/** Products of queries q..end - 1 with all data. */
function multiply(search: Search, { rows, from }: QueryRange, q: number, end: number): void {
  const { kernels, data, queries, width, height, chunk, panels, left, products } = search
  const { centred, count: n, ambient: d } = data
  if (rows === undefined) pack(search, queries.centred, q, end - q, left)
  else pack(search, gathered(queries.centred, rows.subarray(q, end), d), 0, end - q, left)
  kernels.clear(products, (height * width) / 2)
  for (let g = 0; g < groups(n); g += chunk) {
    const columns = Math.min(chunk, groups(n) - g)
    // Data that fit stay from block to block.
    if (q === from || chunk < groups(n))
      pack(search, centred, GROUP * g, Math.min(n - GROUP * g, GROUP * columns), panels)
    kernels.shortProducts(left, panels, d, groups(end - q), columns, 0, products + 4 * GROUP * g, width)
  }
}

/** The named rows of a matrix of d columns. */
export function gathered(matrix: Float64Array, rows: Int32Array, d: number): Float64Array {
  const out = new Float64Array(rows.length * d)
  for (let i = 0; i < rows.length; i++) out.set(matrix.subarray(rows[i]! * d, (rows[i]! + 1) * d), i * d)
  return out
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

/** `count` rows of d numbers from row `first` on, to panels at `to`. */
function pack(
  { kernels, buffer, data, factor, strip, room }: Search,
  rows: Float64Array,
  first: number,
  count: number,
  to: number,
): void {
  const d = data.ambient
  for (let i = 0; i < count; i += strip) {
    const height = Math.min(strip, count - i)
    new Float64Array(buffer, room, height * d).set(rows.subarray((first + i) * d, (first + i + height) * d))
    kernels.shortPanels(room, height, d, factor, to + 4 * i * d)
  }
}

/** Norms less and plus their errors; columns that are none are infinitely far. */
function setNorms({ buffer, data, factor, width, low, spread }: Search): void {
  const error = share(data.ambient)
  const least = new Float32Array(buffer, low, width).fill(Number.POSITIVE_INFINITY)
  const most = new Float32Array(buffer, spread, width).fill(0)
  for (let j = 0; j < data.count; j++) {
    const norm = data.squaredNorms[j]! * factor * factor
    least[j] = norm * (1 - error) - TINY
    most[j] = 2 * error * norm + 3 * TINY
  }
}
