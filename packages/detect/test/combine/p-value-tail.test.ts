// Combined p-values keep an order beyond the reference rows, with any number of them, and promise no more than before.
import { random } from '@ood/core'
import { type Columns, combinePValues, detector, type PValueRule, pValueRules, pValuesOf } from '@ood/detect'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batch, coordinates } from '../helpers.ts'

const K = 70
const rules = [...pValueRules]
const columns = (values: number[][]): Columns => ({ 'raw.x': batch(values) })
/** K numbers with a common part, so that they depend on each other; the first shifted. */
function rows(n: number, seed: number, shift = 0): number[][] {
  const rng = random(seed)
  return Array.from({ length: n }, () => {
    const common = rng.normal()
    return Array.from({ length: K }, (_, k) => 0.6 * common + 0.8 * rng.normal() + (k === 0 ? shift : 0))
  })
}
/** Share of pairs in which the shifted row scores higher, ties one half. */
function auroc(high: Float64Array, low: Float64Array): number {
  let sum = 0
  for (const a of high) for (const b of low) sum += a > b ? 1 : a === b ? 0.5 : 0
  return sum / (high.length * low.length)
}

describe.each(rules)('%s', (rule: PValueRule) => {
  const method = pValuesOf(coordinates(K), { rule })

  it.each([8, 24, 60, 139, 400])('tells rows that one number puts far out from others, fitted on %d rows', (n) => {
    const fit = method.fit(columns(rows(n, 1)))
    const inside = method.score(columns(rows(100, 2)), fit)
    const far = method.score(columns(rows(100, 3, 60)), fit)
    const farther = method.score(columns(rows(100, 3, 600)), fit)
    // Scores that end at the last reference value tie all of these: 0.5 up to 139 rows.
    expect(new Set(inside).size).toBeGreaterThan(30)
    // A sum of logarithms over 70 numbers hides one of them.
    expect(auroc(farther, inside)).toBeGreaterThan(rule === 'fisher' ? 0.6 : 0.95)
    for (let row = 0; row < 100; row++) expect(farther[row]!).toBeGreaterThan(far[row]!)
  })

  it('falls for no number that moves further out, up to the largest ones', () => {
    const fit = method.fit(columns(rows(30, 1)))
    const [start] = rows(1, 5)
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: K - 1 }),
        fc.constantFrom(-1, 1),
        fc.array(fc.double({ min: 4, max: 1e300, noNaN: true }), { minLength: 2, maxLength: 6 }),
        (k, side, sizes) => {
          const moved = sizes.sort((a, b) => a - b).map((size) => start!.map((v, i) => (i === k ? side * size : v)))
          const scores = method.score(columns(moved), fit)
          for (let i = 1; i < scores.length; i++) expect(scores[i]! - scores[i - 1]!).toBeGreaterThan(-1e-9)
          expect(Number.isFinite(scores.at(-1)!)).toBe(true)
        },
      ),
      { numRuns: 60, seed: 1 },
    )
  })

  it('an infinite number scores infinity', () => {
    const fit = method.fit(columns(rows(30, 1)))
    const [row] = rows(1, 5)
    row![3] = Number.NEGATIVE_INFINITY
    expect(method.score(columns([row!]), fit)[0]).toBe(Number.POSITIVE_INFINITY)
  })

  it('is -log of the combined p-value within the reference rows', () => {
    const few = pValuesOf(coordinates(2), { rule })
    const train = Array.from({ length: 99 }, (_, i) => [i, 98 - ((i * 7) % 99)])
    const fit = few.fit(columns(train))
    const x = [
      [30, 50],
      [0, 49],
      [97, 3],
    ]
    const p = (value: number): number => Math.min(1, (2 * Math.min(1 + (99 - value), 1 + (value + 1))) / 100)
    const lists = [0, 1].map((k) => Float64Array.from(x, (row) => p(row[k]!)))
    const expected = combinePValues(lists, rule, fit.fisher)
    const got = few.score(columns(x), fit).map((score) => Math.min(1, Math.exp(-score)))
    // Logarithm and exponential round once each.
    for (let row = 0; row < x.length; row++) expect(Math.abs(got[row]! / expected[row]! - 1)).toBeLessThan(1e-12)
  })

  it('predicted p-values stay at 1 / (n + 1) and above, and keep their promise on few rows', async () => {
    const found = detector(method)
    await found.fit({ columns: columns(rows(40, 1)) })
    await found.calibrate({ columns: columns(rows(199, 4)) })
    const far = (await found.predict({ columns: columns(rows(50, 3, 1e6)) })).data.pValue!
    expect(Math.min(...far)).toBeGreaterThanOrEqual(1 / 200)
    if (rule !== 'fisher') expect(Math.max(...far)).toBe(1 / 200)
    const inside = (await found.predict({ columns: columns(rows(1000, 6)) })).data.pValue!
    for (const a of [0.05, 0.1, 0.3]) {
      const share = inside.filter((p) => p <= a).length / 1000
      // Three standard errors of 1000 rows and of the 199 reference rows.
      expect(share).toBeLessThan(a + 3 * Math.sqrt(a * (1 - a) * (1 / 1000 + 1 / 199)))
    }
  })
})
