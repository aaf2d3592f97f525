// Cholesky and LU: both kernels against ml-matrix and analytic cases, determinants that would overflow, bad input.
import { cholesky, gram, luLogDet, matmul } from '@ood/linalg'
import fc from 'fast-check'
import { CholeskyDecomposition, LuDecomposition, Matrix } from 'ml-matrix'
import { describe, expect, test } from 'vitest'
import { fastCholesky, fastPivots } from '../src/internal/fast.ts'
import { plainCholesky, plainPivots } from '../src/internal/plain.ts'
import { draw, maxDifference, numbers } from './support.ts'

/** JᵀJ + I: condition number at most a few n. */
function positive(n: number, seed: number): Float64Array {
  const G = gram(draw(numbers(seed), n * n), n, n)
  for (let i = 0; i < n; i++) G[i * n + i] = G[i * n + i]! + 1
  return G
}

const order = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(31, 32, 33, 47, 48, 49, 50, 51))

describe('cholesky', () => {
  test('as ml-matrix, in both kernels, at every size around the block edges', () => {
    fc.assert(
      fc.property(order, fc.integer(), (n, seed) => {
        const M = positive(n, seed)
        const expected = new CholeskyDecomposition(
          Matrix.from1DArray(n, n, Array.from(M)),
        ).lowerTriangularMatrix.to1DArray()
        for (const L of [cholesky(M, n), fastCholesky(M, n), plainCholesky(M, n)])
          expect(maxDifference(L as Float64Array, expected)).toBeLessThan(1e-13 * n)
      }),
    )
  })

  test('L Lᵀ gives M back at n = 200', () => {
    const n = 200
    const M = positive(n, 3)
    const L = cholesky(M, n)
    expect(maxDifference(matmul(L, L, n, n, n, { transposedB: true }), M)).toBeLessThan(1e-13 * n)
  })

  test('only the lower triangle is read; n = 0', () => {
    expect(cholesky(Float64Array.of(4, 99, 2, 5), 2)).toEqual(Float64Array.of(2, 0, 1, 2))
    expect(cholesky(new Float64Array(0), 0)).toEqual(new Float64Array(0))
  })

  test('a matrix that is not positive definite names its pivot, in both kernels', () => {
    expect(() => cholesky(Float64Array.of(1, 2, 2, 1), 2)).toThrow(
      'cholesky pivot 1: expected a positive definite matrix, got -3',
    )
    expect(plainCholesky(Float64Array.of(1, 2, 2, 1), 2)).toEqual({ column: 1, pivot: -3 })
    expect(() => cholesky(new Float64Array(9), 3)).toThrow('cholesky pivot 0')
    // The failing pivot may lie in a later block of columns.
    const n = 40
    const M = new Float64Array(n * n)
    for (let i = 0; i < n; i++) M[i * n + i] = i === 37 ? -1 : 1
    expect(() => cholesky(M, n)).toThrow('cholesky pivot 37: expected a positive definite matrix, got -1')
    expect(() => cholesky(Float64Array.of(Number.NaN), 1)).toThrow('cholesky matrix: expected finite numbers')
  })
})

describe('luLogDet', () => {
  test('as ml-matrix, in both kernels, at every size around the block edges', () => {
    fc.assert(
      fc.property(order, fc.integer(), (n, seed) => {
        const M = draw(numbers(seed), n * n)
        const expected = new LuDecomposition(Matrix.from1DArray(n, n, Array.from(M))).determinant
        const { sign, logAbsDet } = luLogDet(M, n)
        expect(sign).toBe(Math.sign(expected))
        const fast = fastPivots(M, n)!
        const plain = plainPivots(M, n)
        expect(fast.swaps).toBe(plain.swaps)
        // Rounding of n eps times the largest pivot is what a small pivot inherits: the ratio stands for the condition.
        const sizes = plain.pivots.map(Math.abs)
        const tolerance = 1e-13 * n * (Math.max(...sizes) / Math.min(...sizes))
        fast.pivots.forEach((pivot, i) => {
          expect(Math.abs(pivot / plain.pivots[i]! - 1)).toBeLessThan(tolerance)
        })
        expect(Math.abs(logAbsDet - Math.log(Math.abs(expected)))).toBeLessThan(n * tolerance)
      }),
    )
  })

  test('agrees with Cholesky at n = 300', () => {
    const n = 300
    const M = positive(n, 8)
    const L = cholesky(M, n)
    let expected = 0
    for (let i = 0; i < n; i++) expected += 2 * Math.log(L[i * n + i]!)
    const { sign, logAbsDet } = luLogDet(M, n)
    expect(sign).toBe(1)
    expect(Math.abs(logAbsDet / expected - 1)).toBeLessThan(1e-13)
  })

  test('permutations, overflow, underflow, singular, n = 0', () => {
    expect(luLogDet(Float64Array.of(0, 2, 3, 0), 2)).toEqual({ sign: -1, logAbsDet: Math.log(2) + Math.log(3) })
    const n = 400
    const cycle = new Float64Array(n * n)
    for (let i = 0; i < n; i++) cycle[i * n + ((i + 1) % n)] = i % 2 === 0 ? 1e10 : 1e-8
    // A cycle of even length is an odd permutation; the determinant 1e400 is no float64.
    const { sign, logAbsDet } = luLogDet(cycle, n)
    expect(sign).toBe(-1)
    expect(logAbsDet).toBeCloseTo(400 * Math.log(10), 9)
    expect(luLogDet(Float64Array.of(1, 2, 2, 4), 2)).toEqual({ sign: 0, logAbsDet: Number.NEGATIVE_INFINITY })
    expect(luLogDet(new Float64Array(1600), 40)).toEqual({ sign: 0, logAbsDet: Number.NEGATIVE_INFINITY })
    expect(luLogDet(new Float64Array(0), 0)).toEqual({ sign: 1, logAbsDet: 0 })
  })

  test('det(AB) = det(A) det(B)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), fc.integer(), (n, seed) => {
        const next = numbers(seed)
        const [A, B] = [draw(next, n * n), draw(next, n * n)]
        const [a, b, ab] = [luLogDet(A, n), luLogDet(B, n), luLogDet(matmul(A, B, n, n, n), n)]
        expect(ab.sign).toBe(a.sign * b.sign)
        expect(Math.abs(ab.logAbsDet - a.logAbsDet - b.logAbsDet)).toBeLessThan(1e-6)
      }),
    )
  })

  test('bad input is named', () => {
    expect(() => luLogDet(new Float64Array(3), 2)).toThrow('luLogDet matrix: expected 4 numbers, got 3')
    expect(() => luLogDet(Float64Array.of(Number.POSITIVE_INFINITY), 1)).toThrow('got Infinity at position 0')
  })
})
