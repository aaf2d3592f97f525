// Matrix products: both layouts of B, both kernels, sizes around the block edges.
import { matmul } from '@ood/linalg'
import fc from 'fast-check'
import { Matrix } from 'ml-matrix'
import { expect, test } from 'vitest'
import { fastProduct } from '../src/internal/fast.ts'
import { plainProduct, transpose } from '../src/internal/plain.ts'
import { draw, maxDifference, numbers } from './support.ts'

const size = fc.oneof(fc.integer({ min: 0, max: 18 }), fc.constantFrom(128, 129, 257))
const wide = fc.oneof(fc.integer({ min: 0, max: 18 }), fc.constantFrom(512, 513))

test('A B, exactly, for whole numbers of any shape and layout', () => {
  fc.assert(
    fc.property(size, size, wide, fc.boolean(), fc.integer(), (rows, inner, cols, transposedB, seed) => {
      const next = numbers(seed)
      const whole = (n: number): Float64Array => draw(next, n).map((x) => Math.round(x * 100))
      const A = whole(rows * inner)
      const B = whole(inner * cols)
      const stored = transposedB ? transpose(B, inner, cols) : B
      const expected = plainProduct(A, transpose(B, inner, cols), rows, inner, cols)
      expect(maxDifference(matmul(A, stored, rows, inner, cols, { transposedB }), expected)).toBe(0)
      const fast = fastProduct(Float32Array.from(A), stored, rows, inner, cols, transposedB)
      expect(maxDifference(fast!, expected)).toBe(0)
    }),
    { numRuns: 20 },
  )
})

test('as ml-matrix multiplies', () => {
  const [m, k, n] = [30, 50, 20]
  const A = draw(numbers(1), m * k)
  const B = draw(numbers(2), k * n)
  const expected = Matrix.from1DArray(m, k, Array.from(A))
    .mmul(Matrix.from1DArray(k, n, Array.from(B)))
    .to1DArray()
  expect(maxDifference(matmul(A, B, m, k, n), expected)).toBeLessThan(1e-14)
})

test('bad input is named', () => {
  const one = Float64Array.of(1)
  expect(() => matmul(one, one, 1, 2, 1)).toThrow('matmul A: expected 2 numbers, got 1')
  expect(() => matmul(one, one, 1, 1, 2)).toThrow('matmul B: expected 2 numbers, got 1')
  expect(() => matmul(one, Float64Array.of(Number.NaN), 1, 1, 1)).toThrow('matmul B: expected finite numbers, got NaN')
})
