// Gram matrices: both layouts, both kernels, float32 input, sizes around the block edges, the fused tridiagonalisation.
import {
  gram,
  gramTridiagonal,
  scatterTridiagonal,
  symmetricEigenvalues,
  tridiagonalEigenvalues,
  tridiagonalize,
} from '@ood/linalg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fastGram } from '../src/internal/fast.ts'
import { plainGram, transpose } from '../src/internal/plain.ts'
import { draw, maxDifference, numbers } from './support.ts'

const EPSILON = 2 ** -52
const sizes = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(63, 65, 128, 129, 257))

describe('gram', () => {
  test('JᵀJ, exactly, for whole numbers of any shape and layout', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.boolean(), fc.boolean(), fc.integer(), (rows, cols, transposed, single, seed) => {
        // Whole numbers below 2^6: every sum is exact in float64, in whatever order.
        const J = draw(numbers(seed), rows * cols).map((x) => Math.round(x * 100))
        const stored = transposed ? transpose(J, rows, cols) : J
        const input = single ? Float32Array.from(stored) : stored
        const expected = plainGram(J, rows, cols, false)
        for (const G of [gram(input, rows, cols, { transposed }), fastGram(input, rows, cols, transposed)!])
          expect(maxDifference(G, expected)).toBe(0)
        expect(maxDifference(plainGram(input, rows, cols, transposed), expected)).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  test('sums in float64: digits that float32 sums would lose', () => {
    const J = Float32Array.of(1e4, 1e-4, 1e4, -1e-4)
    // Columns (1e4, 1e4) and (1e-4, -1e-4): the diagonal differs by 16 orders, the off-diagonal cancels exactly.
    const small = Math.fround(1e-4) ** 2 * 2
    expect(gram(J, 2, 2)).toEqual(Float64Array.of(2e8, 0, 0, small))
  })

  test('symmetric to the last bit and within rounding of the dot products', () => {
    const [rows, cols] = [300, 70]
    const J = draw(numbers(1), rows * cols)
    const G = gram(J, rows, cols)
    expect(maxDifference(transpose(G, cols, cols), G)).toBe(0)
    // |J| <= 1/2: each sum of 300 products below 1/4 is off by at most 300 eps times 75, in practice sqrt of that.
    expect(maxDifference(G, plainGram(J, rows, cols, false))).toBeLessThan(300 * EPSILON)
  })

  test('bad input is named', () => {
    expect(() => gram(new Float64Array(5), 2, 3)).toThrow('gram matrix: expected 6 numbers, got 5')
    expect(() => gram(new Float64Array(0), 1.5, 0)).toThrow('gram rows: expected an integer >= 0, got 1.5')
    expect(() => gram(Float32Array.of(1, Number.NaN), 1, 2)).toThrow('got NaN at position 1')
  })
})

describe('gramTridiagonal', () => {
  test('equals the two steps one after another', () => {
    for (const [rows, cols] of [
      [0, 3],
      [5, 1],
      [40, 40],
      [130, 67],
      [20, 66],
    ] as const) {
      const J = draw(numbers(rows), rows * cols)
      const z = draw(numbers(cols), cols)
      const expected = tridiagonalize(gram(J, rows, cols), cols, z)
      expect(gramTridiagonal(J, rows, cols, z)).toEqual(expected)
      const got = gramTridiagonal(transpose(J, rows, cols), rows, cols, undefined, { transposed: true })
      expect(got).toEqual({ ...expected, rotated: new Float64Array(0) })
    }
  })

  test('squared singular values of a diagonal matrix; those below 1e-8 of the largest drown, as documented', () => {
    const n = 40
    const J = new Float64Array(n * n)
    for (let i = 0; i < n; i++) J[i * n + i] = 10 ** (-i / 4)
    const { diagonal, offDiagonal } = gramTridiagonal(J, n, n)
    const values = tridiagonalEigenvalues(diagonal, offDiagonal).reverse()
    values.forEach((value, i) => {
      expect(Math.abs(value - 10 ** (-i / 2))).toBeLessThan(4 * EPSILON)
    })
  })

  test.each([1e140, 1e100, 1e-100, 1e-140])('entries of size %d: squares would leave the safe range', (size) => {
    const n = 9
    const J = draw(numbers(5), n * n)
    const { diagonal, offDiagonal } = gramTridiagonal(
      J.map((x) => x * size),
      n,
      n,
    )
    const expected = symmetricEigenvalues(gram(J, n, n), n)
    const got = tridiagonalEigenvalues(diagonal, offDiagonal)
    got.forEach((value, i) => {
      expect(Math.abs(value / size / size - expected[i]!)).toBeLessThan(1e-14 * expected[n - 1]!)
    })
  })

  test('bad input is named', () => {
    expect(() => gramTridiagonal(new Float64Array(4), 2, 2, new Float64Array(1))).toThrow(
      'gramTridiagonal z: expected 2 numbers, got 1',
    )
    expect(() => gramTridiagonal(Float64Array.of(Number.NaN), 1, 1)).toThrow('gramTridiagonal matrix: expected finite')
  })
})

describe('scatterTridiagonal', () => {
  test.each([
    [1, 3],
    [2, 1],
    [5, 8],
    [40, 7],
    [100, 20],
    [300, 33],
  ])('has the eigenvalues of Σ (x - mean)(x - mean)ᵀ: %i points in %i dimensions', (rows, cols) => {
    for (const [size, shift] of [
      [1, 0],
      [1e-3, 1e3],
      [1e100, 0],
      [1e-100, 0],
    ] as const) {
      const X = draw(numbers(rows * cols), rows * cols).map((x) => x * size + shift)
      const mean = Float64Array.from({ length: cols }, (_, j) => {
        let sum = 0
        for (let i = 0; i < rows; i++) sum += X[i * cols + j]! - X[j]!
        return X[j]! + sum / rows
      })
      const expected = symmetricEigenvalues(
        gram(
          X.map((x, at) => x - mean[at % cols]!),
          rows,
          cols,
        ),
        cols,
      )
      const { diagonal, offDiagonal } = scatterTridiagonal(X, rows, cols)
      const got = tridiagonalEigenvalues(diagonal, offDiagonal)
      // Backward stable: n eps of the largest, and the last digit of the mean.
      expect(maxDifference(got, expected)).toBeLessThanOrEqual(1e-13 * expected[cols - 1]!)
    }
  })

  test('constant columns add exactly nothing; bad input is named', () => {
    const X = Float64Array.of(5.1, 1, 5.1, 2, 5.1, 4)
    expect(tridiagonalEigenvalues(...parts(scatterTridiagonal(X, 3, 2)))[0]).toBe(0)
    expect(() => scatterTridiagonal(X, 2, 2)).toThrow('scatterTridiagonal matrix: expected 4 numbers, got 6')
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
      for (const at of [0, 3, 4])
        expect(() => scatterTridiagonal(X.slice(0, 5).with(at, bad), 5, 1)).toThrow('matrix: expected finite numbers')
    expect(() => scatterTridiagonal(new Float64Array(0), 0, 2)).toThrow('scatterTridiagonal rows: expected')
  })
})

const parts = (t: { diagonal: Float64Array; offDiagonal: Float64Array }): [Float64Array, Float64Array] => [
  t.diagonal,
  t.offDiagonal,
]
