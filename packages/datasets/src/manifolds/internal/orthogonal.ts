// Orthonormal matrices without a linear algebra package: random isometries and polar factors, flat row-major.
import { mismatch, OodError, type Random } from '@ood/core'

/** Gaussian rows x columns matrix, row-major. */
export function gaussianMatrix(rng: Random, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns)
  for (let i = 0; i < out.length; i++) out[i] = rng.normal()
  return out
}

/**
 * A uniformly random isometry of R^d into R^D: D x d with orthonormal columns. Gram-Schmidt of a Gaussian matrix (R with
 * positive diagonal) has the same distribution, the Haar measure, as its polar factor. Cost 4 D d² operations.
 */
export function randomIsometry(rng: Random, rows: number, columns: number): Float64Array {
  if (columns > rows) throw mismatch('E_ARGUMENT', 'isometry', `at most ${rows} columns for ${rows} rows`, columns)
  // Columns are kept as rows while they are made, so that the inner loops run along memory.
  const q = gaussianMatrix(rng, columns, rows)
  for (let j = 0; j < columns; j++) {
    const column = q.subarray(j * rows, (j + 1) * rows)
    // Twice is enough (Kahan): one pass loses digits where a column is nearly in the span of the others.
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < j; k++) {
        const other = q.subarray(k * rows, (k + 1) * rows)
        let dot = 0
        for (let i = 0; i < rows; i++) dot += column[i]! * other[i]!
        for (let i = 0; i < rows; i++) column[i] = column[i]! - dot * other[i]!
      }
    }
    let norm = 0
    for (let i = 0; i < rows; i++) norm += column[i]! * column[i]!
    norm = Math.sqrt(norm)
    for (let i = 0; i < rows; i++) column[i] = column[i]! / norm
  }
  return transposed(q, columns, rows)
}

/**
 * The polar factor U Vᵀ of a rows x columns matrix U S Vᵀ of full column rank: the nearest isometry. Newton-Schulz steps
 * X <- 1.5 X - 0.5 X XᵀX from A / |A|_F; quadratic once near, and slow only for ill-conditioned matrices.
 *
 * @throws OodError `E_ARGUMENT` when the rank is not full to working precision
 */
export function polarFactor(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const norm = Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0))
  let x = matrix.map((value) => value / norm)
  for (let step = 0; step < 100; step++) {
    const gram = new Float64Array(columns * columns)
    for (let i = 0; i < rows; i++)
      for (let a = 0; a < columns; a++)
        for (let b = 0; b < columns; b++)
          gram[a * columns + b] = gram[a * columns + b]! + x[i * columns + a]! * x[i * columns + b]!
    let gap = 0
    for (let a = 0; a < columns; a++)
      for (let b = 0; b < columns; b++) gap = Math.max(gap, Math.abs(gram[a * columns + b]! - (a === b ? 1 : 0)))
    if (gap < 1e-15 * columns) return x
    const next = x.map((value) => 1.5 * value)
    for (let i = 0; i < rows; i++)
      for (let b = 0; b < columns; b++) {
        let sum = 0
        for (let a = 0; a < columns; a++) sum += x[i * columns + a]! * gram[a * columns + b]!
        next[i * columns + b] = next[i * columns + b]! - 0.5 * sum
      }
    x = next
    // Rounding can leave the gap just above the target for ever; below this it no longer shrinks.
    if (step > 60 && gap < 1e-12) return x
  }
  throw new OodError('E_ARGUMENT', `polarFactor: expected full column rank, got a singular ${rows} x ${columns} matrix`)
}

/** out[at..] = A z for a rows x columns A. */
export function multiply(a: Float64Array, z: Float64Array, rows: number, out: Float64Array, at = 0): void {
  const columns = z.length
  for (let i = 0; i < rows; i++) {
    let sum = 0
    for (let j = 0; j < columns; j++) sum += a[i * columns + j]! * z[j]!
    out[at + i] = sum
  }
}

function transposed(a: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(a.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]!
  return out
}
