// Scores of latents and means over noise, against their formulas.

import { type CallOptions, type NdArray, random, rowCount, tensor } from '@ood/core'
import { latentBoxLogMass, latentNorms, meanLogProb } from '@ood/density'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rows } from './gaussian.ts'

describe('latent scores', () => {
  it('norms', () => {
    expect([...latentNorms(rows([3, -4], [0, 0]))]).toEqual([5, 0])
    expect([...latentNorms(rows([3, -4]), Number.POSITIVE_INFINITY)]).toEqual([4])
  })

  it('box masses: a sum over coordinates, clipped as published', () => {
    const center = 0.6826894921370859 // Φ(1) - Φ(-1)
    expect(latentBoxLogMass(rows([0, 0]), 1)[0]).toBeCloseTo(2 * Math.log(center), 12)
    expect(latentBoxLogMass(rows([40]), 0.1)[0]).toBe(Math.log(1e-6))
    expect(latentBoxLogMass(rows([40]), 0.1, { clip: false })[0]).toBe(Number.NEGATIVE_INFINITY)
    // At 6 ± 0.5: Φ(-5.5) - Φ(-6.5) = 1.895e-8 (SciPy 1.894940e-08).
    expect(Math.exp(latentBoxLogMass(rows([6]), 0.5, { clip: false })[0]!) / 1.8949399498e-8).toBeCloseTo(1, 5)
    expect(() => latentBoxLogMass(rows([0]), 0)).toThrow('radius: expected a positive number, got 0')
  })

  it('fall with every coordinate that moves outwards', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 5 }), (z) => {
        const out = z.map((value) => value + Math.sign(value || 1))
        expect(latentBoxLogMass(rows(out), 0.3)[0]!).toBeLessThanOrEqual(latentBoxLogMass(rows(z), 0.3)[0]!)
        expect(latentNorms(rows(out))[0]!).toBeGreaterThan(latentNorms(rows(z))[0]!)
      }),
    )
  })
})

describe('meanLogProb', () => {
  /** log p = x + noise, the noise of a row from seed and key. */
  const noisy = {
    calls: [] as unknown[],
    async logProb(x: NdArray, options: CallOptions & { space?: string } = {}) {
      noisy.calls.push(options)
      const { seed = 0, rows: keys } = options
      return {
        instance: Float64Array.from(
          { length: rowCount(x) },
          (_, i) =>
            x.get(i, 0) +
            random(seed)
              .fork(keys?.[i] ?? i)
              .normal(),
        ),
      }
    },
  }
  const x = tensor(Float64Array.of(1, 5, -2), [3, 1])

  it('has the mean, its standard error, and the logarithm of the mean', async () => {
    const draws = 2000
    const { mean, standardError, logMean } = await meanLogProb(noisy, x, { draws, seed: 1 })
    for (const row of [0, 1, 2]) {
      // The noise is N(0, 1): error 1/√K, and ln E e^noise = 1/2.
      expect(standardError[row]! * Math.sqrt(draws)).toBeCloseTo(1, 1)
      expect(Math.abs(mean[row]! - x.get(row, 0))).toBeLessThan(4 * standardError[row]!)
      expect(Math.abs(logMean[row]! - x.get(row, 0) - 0.5)).toBeLessThan(0.15)
    }
  })

  it('draws the same for a row in any company, and the first draws of a larger K', async () => {
    const all = await meanLogProb(noisy, x, { draws: 3, seed: 2 })
    const one = await meanLogProb(noisy, tensor(Float64Array.of(5), [1, 1]), { draws: 3, seed: 2, rows: [1] })
    expect(one.mean[0]).toBe(all.mean[1])
    const single = await meanLogProb(noisy, x, { draws: 1, seed: 2 })
    expect(single.mean).toEqual((await noisy.logProb(x, { seed: 2 })).instance)
    expect(single.standardError[0]).toBeNaN()
    const two = await meanLogProb(noisy, x, { draws: 2, seed: 2 })
    const last = (await noisy.logProb(x, noisy.calls.at(-1) as CallOptions)).instance
    expect(two.mean[2]).toBeCloseTo((single.mean[2]! + last[2]!) / 2, 12)
  })

  it('is below the logarithm of the mean (Jensen), and passes options on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(500), fc.integer({ min: 1, max: 6 }), async (seed, draws) => {
        const { mean, logMean } = await meanLogProb(noisy, x, { draws, seed, logProb: { space: 'model' } })
        for (const row of [0, 1, 2]) expect(logMean[row]!).toBeGreaterThanOrEqual(mean[row]! - 1e-12)
        expect(noisy.calls.at(-1)).toMatchObject({ space: 'model' })
      }),
      { numRuns: 20 },
    )
  })

  it('names NaN and bad options, keeps -Infinity', async () => {
    const broken = { logProb: async () => ({ instance: Float64Array.of(0, Number.NaN) }) }
    await expect(meanLogProb(broken, x)).rejects.toThrow('meanLogProb: expected numbers, got NaN in row 1, draw 0')
    await expect(meanLogProb(noisy, x, { draws: 0 })).rejects.toThrow('draws: expected a positive integer')
    const never = { logProb: async () => ({ instance: Float64Array.of(Number.NEGATIVE_INFINITY) }) }
    const { mean, logMean } = await meanLogProb(never, rows([0]), { draws: 2 })
    expect([mean[0], logMean[0]]).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])
  })
})
