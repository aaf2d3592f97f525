// Matrix products in plain TypeScript: the fallback without WebAssembly SIMD and the oracle of its tests.
import type { FloatArray } from '@ood/core'

/** The transpose of a rows x cols row-major matrix as float64. */
export function transpose(A: FloatArray, rows: number, cols: number): Float64Array {
  const out = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = A[i * cols + j]!
  return out
}

/** A Bᵀ: A is rows x inner, B is cols x inner, both row-major, so every entry is a dot product of two rows. */
export function plainProduct(A: FloatArray, B: FloatArray, rows: number, inner: number, cols: number): Float64Array {
  const out = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      let sum = 0
      for (let k = 0; k < inner; k++) sum += A[i * inner + k]! * B[j * inner + k]!
      out[i * cols + j] = sum
    }
  }
  return out
}

/** JᵀJ of a rows x cols matrix (given as cols x rows when `transposed`), both triangles. */
export function plainGram(J: FloatArray, rows: number, cols: number, transposed: boolean): Float64Array {
  const T = transposed ? J : transpose(J, rows, cols)
  const out = new Float64Array(cols * cols)
  for (let i = 0; i < cols; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let k = 0; k < rows; k++) sum += T[i * rows + k]! * T[j * rows + k]!
      out[i * cols + j] = sum
      out[j * cols + i] = sum
    }
  }
  return out
}
