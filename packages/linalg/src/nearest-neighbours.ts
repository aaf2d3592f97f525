// Exact k nearest neighbours by brute force: fast approximate distances choose candidates, exact ones decide.
import { assertFinite, flatData, mismatch, type NdArray, rowCount, rowSize } from '@ood/core'
import { distancePoints } from './neighbour-blocks.ts'
import { searchNeighbours } from './search-neighbours.ts'

/** Neighbours of Q queries, nearest first. */
export interface Neighbours {
  /** Row numbers in `data`, Q x k row-major. */
  indices: Int32Array
  /** Euclidean distances, Q x k row-major. */
  distances: Float64Array
}

/** Options of {@link nearestNeighbours}. */
export interface NeighbourOptions {
  /** The queries are the data themselves, row by row: row i is not offered as its own neighbour. Duplicates still are. */
  excludeSelf?: boolean | undefined
}

/**
 * The k nearest rows of `data` for every row of `queries`, Euclidean, exact; equal distances in order of row number.
 *
 * Products of rows (float32 in WebAssembly, else float64) only choose: every row that their rounding error cannot tell
 * from the k-th is a candidate, and candidates are ranked by √`squaredDistance`. So cancellation changes no neighbour,
 * tied rows are at bit-equal distances and copies at 0.
 *
 * @param data - N rows of D numbers
 * @param queries - Q rows of D numbers
 * @param k - 1 <= k <= N (N - 1 with `excludeSelf`)
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`, `E_ARGUMENT`
 *
 * Cost 2 N Q D flops; memory (N + Q) D numbers and at most 100 MB.
 * @example
 * const { indices, distances } = nearestNeighbours(train, test, 10)
 */
export function nearestNeighbours(
  data: NdArray,
  queries: NdArray,
  k: number,
  options: NeighbourOptions = {},
): Neighbours {
  const excludeSelf = options.excludeSelf === true
  const n = rowCount(data)
  const q = rowCount(queries)
  const d = rowSize(data)
  const most = excludeSelf ? n - 1 : n
  if (rowSize(queries) !== d)
    throw mismatch('E_SHAPE', 'nearestNeighbours queries', `rows of ${d} numbers`, rowSize(queries))
  if (excludeSelf && q !== n) throw mismatch('E_SHAPE', 'nearestNeighbours queries', `the ${n} rows of data`, q)
  if (!(Number.isInteger(k) && k >= 1 && k <= most))
    throw mismatch('E_ARGUMENT', 'nearestNeighbours k', `an integer in 1..${most}`, k)
  assertFinite('nearestNeighbours data', data)
  assertFinite('nearestNeighbours queries', queries)

  const points = distancePoints(flatData(data), n, d)
  const targets = queries === data ? points : distancePoints(flatData(queries), q, d, points.mean)
  const indices = new Int32Array(q * k)
  const distances = new Float64Array(q * k)
  searchNeighbours(points, targets, { rows: undefined, from: 0, to: q, k, excludeSelf }, { indices, distances })
  return { indices, distances }
}
