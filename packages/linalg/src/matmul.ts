// Dense float64 matrix product.
import type { FloatArray } from '@ood/core'
import { assertFiniteNumbers, assertLength, assertSize } from './internal/check.ts'
import { fastProduct } from './internal/fast.ts'
import { plainProduct, transpose } from './internal/plain.ts'

/** How the second factor lies in memory. */
export interface MatmulOptions {
  /** `true` when the second argument holds Bᵀ (cols x inner row-major), so that rows are multiplied with rows. */
  transposedB?: boolean | undefined
}

/**
 * The product C = A B in float64.
 *
 * @param A - rows x inner row-major
 * @param B - inner x cols row-major; with `transposedB`, cols x inner
 * @returns rows x cols row-major
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`
 *
 * Cost 2 · rows · inner · cols flops.
 * @example
 * matmul(Float64Array.of(1, 2), Float64Array.of(3, 4), 1, 2, 1) // [11]
 */
export function matmul(
  A: FloatArray,
  B: FloatArray,
  rows: number,
  inner: number,
  cols: number,
  options: MatmulOptions = {},
): Float64Array {
  assertSize('matmul rows', rows)
  assertSize('matmul inner', inner)
  assertSize('matmul cols', cols)
  assertLength('matmul A', A, rows * inner)
  assertLength('matmul B', B, inner * cols)
  assertFiniteNumbers('matmul A', A)
  assertFiniteNumbers('matmul B', B)
  return product(A, B, rows, inner, cols, options.transposedB === true)
}

/** `matmul` for arguments that have been checked. */
export function product(
  A: FloatArray,
  B: FloatArray,
  rows: number,
  inner: number,
  cols: number,
  transposedB: boolean,
): Float64Array {
  const fast = fastProduct(A, B, rows, inner, cols, transposedB)
  return fast ?? plainProduct(A, transposedB ? B : transpose(B, inner, cols), rows, inner, cols)
}
