// Masses of balls and convolutions of Gaussians, which are known: non-central chi-squared laws (SciPy) and wider Gaussians.

import { normals, random, sliceRows, takeRows, tensor } from '@ood/core'
import { ballMass, gaussianConvolution, lpBallLogVolume, nestedBallMass } from '@ood/density'
import { describe, expect, it } from 'vitest'
import { diagonalGaussian, rowOf, rows } from './gaussian.ts'

/** The point at distance c from the origin of R^d. */
const at = (d: number, c: number): number[] => Array.from({ length: d }, (_, i) => (i === 0 ? c : 0))

describe('ballMass', () => {
  it('is the mass of the ball, within its standard error', async () => {
    // ln P(|x - c| < r) under N(0, I_d): ncx2.cdf(r², d, c²).
    for (const [d, c, r, want] of [
      [2, 1, 0.5, -2.6108427035710533],
      [5, 1.2, 1.0, -3.906731586912558],
      [5, 0, 2, -0.7972106518608856],
    ] as const) {
      const density = diagonalGaussian(new Array<number>(d).fill(1))
      const found = await ballMass(density, rows(at(d, c)), { radii: [r], samples: 20_000, seed: 1 })
      const error = found.standardError.get(0, 0)
      expect(error).toBeLessThan(0.05)
      expect(Math.abs(found.logMass.get(0, 0) - want)).toBeLessThan(4 * error)
    }
  })

  it('is the same mass for the ball of a cube: a product of intervals', async () => {
    const density = diagonalGaussian([1, 2])
    const p = Number.POSITIVE_INFINITY
    const { logMass, logVolume, logDensity } = await ballMass(density, rows([0, 0]), {
      radii: [0.5, 1],
      p,
      samples: 5000,
    })
    // Φ(0.5) - Φ(-0.5) and Φ(0.25) - Φ(-0.25); Φ(1) - Φ(-1) and the former.
    const [a, b, c] = [0.3829249225480262, 0.1974126513658474, 0.6826894921370859]
    expect(Math.abs(logMass.get(0, 0) - Math.log(a * b))).toBeLessThan(0.01)
    expect(Math.abs(logMass.get(0, 1) - Math.log(c * a))).toBeLessThan(0.02)
    expect(logVolume[1]).toBe(lpBallLogVolume(2, 1, p))
    expect(logDensity.get(0, 1) + logVolume[1]!).toBe(logMass.get(0, 1))
  })

  it('gives a row the same numbers in any batch, order and company', async () => {
    const density = diagonalGaussian([1, 0.5, 2])
    const x = tensor(normals(random(2), 12), [4, 3])
    const options = { radii: [0.1, 0.4], samples: 7, seed: 3 }
    const all = await ballMass(density, x, options)
    const small = await ballMass(density, x, { ...options, batchSize: 5 })
    expect(small.logMass.data).toEqual(all.logMass.data)
    const turned = await ballMass(density, takeRows(x, [2, 0]), { ...options, rows: [2, 0] })
    expect(rowOf(turned.logMass, 0)).toEqual(rowOf(all.logMass, 2))
    expect(rowOf(turned.logMass, 1)).toEqual(rowOf(all.logMass, 0))
    // The directions of a radius do not depend on which others there are.
    const one = await ballMass(density, x, { ...options, radii: [0.4] })
    expect(one.logMass.get(3, 0)).toBe(all.logMass.get(3, 1))
  })

  it('handles densities of 0, names NaN, counts progress, stops', async () => {
    const box = {
      logProb: async (x: { data: ArrayLike<number>; shape: number[] }) => ({
        instance: Float64Array.from(x.data, (v) => (Math.abs(v) < 1 ? 0 : Number.NEGATIVE_INFINITY)),
      }),
    }
    const x = rows([0], [5])
    const { logMass, standardError } = await ballMass(box as never, x, { radii: [0.5] })
    expect(logMass.get(0, 0)).toBe(0)
    expect(logMass.get(1, 0)).toBe(Number.NEGATIVE_INFINITY)
    expect(standardError.get(0, 0)).toBe(0)
    const broken = { logProb: async () => ({ instance: new Float64Array(256).fill(Number.NaN) }) }
    await expect(ballMass(broken, x, { radii: [1] })).rejects.toThrow(
      'ballMass log p: expected numbers, got NaN near row 0',
    )
    const seen: number[] = []
    await ballMass(box as never, x, {
      radii: [1],
      samples: 300,
      onProgress: ({ done, total }) => seen.push(done / total),
    })
    expect(seen.at(-1)).toBe(1)
    await expect(ballMass(box as never, x, { radii: [1], signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'E_ABORTED',
    })
    await expect(ballMass(box as never, x, { radii: [] })).rejects.toThrow(
      'ballMass radius: expected a positive number',
    )
    await expect(ballMass(box as never, x, { radii: [1], samples: 0 })).rejects.toThrow(
      'samples: expected a positive integer',
    )
    await expect(ballMass(box as never, x, { radii: [1], rows: [1] })).rejects.toThrow(
      'expected 2 keys, one a row, got 1',
    )
    await expect(ballMass(box as never, rows([Number.NaN]), { radii: [1] })).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
    })
    const none = await ballMass(box as never, sliceRows(x, 0, 0), { radii: [1] })
    expect(none.logMass.shape).toEqual([0, 1])
  })
})

describe('gaussianConvolution', () => {
  it('is the Gaussian of the summed variances', async () => {
    const [s, x] = [
      [1, 0.3],
      [0.7, -0.2],
    ]
    const deviations = [0.1, 0.5]
    const { logDensity, standardError } = await gaussianConvolution(diagonalGaussian(s), rows(x), {
      deviations,
      samples: 20_000,
    })
    for (const [k, r] of deviations.entries()) {
      const want = s.reduce((sum, sigma, i) => {
        const variance = sigma * sigma + r * r
        return sum - 0.5 * (x[i]! ** 2 / variance + Math.log(2 * Math.PI * variance))
      }, 0)
      expect(standardError.get(0, k)).toBeLessThan(0.02)
      expect(Math.abs(logDensity.get(0, k) - want)).toBeLessThan(4 * standardError.get(0, k))
    }
  })

  it('checks its options', async () => {
    const density = diagonalGaussian([1])
    await expect(gaussianConvolution(density, rows([0]), { deviations: [] })).rejects.toThrow(
      'expected positive numbers, got none',
    )
    await expect(gaussianConvolution(density, rows([0]), { deviations: [0] })).rejects.toThrow(
      'expected positive numbers, got 0',
    )
  })
})

describe('nestedBallMass', () => {
  it('gives ratios and masses of balls in 20 dimensions, where uniform points do not', async () => {
    const d = 20
    const density = diagonalGaussian(new Array<number>(d).fill(1))
    // ln P(|x - c| < r), |c| = 2, from ncx2.cdf.
    const law: [number, number][] = [
      [0.5, -37.98972608103976],
      [0.53, -36.8355813576911],
      [0.56, -35.74627324328326],
      [0.6, -34.38328291746242],
    ]
    const radii = law.map(([r]) => r)
    const found = await nestedBallMass(density, rows(at(d, 2)), { radii, walks: 16, steps: 1500, warmup: 300, seed: 4 })
    for (let k = 0; k + 1 < law.length; k++) {
      const want = law[k]![1] - law[k + 1]![1]
      const error = found.standardError.get(0, k)
      expect(error).toBeLessThan(0.12)
      expect(Math.abs(found.logRatio.get(0, k) - want)).toBeLessThan(4 * error)
      expect(found.acceptance.get(0, k)).toBeGreaterThan(0.1)
    }
    // The ladder multiplies up: the largest ball against its law; errors of the rungs and of the smallest ball add.
    expect(Math.abs(found.logMass.get(0, law.length - 1) - law.at(-1)![1])).toBeLessThan(0.6)
  })

  it('gives a row the same walks in any company', async () => {
    const density = diagonalGaussian([1, 1, 0.5])
    const x = rows([0, 0, 0], [1, 0.5, 0], [0, 0, 2])
    const options = { radii: [0.5, 0.7], walks: 3, steps: 20, seed: 8 }
    const all = await nestedBallMass(density, x, options)
    const one = await nestedBallMass(density, sliceRows(x, 1, 2), { ...options, rows: [1] })
    expect(one.logMass.get(0, 1)).toBe(all.logMass.get(1, 1))
    const published = await nestedBallMass(density, x, { ...options, compat: 'reference' })
    expect(published.logMass.data).toEqual(all.logMass.data)
    // Its own number is the mean density in the inner ball: here within the ball's extremes of log p around the origin.
    expect(published.logRatio.get(0, 0)).toBeLessThan((await density.logProb(rows([0, 0, 0]))).instance[0]!)
  })

  it('adapts to a density a thousand times thinner than the ball, and says when walks never move', async () => {
    const d = 30
    const density = diagonalGaussian(new Array<number>(d).fill(1e-3))
    // Nearly all mass lies within 0.02 of the centre: every ball holds all of it.
    const found = await nestedBallMass(density, rows(at(d, 0)), {
      radii: [0.02, 0.1, 1],
      walks: 4,
      steps: 100,
      seed: 1,
    })
    for (const k of [0, 1]) {
      expect(found.acceptance.get(0, k)).toBeGreaterThan(0.05)
      expect(Math.abs(found.logRatio.get(0, k))).toBeLessThan(1e-9)
    }
    const stuck = await nestedBallMass(density, rows(at(d, 0)), { radii: [0.02, 1], walks: 2, steps: 5, warmup: 0 })
    expect([stuck.logRatio.get(0, 0), stuck.acceptance.get(0, 0)]).toEqual([Number.NaN, 0])
  })

  it('checks its options', async () => {
    const density = diagonalGaussian([1])
    const x = rows([0])
    await expect(nestedBallMass(density, x, { radii: [1] })).rejects.toThrow('radii: expected at least 2, got 1')
    await expect(nestedBallMass(density, x, { radii: [2, 1] })).rejects.toThrow(
      'radii: expected ascending numbers, got [2, 1]',
    )
    await expect(nestedBallMass(density, x, { radii: [1, 2], proposal: 0 })).rejects.toThrow(
      'proposal: expected a positive number',
    )
    await expect(nestedBallMass(density, x, { radii: [1, 2], compat: 'x' as never })).rejects.toThrow(
      'compat: expected reference or nothing',
    )
    await expect(nestedBallMass(density, x, { radii: [1, 2], signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'E_ABORTED',
    })
  })
})
