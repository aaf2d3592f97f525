// DeLong interval and paired test: brute-force kernel matrix and SciPy fixtures, invariances, degenerate samples.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { auroc, delongInterval, delongTest } from '../src/index.ts'
import { expectClose, fixture, normalScores, tiedScores } from './support.ts'

/** The fixture squares and sums at most 60 terms; SciPy's normal quantile is good to about 1e-15 relative. */
const TOLERANCE = 1e-11

describe('delongInterval', () => {
  it.each(fixture.cases)('equals brute force: $name', ({ positives, negatives, ...expected }) => {
    for (const { level, standardError, linear, logit } of expected.delong) {
      const got = delongInterval(positives, negatives, { level })
      expectClose(got.auroc, expected.auroc)
      expectClose(got.standardError, standardError, TOLERANCE)
      expectClose(got.lower, linear[0], TOLERANCE)
      expectClose(got.upper, linear[1], TOLERANCE)
      expect(got.level).toBe(level)
      const onLogit = delongInterval(positives, negatives, { level, scale: 'logit' })
      expectClose(onLogit.lower, logit[0], TOLERANCE)
      expectClose(onLogit.upper, logit[1], TOLERANCE)
    }
  })
  it('is the same for swapped classes and negated scores, and holds the estimate', () => {
    const atLeastTwo = tiedScores.filter((scores) => scores.length >= 2)
    fc.assert(
      fc.property(atLeastTwo, atLeastTwo, fc.constantFrom('linear' as const, 'logit' as const), (p, q, scale) => {
        const got = delongInterval(p, q, { scale })
        expect(got.auroc).toBe(auroc(p, q))
        const mirrored = delongInterval(
          q.map((v) => -v),
          p.map((v) => -v),
          { scale },
        )
        expectClose(mirrored.standardError, got.standardError)
        expectClose(mirrored.lower, got.lower)
        const swapped = delongInterval(q, p, { scale })
        expectClose(swapped.lower, 1 - got.upper)
        expect(got.lower).toBeGreaterThanOrEqual(0)
        expect(got.upper).toBeLessThanOrEqual(1)
        expect(got.lower).toBeLessThanOrEqual(got.auroc + 1e-15)
        expect(got.upper).toBeGreaterThanOrEqual(got.auroc - 1e-15)
      }),
    )
  })
  it('is one point when the classes are separated or constant', () => {
    for (const scale of ['linear', 'logit'] as const) {
      expect(delongInterval([5, 6, 7], [1, 2, 3], { scale })).toEqual({
        auroc: 1,
        standardError: 0,
        lower: 1,
        upper: 1,
        level: 0.95,
      })
      expect(delongInterval([2, 2, 2], [2, 2, 2], { scale })).toMatchObject({
        auroc: 0.5,
        standardError: 0,
        lower: 0.5,
      })
    }
  })
  it('covers the true AUROC about as often as it says', () => {
    // 400 samples: coverage of a true 95 % interval is 0.95 +- 0.011; four standard deviations allowed.
    let covered = 0
    for (let i = 0; i < 400; i++) {
      const { lower, upper } = delongInterval(normalScores(2 * i + 1, 60, 1), normalScores(2 * i + 2000, 60))
      if (lower <= 0.7602499 && 0.7602499 <= upper) covered++
    }
    expectClose(covered / 400, 0.95, 0.045)
  })
})

describe('delongTest', () => {
  it('equals brute force and SciPy', () => {
    const { a, b, expected } = fixture.delongPair
    const got = delongTest(a, b)
    expectClose(got.aurocA, expected.aurocA)
    expectClose(got.aurocB, expected.aurocB)
    expectClose(got.difference, expected.aurocA - expected.aurocB)
    expectClose(got.standardError, expected.standardError, TOLERANCE)
    // z divides by a standard error of a few hundredths, which magnifies rounding.
    expectClose(got.z, expected.z, 1e-9)
    expectClose(got.pValue, expected.pValue, 1e-9)
    const swapped = delongTest(b, a)
    expect(swapped.z).toBe(-got.z)
    expect(swapped.pValue).toBe(got.pValue)
  })
  it('finds no difference between a detector and an increasing map of it', () => {
    const a = { positives: [1, 4, 2, 6], negatives: [0, 3, 1] }
    const b = { positives: a.positives.map(Math.exp), negatives: a.negatives.map(Math.exp) }
    expect(delongTest(a, b)).toMatchObject({ difference: 0, standardError: 0, z: 0, pValue: 1 })
  })
  it('is certain of a difference without variance', () => {
    const a = { positives: [1, 1], negatives: [0, 0] }
    const b = { positives: [0, 0], negatives: [1, 1] }
    expect(delongTest(a, b)).toMatchObject({ difference: 1, z: Number.POSITIVE_INFINITY, pValue: 0 })
    expect(delongTest(b, a)).toMatchObject({ difference: -1, z: Number.NEGATIVE_INFINITY, pValue: 0 })
  })
})
