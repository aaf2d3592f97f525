// Precomputed distances in place of points: a checked matrix that every estimator takes as its data.
import { flatData, mismatch, type NdArray, tensor } from '@ood/core'

/** Matrices that stand for points, by identity. */
const matrices: WeakSet<NdArray> = new WeakSet()

/** The two halves of a matrix may differ by this share of its largest distance, what rounding does in any order. */
const SYMMETRIC = 1e-9

/**
 * Distances between N points as the data of any model-free estimator: pass the result where points are asked for.
 *
 * Estimators of distances (`mle`, `mom`, `mada`, `twoNn`, `gride`, `mindMl`, `pooledMle`, `corrInt`, `knnGraph`) use them as
 * they are, whatever the metric. Those of angles and directions (`tle`, `abid`, `danco`, `ess`, `fisherS`, `lpca`) take
 * what distances say about them in Euclidean space, where cosines and inner products follow from distances: with
 * Euclidean distances they give what the points give. `options.at` needs points and is refused. Where an estimator's
 * `maxDimension` is by default the ambient dimension, it is N.
 *
 * @param distances - N x N: finite, not negative, 0 on the diagonal, symmetric (to 1e-9 of the largest; the lower half is
 * used). A 0 elsewhere makes two points copies of each other.
 * @returns a copy in float64, marked as distances
 * @throws OodError `E_SHAPE` unless square, `E_NOT_FINITE`, `E_ARGUMENT` for the rest
 *
 * Memory 8 N² bytes.
 * @example
 * const d = distanceMatrix(tensor(hours, [n, n]))
 * const { mean } = await mle(d, { neighbours: 20 })
 * const whole = await twoNn(d)
 */
export function distanceMatrix(distances: NdArray): NdArray<Float64Array> {
  const [n, columns] = distances.shape
  if (distances.shape.length !== 2 || n !== columns)
    throw mismatch('E_SHAPE', 'distanceMatrix', 'a square matrix', `shape [${distances.shape}]`)
  const source = flatData(distances)
  const out = Float64Array.from(source)
  let largest = 0
  for (let at = 0; at < out.length; at++) {
    const value = out[at]!
    if (!Number.isFinite(value))
      throw mismatch('E_NOT_FINITE', 'distanceMatrix', 'finite distances', `${value} ${place(at, n!)}`)
    if (value < 0)
      throw mismatch('E_ARGUMENT', 'distanceMatrix', 'distances of at least 0', `${value} ${place(at, n!)}`)
    if (value > largest) largest = value
  }
  for (let i = 0; i < n!; i++) {
    if (out[i * n! + i] !== 0)
      throw mismatch('E_ARGUMENT', 'distanceMatrix', '0 on the diagonal', `${out[i * n! + i]} ${place(i * n! + i, n!)}`)
    for (let j = 0; j < i; j++) {
      const value = out[i * n! + j]!
      if (Math.abs(value - out[j * n! + i]!) > SYMMETRIC * largest)
        throw mismatch(
          'E_ARGUMENT',
          'distanceMatrix',
          'a symmetric matrix',
          `${value} ${place(i * n! + j, n!)} and ${out[j * n! + i]} across`,
        )
      // One number for both, so that ties stay ties.
      out[j * n! + i] = value
    }
  }
  const matrix = tensor(out, [n!, n!])
  matrices.add(matrix)
  return matrix
}

const place = (at: number, n: number): string => `in row ${Math.floor(at / n)}, column ${at % n}`

/** Whether data are distances made by `distanceMatrix`. */
export function isDistanceMatrix(x: NdArray): x is NdArray<Float64Array> {
  return matrices.has(x)
}

/** The distances between some of the points. */
export function distancesBetween(matrix: NdArray<Float64Array>, rows: Int32Array): NdArray<Float64Array> {
  const n = matrix.shape[0]!
  const out = new Float64Array(rows.length ** 2)
  for (let i = 0; i < rows.length; i++)
    for (let j = 0; j < rows.length; j++) out[i * rows.length + j] = matrix.data[rows[i]! * n + rows[j]!]!
  const part = tensor(out, [rows.length, rows.length])
  matrices.add(part)
  return part
}

/** The k nearest others of some rows: nearest first, ties in order of row number. */
export function nearestInRows(
  matrix: NdArray<Float64Array>,
  rows: Int32Array,
  k: number,
): { indices: Int32Array; distances: Float64Array } {
  const n = matrix.shape[0]!
  const indices = new Int32Array(rows.length * k)
  const distances = new Float64Array(rows.length * k)
  const order = new Int32Array(n - 1)
  for (let q = 0; q < rows.length; q++) {
    const row = rows[q]!
    const from = matrix.data.subarray(row * n, (row + 1) * n)
    for (let j = 0; j < n - 1; j++) order[j] = j < row ? j : j + 1
    order.sort((a, b) => from[a]! - from[b]! || a - b)
    for (let j = 0; j < k; j++) {
      indices[q * k + j] = order[j]!
      distances[q * k + j] = from[order[j]!]!
    }
  }
  return { indices, distances }
}
