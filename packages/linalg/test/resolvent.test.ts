// Resolvent sums: exact values to 60 digits at shifts from e^-20 to e^20, the linear flow's LID, derivatives, bad input.
import { gram, type Resolvent, tridiagonalize, tridiagonalResolvent } from '@ood/linalg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { draw, matrixOf, numbers, spectrumCases } from './support.ts'

const EPSILON = 2 ** -52

/** LID(delta) of fast flow LIDL, the paper's equation. */
const lid = (r: Resolvent, v: number): number => r.effectiveDimension + v * r.quadraticSandwich

describe('tridiagonalResolvent', () => {
  test.each(spectrumCases)('exact sums for v = e^-20 .. e^20: $name', (fixture) => {
    const { M, n, z } = matrixOf(fixture)
    const { diagonal, offDiagonal, rotated } = tridiagonalize(M, n, z)
    const norm = Math.max(...fixture.spectrum)
    const square = z.reduce((sum, x) => sum + x * x, 0)
    for (const row of fixture.rows) {
      const v = row.shift
      const got = tridiagonalResolvent(diagonal, offDiagonal, v, rotated)
      // T itself carries eigenvalue errors of a few eps ‖T‖, which v divides: `noise`. Where that is small the factor
      // 2e-14 remains (pivots of n steps, and the matrix of the fixture is rounded too).
      const noise = 2e-14 + (10 * EPSILON * norm) / v
      const near = (key: keyof Resolvent, scale: number): void =>
        expect(Math.abs(got[key] - row[key]), `${key} at v = ${v}`).toBeLessThanOrEqual(noise * scale)
      near('logDet', n + Math.abs(row.logDet))
      near('trace', row.trace)
      near('effectiveDimension', row.effectiveDimension)
      near('quadratic', row.quadratic)
      near('quadraticSquared', row.quadraticSquared)
      // λ (λ + v)⁻² changes by |w|² / v² per unit of λ where λ << v.
      expect(Math.abs(got.quadraticSandwich - row.quadraticSandwich)).toBeLessThanOrEqual(
        2e-14 * row.quadraticSandwich + (10 * EPSILON * norm * square) / v ** 2,
      )
      expect(Math.abs(lid(got, v) - row.lid)).toBeLessThanOrEqual(noise * row.lid)
      // The form of the paper, D - v tr + v (q - v q2), agrees up to its cancellation, n eps + |w|² eps.
      const paper = n - v * got.trace + v * (got.quadratic - v * got.quadraticSquared)
      expect(Math.abs(paper - row.lid)).toBeLessThanOrEqual(noise * row.lid + 1e-14 * (n + square))
    }
  })

  test('sums over a diagonal matrix, term by term', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.double({ min: -20, max: 20, noNaN: true }),
        fc.integer(),
        (spectrum, logShift, seed) => {
          const v = Math.exp(logShift)
          const d = Float64Array.from(spectrum)
          const w = draw(numbers(seed), d.length)
          const got = tridiagonalResolvent(d, new Float64Array(d.length - 1), v, w)
          const sum = (term: (x: number, w: number) => number): number =>
            spectrum.reduce((total, x, i) => total + term(x, w[i]!), 0)
          const close = (a: number, b: number): void =>
            expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-13 * Math.abs(b) + 1e-300)
          close(
            got.trace,
            sum((x) => 1 / (x + v)),
          )
          close(
            got.effectiveDimension,
            sum((x) => x / (x + v)),
          )
          close(
            got.quadratic,
            sum((x, a) => (a * a) / (x + v)),
          )
          close(
            got.quadraticSquared,
            sum((x, a) => (a * a) / (x + v) ** 2),
          )
          close(
            got.quadraticSandwich,
            sum((x, a) => (x * a * a) / (x + v) ** 2),
          )
          expect(Math.abs(got.logDet - sum((x) => Math.log(x + v)))).toBeLessThan(1e-12)
        },
      ),
    )
  })

  test('LID is D + d log rho / d delta (central differences)', () => {
    const n = 30
    const next = numbers(12)
    const z = draw(next, n)
    const { diagonal, offDiagonal, rotated } = tridiagonalize(gram(draw(next, n * n), n, n), n, z)
    const square = rotated.reduce((sum, x) => sum + x * x, 0)
    const logRho = (delta: number): number => {
      const v = Math.exp(2 * delta)
      const { logDet, quadratic } = tridiagonalResolvent(diagonal, offDiagonal, v, rotated)
      return -(n * Math.log(2 * Math.PI) + logDet + square - v * quadratic) / 2
    }
    const h = 1e-4
    for (const delta of [-4, -2, -1, 0, 1, 3]) {
      const v = Math.exp(2 * delta)
      const slope = (logRho(delta + h) - logRho(delta - h)) / (2 * h)
      // Truncation h² times a third derivative of order n, and cancellation of about 1e2 eps / h.
      expect(lid(tridiagonalResolvent(diagonal, offDiagonal, v, rotated), v)).toBeCloseTo(n + slope, 5)
    }
  })

  test('bounds hold for rank-deficient matrices however small the shift', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 30 }),
        fc.integer({ min: 0, max: 3 }),
        fc.double({ min: -40, max: 40, noNaN: true }),
        fc.integer(),
        (n, rank, logShift, seed) => {
          const v = Math.exp(logShift)
          const { diagonal, offDiagonal } = tridiagonalize(gram(draw(numbers(seed), rank * n), rank, n), n)
          const r = tridiagonalResolvent(diagonal, offDiagonal, v)
          expect(r.trace).toBeGreaterThan(0)
          expect(r.trace).toBeLessThanOrEqual((n / v) * (1 + 1e-13))
          expect(r.effectiveDimension).toBeGreaterThanOrEqual(0)
          expect(r.effectiveDimension).toBeLessThanOrEqual(n)
          expect(r.logDet).toBeGreaterThanOrEqual(n * Math.log(v) - 1e-12 * (1 + Math.abs(n * Math.log(v))))
          expect([r.quadratic, r.quadraticSquared, r.quadraticSandwich]).toEqual([0, 0, 0])
        },
      ),
    )
  })

  test('empty matrix and bad input', () => {
    const none = new Float64Array(0)
    expect(tridiagonalResolvent(none, none, 1).trace).toBe(0)
    const d = Float64Array.of(1, 2)
    const e = Float64Array.of(0.5)
    for (const shift of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => tridiagonalResolvent(d, e, shift)).toThrow('shift: expected a positive finite number')
    expect(() => tridiagonalResolvent(d, e, 1, none)).toThrow('tridiagonalResolvent w: expected 2 numbers, got 0')
    expect(() => tridiagonalResolvent(d, e, 1, Float64Array.of(1, Number.NaN))).toThrow('got NaN at position 1')
    expect(() => tridiagonalResolvent(Float64Array.of(1, -2), e, 1)).toThrow(
      'diagonal 1: expected a positive semidefinite T',
    )
  })
})

interface LinearFlow {
  A: number[][]
  z0: number[]
  rows: { log_scale: number; fast_flow_lidl: number; log_gaussian_convolution: number }[]
}
test('LID and log-convolution of the linear flow', () => {
  const { A, z0, rows } = vector<LinearFlow>('dgm/flow_linear')
  const z = Float64Array.from(z0)
  const { diagonal, offDiagonal, rotated } = tridiagonalize(gram(Float64Array.from(A.flat()), 3, 3), 3, z)
  const square = z.reduce((sum, x) => sum + x * x, 0)
  for (const row of rows) {
    const v = Math.exp(2 * row.log_scale)
    const r = tridiagonalResolvent(diagonal, offDiagonal, v, rotated)
    // ‖T‖ = 4.3 and v >= 2e-9: eigenvalue errors of eps ‖T‖ show as up to 1e-15 / v = 5e-7 of each term at the smallest.
    const tolerance = 1e-12 + (4 * EPSILON) / v
    expect(Math.abs(lid(r, v) - row.fast_flow_lidl)).toBeLessThan(tolerance)
    const logRho = -(3 * Math.log(2 * Math.PI) + r.logDet + square - v * r.quadratic) / 2
    expect(Math.abs(logRho - row.log_gaussian_convolution)).toBeLessThan(tolerance * 1e3)
  }
})
