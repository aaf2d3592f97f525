// Tridiagonalisation: known spectra, invariants of the similarity, both kernels, edge sizes and bad input.
import { sturmCount, symmetricEigenvalues, tridiagonalEigenvalues, tridiagonalize } from '@ood/linalg'
import fc from 'fast-check'
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { describe, expect, test } from 'vitest'
import { fastTridiagonalize } from '../src/internal/fast.ts'
import { householderTridiagonalize } from '../src/internal/householder.ts'
import { emptyTridiagonal, type Tridiagonal } from '../src/tridiagonal.ts'
import { dense, draw, matrixOf, maxDifference, numbers, product, randomSymmetric, spectrumCases } from './support.ts'

const EPSILON = 2 ** -52

function plain(M: Float64Array, n: number, z?: Float64Array): Tridiagonal {
  const out = emptyTridiagonal(n, z)
  householderTridiagonalize(M.slice(), n, out.rotated, out.diagonal, out.offDiagonal)
  return out
}

function fast(M: Float64Array, n: number, z?: Float64Array): Tridiagonal {
  const out = emptyTridiagonal(n, z)
  expect(fastTridiagonalize(M, n, out)).toBe(true)
  return out
}

const kernels = { WebAssembly: fast, 'plain TypeScript': plain }

describe.each(Object.entries(kernels))('%s kernel', (_, reduce) => {
  test.each(spectrumCases)('eigenvalues of T are the known ones: $name', (fixture) => {
    const { M, n, z } = matrixOf(fixture)
    const { diagonal, offDiagonal } = reduce(M, n, z)
    const expected = Float64Array.from(fixture.spectrum).sort()
    // Backward error of Householder + QL: a modest multiple of eps ‖M‖, growing slowly with n. LAPACK's own error on the
    // same matrices is recorded in the fixture and reaches 6 eps ‖M‖.
    const norm = expected[n - 1]!
    expect(maxDifference(tridiagonalEigenvalues(diagonal, offDiagonal), expected)).toBeLessThanOrEqual(
      4 * fixture.numpyError + 30 * EPSILON * norm,
    )
  })

  test('powers of M seen from z: zᵀMᵖz = wᵀTᵖw for p = 0..4, at every size around the block edges', () => {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 18, 19, 31, 32, 33, 34, 47, 48, 49, 50, 63, 64, 65, 66, 97]) {
      const M = randomSymmetric(n, n)
      const z = draw(numbers(n + 1), n)
      const { diagonal, offDiagonal, rotated } = reduce(M, n, z)
      const T = dense(diagonal, offDiagonal)
      let left = z
      let right = rotated
      for (let power = 0; power <= 4; power++) {
        const expected = inner(z, left)
        const norm = Math.hypot(...left) * Math.hypot(...z)
        // Rounding of n products, each within n eps of the norms involved.
        expect(Math.abs(inner(rotated, right) - expected), `n = ${n}, p = ${power}`).toBeLessThanOrEqual(
          20 * n * EPSILON * norm + 1e-300,
        )
        left = product(M, left)
        right = product(T, right)
      }
    }
  })

  test('trace and Frobenius norm are kept', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer(),
        fc.integer({ min: -8, max: 8 }),
        (n, seed, exponent) => {
          const M = randomSymmetric(n, seed).map((x) => x * 10 ** exponent)
          const { diagonal, offDiagonal } = reduce(M, n)
          const frobenius = inner(M, M)
          const trace = diagonal.reduce((a, b) => a + b, 0)
          const expected = diagonal.map((_, i) => M[i * n + i]!).reduce((a, b) => a + b, 0)
          expect(Math.abs(trace - expected)).toBeLessThanOrEqual(10 * n * EPSILON * Math.sqrt(frobenius))
          expect(
            Math.abs(inner(diagonal, diagonal) + 2 * inner(offDiagonal, offDiagonal) - frobenius),
          ).toBeLessThanOrEqual(20 * n * EPSILON * frobenius)
        },
      ),
    )
  })

  test('rows that are already reduced are left exactly as they are', () => {
    const n = 37
    const next = numbers(3)
    const d = draw(next, n)
    const e = draw(next, n - 1)
    const z = draw(next, n)
    const T = reduce(dense(d, e), n, z)
    expect(T.diagonal).toEqual(d)
    expect(T.offDiagonal).toEqual(e)
    expect(T.rotated).toEqual(z)
  })

  test('a zero matrix and an identity matrix', () => {
    const n = 21
    expect(reduce(new Float64Array(n * n), n).diagonal).toEqual(new Float64Array(n))
    const identity = new Float64Array(n * n)
    for (let i = 0; i < n; i++) identity[i * n + i] = 1
    const T = reduce(identity, n)
    expect(T.diagonal).toEqual(new Float64Array(n).fill(1))
    expect(T.offDiagonal).toEqual(new Float64Array(n - 1))
  })
})

test('the two kernels agree on the reduction itself, not only on the spectrum', () => {
  // Entries of T depend on M continuously as long as no off-diagonal is tiny; here they stay above 0.1, and the measured
  // difference is 1e-13.
  const n = 101
  const M = randomSymmetric(n, 5)
  const z = draw(numbers(6), n)
  const a = fast(M, n, z)
  const b = plain(M, n, z)
  expect(maxDifference(a.diagonal, b.diagonal)).toBeLessThan(1e-10)
  expect(maxDifference(a.offDiagonal, b.offDiagonal)).toBeLessThan(1e-10)
  expect(maxDifference(a.rotated, b.rotated)).toBeLessThan(1e-10)
})

describe('tridiagonalize', () => {
  test('eigenvalues as ml-matrix finds them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.integer(), (n, seed) => {
        const M = randomSymmetric(n, seed)
        const peer = new EigenvalueDecomposition(Matrix.from1DArray(n, n, Array.from(M)), { assumeSymmetric: true })
        const expected = Float64Array.from(peer.realEigenvalues).sort()
        expect(maxDifference(symmetricEigenvalues(M, n), expected)).toBeLessThan(1e-13 * n)
      }),
      { numRuns: 50 },
    )
  })

  test('order 784: a flat spectrum with a graded tail, counted and computed', () => {
    const n = 784
    const spectrum = Array.from({ length: n }, (_, i) => 10 ** ((-12 * i) / (n - 1)))
    const { M } = matrixOf({ name: '', seed: 9, reflectors: 3, spectrum, numpyError: 0, rows: [] })
    const { diagonal, offDiagonal } = tridiagonalize(M, n)
    const values = tridiagonalEigenvalues(diagonal, offDiagonal)
    expect(maxDifference(values, Float64Array.from(spectrum).sort())).toBeLessThan(100 * EPSILON)
    for (const threshold of [0.5, 1e-3, 1e-6, 1e-9])
      expect(sturmCount(diagonal, offDiagonal, threshold)).toBe(spectrum.filter((x) => x > threshold).length)
  })

  test('reads the lower triangle only and changes neither argument', () => {
    const n = 13
    const M = randomSymmetric(n, 1)
    const lower = M.map((x, at) => (at % n > Math.floor(at / n) ? 99 : x))
    const z = draw(numbers(2), n)
    const kept = [lower.slice(), z.slice()]
    expect(tridiagonalize(lower, n, z)).toEqual(tridiagonalize(M, n, z))
    expect([lower, z]).toEqual(kept)
  })

  test('without a vector `rotated` is empty and T the same', () => {
    const M = randomSymmetric(20, 4)
    const { rotated, ...rest } = tridiagonalize(M, 20)
    expect(rotated.length).toBe(0)
    expect(tridiagonalize(M, 20, draw(numbers(1), 20))).toMatchObject(rest)
  })

  test('orders 0, 1 and 2', () => {
    const none = new Float64Array(0)
    expect(tridiagonalize(none, 0, none)).toEqual({ diagonal: none, offDiagonal: none, rotated: none })
    expect(tridiagonalize(Float64Array.of(7), 1, Float64Array.of(3))).toEqual({
      diagonal: Float64Array.of(7),
      offDiagonal: none,
      rotated: Float64Array.of(3),
    })
    expect(tridiagonalize(Float64Array.of(1, 9, 2, 3), 2, Float64Array.of(5, 6))).toEqual({
      diagonal: Float64Array.of(1, 3),
      offDiagonal: Float64Array.of(2),
      rotated: Float64Array.of(5, 6),
    })
  })

  test.each([1e300, 1e-300, 5e-324, 2 ** 401])('entries of size %d neither overflow nor vanish', (size) => {
    const n = 12
    const next = numbers(8)
    const whole = Array.from({ length: n * n }, () => Math.round(next() * 8))
    const M = new Float64Array(n * n)
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) M[i * n + j] = whole[Math.max(i, j) * n + Math.min(i, j)]!
    const expected = symmetricEigenvalues(M, n)
    const got = symmetricEigenvalues(
      M.map((x) => x * size),
      n,
    )
    const norm = Math.max(...expected.map(Math.abs))
    // In units of `size`; subnormals have no more than their own spacing.
    const resolution = Math.max(50 * EPSILON * norm, size < 1e-307 ? 5e-324 / size : 0)
    got.forEach((value, i) => {
      expect(Math.abs(value / size - expected[i]!)).toBeLessThanOrEqual(resolution)
    })
  })

  test('sizes up and down in turn leave no trace of each other', () => {
    const first = tridiagonalize(randomSymmetric(50, 1), 50, draw(numbers(2), 50))
    tridiagonalize(randomSymmetric(200, 3), 200)
    tridiagonalize(randomSymmetric(3, 4), 3)
    expect(tridiagonalize(randomSymmetric(50, 1), 50, draw(numbers(2), 50))).toEqual(first)
  })

  test('bad input is named', () => {
    const M = randomSymmetric(4, 1)
    expect(() => tridiagonalize(M, 3)).toThrow('tridiagonalize matrix: expected 9 numbers, got 16')
    expect(() => tridiagonalize(M, -1)).toThrow('tridiagonalize n: expected an integer >= 0, got -1')
    expect(() => tridiagonalize(M, 4, new Float64Array(3))).toThrow('tridiagonalize z: expected 4 numbers, got 3')
    M[6] = Number.NaN
    expect(() => tridiagonalize(M, 4)).toThrow('tridiagonalize matrix: expected finite numbers, got NaN at position 6')
    M[6] = Number.NEGATIVE_INFINITY
    expect(() => tridiagonalize(M, 4)).toThrow('got -Infinity at position 6')
    expect(() => tridiagonalize(Float64Array.of(1), 1, Float64Array.of(Number.NaN))).toThrow('tridiagonalize z')
  })
})

function inner(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0)
}
