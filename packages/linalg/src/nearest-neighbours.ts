// Exact k nearest neighbours by brute force: fast approximate distances choose candidates, exact ones decide.
import { assertFinite, flatData, mismatch, type NdArray, rowCount, rowSize } from '@ood/core'
import { product } from './matmul.ts'
import { distancePoints, rankNeighbours } from './neighbour-blocks.ts'

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
  excludeSelf?: boolean
}

/** Approximate squared distances in memory at once: queries handled together times rows of data. */
const BLOCK = 2 ** 22

/**
 * The k nearest rows of `data` for every row of `queries`, Euclidean, exact; equal distances in order of row number.
 *
 * Squared distances come from |a|² + |b|² - 2 a·b (one matrix product) around the mean of the data, with rounding
 * error at most `bound` = 4 (D + 4) eps (|a| + |b|)². Every row within twice that bound of the k-th is a candidate, and
 * candidates are ranked by distances summed as Σ (a_j - b_j)², so cancellation cannot change a neighbour.
 *
 * @param data - N rows of D numbers
 * @param queries - Q rows of D numbers
 * @param k - 1 <= k <= N (N - 1 with `excludeSelf`)
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`, `E_ARGUMENT`
 *
 * Cost 2 N Q D flops; memory (N + Q) D + 4 million numbers.
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
  const block = Math.max(16, Math.min(256, Math.floor(BLOCK / n)))
  for (let from = 0; from < q; from += block) {
    const size = Math.min(block, q - from)
    const dots = product(targets.centred.subarray(from * d, (from + size) * d), points.centred, size, d, n, true)
    for (let i = 0; i < size; i++) {
      const row = from + i
      const target = { indices, distances, at: row * k }
      const options = { exclude: excludeSelf ? row : -1, unitRoundoff: 2 ** -53 }
      rankNeighbours(points, targets, row, dots, i * n, k, target, options)
    }
  }
  return { indices, distances }
}
