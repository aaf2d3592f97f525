// What a neighbour table keeps for the estimators, and the search that fills it: products, threads, blocks.
import { type CallOptions, type FloatArray, type MatmulBackend, throwIfAborted } from '@ood/core'
import { type DistancePoints, distancePoints, wasmMatmul } from '@ood/linalg'
import type { NeighbourTable } from '../neighbour-table.ts'
import { integers, type Job, numbers, sharedCopy, writeTile } from './jobs.ts'
import type { Products } from './products.ts'
import { type Crew, cores, crew } from './threads.ts'

/** Shared arrays behind a table. */
export interface Engine {
  /** The data in memory that all threads see, if there are several. */
  readonly raw: FloatArray
  /** The points searched for, when they were given by `at`. */
  readonly targets: FloatArray | undefined
  readonly count: number
  readonly ambient: number
  readonly products: Products | undefined
  /** As the caller asked; undefined leaves it to the size of the work. */
  readonly threads: number | undefined
  /** Threads the search ran on. */
  readonly searchThreads: number
}

/** The engine of each table; a table made by hand has none. */
export const engineOf: WeakMap<NeighbourTable, Engine> = new WeakMap()

/** A checked search. */
export interface Search {
  data: FloatArray
  n: number
  d: number
  k: number
  /** Rows to search for, or undefined with `at`. */
  rows: Int32Array | undefined
  at: FloatArray | undefined
  threads: number | undefined
  matmul: MatmulBackend | undefined
}

/** Rows of data whose products are kept at most: 5792² numbers are 268 MB. */
const KEPT = 5792
/** Work in flops from which worker threads pay for their start. */
export const THREADED = 2e9
/** Rows of a tile of products. */
const TILE = 256
/** Numbers in a block of products that is not kept: 64 MB. */
const BLOCK = 2 ** 23

export async function prepareEngine(
  search: Search,
  call: CallOptions,
): Promise<{ engine: Engine; indices: Int32Array; distances: Float64Array }> {
  const { n, d, k, rows, at } = search
  const q = rows ? rows.length : at!.length / Math.max(1, d)
  const flops = 2 * q * n * d
  const threads = search.threads ?? (flops > THREADED ? await cores() : 1)
  const shared = threads > 1
  // Keeping all pairs costs n² d; it saves the search of q rows and the estimators' own products of k points each.
  const keep = rows !== undefined && n <= KEPT && n * n <= 2 * q * n + q * k * k
  const raw = shared ? sharedCopy(search.data) : search.data
  const native = search.matmul !== undefined && search.matmul !== wasmMatmul
  // Native backends refuse shared memory, and the threads then need no centred points.
  const data = distancePoints(raw, n, d, undefined, numbers(n * d, shared && !native))
  const norms = shared ? sharedCopy(data.squaredNorms) : data.squaredNorms
  const points: DistancePoints = { ...data, squaredNorms: norms }
  const targets: DistancePoints =
    rows === undefined
      ? distancePoints(shared ? sharedCopy(at!) : at!, q, d, data.mean, numbers(q * d, shared && !native))
      : points
  const team = crew(threads)
  const indices = integers(q * k, shared)
  const distances = numbers(q * k, shared)
  const plan: Plan = {
    points,
    targets,
    queries: rowsOf(rows, q, shared),
    excludeSelf: rows !== undefined,
    k,
    indices,
    distances,
  }
  let products: Products | undefined
  if (native) products = await searchNatively(plan, search.matmul!, keep, shared, team, call)
  else {
    if (keep) products = await tiles(points, shared, team, call)
    await rankAll(plan, products, team, call)
  }
  const engine = {
    raw,
    targets: rows === undefined ? targets.raw : undefined,
    count: n,
    ambient: d,
    products,
    threads: search.threads,
    searchThreads: threads,
  }
  return { engine, indices, distances }
}

interface Plan {
  points: DistancePoints
  targets: DistancePoints
  queries: Int32Array
  excludeSelf: boolean
  k: number
  indices: Int32Array
  distances: Float64Array
}

function rowsOf(rows: Int32Array | undefined, q: number, shared: boolean): Int32Array {
  const source = rows ?? Int32Array.from({ length: q }, (_, i) => i)
  const out = integers(q, shared)
  out.set(source)
  return out
}

/** Products of all pairs, tile by tile. */
async function tiles(
  { centred, count: n, ambient }: DistancePoints,
  shared: boolean,
  team: Crew,
  call: CallOptions,
): Promise<Products> {
  const values = numbers(n * n, shared)
  const jobs: Job[] = []
  for (let r = 0; r < n; r += TILE) {
    for (let c = r; c < n; c += TILE) {
      const columns = [c, Math.min(n, c + TILE)] as const
      jobs.push({ kind: 'tile', centred, ambient, n, values, rows: [r, Math.min(n, r + TILE)], columns })
    }
  }
  await team.run(jobs, { what: 'neighbour search', signal: call.signal })
  return { values, unitRoundoff: 2 ** -53 }
}

async function rankAll(plan: Plan, products: Products | undefined, team: Crew, call: CallOptions): Promise<void> {
  const { points, targets, queries, excludeSelf, k, indices, distances } = plan
  const block = products ? 64 : Math.max(16, Math.min(256, Math.floor(BLOCK / points.count)))
  const jobs: Job[] = []
  for (let from = 0; from < queries.length; from += block) {
    const range = [from, Math.min(queries.length, from + block)] as const
    jobs.push({
      kind: 'rank',
      data: points,
      targets: targets,
      rows: queries,
      excludeSelf,
      k,
      products,
      range,
      indices,
      distances,
    })
  }
  await team.run(jobs, { what: 'neighbour search', signal: call.signal })
}

/** Products from a backend on the calling thread, ranked block by block on the threads. */
async function searchNatively(
  plan: Plan,
  backend: MatmulBackend,
  keep: boolean,
  shared: boolean,
  team: Crew,
  call: CallOptions,
): Promise<Products | undefined> {
  const { points, targets, queries } = plan
  const { count: n, ambient: d, centred } = points
  const { unitRoundoff } = backend
  const unit = intoRange(points, targets, unitRoundoff)
  // The threads get everything but the centred points, which are not shared.
  const light: Plan = { ...plan, points: lightened(points), targets: lightened(targets) }
  if (keep) {
    const values = numbers(n * n, shared)
    for (let r = 0; r < n; r += TILE) {
      throwIfAborted(call.signal, 'neighbour search')
      const height = Math.min(n, r + TILE) - r
      const left = centred.subarray(r * d, (r + height) * d)
      const dots = scaled(await backend.multiplyTransposed(left, centred.subarray(r * d), height, d, n - r), unit)
      writeTile(values, n, r, r, dots, height, n - r)
    }
    const products = { values, unitRoundoff }
    await rankAll(light, products, team, call)
    return products
  }
  const block = Math.max(16, Math.min(256, Math.floor(BLOCK / n)))
  for (let from = 0; from < queries.length; from += block) {
    throwIfAborted(call.signal, 'neighbour search')
    const to = Math.min(queries.length, from + block)
    const left = new Float64Array((to - from) * d)
    for (let q = from; q < to; q++)
      left.set(targets.centred.subarray(queries[q]! * d, (queries[q]! + 1) * d), (q - from) * d)
    const values = scaled(await backend.multiplyTransposed(left, centred, to - from, d, n), unit)
    await rankBlock(light, { values: shared ? sharedCopy(values) : values, unitRoundoff }, from, to, team, call)
  }
  return undefined
}

/**
 * Multiplies the moved points by a power of two that brings the largest near 1, so that products in a short format
 * (float32 ends at 3e38 and 1e-45) neither overflow nor vanish. Returns what products are to be divided by.
 */
function intoRange(points: DistancePoints, targets: DistancePoints, unitRoundoff: number): number {
  const largest = Math.max(points.largest, targets.largest)
  if (unitRoundoff <= 2 ** -53 || !(largest > 0)) return 1
  const factor = 2 ** -Math.max(-500, Math.min(500, Math.floor(Math.log2(largest))))
  for (const { centred } of points === targets ? [points] : [points, targets])
    for (let i = 0; i < centred.length; i++) centred[i] = centred[i]! * factor
  return factor * factor
}

function scaled(dots: Float64Array, unit: number): Float64Array {
  if (unit !== 1) for (let i = 0; i < dots.length; i++) dots[i] = dots[i]! / unit
  return dots
}

/** Ranks queries from..to from their own products. */
async function rankBlock(
  plan: Plan,
  dots: Products,
  from: number,
  to: number,
  team: Crew,
  call: CallOptions,
): Promise<void> {
  const { points, targets, queries, excludeSelf, k, indices, distances } = plan
  const n = points.count
  const part = Math.ceil((to - from) / team.threads)
  const jobs: Job[] = []
  for (let at = from; at < to; at += part) {
    const range = [at, Math.min(to, at + part)] as const
    const own = { ...dots, values: dots.values.subarray((at - from) * n) }
    jobs.push({
      kind: 'rank',
      data: points,
      targets,
      rows: queries,
      excludeSelf,
      k,
      products: undefined,
      dots: own,
      range,
      indices,
      distances,
    })
  }
  await team.run(jobs, { what: 'neighbour search', signal: call.signal })
}

function lightened(points: DistancePoints): DistancePoints {
  return { ...points, centred: new Float64Array(0) }
}
