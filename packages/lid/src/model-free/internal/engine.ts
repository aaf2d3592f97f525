// What a neighbour table keeps for the estimators, and the search that fills it: products, threads, blocks.
import { type CallOptions, type FloatArray, type MatmulBackend, throwIfAborted } from '@ood/core'
import { type DistancePoints, distancePoints, wasmMatmul } from '@ood/linalg'
import type { NeighbourTable } from '../neighbour-table.ts'
import { integers, type Job, numbers, sharedCopy, writeTile } from './jobs.ts'
import { KEPT, type Products } from './products.ts'
import { type Crew, cores, crew, usableThreads } from './threads.ts'

/** Shared arrays behind a table. */
export interface Engine {
  /** The data in memory that all threads see, if there are several. */
  readonly raw: FloatArray
  /** The points searched for, when they were given by `at`. */
  readonly targets: FloatArray | undefined
  readonly count: number
  readonly ambient: number
  /** Inner products of all pairs, where a search left them or an estimator was worth them (`all-pairs.ts`). */
  products: Products | undefined
  /** Squared distances of all pairs, where an estimator was worth them. */
  squares: Float64Array | undefined
  /** As the caller asked; undefined leaves it to the size of the work. */
  readonly threads: number | undefined
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

/** Flops of a search from which worker threads pay for their start: half a second on one. */
const THREADED_SEARCH = 2e10
/** Flops of a search done in one go; between two the calling thread breathes. */
const AT_ONCE = 8e9
/** Rows of a tile of products from a backend. */
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
  const threads = usableThreads(search.threads ?? (flops > THREADED_SEARCH ? await cores() : 1))
  const shared = threads > 1
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
    queries: rowsOf(rows, n, shared),
    count: q,
    excludeSelf: rows !== undefined,
    k,
    indices,
    distances,
  }
  let products: Products | undefined
  if (native) {
    // Keeping all pairs costs n² d; it saves the search of q rows and the estimators' own products of k points each.
    const keep = rows !== undefined && n <= KEPT && n * n <= 2 * q * n + q * k * k
    products = await searchNatively(plan, search.matmul!, keep, shared, team, call)
  } else await rankAll(plan, products, team, call)
  const targetsGiven = rows === undefined ? targets.raw : undefined
  const engine: Engine = {
    raw,
    targets: targetsGiven,
    count: n,
    ambient: d,
    products,
    squares: undefined,
    threads: search.threads,
  }
  return { engine, indices, distances }
}

interface Plan {
  points: DistancePoints
  targets: DistancePoints
  /** Rows of the queries; undefined for all of `targets` in order. */
  queries: Int32Array | undefined
  count: number
  excludeSelf: boolean
  k: number
  indices: Int32Array
  distances: Float64Array
}

/** Row numbers of the queries; none where they are all rows in order. */
function rowsOf(rows: Int32Array | undefined, n: number, shared: boolean): Int32Array | undefined {
  if (rows === undefined || (rows.length === n && rows.every((row, i) => row === i))) return undefined
  if (!shared) return rows
  const out = integers(rows.length, shared)
  out.set(rows)
  return out
}

async function rankAll(plan: Plan, products: Products | undefined, team: Crew, call: CallOptions): Promise<void> {
  const { points, targets, queries, count, excludeSelf, k, indices, distances } = plan
  const whole = Math.max(256, Math.floor(AT_ONCE / (2 * points.count * Math.max(1, points.ambient))))
  const block = products
    ? 64
    : team.threads === 1
      ? whole
      : Math.max(64, Math.min(256, Math.ceil(count / team.threads)))
  const jobs: Job[] = []
  for (let from = 0; from < count; from += block) {
    const range = [from, Math.min(count, from + block)] as const
    const search = { data: points, targets, rows: queries, excludeSelf, k, products }
    jobs.push({ kind: 'rank', ...search, range, indices, distances })
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
  const { points, targets, queries, count } = plan
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
  for (let from = 0; from < count; from += block) {
    throwIfAborted(call.signal, 'neighbour search')
    const to = Math.min(count, from + block)
    const left = new Float64Array((to - from) * d)
    for (let q = from; q < to; q++) {
      const row = queries ? queries[q]! : q
      left.set(targets.centred.subarray(row * d, (row + 1) * d), (q - from) * d)
    }
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
