// The pieces a model-free run is cut into: tiles of products, ranges of neighbour lists, ranges of estimates.
import { type FloatArray, OodError } from '@ood/core'
import { blockSquares, type DistancePoints, gram, matmul, rankNeighbours, searchNeighbours } from '@ood/linalg'
import type { DimensionRule, RuleSpec } from '../neighbourhood.ts'
import { type Local, localNeighbourhoods } from './local.ts'
import type { Products } from './products.ts'

/** One tile of a matrix of all pairs, and its mirror image. */
interface TileJob {
  kind: 'tile'
  /** Inner products of the rows, or squared distances between them. */
  what: 'products' | 'squares'
  /** Centred rows for products, rows as they are for squares. */
  data: FloatArray
  ambient: number
  n: number
  values: Float64Array
  rows: readonly [number, number]
  columns: readonly [number, number]
}

/** Neighbour lists of a range of queries. */
interface RankJob {
  kind: 'rank'
  data: DistancePoints
  targets: DistancePoints
  /** Row of `targets` for each query (each in turn without it); a query of the data is not its own neighbour. */
  rows: Int32Array | undefined
  excludeSelf: boolean
  k: number
  products: Products | undefined
  /** Products of the queries of this job alone, row 0 being query `from`. */
  dots?: Products
  range: readonly [number, number]
  indices: Int32Array
  distances: Float64Array
}

/** Dimensions of a range of queries. */
interface EstimateJob {
  kind: 'estimate'
  spec: RuleSpec | undefined
  local: Local
  /** Row numbers for error messages. */
  points: Int32Array
  range: readonly [number, number]
  out: Float64Array
}

export type Job = TileJob | RankJob | EstimateJob

/** Does one job; results go into the arrays it names. */
export function perform(job: Job, rule: DimensionRule | undefined): void {
  if (job.kind === 'tile') tile(job)
  else if (job.kind === 'rank') rank(job)
  else estimate(job, rule!)
}

function tile({ what, data, ambient, n, values, rows: [r0, r1], columns: [c0, c1] }: TileJob): void {
  const height = r1 - r0
  const width = c1 - c0
  if (what === 'squares') {
    writeTile(values, n, r0, c0, blockSquares(data, ambient, r0, height, c0, width), height, width)
    return
  }
  const left = data.subarray(r0 * ambient, r1 * ambient)
  const block =
    r0 === c0
      ? gram(left, ambient, height, { transposed: true })
      : matmul(left, data.subarray(c0 * ambient, c1 * ambient), height, ambient, width, { transposedB: true })
  writeTile(values, n, r0, c0, block, height, width)
}

/** Copies a block to (r0, c0) and its transpose to (c0, r0). */
export function writeTile(
  values: Float64Array,
  n: number,
  r0: number,
  c0: number,
  block: Float64Array,
  height: number,
  width: number,
): void {
  for (let i = 0; i < height; i++) values.set(block.subarray(i * width, (i + 1) * width), (r0 + i) * n + c0)
  if (r0 === c0 && height === width) return
  for (let j = 0; j < width; j++) {
    const at = (c0 + j) * n + r0
    for (let i = 0; i < height; i++) values[at + i] = block[i * width + j]!
  }
}

function rank({ data, targets, rows, excludeSelf, k, products, dots, range, indices, distances }: RankJob): void {
  const [from, to] = range
  const source = dots ?? products
  if (!source) {
    searchNeighbours(data, targets, { rows, from, to, k, excludeSelf }, { indices, distances })
    return
  }
  for (let q = from; q < to; q++) {
    const row = rows ? rows[q]! : q
    const at = dots ? (q - from) * data.count : row * data.count
    const options = { exclude: excludeSelf ? row : -1, unitRoundoff: source.unitRoundoff }
    rankNeighbours(data, targets, row, source.values, at, k, { indices, distances, at: q * k }, options)
  }
}

function estimate({ spec, local, points, range: [from, to], out }: EstimateJob, rule: DimensionRule): void {
  const neighbourhood = localNeighbourhoods(local, spec !== undefined)
  for (let q = from; q < to; q++) {
    try {
      out[q] = rule.dimension(neighbourhood(q))
    } catch (cause) {
      if (!(cause instanceof OodError)) throw cause
      throw new OodError(cause.code, `${rule.name} at point ${points[q]}: ${cause.message}`, { cause })
    }
  }
}

/** Numbers in memory that all threads see, where there are several. */
export function numbers(length: number, shared: boolean): Float64Array {
  return shared ? new Float64Array(new SharedArrayBuffer(8 * length)) : new Float64Array(length)
}

/** Row numbers in memory that all threads see, where there are several. */
export function integers(length: number, shared: boolean): Int32Array {
  return shared ? new Int32Array(new SharedArrayBuffer(4 * length)) : new Int32Array(length)
}

/** The same numbers in memory that all threads see. */
export function sharedCopy<A extends FloatArray>(data: A): A {
  if (data.buffer instanceof SharedArrayBuffer) return data
  const Type = data.constructor as new (buffer: SharedArrayBuffer) => A
  const copy = new Type(new SharedArrayBuffer(data.byteLength))
  copy.set(data)
  return copy
}
