// The frontier and area utilities.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { auc, paretoFrontier } from '../src/index.ts'
import { expectClose } from './support.ts'

const rate = fc.integer({ min: 0, max: 8 }).map((k) => k / 8)
const cloud = fc.array(fc.tuple(rate, rate), { minLength: 1, maxLength: 25 })

describe('paretoFrontier', () => {
  it('keeps exactly the points that no other beats', () => {
    fc.assert(
      fc.property(cloud, (points) => {
        const falsePositiveRate = points.map(([x]) => x)
        const truePositiveRate = points.map(([, y]) => y)
        const frontier = paretoFrontier({ falsePositiveRate, truePositiveRate })
        const got = Array.from(frontier.index)
          .filter((i) => i >= 0)
          .map((i) => points[i]!.join())
        const expected = points.filter(
          ([x, y]) => y > 0 && !points.some(([u, v]) => (u <= x && v > y) || (u < x && v >= y)),
        )
        expect(got).toEqual([...new Set(expected.sort((a, b) => a[0] - b[0]).map((p) => p.join()))])
        const last = frontier.index.length - 1
        expect([frontier.falsePositiveRate[0], frontier.truePositiveRate[0]]).toEqual([0, 0])
        expect([frontier.falsePositiveRate[last], frontier.truePositiveRate[last]]).toEqual([1, 1])
        for (let i = 0; i <= last; i++) {
          const source = frontier.index[i]!
          if (source < 0) continue
          expect(frontier.falsePositiveRate[i]).toBe(falsePositiveRate[source])
          expect(frontier.truePositiveRate[i]).toBe(truePositiveRate[source])
        }
      }),
    )
  })
  it('is the doc example', () => {
    const frontier = paretoFrontier({ falsePositiveRate: [0.2, 0.1, 0.3], truePositiveRate: [0.5, 0.6, 0.9] })
    expect([...frontier.falsePositiveRate]).toEqual([0, 0.1, 0.3, 1])
    expect([...frontier.truePositiveRate]).toEqual([0, 0.6, 0.9, 1])
    expect([...frontier.index]).toEqual([-1, 1, 2, -1])
  })
  it("compat 'reference' keeps flat and repeated points too", () => {
    const points = { falsePositiveRate: [0.5, 0.2, 0.5, 0.4], truePositiveRate: [0.6, 0.6, 0.6, 0.3] }
    const frontier = paretoFrontier(points, { compat: 'reference' })
    expect([...frontier.falsePositiveRate]).toEqual([0, 0.2, 0.5, 0.5, 1])
    expect([...frontier.index]).toEqual([-1, 1, 0, 2, -1])
  })
})

describe('auc', () => {
  it('has the known values', () => {
    expect(auc([0, 0.5, 1], [0, 1, 1])).toBe(0.75)
    expect(auc([0, 0.5, 1], [0, 1, 1], { interpolation: 'step' })).toBe(0.5)
    expect(auc([0, 0.5, 1], [0, 0.25, 1])).toBe(0.375)
    expect(auc([0, 0.5, 1], [0, 0.25, 1], { interpolation: 'hull' })).toBe(0.5)
    expect(auc([2], [5])).toBe(0)
    expect(auc([1, 1, 1], [0, 5, 2], { interpolation: 'hull' })).toBe(0)
    // Vertical runs: the last y at the left x counts for the trapezoid, the highest for the hull.
    expect(auc([0, 0, 1], [0, 1, 1])).toBe(1)
    expect(auc([0, 0, 1, 1], [0, 1, 0, 1], { interpolation: 'hull' })).toBe(1)
  })
  it('hull equals the largest chord over all pairs of points, integrated', () => {
    fc.assert(
      fc.property(cloud, (points) => {
        const sorted = [...points].sort((a, b) => a[0] - b[0])
        const x = sorted.map(([v]) => v)
        const y = sorted.map(([, v]) => v)
        // The hull is piecewise linear with corners on the grid of eighths, so a trapezoid on that grid is exact.
        const height = (t: number): number => {
          let best = Number.NEGATIVE_INFINITY
          for (const [u, v] of sorted) {
            for (const [w, z] of sorted) {
              if (u > t || w < t) continue
              best = Math.max(best, u === w ? Math.max(v, z) : v + ((z - v) * (t - u)) / (w - u))
            }
          }
          return best
        }
        let area = 0
        for (let k = 8 * x[0]!; k < 8 * x[x.length - 1]!; k++) area += (height(k / 8) + height((k + 1) / 8)) / 16
        expectClose(auc(x, y, { interpolation: 'hull' }), area)
      }),
    )
  })
})
