// Matrix products, LU and Cholesky in plain TypeScript: the fallback without WebAssembly SIMD and the oracle of its tests.
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

/** The pivots of PM = LU with partial pivoting and the number of row exchanges, -1 when M is singular. */
export function plainPivots(M: Float64Array, n: number): { pivots: Float64Array; swaps: number } {
  const A = M.slice()
  const pivots = new Float64Array(n)
  let swaps = 0
  for (let k = 0; k < n; k++) {
    let best = k
    for (let i = k + 1; i < n; i++) if (Math.abs(A[i * n + k]!) > Math.abs(A[best * n + k]!)) best = i
    if (best !== k) {
      swaps++
      const kept = A.slice(k * n, (k + 1) * n)
      A.copyWithin(k * n, best * n, (best + 1) * n)
      A.set(kept, best * n)
    }
    const pivot = A[k * n + k]!
    if (pivot === 0) return { pivots, swaps: -1 }
    pivots[k] = pivot
    for (let i = k + 1; i < n; i++) {
      const factor = A[i * n + k]! / pivot
      if (factor === 0) continue
      for (let j = k + 1; j < n; j++) A[i * n + j] = A[i * n + j]! - factor * A[k * n + j]!
    }
  }
  return { pivots, swaps }
}

/** L of M = L Lᵀ, or the first pivot that is not positive. */
export function plainCholesky(M: Float64Array, n: number): Float64Array | { column: number; pivot: number } {
  const L = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = M[i * n + j]!
      for (let k = 0; k < j; k++) sum -= L[i * n + k]! * L[j * n + k]!
      if (j === i && !(sum > 0)) return { column: i, pivot: sum }
      L[i * n + j] = j === i ? Math.sqrt(sum) : sum / L[j * n + j]!
    }
  }
  return L
}
