// Derivative norms, Hessian spectra, Laplace scores and ascents of Gaussians, and of a density with a known mode.

import { differenceDensity, flatData, normals, random, tensor } from '@ood/core'
import { ascend, derivativeNorm, hessianSpectrum, laplaceScores, spectrumSummary } from '@ood/density'
import { symmetricEigenvalues } from '@ood/linalg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diagonalGaussian, gaussianDensity, rowOf, rows } from './gaussian.ts'

describe('derivativeNorm', () => {
  it('is |P x| in any norm, with log p', async () => {
    const density = diagonalGaussian([1, 0.5])
    const x = rows([3, 1], [0, 0])
    const { norm, logProb } = await derivativeNorm(density, x)
    expect(norm[0]).toBeCloseTo(5, 12) // gradient (-3, -4)
    expect(norm[1]).toBe(0)
    expect(logProb).toEqual((await density.logProb(x)).instance)
    expect((await derivativeNorm(density, x, { p: 1 })).norm[0]).toBeCloseTo(7, 12)
    expect((await derivativeNorm(density, x, { p: Number.POSITIVE_INFINITY })).norm[0]).toBe(4)
  })

  it('works on a density by differences', async () => {
    const density = diagonalGaussian([1, 0.5])
    const slow = differenceDensity(density, [2], { step: 1e-4 })
    expect((await derivativeNorm(slow, rows([3, 1]))).norm[0]).toBeCloseTo(5, 6)
  })
})

describe('hessianSpectrum', () => {
  it('has the eigenvalues of the precision matrix, whatever the chunk of directions', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 7 }),
        fc.nat(1000),
        fc.integer({ min: 1, max: 9 }),
        async (d, seed, directions) => {
          const B = normals(random(seed), d * d)
          const P = new Float64Array(d * d)
          for (let i = 0; i < d; i++)
            for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) P[i * d + j]! += B[i * d + k]! * B[j * d + k]!
          const density = gaussianDensity(P, d, 0)
          const x = tensor(normals(random(seed + 1), 2 * d), [2, d])
          const { eigenvalues, asymmetry } = await hessianSpectrum(density, x, { directions })
          const want = symmetricEigenvalues(P, d)
          for (const row of [0, 1]) {
            const got = rowOf(eigenvalues, row)
            // Two routes to the eigenvalues of matrices of size d: rounding of the largest.
            for (let i = 0; i < d; i++) expect(Math.abs(got[i]! - want[i]!)).toBeLessThan(1e-12 * (1 + want[d - 1]!))
            expect(got).toEqual([...got].sort((a, b) => a - b))
            expect(asymmetry[row]).toBeLessThan(1e-14)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('sees saddles, and says where products are not symmetric', async () => {
    const P = Float64Array.of(1, 0, 0, -2)
    const saddle = gaussianDensity(P, 2, 0)
    expect(rowOf((await hessianSpectrum(saddle, rows([1, 1]))).eigenvalues, 0)).toEqual([-2, 1])
    const skew = gaussianDensity(Float64Array.of(1, 0.5, 0, 1), 2, 0)
    expect((await hessianSpectrum(skew, rows([0, 0]))).asymmetry[0]).toBeCloseTo(0.5, 12)
    const { hessianProduct: _, ...first } = saddle
    await expect(hessianSpectrum(first, rows([0, 0]))).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
    await expect(hessianSpectrum(saddle, rows([0, 0]), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'E_ABORTED',
    })
  })

  it('is summed up by mean and deviation of the k-th largest', () => {
    const { mean, deviation } = spectrumSummary(tensor(Float64Array.of(1, 5, 3, 7), [2, 2]))
    expect([...mean]).toEqual([6, 2])
    expect([...deviation]).toEqual([1, 1])
    expect(() => spectrumSummary(tensor(new Float64Array(0), [0, 2]))).toThrow('expected at least one row')
  })
})

describe('laplaceScores', () => {
  it('with 1/2 is the log mass of a Gaussian at its mode, up to (D/2) ln 2π: the mass is 1', async () => {
    const density = diagonalGaussian([0.5, 2, 1.5])
    const x = rows([0, 0, 0])
    const { eigenvalues } = await hessianSpectrum(density, x)
    const [score] = laplaceScores((await density.logProb(x)).instance, eigenvalues)
    expect(score! + 1.5 * Math.log(2 * Math.PI)).toBeCloseTo(0, 12)
  })

  it('drops tails and what is not positive, or takes sizes', () => {
    const eigenvalues = tensor(Float64Array.of(-2, 0, Math.E, Math.E ** 2), [1, 4])
    const at = (options: object) => laplaceScores(Float64Array.of(1), eigenvalues, { weight: 1, ...options })[0]
    expect(at({})).toBeCloseTo(1 - 3, 12)
    expect(at({ negative: 'absolute' })).toBeCloseTo(1 - 3 - Math.LN2, 12)
    expect(at({ tails: 0.25 })).toBeCloseTo(1 - 1, 12)
    expect(at({ tails: 0.3, weight: 2 })).toBeCloseTo(1 - 2, 12)
  })

  it('checks its options', () => {
    const eigenvalues = tensor(Float64Array.of(1), [1, 1])
    const one = Float64Array.of(0)
    expect(() => laplaceScores(one, eigenvalues, { tails: 0.5 })).toThrow(
      'tails: expected a share in [0, 0.5), got 0.5',
    )
    expect(() => laplaceScores(one, eigenvalues, { negative: 'force' as never })).toThrow(
      'expected ignore or absolute, got force',
    )
    expect(() => laplaceScores(new Float64Array(2), eigenvalues)).toThrow('expected 1 log-probabilities, got 2')
  })
})

describe('ascend', () => {
  it('climbs every row to the mode, and never below where it began', async () => {
    const density = diagonalGaussian([1, 0.3])
    const start = tensor(normals(random(1), 8), [4, 2])
    const before = (await density.logProb(start)).instance
    const top = await ascend(density, start, { steps: 60 })
    const mode = (await density.logProb(rows([0, 0]))).instance[0]!
    for (const [row, value] of top.logProb.entries()) {
      expect(value).toBeGreaterThanOrEqual(before[row]!)
      expect(mode - value).toBeLessThan(1e-3)
    }
    expect((await density.logProb(top.x)).instance).toEqual(top.logProb)
    const none = await ascend(density, start, { steps: 0 })
    expect(flatData(none.x)).toEqual(flatData(start))
  })

  it('descends the gradient norm, also from beside a saddle', async () => {
    const saddle = gaussianDensity(Float64Array.of(1, 0, 0, -1), 2, 0)
    const end = await ascend(saddle, rows([0.5, 0.4]), { goal: 'gradientNorm', steps: 60 })
    expect(end.gradientNorm[0]).toBeLessThan(1e-3)
    // log p alone would run away along the second axis.
    expect((await ascend(saddle, rows([0.5, 0.4]), { steps: 60 })).x.get(0, 1)).toBeGreaterThan(10)
  })

  it('checks its options', async () => {
    const { hessianProduct: _, ...first } = diagonalGaussian([1])
    await expect(ascend(first, rows([0]), { goal: 'gradientNorm' })).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
    await expect(ascend(first, rows([0]), { rate: 0 })).rejects.toThrow('rate: expected a positive number')
    await expect(ascend(first, rows([0]), { goal: 'up' as never })).rejects.toThrow(
      'expected logProb or gradientNorm, got up',
    )
  })
})
