// QL: analytic spectra, graded and degenerate matrices, bad input.
import { symmetricEigenvalues, tridiagonalEigenvalues } from '@ood/linalg'
import fc from 'fast-check'
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { describe, expect, test } from 'vitest'
import { dense, draw, maxDifference, numbers } from './support.ts'

const EPSILON = 2 ** -52

describe('tridiagonalEigenvalues', () => {
  test('second differences: 2 - 2 cos(k π / (n + 1)) for n = 1..60 and 784', () => {
    for (const n of [...Array.from({ length: 60 }, (_, i) => i + 1), 784]) {
      const values = tridiagonalEigenvalues(new Float64Array(n).fill(2), new Float64Array(n - 1).fill(-1))
      const expected = values.map((_, i) => 2 - 2 * Math.cos(((i + 1) * Math.PI) / (n + 1)))
      // ‖T‖ < 4; each of the about 1.7 n sweeps adds a random eps, so the error grows like sqrt(n) eps.
      expect(maxDifference(values, expected), `n = ${n}`).toBeLessThan(4 * EPSILON * (3 + Math.sqrt(n)))
    }
  })

  test('Clement matrix: -(n-1), -(n-3), ..., n-1', () => {
    const n = 51
    const e = Float64Array.from({ length: n - 1 }, (_, i) => Math.sqrt((i + 1) * (n - 1 - i)))
    const values = tridiagonalEigenvalues(new Float64Array(n), e)
    expect(
      maxDifference(
        values,
        values.map((_, i) => 2 * i - (n - 1)),
      ),
    ).toBeLessThan(50 * 20 * EPSILON)
  })

  test('strongly graded off-diagonals, the case the relative test alone does not finish', () => {
    const n = 300
    const d = Float64Array.from({ length: n }, (_, i) => 10 ** ((-30 * i) / n))
    const e = Float64Array.from({ length: n - 1 }, (_, i) => 10 ** ((-30 * (i + 0.5)) / n) / 2)
    for (const [a, b] of [
      [d, e],
      [d.slice().reverse(), e.slice().reverse()],
    ] as const) {
      const values = tridiagonalEigenvalues(a, b)
      const trace = d.reduce((x, y) => x + y, 0)
      expect(Math.abs(values.reduce((x, y) => x + y, 0) - trace)).toBeLessThan(1e-13 * trace)
      expect(Math.min(...values)).toBeGreaterThan(-100 * EPSILON)
    }
  })

  test('a diagonal matrix is sorted, exactly', () => {
    expect(tridiagonalEigenvalues(Float64Array.of(3, -1, 2, -1), new Float64Array(3))).toEqual(
      Float64Array.of(-1, -1, 2, 3),
    )
  })

  test('blocks: the spectrum of a split matrix is the union of the parts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.integer(), (m, n, seed) => {
        const next = numbers(seed)
        const d = draw(next, m + n)
        const e = draw(next, m + n - 1)
        e[m - 1] = 0
        const parts = [
          ...tridiagonalEigenvalues(d.slice(0, m), e.slice(0, m - 1)),
          ...tridiagonalEigenvalues(d.slice(m), e.slice(m)),
        ]
        expect(maxDifference(tridiagonalEigenvalues(d, e), Float64Array.from(parts).sort())).toBeLessThan(1e-14)
      }),
    )
  })

  test('as ml-matrix finds them, with zero, tiny and huge entries', () => {
    // Subnormal numbers are left out: ml-matrix reads outside its arrays on them.
    const uniform = fc.double({ min: -1, max: 1, noNaN: true }).map((x) => (Math.abs(x) < 1e-30 ? 0 : x))
    const entry = fc.oneof(fc.constant(0), uniform, fc.constantFrom(1e-9, 1e9, 1))
    fc.assert(
      fc.property(fc.array(fc.tuple(entry, entry), { minLength: 1, maxLength: 12 }), (pairs) => {
        const d = Float64Array.from(pairs, ([x]) => x)
        const e = Float64Array.from(pairs.slice(1), ([, x]) => x)
        const n = d.length
        const peer = new EigenvalueDecomposition(Matrix.from1DArray(n, n, Array.from(dense(d, e))), {
          assumeSymmetric: true,
        })
        const norm = Math.max(...d.map(Math.abs), ...e.map(Math.abs))
        expect(
          maxDifference(tridiagonalEigenvalues(d, e), Float64Array.from(peer.realEigenvalues).sort()),
        ).toBeLessThanOrEqual(100 * EPSILON * norm)
      }),
    )
  })

  test('input is kept; orders 0, 1, 2; zero', () => {
    const d = Float64Array.of(1, 2)
    const e = Float64Array.of(3)
    tridiagonalEigenvalues(d, e)
    expect([d, e]).toEqual([Float64Array.of(1, 2), Float64Array.of(3)])
    const none = new Float64Array(0)
    expect(tridiagonalEigenvalues(none, none)).toEqual(none)
    expect(tridiagonalEigenvalues(Float64Array.of(-4), none)).toEqual(Float64Array.of(-4))
    expect(maxDifference(tridiagonalEigenvalues(new Float64Array(2), Float64Array.of(1)), [-1, 1])).toBeLessThan(1e-15)
    expect(tridiagonalEigenvalues(new Float64Array(5), new Float64Array(4))).toEqual(new Float64Array(5))
  })

  test('bad input is named', () => {
    expect(() => tridiagonalEigenvalues(new Float64Array(3), new Float64Array(3))).toThrow(
      'tridiagonalEigenvalues off-diagonal: expected 2 numbers, got 3',
    )
    expect(() => tridiagonalEigenvalues(Float64Array.of(Number.NaN), new Float64Array(0))).toThrow('finite')
    expect(() => symmetricEigenvalues(Float64Array.of(1, 2, 3), 2)).toThrow('expected 4 numbers, got 3')
  })
})
