// The scaling-region rule: between a noise floor and a structure scale that are known by construction.
import { random } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { couplingScale, kneeScale, linspace, scalingRegionScale, type TrainingLid } from '../../src/index.ts'

const D = 60

/** Half the directions are noise around `noise`; the rest lie at `structure` or, for a point's own share of them, lower. */
function training(noise: number, structure: number, logProb = true): TrainingLid {
  const rng = random(2)
  const rows = Array.from({ length: 40 }, () => {
    const share = rng.uniform()
    return Array.from({ length: D }, (_, j) => {
      if (j < D / 2) return noise + 0.1 * rng.normal()
      return j < D / 2 + (share * D) / 2 ? structure - 1 + 0.1 * rng.normal() : structure + 1 + 0.1 * rng.normal()
    })
  })
  const lidAt = (scale: number) => Float64Array.from(rows, (row) => row.filter((value) => value > scale).length)
  const meanLidAt = (scale: number) => lidAt(scale).reduce((a, b) => a + b, 0) / rows.length
  return {
    dimension: D,
    ...(logProb ? { logProb: Float64Array.from(rows, (row) => -row.reduce((a, b) => a + b, 0)) } : {}),
    lidAt,
    meanLidAt,
    curve: (scales = linspace(-10, 5, 50)) => {
      const grid = Float64Array.from(scales)
      return { scales: grid, meanLid: grid.map(meanLidAt), dimension: D }
    },
  }
}

describe('scalingRegionScale', () => {
  it('lies between the noise floor and the scale of the structure', () => {
    const { scale, diagnostics, rule } = scalingRegionScale(training(-5, 0))
    expect(rule).toBe('scalingRegion')
    expect(diagnostics.lower).toBeGreaterThan(-5)
    expect(diagnostics.lower).toBeLessThan(-4)
    // Every point has its own share of directions at -1: LID there and log p are tied together.
    expect(diagnostics.upper).toBeGreaterThan(-1.1)
    expect(diagnostics.upper).toBeLessThan(1)
    expect(scale).toBeCloseTo((diagnostics.lower! + diagnostics.upper!) / 2, 12)
  })

  it('is the middle of what its two rules find', () => {
    const points = training(-4, 0.5)
    const grid = linspace(-8, 4, 121)
    const lower = kneeScale(points.curve(grid)).scale
    const upper = couplingScale(points, { scales: grid, standardErrors: 0 }).scale
    expect(scalingRegionScale(points).scale).toBeCloseTo((lower + upper) / 2, 12)
  })

  it('moves with the data: all scales shifted by 1 shift it by 1', () => {
    const near = scalingRegionScale(training(-5, -1)).scale
    const far = scalingRegionScale(training(-4, 0)).scale
    // One grid step each way.
    expect(Math.abs(far - near - 1)).toBeLessThan(0.2)
  })

  it('needs log-likelihoods', () => {
    expect(() => scalingRegionScale(training(-5, 0, false))).toThrow('expected log-likelihoods')
  })
})
