// LID metrics: golden vectors, brute-force pair counts, and errors.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concordanceIndex, mae, mse, relativeBias } from '../src/index.ts'
import { number, vector } from './vectors.ts'

interface Case {
  name: string
  gt: number[]
  pred: number[]
  mae: number
  mse: number
  relative_bias: number | string
  concordance_strict: number
  concordance_with_equal: number
  reference_strict: number
  reference_with_equal: number
}
const golden = vector<{ cases: Case[] }>('lid_metrics')

describe('lid metrics', () => {
  // 1e-12: sums of at most 15 terms of order 10, each rounded to 1e-16 relative.
  it('match the golden vectors', () => {
    expect(golden.cases.length).toBe(5)
    for (const { gt, pred, ...want } of golden.cases) {
      expect(mae(gt, pred)).toBeCloseTo(want.mae, 12)
      expect(mse(gt, pred)).toBeCloseTo(want.mse, 12)
      const bias = relativeBias(gt, pred, { compat: 'reference' })
      if (number(want.relative_bias) === Number.POSITIVE_INFINITY) expect(bias).toBe(Number.POSITIVE_INFINITY)
      else expect(bias).toBeCloseTo(number(want.relative_bias), 12)
      expect(concordanceIndex(gt, pred)).toBeCloseTo(want.concordance_strict, 12)
      expect(concordanceIndex(gt, pred, { withEqual: true })).toBeCloseTo(want.concordance_with_equal, 12)
      const compat = { compat: 'reference' } as const
      expect(concordanceIndex(gt, pred, compat)).toBeCloseTo(want.reference_strict, 12)
      expect(concordanceIndex(gt, pred, { withEqual: true, ...compat })).toBeCloseTo(want.reference_with_equal, 12)
    }
  })

  it('relative bias is finite by default and infinite above 1 with the reference quirk', () => {
    expect(relativeBias([0], [1])).toBeCloseTo(1000, 9)
    expect(relativeBias([0], [1], { compat: 'reference' })).toBe(Number.POSITIVE_INFINITY)
  })

  it('concordance equals the count over all pairs', () => {
    const small = fc.integer({ min: 0, max: 4 })
    const halves = fc.integer({ min: 0, max: 8 }).map((n) => n / 2)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(small, halves), { minLength: 2, maxLength: 40 }),
        fc.boolean(),
        (points, withEqual) => {
          const truth = points.map(([t]) => t)
          const pred = points.map(([, p]) => p)
          expect(concordanceIndex(truth, pred, { withEqual })).toBeCloseTo(bruteForce(truth, pred, withEqual), 12)
        },
      ),
    )
  })

  it('keeps fractions of the truth, which the reference truncates', () => {
    expect(concordanceIndex([1.2, 1.8], [2, 1])).toBe(0)
    expect(concordanceIndex([1.2, 1.8], [2, 1], { compat: 'reference' })).toBe(1)
  })

  it('reference cast makes large rounded predictions collide', () => {
    const options = { withEqual: true } as const
    expect(concordanceIndex([1, 2], [3000, 4000], options)).toBe(1)
    expect(concordanceIndex([1, 2], [3000, 4000], { ...options, compat: 'reference' })).toBe(0)
  })

  it('handles 5·10⁴ points, 10⁹ pairs, and gets both ends right', () => {
    const n = 50_000
    const truth = Float64Array.from({ length: n }, (_, i) => (i * 7919) % n)
    expect(concordanceIndex(truth, truth)).toBe(1)
    expect(
      concordanceIndex(
        truth,
        truth.map((value) => -value),
      ),
    ).toBe(0)
  })

  it('refuses unequal, empty and NaN lists', () => {
    expect(() => mae([1], [1, 2])).toThrow('mae: expected two lists of equal length, got 1 and 2')
    expect(() => mse([], [])).toThrow('mse truth: expected at least one number, got none')
    expect(() => concordanceIndex([1, 2], [1, Number.NaN])).toThrow('concordanceIndex pred: expected finite numbers')
  })
})

function bruteForce(truth: number[], pred: number[], withEqual: boolean): number {
  // NumPy's half to even for the non-negative halves generated above.
  const p = withEqual ? pred.map((v) => (v % 1 === 0.5 ? 2 * Math.round(v / 2) : Math.round(v))) : pred
  let bad = 0
  let pairs = 0
  for (let i = 0; i < p.length; i++)
    for (let j = i + 1; j < p.length; j++) {
      pairs++
      const a = Math.sign(truth[i]! - truth[j]!)
      const b = Math.sign(p[i]! - p[j]!)
      if (a * b < 0 || (withEqual && (a === 0) !== (b === 0))) bad++
    }
  return 1 - bad / pairs
}
