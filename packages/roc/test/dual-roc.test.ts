// The exact dual-threshold ROC: brute force over all pairs, thresholds, ties, order relations, size.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { auroc, dualAuroc, dualRoc } from '../src/index.ts'
import { dualScores, expectClose, normalScores } from './support.ts'

interface Columns {
  x: ArrayLike<number>
  y: ArrayLike<number>
}

function accepted({ x, y }: Columns, a: number, b: number): number {
  let count = 0
  for (let i = 0; i < x.length; i++) if (x[i]! >= a && y[i]! >= b) count++
  return count
}

/** Best TP for every budget, over every pair of thresholds at any pooled coordinate, or above all. */
function bruteForce(pos: Columns, neg: Columns): number[] {
  const coordinates = (p: ArrayLike<number>, q: ArrayLike<number>): number[] => [
    ...new Set([...Array.from(p), ...Array.from(q), Number.POSITIVE_INFINITY]),
  ]
  const best = new Array<number>(neg.x.length + 1).fill(0)
  for (const a of coordinates(pos.x, neg.x)) {
    for (const b of coordinates(pos.y, neg.y)) {
      const fp = accepted(neg, a, b)
      best[fp] = Math.max(best[fp]!, accepted(pos, a, b))
    }
  }
  for (let k = 1; k < best.length; k++) best[k] = Math.max(best[k]!, best[k - 1]!)
  return best
}

/** Asserts everything the doc comment says about a curve and its thresholds. */
function checkCurve(pos: Columns, neg: Columns): void {
  const curve = dualRoc(pos, neg)
  expect([...curve.truePositives]).toEqual(bruteForce(pos, neg))
  expect([...curve.falsePositives]).toEqual(Array.from({ length: neg.x.length + 1 }, (_, k) => k))
  expect([curve.positiveCount, curve.negativeCount]).toEqual([pos.x.length, neg.x.length])
  curve.truePositives.forEach((tp, k) => {
    const a = curve.thresholdX[k]!
    const b = curve.thresholdY[k]!
    expect(curve.truePositiveRate[k]).toBe(tp / pos.x.length)
    expect(curve.falsePositiveRate[k]).toBe(k / neg.x.length)
    expect(accepted(pos, a, b)).toBe(tp)
    const fp = accepted(neg, a, b)
    expect(fp).toBeLessThanOrEqual(k)
    // Fewest false positives: one fewer would lose a true positive.
    if (fp > 0) expect(curve.truePositives[fp - 1]).toBeLessThan(tp)
    if (tp === 0) {
      expect([a, b]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
      return
    }
    // Tight: both thresholds are the smallest coordinates among the accepted positives.
    const inside = Array.from(pos.x, (_, i) => i).filter((i) => pos.x[i]! >= a && pos.y[i]! >= b)
    expect(a).toBe(Math.min(...inside.map((i) => pos.x[i]!)))
    expect(b).toBe(Math.min(...inside.map((i) => pos.y[i]!)))
    // Highest a: no pair with a higher one does as well.
    const higher = Array.from(pos.x).filter((v) => v > a)
    const isBeaten = higher.some((u) =>
      Array.from(pos.y).some((v) => accepted(pos, u, v) === tp && accepted(neg, u, v) <= fp),
    )
    expect(isBeaten).toBe(false)
  })
}

describe('dualRoc', () => {
  it('equals brute force over all pairs: heavy ties', () => {
    fc.assert(fc.property(dualScores(3, 14), dualScores(3, 14), checkCurve), { numRuns: 150 })
  })
  it('equals brute force over all pairs: few ties', () => {
    fc.assert(fc.property(dualScores(1000, 18), dualScores(1000, 18), checkCurve), { numRuns: 60 })
  })
  it('equals brute force where blocks are skipped', () => {
    // 100 + 90 items make 13 blocks of 8 ranks; the correlated classes keep the curve away from most of them.
    for (const seed of [1, 2, 3]) {
      const mix = (u: Float64Array, v: Float64Array, w: number): Float64Array => u.map((value, i) => value + w * v[i]!)
      const [n, m] = [100, 90]
      const x = normalScores(seed, n)
      const u = normalScores(seed + 20, m, 1)
      const rounded = (values: Float64Array): Float64Array =>
        values.map((v) => (seed === 3 ? Math.round(4 * v) / 4 : v))
      const pos = { x: rounded(x), y: rounded(mix(normalScores(seed + 10, n, 1), x, 0.5)) }
      const neg = { x: rounded(u), y: rounded(mix(normalScores(seed + 30, m), u, -0.5)) }
      expect([...dualRoc(pos, neg).truePositives]).toEqual(bruteForce(pos, neg))
    }
  })
  it('resolves the likelihood paradox', () => {
    const curve = dualRoc({ x: [1, 2, 3, 4], y: [10, 11, 12, 13] }, { x: [2.5, 3.5, 4.5, 5.5], y: [1, 2, 3, 4] })
    expect([...curve.truePositives]).toEqual([4, 4, 4, 4, 4])
    expect([...curve.thresholdX]).toEqual([1, 1, 1, 1, 1])
    expect([...curve.thresholdY]).toEqual([10, 10, 10, 10, 10])
  })
  it('does not depend on the order of items, on which score is called x, or on increasing maps', () => {
    fc.assert(
      fc.property(dualScores(5, 20), dualScores(5, 20), (pos, neg) => {
        const counts = [...dualRoc(pos, neg).truePositives]
        const swap = ({ x, y }: { x: number[]; y: number[] }) => ({ x: y, y: x })
        expect([...dualRoc(swap(pos), swap(neg)).truePositives]).toEqual(counts)
        const reverse = ({ x, y }: { x: number[]; y: number[] }) => ({ x: [...x].reverse(), y: [...y].reverse() })
        expect([...dualRoc(reverse(pos), reverse(neg)).truePositives]).toEqual(counts)
        const map = ({ x, y }: { x: number[]; y: number[] }) => ({ x: x.map(Math.exp), y: y.map((v) => v ** 3 - 9) })
        expect([...dualRoc(map(pos), map(neg)).truePositives]).toEqual(counts)
      }),
    )
  })
  it('handles one item a class and signed zeros', () => {
    expect([...dualRoc({ x: [0], y: [-0] }, { x: [-0], y: [0] }).truePositives]).toEqual([0, 1])
    expect([...dualRoc({ x: [1], y: [0] }, { x: [0], y: [9] }).truePositives]).toEqual([1, 1])
  })
  it('takes 10 000 + 10 000 points in stride', () => {
    const n = 10_000
    const pos = { x: normalScores(1, n), y: normalScores(2, n, 1) }
    const neg = { x: normalScores(3, n, 1), y: normalScores(4, n) }
    const started = performance.now()
    const curve = dualRoc(pos, neg)
    // About 25 ms of processor time here; the bound only catches work beyond quadratic, whatever else the machine does.
    expect(performance.now() - started).toBeLessThan(5000)
    for (const k of [0, 17, 500, 5000, n]) {
      const a = curve.thresholdX[k]!
      const b = curve.thresholdY[k]!
      expect(accepted(pos, a, b)).toBe(curve.truePositives[k])
      expect(accepted(neg, a, b)).toBeLessThanOrEqual(k)
    }
    // A coarse independent search may not beat the curve anywhere.
    for (let a = -3; a < 3; a += 0.5) {
      for (let b = -2; b < 4; b += 0.5) {
        expect(accepted(pos, a, b)).toBeLessThanOrEqual(curve.truePositives[accepted(neg, a, b)]!)
      }
    }
  })
})

describe('dualAuroc', () => {
  it('has the known values of all-equal, perfect and reversed scores', () => {
    const ones = { x: [1, 1, 1], y: [1, 1, 1] }
    expect(dualAuroc(ones, ones)).toBe(0)
    expect(dualAuroc(ones, ones, { interpolation: 'linear' })).toBe(0.5)
    expect(dualAuroc(ones, ones, { interpolation: 'hull' })).toBe(0.5)
    expect(dualAuroc(ones, ones, { compat: 'reference' })).toBe(0.5)
    const [low, high] = [
      { x: [0, 1], y: [0, 1] },
      { x: [2, 3], y: [2, 3] },
    ]
    for (const interpolation of ['step', 'linear', 'hull'] as const) {
      expect(dualAuroc(high, low, { interpolation })).toBe(1)
    }
    expect(dualAuroc(low, high)).toBe(0)
    expect(dualAuroc(low, high, { compat: 'reference' })).toBe(0)
    // The hull of a useless rule is the chance line.
    expect(dualAuroc(low, high, { interpolation: 'hull' })).toBe(0.5)
  })

  it('step is the mean of TP(k) / n+ over budgets k < n-', () => {
    fc.assert(
      fc.property(dualScores(4, 15), dualScores(4, 15), (pos, neg) => {
        const best = bruteForce(pos, neg)
        const sum = best.slice(0, -1).reduce((total, tp) => total + tp, 0)
        expect(dualAuroc(pos, neg)).toBe(sum / (pos.x.length * neg.x.length))
      }),
    )
  })

  it('orders: step <= linear <= hull, step <= reference <= hull, and hull is never below one score alone', () => {
    fc.assert(
      fc.property(dualScores(4, 15), dualScores(4, 15), (pos, neg) => {
        const step = dualAuroc(pos, neg, { interpolation: 'step' })
        const linear = dualAuroc(pos, neg, { interpolation: 'linear' })
        const hull = dualAuroc(pos, neg, { interpolation: 'hull' })
        const reference = dualAuroc(pos, neg, { compat: 'reference' })
        const slack = 1e-14
        expect(step).toBeLessThanOrEqual(linear + slack)
        expect(linear).toBeLessThanOrEqual(hull + slack)
        expect(step).toBeLessThanOrEqual(reference + slack)
        expect(reference).toBeLessThanOrEqual(hull + slack)
        expect(hull).toBeGreaterThanOrEqual(Math.max(auroc(pos.x, neg.x), auroc(pos.y, neg.y), 0.5) - slack)
      }),
    )
  })

  it('without ties: never below either score alone, and equal to the reference', () => {
    const distinctPairs = fc
      .uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 4, maxLength: 40 })
      .chain((xs) =>
        fc.tuple(
          fc.constant(xs),
          fc.shuffledSubarray(xs, { minLength: xs.length }),
          fc.integer({ min: 1, max: xs.length - 1 }),
        ),
      )
    fc.assert(
      fc.property(distinctPairs, ([xs, ys, cut]) => {
        const pos = { x: xs.slice(0, cut), y: ys.slice(0, cut) }
        const neg = { x: xs.slice(cut), y: ys.slice(cut) }
        const step = dualAuroc(pos, neg)
        expect(step).toBeGreaterThanOrEqual(Math.max(auroc(pos.x, neg.x), auroc(pos.y, neg.y)) - 1e-15)
        expectClose(dualAuroc(pos, neg, { compat: 'reference' }), step, 1e-15)
      }),
    )
  })

  it('with a constant y and no ties in x is the AUROC of x', () => {
    const pos = { x: [0.2, 0.5, 0.9, 0.7], y: [1, 1, 1, 1] }
    const neg = { x: [0.6, 0.8, 0.1, 0.95], y: [1, 1, 1, 1] }
    expect(dualAuroc(pos, neg)).toBe(0.4375)
    expect(auroc(pos.x, neg.x)).toBe(0.4375)
  })

  it('reaches the analytic value of independent uniforms', () => {
    // Positives uniform on [0,1]^2 with x, y >= 1/2 half the time in each axis against negatives uniform on [0,1]^2:
    // positives y ~ U(1/2, 1), x ~ U(0, 1); the best rule is b = 1/2 + (t / 2), a = 0: TPR = 1 - t, FPR = (1 - t) / 2,
    // so TPR = min(1, 2 FPR) and the area is 3/4. Choosing among n^2 pairs adds a bias of order n^(-2/3).
    const n = 4000
    const grid = (i: number, p: number): number => (i * p) % 1
    const pos = {
      x: Float64Array.from({ length: n }, (_, i) => grid(i, 0.754877666)),
      y: Float64Array.from({ length: n }, (_, i) => 0.5 + grid(i, 0.569840291) / 2),
    }
    const neg = {
      x: Float64Array.from({ length: n }, (_, i) => grid(i + 0.5, 0.754877666)),
      y: Float64Array.from({ length: n }, (_, i) => grid(i + 0.5, 0.569840291)),
    }
    expectClose(dualAuroc(pos, neg), 0.75, 0.005)
  })
})
