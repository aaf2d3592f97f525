// Exact k nearest neighbours by brute force: fast approximate distances choose candidates, exact ones decide.
import { assertFinite, type FloatArray, flatData, mismatch, type NdArray, rowCount, rowSize } from '@ood/core'
import { product } from './matmul.ts'

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

  const mean = columnMeans(data)
  const points = centred(data, mean)
  const targets = centred(queries, mean)
  const pointNorms = squaredNorms(points, n, d)
  const targetNorms = squaredNorms(targets, q, d)
  const largest = Math.sqrt(pointNorms.reduce((a, b) => Math.max(a, b), 0))
  const indices = new Int32Array(q * k)
  const distances = new Float64Array(q * k)
  const approximate = new Float64Array(n)
  const dataNumbers = flatData(data)
  const queryNumbers = flatData(queries)
  const block = Math.max(16, Math.min(256, Math.floor(BLOCK / n)))
  for (let from = 0; from < q; from += block) {
    const size = Math.min(block, q - from)
    const dots = product(targets.subarray(from * d, (from + size) * d), points, size, d, n, true)
    for (let i = 0; i < size; i++) {
      const row = from + i
      for (let j = 0; j < n; j++) approximate[j] = pointNorms[j]! - 2 * dots[i * n + j]!
      if (excludeSelf) approximate[row] = Number.POSITIVE_INFINITY
      const bound = 4 * (d + 4) * 2 ** -53 * (largest + Math.sqrt(targetNorms[row]!)) ** 2
      const limit = kthSmallest(approximate, k) + 2 * bound
      const candidates: { index: number; squared: number }[] = []
      for (let j = 0; j < n; j++) {
        if (approximate[j]! > limit) continue
        candidates.push({ index: j, squared: squaredDistance(queryNumbers, row * d, dataNumbers, j * d, d) })
      }
      candidates.sort((a, b) => a.squared - b.squared || a.index - b.index)
      for (let r = 0; r < k; r++) {
        indices[row * k + r] = candidates[r]!.index
        distances[row * k + r] = Math.sqrt(candidates[r]!.squared)
      }
    }
  }
  return { indices, distances }
}

function columnMeans(x: NdArray): Float64Array {
  const data = flatData(x)
  const n = rowCount(x)
  const d = rowSize(x)
  const mean = new Float64Array(d)
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) mean[j] = mean[j]! + data[i * d + j]! / n
  return mean
}

function centred(x: NdArray, mean: Float64Array): Float64Array {
  const data = flatData(x)
  const d = mean.length
  const out = new Float64Array(data.length)
  for (let at = 0; at < out.length; at += d) for (let j = 0; j < d; j++) out[at + j] = data[at + j]! - mean[j]!
  return out
}

function squaredNorms(x: Float64Array, n: number, d: number): Float64Array {
  const out = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    let sum = 0
    for (let j = i * d; j < (i + 1) * d; j++) sum += x[j]! * x[j]!
    if (!(sum < Number.POSITIVE_INFINITY))
      throw mismatch('E_ARGUMENT', 'nearestNeighbours', 'numbers whose squares stay below 1.8e308', `row ${i}`)
    out[i] = sum
  }
  return out
}

function squaredDistance(x: FloatArray, atX: number, y: FloatArray, atY: number, d: number): number {
  let sum = 0
  for (let j = 0; j < d; j++) {
    const difference = x[atX + j]! - y[atY + j]!
    sum += difference * difference
  }
  return sum
}

/** The k-th smallest number, by a max-heap of the k smallest so far. */
function kthSmallest(values: Float64Array, k: number): number {
  const heap = new Float64Array(k).fill(Number.POSITIVE_INFINITY)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!(value < heap[0]!)) continue
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= k) break
      if (child + 1 < k && heap[child + 1]! > heap[child]!) child++
      if (heap[child]! <= value) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = value
  }
  return heap[0]!
}
