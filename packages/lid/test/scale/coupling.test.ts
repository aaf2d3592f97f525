// The coupling rule: analytic spectra whose best scale is known, one standard error, and refusals.
import { random } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { couplingScale, linspace, type TrainingLid } from '../../src/index.ts'

/** Training points with given log singular values: LID counts those above the scale, log p is minus their sum + noise. */
function training(logSigma: readonly (readonly number[])[], noise: (i: number) => number = () => 0): TrainingLid {
  const lidAt = (scale: number) => Float64Array.from(logSigma, (row) => row.filter((value) => value > scale).length)
  const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length
  return {
    dimension: logSigma[0]!.length,
    logProb: Float64Array.from(logSigma, (row, i) => -row.reduce((a, b) => a + b, 0) + noise(i)),
    lidAt,
    meanLidAt: (scale) => mean(lidAt(scale)),
    curve: (scales = linspace(-6, 2, 81)) => {
      const grid = Float64Array.from(scales)
      return { scales: grid, meanLid: grid.map((scale) => mean(lidAt(scale))), dimension: logSigma[0]!.length }
    },
  }
}

/** Point i has `i` thin directions at -4 and the rest at 0, so LID between the two levels is D - i and log p is 4 i. */
const twoLevels = Array.from({ length: 12 }, (_, i) => Array.from({ length: 20 }, (_, j) => (j < i ? -4 : 0)))

describe('couplingScale', () => {
  it('finds the gap in which LID is exactly affine in log p, and takes its finest scale', () => {
    const { scale, diagnostics, rule } = couplingScale(training(twoLevels))
    expect(rule).toBe('coupling')
    // LID(s) = 20 - i for -4 <= s < 0: correlation -1 on the whole gap, whose finest grid scale is -4.
    expect(diagnostics.bestCorrelation).toBeCloseTo(-1, 12)
    expect(scale).toBeCloseTo(-4, 12)
  })

  it('reports the correlation that an independent formula gives', () => {
    const rng = random(4)
    const rows = Array.from({ length: 40 }, () => {
      const thin = rng.uniform() * 3
      return Array.from({ length: 16 }, () => -thin + rng.normal())
    })
    const points = training(rows, () => 0)
    const { scale, diagnostics } = couplingScale(points, { standardErrors: 0 })
    // Corr through standardised products, in another order of operations.
    const z = (values: Float64Array) => {
      const m = values.reduce((a, b) => a + b, 0) / values.length
      const s = Math.sqrt(values.reduce((a, b) => a + (b - m) ** 2, 0) / values.length)
      return values.map((value) => (value - m) / s)
    }
    const a = z(points.lidAt(scale))
    const b = z(points.logProb!)
    const r = a.reduce((sum, value, i) => sum + value * b[i]!, 0) / a.length
    expect(diagnostics.correlation).toBeCloseTo(r, 12)
    expect(diagnostics.correlation).toBe(diagnostics.bestCorrelation)
    for (const other of linspace(-6, 2, 81)) {
      const lid = points.lidAt(other)
      if (new Set(lid).size > 1) {
        const c = z(lid)
        expect(c.reduce((sum, value, i) => sum + value * b[i]!, 0) / c.length).toBeGreaterThanOrEqual(r - 1e-12)
      }
    }
  })

  it('moves to finer scales only with more standard errors', () => {
    const rng = random(9)
    const rows = Array.from({ length: 24 }, () => {
      const thin = rng.uniform() * 3
      return Array.from({ length: 30 }, () => -thin + rng.normal())
    })
    const points = training(rows)
    const scales = [0, 1, 2, 4].map((standardErrors) => couplingScale(points, { standardErrors }).scale)
    expect([...scales].sort((a, b) => b - a)).toEqual(scales)
    expect(scales[3]!).toBeLessThan(scales[0]!)
  })

  it('does not depend on the units of log p', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: -1e3, max: 1e3, noNaN: true }),
        (a, b) => {
          const points = training(twoLevels)
          const logProb = points.logProb!.map((value) => a * value + b)
          expect(couplingScale({ ...points, logProb }).scale).toBe(couplingScale(points).scale)
        },
      ),
    )
  })

  it('refuses what it cannot work with', () => {
    const points = training(twoLevels)
    const { logProb: _, ...without } = points
    expect(() => couplingScale(without)).toThrow(
      'couplingScale: expected log-likelihoods of the training points, got none',
    )
    expect(() => couplingScale(training(twoLevels.slice(0, 7)))).toThrow('at least 8 training points, got 7')
    const opposite = points.logProb!.map((value) => -value)
    expect(() => couplingScale({ ...points, logProb: opposite })).toThrow('anti-correlated at some scale, got none')
    expect(() => couplingScale({ ...points, logProb: new Float64Array(9) })).toThrow(
      'couplingScale: expected 9 LIDs, got 12',
    )
    expect(() => couplingScale(points, { standardErrors: Number.NaN })).toThrow('standardErrors')
  })
})
