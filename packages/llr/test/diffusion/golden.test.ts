// The published formula on golden vectors: losses of given draws, their means, the ratio and the grid of the trend.
import { tensor } from '@ood/core'
import { expect, it } from 'vitest'
import { referencePlan } from '../../src/diffusion/plan.ts'
import { residualNorms } from '../../src/diffusion/residuals.ts'
import { trendGrid } from '../../src/diffusion/trend.ts'
import { gaussian, vp } from './gaussian.ts'
import { golden } from './vectors.ts'

it('the published losses of given draws', async () => {
  const { mean, cov, x, u, eps, L, score } = golden
  const model = gaussian(mean, cov)
  const fractions = Object.keys(L).map(Number).sort()
  const { blocks, norm } = referencePlan(vp(), fractions, u.length)
  const rows = tensor(Float64Array.from(u.flatMap(() => x)), [u.length, x.length])
  const means: Record<string, number> = {}
  for (const [k, fraction] of fractions.entries()) {
    // A block's t is (1 - uniform) t_frac T.
    const draws = u.map((value, i) => blocks[k]!.draw(i, 1 - value))
    const norms = await residualNorms(
      model,
      rows,
      Float64Array.from(draws, ({ t }) => t),
      Float64Array.from(eps.flat()),
    )
    const want = L[fraction === 1 ? '1.0' : String(fraction)]!
    const losses = draws.map(({ factor }, i) => factor * norms.l1[i]!)
    expect(norm).toBe(1)
    // The vectors are float64; 1e-9 leaves room for the order of sums.
    losses.forEach((loss, i) => {
      expect(Math.abs(loss - want.losses[i]!)).toBeLessThan(1e-9)
    })
    means[fraction] = losses.reduce((sum, value) => sum + value, 0) / losses.length
    expect(Math.abs(means[fraction]! - want.mean)).toBeLessThan(1e-9)
  }
  for (const [fraction, value] of Object.entries(score))
    expect(Math.abs(means[fraction]! - means[1]! - value)).toBeLessThan(1e-9)
})

it('the published grid', () => {
  const grid = trendGrid(10, 3)
  expect(grid.length).toBe(10)
  golden.avg_loss_trend_t_frac_count10_gamma3.forEach((value, i) => {
    expect(Math.abs(grid[i]! - value)).toBeLessThan(1e-15)
  })
})

it('every grid rises from 1e-6 to at most 1', () => {
  for (const [points, gamma] of [
    [2, 1],
    [100, 1],
    [7, 2.5],
  ] as const) {
    const grid = trendGrid(points, gamma)
    expect(grid[0]).toBe(1e-6)
    expect(grid.at(-1)).toBeLessThanOrEqual(1)
    for (let i = 1; i < points; i++) expect(grid[i]!).toBeGreaterThan(grid[i - 1]!)
  }
})
