// The pieces a model-free run is cut into: tiles of products, ranges of neighbour lists, ranges of estimates.
import { type FloatArray, OodError } from '@ood/core'
import { type DistancePoints, gram, matmul, rankNeighbours } from '@ood/linalg'
import type { DimensionRule, RuleSpec } from '../neighbourhood.ts'
import { type Local, localNeighbourhood } from './local.ts'
import type { Products } from './products.ts'

/** One tile of the products, and its mirror image. */
export interface TileJob {
  kind: 'tile'
  centred: Float64Array
  ambient: number
  n: number
  values: Float64Array
  rows: readonly [number, number]
  columns: readonly [number, number]
}

/** Neighbour lists of a range of queries. */
export interface RankJob {
  kind: 'rank'
  data: DistancePoints
  targets: DistancePoints
  /** Row of `targets` for each query; a query of the data itself is not its own neighbour. */
  rows: Int32Array
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
export interface EstimateJob {
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

function tile({ centred, ambient, n, values, rows: [r0, r1], columns: [c0, c1] }: TileJob): void {
  const height = r1 - r0
  const width = c1 - c0
  const left = centred.subarray(r0 * ambient, r1 * ambient)
  const block =
    r0 === c0
      ? gram(left, ambient, height, { transposed: true })
      : matmul(left, centred.subarray(c0 * ambient, c1 * ambient), height, ambient, width, { transposedB: true })
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

function rank(job: RankJob): void {
  const { data, targets, rows, excludeSelf, k, products, range, indices, distances } = job
  const n = data.count
  const d = data.ambient
  const [from, to] = range
  let dots = job.dots
  if (!products && !dots) {
    const block = new Float64Array((to - from) * d)
    for (let q = from; q < to; q++)
      block.set(targets.centred.subarray(rows[q]! * d, (rows[q]! + 1) * d), (q - from) * d)
    dots = { values: matmul(block, data.centred, to - from, d, n, { transposedB: true }), unitRoundoff: 2 ** -53 }
  }
  const source = (dots ?? products)!
  for (let q = from; q < to; q++) {
    const row = rows[q]!
    const at = dots ? (q - from) * n : row * n
    rankNeighbours(
      data,
      targets,
      row,
      source.values,
      at,
      k,
      { indices, distances, at: q * k },
      { exclude: excludeSelf ? row : -1, unitRoundoff: source.unitRoundoff },
    )
  }
}

function estimate({ local, points, range: [from, to], out }: EstimateJob, rule: DimensionRule): void {
  for (let q = from; q < to; q++) {
    try {
      out[q] = rule.dimension(localNeighbourhood(local, q))
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
