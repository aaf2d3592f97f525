// Dominant eigenvectors: against ml-matrix, on known spectra with repeated and clustered values, both kernels.
import { dominantEigenvectors, gram } from '@ood/linalg'
import fc from 'fast-check'
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { draw, numbers } from './support.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

/** H D H with reflectors from a seed: a symmetric matrix with the spectrum D. */
function withSpectrum(spectrum: readonly number[], seed: number): Float64Array {
  const n = spectrum.length
  const next = numbers(seed)
  let M = Matrix.diag([...spectrum])
  for (let q = 0; q < 5; q++) {
    const v = Matrix.columnVector([...draw(next, n)])
    const H = Matrix.eye(n).sub(v.mmul(v.transpose()).mul(2 / v.dot(v)))
    M = H.mmul(M).mmul(H)
  }
  return Float64Array.from(M.to1DArray())
}

/** Largest of |XXᵀ - I| and |MXᵀ - Xᵀdiag(λ)| / λ_1. */
function defect(M: Float64Array, n: number, values: Float64Array, vectors: Float64Array): number {
  const m = values.length
  if (m === 0) return 0
  const X = Matrix.from1DArray(m, n, [...vectors])
  const unit = X.mmul(X.transpose()).sub(Matrix.eye(m))
  const full = Matrix.from1DArray(n, n, [...M])
  const residual = full.mmul(X.transpose()).sub(X.transpose().mmul(Matrix.diag([...values])))
  return Math.max(unit.abs().max(), residual.abs().max() / values[0]!)
}

describe('dominantEigenvectors', () => {
  test('eigenpairs of Gram matrices of any size and rank, and no more than asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(0, 0.01, 0.1, 0.5),
        fc.integer(),
        (n, rows, share, seed) => {
          const M = gram(draw(numbers(seed), rows * n), rows, n)
          const { values, vectors } = dominantEigenvectors(M, n, share)
          // Rounding of the reduction: about n eps; 1e-11 leaves room for n = 40.
          expect(defect(M, n, values, vectors)).toBeLessThan(1e-11)
          const all = new EigenvalueDecomposition(Matrix.from1DArray(n, n, [...M]), {
            assumeSymmetric: true,
          }).realEigenvalues.sort((a, b) => b - a)
          // A share that falls within rounding of an eigenvalue has no definite answer.
          if (all.some((value) => Math.abs(value - share * all[0]!) < 1e-10 * all[0]!)) return
          expect(values.length).toBe(all.filter((value) => value > share * all[0]!).length)
          values.forEach((value, i) => {
            expect(Math.abs(value - all[i]!)).toBeLessThan(1e-11 * all[0]!)
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  test.each([
    ['repeated', [3, 3, 3, 2, 2, 1, 0, 0, 0, 0], 6],
    ['clustered', Array.from({ length: 30 }, (_, i) => 1 + 1e-13 * i), 30],
    ['one', [5, 0, 0, 0], 1],
    ['graded', Array.from({ length: 50 }, (_, i) => 10 ** (-i / 10)), 10],
  ])('%s eigenvalues', (_, spectrum, want) => {
    const n = spectrum.length
    const M = withSpectrum(spectrum, 7)
    const { values, vectors } = dominantEigenvectors(M, n, 0.1 + 1e-9)
    expect(values.length).toBe(want)
    expect(defect(M, n, values, vectors)).toBeLessThan(1e-11)
  })

  test('a diagonal matrix with equal entries, which the reduction splits at once', () => {
    const n = 6
    const M = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 2 : 0))
    const { values, vectors } = dominantEigenvectors(M, n, 0.5)
    expect([...values]).toEqual([2, 2, 2, 2, 2, 2])
    expect(defect(M, n, values, vectors)).toBeLessThan(1e-14)
  })

  test('extreme magnitudes, zero and order 0', () => {
    for (const size of [1e-200, 1e200]) {
      const { values } = dominantEigenvectors(Float64Array.of(2 * size, size, size, 2 * size), 2, 0.1)
      expect([values[0]! / size, values[1]! / size]).toEqual([expect.closeTo(3, 12), expect.closeTo(1, 12)])
    }
    expect(dominantEigenvectors(new Float64Array(9), 3, 0.1).values.length).toBe(0)
    expect(dominantEigenvectors(new Float64Array(0), 0, 0.1).values.length).toBe(0)
  })

  test('the same without WebAssembly', async () => {
    const n = 33
    const M = gram(draw(numbers(3), 50 * n), 50, n)
    const fast = dominantEigenvectors(M, n, 0.2)
    vi.resetModules()
    vi.stubGlobal('WebAssembly', undefined)
    const plain = (await import('@ood/linalg')).dominantEigenvectors(M, n, 0.2)
    expect(plain.values.length).toBe(fast.values.length)
    expect(defect(M, n, plain.values, plain.vectors)).toBeLessThan(1e-12)
    plain.values.forEach((value, i) => {
      expect(value).toBeCloseTo(fast.values[i]!, 11)
    })
  })

  test('bad input is named', () => {
    expect(() => dominantEigenvectors(Float64Array.of(1), 2, 0)).toThrow(
      'dominantEigenvectors matrix: expected 4 numbers',
    )
    expect(() => dominantEigenvectors(Float64Array.of(1), 1, 1)).toThrow('share: expected a number in [0, 1), got 1')
    expect(() => dominantEigenvectors(Float64Array.of(Number.NaN), 1, 0)).toThrow('expected finite numbers')
  })
})
