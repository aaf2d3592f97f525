// Float32 products of centred rows in the WebAssembly module, with bounds for their errors (wasm/search.c).
import type { DistancePoints } from '../neighbour-blocks.ts'
import { copyEven } from './copy-even.ts'
import { type Workspace, workspace } from './wasm.ts'

/** Unit roundoff of float32. */
export const U: number = 2 ** -24
/** Rows of a group of the panels. */
export const GROUP = 8
/** Products of one block of queries: 16 MB. */
const BLOCK = 2 ** 22
/** Numbers of the data held as panels at a time: 16 MB. */
const PANELS = 2 ** 22
/** Numbers of the data held for exact distances: 32 MB; larger data are copied candidate by candidate. */
const RAW = 2 ** 22
/** What numbers below the range of float32 can add to a product: 2^-149 a coordinate, and room. */
export const TINY: number = 2 ** -100

export const groups = (n: number): number => Math.ceil(n / GROUP)
const even = (n: number): number => n + (n % 2)

/**
 * The error of n_i + n_j - 2 P_ij in shares of n_i + n_j: (D + 4) units for float32 rows, products, sums and norms
 * (|a| |b| is at most (n_i + n_j) / 2), three times over for what is left out: (D u)² and the rounding of the bound.
 */
export const share = (ambient: number): number => 3 * (ambient + 4) * U

/** Whether float32 products of rows of this length say anything. */
export const isShort = (ambient: number): boolean => ambient > 0 && share(ambient) <= 2 ** -5

/** Layout of a block of products. */
export interface Block {
  /** Rows of the block at most; `square` is all rows with all, and 0 as many as fit. */
  rows: number
  square: boolean
  /** Neighbours asked for; 0 where nothing is ranked. */
  k: number
}

/** Lays a search out in the module: norms are there, and the data for exact distances where they fit. */
export function openSearch(data: DistancePoints, queries: DistancePoints, block: Block): Search | undefined {
  const { count: n, ambient: d } = data
  const { square, k } = block
  const width = GROUP * groups(n)
  const height = square ? width : GROUP * groups(Math.min(block.rows, Math.max(16, Math.min(256, BLOCK / width))))
  const chunk = square ? groups(n) : Math.max(1, Math.min(groups(n), Math.floor(PANELS / (GROUP * d))))
  const stride = even(d)
  const resident = k > 0 && n * stride <= RAW
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
    k > 0 ? width : 0,
    resident ? n * stride : 0,
    stride,
  ])
  if (!space) return undefined
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
  return search
}

type Addresses = [number, number, number, number, number, number, number, number, number, number, number]

/** One search: what it looks at, its layout, and byte addresses in the module. */
export interface Search {
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

/** Products of rows q..end - 1 of the queries (or the rows named for them) with the data from group `first` on. */
export function multiply(
  search: Search,
  rows: Int32Array | undefined,
  q: number,
  end: number,
  isFirst: boolean,
  first = 0,
): void {
  const { kernels, data, queries, width, height, chunk, panels, left, products } = search
  const { centred, count: n, ambient: d } = data
  if (rows === undefined) pack(search, queries.centred, q, end - q, left)
  else pack(search, gathered(queries.centred, rows.subarray(q, end), d), 0, end - q, left)
  kernels.clear(products, (height * width) / 2)
  const count = groups(n)
  const height8 = groups(end - q)
  if (chunk >= count) {
    // Data that fit stay from block to block.
    if (isFirst) pack(search, centred, 0, n, panels)
    const at = panels + 4 * GROUP * first * d
    kernels.shortProducts(left, at, d, height8, count - first, 0, products + 4 * GROUP * first, width)
    return
  }
  for (let g = first; g < count; g += chunk) {
    const columns = Math.min(chunk, count - g)
    pack(search, centred, GROUP * g, Math.min(n - GROUP * g, GROUP * columns), panels)
    kernels.shortProducts(left, panels, d, height8, columns, 0, products + 4 * GROUP * g, width)
  }
}

/** The named rows of a matrix of d columns. */
export function gathered(matrix: Float64Array, rows: Int32Array, d: number): Float64Array {
  const out = new Float64Array(rows.length * d)
  for (let i = 0; i < rows.length; i++) out.set(matrix.subarray(rows[i]! * d, (rows[i]! + 1) * d), i * d)
  return out
}

/** `count` rows of d numbers from row `first` on, to panels at `to`. */
export function pack(
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
