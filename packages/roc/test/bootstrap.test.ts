// Bootstrap intervals: reproducible, stratified, paired, and in agreement with DeLong.
import { describe, expect, it } from 'vitest'
import { auroc, averagePrecision, bootstrapInterval, delongInterval, dualAuroc } from '../src/index.ts'
import { expectClose, normalScores } from './support.ts'

const positives = normalScores(11, 80, 1)
const negatives = normalScores(12, 60)

describe('bootstrapInterval', () => {
  it('depends on the seed alone', () => {
    const first = bootstrapInterval(positives, negatives, { seed: 4, resamples: 200 })
    expect(bootstrapInterval(positives, negatives, { seed: 4, resamples: 200 })).toEqual(first)
    expect(bootstrapInterval(positives, negatives, { seed: 5, resamples: 200 })).not.toEqual(first)
    expect(first).toMatchObject({ estimate: auroc(positives, negatives), level: 0.95, resamples: 200 })
  })
  it('gives the same for the counting shortcut and for auroc as a statistic', () => {
    const tied = [positives, negatives].map((scores) => scores.map((v) => Math.round(2 * v)))
    for (const [p, q] of [[positives, negatives], tied] as [Float64Array, Float64Array][]) {
      const options = { seed: 9, resamples: 100 }
      expect(bootstrapInterval(p, q, { ...options, statistic: auroc })).toEqual(bootstrapInterval(p, q, options))
    }
  })
  it('agrees with DeLong on a large sample', () => {
    const p = normalScores(21, 400, 1)
    const q = normalScores(22, 400)
    const boot = bootstrapInterval(p, q, { seed: 1 })
    const delong = delongInterval(p, q)
    // The standard error of 2000 resamples is itself uncertain by 1.6 %; the methods differ by O(1/n). 8 % allowed.
    expectClose(boot.standardError / delong.standardError, 1, 0.08)
    // Percentile ends are uncertain by about 0.05 standard errors; a quarter of one (0.016) allowed.
    expectClose(boot.lower, delong.lower, 0.25 * delong.standardError)
    expectClose(boot.upper, delong.upper, 0.25 * delong.standardError)
  })
  it('widens with the level and holds the estimate of a smooth statistic', () => {
    const at = (level: number) =>
      bootstrapInterval(positives, negatives, { level, statistic: averagePrecision, resamples: 300 })
    const [narrow, wide] = [at(0.5), at(0.99)]
    expect(wide.lower).toBeLessThan(narrow.lower)
    expect(wide.upper).toBeGreaterThan(narrow.upper)
    expect(wide.lower).toBeLessThan(wide.estimate)
    expect(wide.upper).toBeGreaterThan(wide.estimate)
  })
  it('draws with replacement within each class and keeps the class sizes', () => {
    const [inPositives, inNegatives] = [new Set(positives), new Set(negatives)]
    let repeats = 0
    bootstrapInterval(positives, negatives, {
      resamples: 20,
      statistic: (p, q) => {
        expect([p.length, q.length]).toEqual([80, 60])
        expect(p.every((v) => inPositives.has(v)) && q.every((v) => inNegatives.has(v))).toBe(true)
        repeats += 80 - new Set(p).size
        return 0.5
      },
    })
    // 80 draws of 80 leave out 80 (1 - 1/80)^80 = 29.2 on average; the first call is on the scores themselves.
    expectClose(repeats / 20, 29.2, 3)
  })
  it('keeps x and y of an item together for dual scores', () => {
    const pos = { x: positives, y: positives.map((v) => 10 * v) }
    const neg = { x: negatives, y: negatives.map((v) => 10 * v) }
    bootstrapInterval(pos, neg, {
      resamples: 5,
      statistic: (p, q) => {
        expect(p.y.every((v, i) => v === 10 * p.x[i]!) && q.y.every((v, i) => v === 10 * q.x[i]!)).toBe(true)
        return 1
      },
    })
    const boot = bootstrapInterval(pos, neg, { resamples: 100, seed: 2 })
    expect(boot.estimate).toBe(dualAuroc(pos, neg))
    expect(boot.lower).toBeLessThan(boot.upper)
  })
  it('is one point for separated classes', () => {
    expect(bootstrapInterval([3, 4], [1, 2], { resamples: 50 })).toEqual({
      estimate: 1,
      standardError: 0,
      lower: 1,
      upper: 1,
      level: 0.95,
      resamples: 50,
    })
  })
})
