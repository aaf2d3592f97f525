// The mixture in a subspace: a law known exactly, both directions of strangeness, and few or equal rows.
import { random } from '@ood/core'
import { type Columns, subspaceMixtureOf } from '@ood/detect'
import { auroc } from '@ood/roc'
import { describe, expect, it } from 'vitest'
import { batch } from '../helpers.ts'

const WIDTH = 30
/** Two clusters in a plane of R^30, spread 1 in the plane and `noise` around it. */
function rows(n: number, seed: number, { at = [8, -8], off = 0, noise = 0.1 } = {}): Columns {
  const rng = random(seed)
  return {
    'p.x': batch(
      Array.from({ length: n }, (_, i) => {
        const row = Array.from({ length: WIDTH }, () => noise * rng.normal())
        row[3] = row[3]! + at[i % at.length]! + rng.normal()
        row[7] = row[7]! + rng.normal()
        row[20] = row[20]! + off
        return row
      }),
    ),
  }
}

describe('subspaceMixtureOf', () => {
  const method = subspaceMixtureOf({}, 'p.x', { dimension: 2, components: 2 })
  const fit = method.fit(rows(400, 1))
  const inside = method.score(rows(400, 2), fit)
  const against = (columns: Columns): number => auroc(method.score(columns, fit), inside)

  it('gives new rows of the law the distances of two standard normals', () => {
    // E of a chi-squared with 2 degrees is 2. The mixture of 320 rows judges, so a tenth of slack on each side.
    const average = inside.reduce((sum, value) => sum + value, 0) / 400
    expect(average).toBeGreaterThan(1.4)
    expect(average).toBeLessThan(2.8)
  })
  it('sees rows between the clusters, beside the plane, and rows that are too near to it', () => {
    expect(against(rows(200, 3, { at: [0] }))).toBeGreaterThan(0.95)
    expect(against(rows(200, 4, { off: 1.5 }))).toBeGreaterThan(0.99)
    expect(against(rows(200, 5, { noise: 0.02 }))).toBeGreaterThan(0.99)
    expect(Math.abs(against(rows(400, 6)) - 0.5)).toBeLessThan(0.1)
  })
  it('is the same for the same seed and takes few rows', () => {
    expect(method.fit(rows(60, 7))).toEqual(method.fit(rows(60, 7)))
    expect(method.score(rows(5, 8), subspaceMixtureOf({}, 'p.x').fit(rows(10, 7))).every(Number.isFinite)).toBe(true)
    expect(() => method.fit(rows(9, 7))).toThrow('subspaceMixtureOf training rows: expected at least 10, got 9')
  })
  it('refuses rows of another width and bad settings', () => {
    expect(() => method.score({ 'p.x': batch([[1, 2]]) }, fit)).toThrow(
      'expected 30 numbers a row, as in the fit, got 2',
    )
    expect(() => subspaceMixtureOf({}, 'p.x', { components: 0 })).toThrow(
      'components: expected a positive integer, got 0',
    )
  })
})
