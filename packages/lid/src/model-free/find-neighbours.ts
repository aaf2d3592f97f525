// Nearest neighbours of many points, found once and shared by any number of estimators.
import {
  assertFinite,
  assertOptions,
  flatData,
  mismatch,
  type NdArray,
  OodError,
  permutation,
  random,
  rowCount,
  rowSize,
  takeRows,
} from '@ood/core'
import { assertCount } from '../internal/check.ts'
import { distancesBetween, isDistanceMatrix, nearestInRows } from './distance-matrix.ts'
import { engineOf, prepareEngine } from './internal/engine.ts'
import { SEARCH_OPTIONS } from './internal/options.ts'
import type { NeighbourTable, SearchOptions } from './neighbour-table.ts'

/**
 * The k nearest neighbours of points of a data set, or of points of their own (`at`), exact, on all cores.
 *
 * Inner products around the mean, |a|² + |b|² - 2 a·b, in float32 only choose candidates: every row that their rounding
 * error cannot tell from the k-th nearest is one. Distances are those of the candidates' differences
 * (`squaredDistance` of `@ood/linalg`), so tied neighbours are at bit-equal distances and copies at exactly 0; equal
 * distances are in order of row number. Neighbours, order and distances do not depend on threads, `matmul` or its
 * precision.
 *
 * @param x - points [N, ...], N >= 2, or the distances between them (`distanceMatrix`)
 * @param k - neighbours of each point, at most N - 1 (N with `at`)
 * @throws OodError `E_EMPTY` without points, `E_ARGUMENT` for k out of range, `E_NOT_FINITE` for NaN data, `E_SHAPE`
 *
 * Cost 2 Q N D flops (half of it for all rows of a small set); memory 16 N D bytes and at most 100 MB a thread.
 * @example
 * const table = await findNeighbours(images, 100)
 * const a = await lpca(images, { neighbours: table })
 * const b = await ess(images, { neighbours: table })
 */
export async function findNeighbours(x: NdArray, k: number, options: SearchOptions = {}): Promise<NeighbourTable> {
  assertOptions('findNeighbours', options, SEARCH_OPTIONS)
  const { subsample, queries, at, seed = 0, threads, matmul } = options
  if (threads !== undefined) assertCount('findNeighbours threads', threads, 1)
  if (rowCount(x) === 0) throw new OodError('E_EMPTY', 'findNeighbours: expected at least one point, got none')
  const kept = subsample === undefined ? undefined : chosen(rowCount(x), subsample, seed, 'lid subsample')
  const data = kept ? (isDistanceMatrix(x) ? distancesBetween(x, kept) : takeRows(x, kept)) : x
  const n = rowCount(data)
  const d = rowSize(data)
  if (at && isDistanceMatrix(x))
    throw new OodError('E_ARGUMENT', 'findNeighbours at: expected points as data, got a matrix of distances')
  assertCount('findNeighbours neighbours', k, 1)
  const most = at ? n : n - 1
  if (k > most) throw mismatch('E_ARGUMENT', 'findNeighbours neighbours', `fewer than the ${most + 1} points`, k)
  assertFinite('findNeighbours data', data)
  if (at && queries !== undefined) throw new OodError('E_ARGUMENT', 'findNeighbours: expected queries or at, got both')
  if (at && rowSize(at) !== d) throw mismatch('E_SHAPE', 'findNeighbours at', `rows of ${d} numbers`, rowSize(at))
  if (at) assertFinite('findNeighbours at', at)
  if (at && rowCount(at) === 0) throw new OodError('E_EMPTY', 'findNeighbours at: expected points, got none')
  const rows = at ? undefined : queryRows(queries, n, seed, kept)
  const search = { data: flatData(data), n, d, k, rows, at: at && flatData(at), threads, matmul }
  const { engine, indices, distances } = isDistanceMatrix(data)
    ? { engine: undefined, ...nearestInRows(data, rows!, k) }
    : await prepareEngine(search, options)
  const points = rows
    ? kept
      ? rows.map((row) => kept[row]!)
      : rows
    : Int32Array.from({ length: rowCount(at!) }, (_, i) => i)
  const table: NeighbourTable = { neighbours: k, data, points, indices, distances, rows }
  if (engine) engineOf.set(table, engine)
  return table
}

/**
 * A table with the nearest k neighbours of one with more: one search serves every k.
 *
 * @throws OodError `E_ARGUMENT` for k above the table's
 * @example
 * const few = firstNeighbours(await findNeighbours(x, 100), 20)
 */
export function firstNeighbours(table: NeighbourTable, k: number): NeighbourTable {
  assertCount('firstNeighbours neighbours', k, 1)
  if (k > table.neighbours)
    throw mismatch('E_ARGUMENT', 'firstNeighbours neighbours', `at most the table's ${table.neighbours}`, k)
  const count = table.points.length
  const indices = new Int32Array(count * k)
  const distances = new Float64Array(count * k)
  for (let q = 0; q < count; q++) {
    const from = q * table.neighbours
    indices.set(table.indices.subarray(from, from + k), q * k)
    distances.set(table.distances.subarray(from, from + k), q * k)
  }
  const out: NeighbourTable = { ...table, neighbours: k, indices, distances }
  const engine = engineOf.get(table)
  if (engine) engineOf.set(out, engine)
  return out
}

/** `count` of 0..n-1 without repeats, ascending, fixed by seed and label. */
function chosen(n: number, count: number, seed: number, label: string): Int32Array {
  assertCount(label, count, 1)
  if (count > n) throw mismatch('E_ARGUMENT', label, `at most the ${n} rows`, count)
  return permutation(random(seed).fork(label), n).slice(0, count).sort()
}

/** Rows of the (cut) data at which to estimate. */
function queryRows(
  queries: number | ArrayLike<number> | undefined,
  n: number,
  seed: number,
  kept: Int32Array | undefined,
): Int32Array {
  if (queries === undefined) return Int32Array.from({ length: n }, (_, i) => i)
  if (typeof queries === 'number') return chosen(n, queries, seed, 'lid queries')
  if (queries.length === 0) throw new OodError('E_EMPTY', 'findNeighbours queries: expected rows, got none')
  return Int32Array.from(queries, (row) => {
    const at = kept ? kept.indexOf(row) : row
    if (!(Number.isInteger(row) && at >= 0 && at < n))
      throw mismatch('E_ARGUMENT', 'findNeighbours queries', 'row numbers of the data', row)
    return at
  })
}
