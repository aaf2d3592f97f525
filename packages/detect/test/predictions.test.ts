// Thresholds, p-values, predictions and the data check, for detectors of any score.
import { readFileSync } from 'node:fs'
import { flatData, type NdArray, normals, random, rowCount, tensor } from '@ood/core'
import {
  array,
  calibration,
  type DetectorOptions,
  detector,
  type Method,
  measurement,
  type OodDetector,
} from '@ood/detect'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'

/** Scores are the rows' own first numbers; features, if any, the whole rows. */
function identity(options: DetectorOptions & { features?: boolean } = {}): OodDetector<null> {
  const { features, ...rest } = options
  const rows = measurement('row', [], {}, ['values'], (x: NdArray) => ({
    values: tensor(Float64Array.from(flatData(x)), x.shape),
  }))
  const method: Method<null> = {
    name: 'Identity',
    source: 'a test',
    settings: {},
    initial: null,
    needs: () => ({ row: rows }),
    fit: () => null,
    score(columns) {
      const x = array(columns, 'row.values')
      const size = flatData(x).length / Math.max(1, rowCount(x))
      return flatData(x).filter((_, i) => i % size === 0)
    },
    featureScore: (columns) => (features ? array(columns, 'row.values') : null),
    parseFit: () => null,
  }
  return detector(method, rest)
}
const column = (values: ArrayLike<number>) => tensor(Float64Array.from(values), [values.length, 1])
/** Scores that are there already. */
const found = (values: ArrayLike<number>) => ({ columns: { 'row.values': Float64Array.from(values) } })
const any = { data: { valueRange: 'any' } } as const

interface Case {
  name: string
  scores: number[]
  linear: Record<string, number>
  higher: Record<string, number>
  queries: number[]
  pValues: number[]
}
const fixture = new URL('./fixtures/quantiles.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Case[] }

describe('against NumPy and SciPy', () => {
  it.each(cases)('percentiles of $name are equal to the last bit', ({ scores, linear, higher }) => {
    const known = calibration(scores)
    expect(Object.keys(linear).length).toBe(14)
    for (const [percentile, want] of Object.entries(linear))
      expect(known.threshold({ percentile: Number(percentile) })).toBe(want)
    for (const [rate, want] of Object.entries(higher)) expect(known.threshold(Number(rate))).toBe(want)
  })

  it.each(cases)('p-values of $name', async ({ scores, queries, pValues }) => {
    const detector = identity(any)
    await detector.calibrate(column(scores))
    expect([...detector.pValues(queries)!]).toEqual(pValues)
  })
})

describe('golden vectors', () => {
  const golden = vector<{
    ties: { score: number[]; threshold_perc: number; expected_threshold: number; expected_is_outlier: number[] }
  }>('llr-flows-ncis/llr_scores_thresholds')
  it('ties at the threshold are no outliers', async () => {
    const { score, threshold_perc, expected_threshold, expected_is_outlier } = golden.ties
    const detector = identity()
    expect(await detector.inferThreshold(column(score), { percentile: threshold_perc })).toBe(expected_threshold)
    expect([...(await detector.predict(column(score))).data.isOutlier!]).toEqual(expected_is_outlier)
  })
})

describe('thresholds', () => {
  const scores = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 })

  it('rise with the percentile and stay within the scores', () => {
    fc.assert(
      fc.property(
        scores,
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (list, a, b) => {
          const known = calibration(list)
          const low = known.threshold({ percentile: Math.min(a, b) })
          const high = known.threshold({ percentile: Math.max(a, b) })
          expect(low).toBeLessThanOrEqual(high)
          expect(low).toBeGreaterThanOrEqual(Math.min(...list))
          expect(high).toBeLessThanOrEqual(Math.max(...list))
        },
      ),
    )
  })

  it('keep the false positive rate on their own data, and no lower score does', () => {
    fc.assert(
      fc.property(scores, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (list, rate) => {
        fc.pre(rate >= 1 / list.length)
        const threshold = calibration(list).threshold({ falsePositiveRate: rate })
        const above = (cut: number) => list.filter((value) => value > cut).length
        expect(above(threshold)).toBeLessThanOrEqual(rate * list.length)
        expect(list).toContain(threshold)
        // Two scores further down would let at least floor(rate n) + 1 through, ties aside.
        const distinct = [...new Set(list)].sort((a, b) => a - b)
        const below = distinct[distinct.indexOf(threshold) - 2]
        if (below !== undefined && distinct.length === list.length)
          expect(above(below)).toBeGreaterThan(rate * list.length - 1e-9)
      }),
    )
  })

  it('of one score: that score, and rates below 1/n are refused', () => {
    expect(calibration([4]).threshold({ percentile: 37 })).toBe(4)
    expect(() => calibration([4]).threshold(0.5)).toThrow('falsePositiveRate: expected at least 1/1')
    expect(calibration([4, 5]).threshold(0.5)).toBe(5)
  })

  it('pass infinite scores by, but are never infinite', async () => {
    const inf = Number.POSITIVE_INFINITY
    const detector = identity()
    const list = found([-inf, 1, 2, 3, inf])
    expect(await detector.inferThreshold(list, { percentile: 50 })).toBe(2)
    expect(await detector.inferThreshold(list, { percentile: 25 })).toBe(1)
    expect(await detector.inferThreshold(list, 0.4)).toBe(3)
    for (const percentile of [0, 10, 80, 100])
      await expect(detector.inferThreshold(list, { percentile })).rejects.toThrow('a quantile among finite scores')
    // The last good one stays.
    expect(detector.threshold).toBe(3)
    const { data } = await detector.predict(list)
    expect([...data.isOutlier!]).toEqual([0, 0, 0, 0, 1])
  })

  it('refuse what they cannot be made of', async () => {
    const detector = identity()
    const from = (target: unknown, scores = [1, 2, 3]) =>
      expect(detector.inferThreshold(found(scores), target as number)).rejects
    for (const rate of [0, 1, -0.1, 2, Number.NaN])
      await from(rate).toThrow('falsePositiveRate: expected a number in (0, 1)')
    for (const percentile of [-1, 101, Number.NaN])
      await from({ percentile }).toThrow('percentile: expected a number in [0, 100]')
    await from({ percentile: 50, outlierType: 'pixel' }).toThrow('outlierType: expected instance or feature, got pixel')
    await from({}).toThrow('expected either percentile or falsePositiveRate, got neither')
    await from({ percentile: 50, falsePositiveRate: 0.1 }).toThrow('percentile or falsePositiveRate, got both')
    await from(0.5, []).toThrow('expected at least one row, got none')
    await from(0.5, [1, Number.NaN]).toThrow('got NaN at position 1')
    await expect(detector.inferThreshold(tensor(new Float64Array(0), [0, 1]), 0.5)).rejects.toMatchObject({
      code: 'E_EMPTY',
    })
    expect(detector.threshold).toBeNull()
  })
})

describe('p-values', () => {
  it('are (1 + #{calibration >= score}) / (n + 1) by brute force, ties and infinities included', async () => {
    const value = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 30 }),
        fc.array(value),
        async (known, asked) => {
          const detector = identity(any)
          const reference = identity({ ...any, compat: 'reference' })
          await detector.calibrate(column(known))
          await reference.calibrate(column(known))
          const n = known.length
          expect([...detector.pValues(asked)!]).toEqual(
            asked.map((score) => (1 + known.filter((other) => other >= score).length) / (n + 1)),
          )
          expect([...reference.pValues(asked)!]).toEqual(
            asked.map((score) => (1 + known.filter((other) => other > score).length) / n),
          )
        },
      ),
      { numRuns: 50 },
    )
  })

  it('are valid on data like the calibration data: P(p <= a) <= a', async () => {
    // 400 draws of 19 calibration scores and one more: the share with p <= 0.1 is binomial around 0.1 (sd 0.015).
    const rng = random(9)
    let small = 0
    for (let trial = 0; trial < 400; trial++) {
      const detector = identity()
      await detector.calibrate(column(normals(rng, 19)))
      if (detector.pValues([rng.normal()])![0]! <= 0.1) small++
    }
    expect(small / 400).toBeLessThan(0.1 + 4 * 0.015)
    expect(small / 400).toBeGreaterThan(0.1 - 4 * 0.015)
  })

  it('count in the scores of a false positive rate, never of a percentile, and calibrate wins', async () => {
    const detector = identity()
    await detector.inferThreshold(column([1, 2, 3]), { percentile: 50 })
    expect(detector.calibration).toBeNull()
    expect((await detector.predict(column([2]))).data.pValue).toBeNull()
    await detector.inferThreshold(column([1, 2, 3]), 0.5)
    expect([...detector.calibration!.scores]).toEqual([1, 2, 3])
    await detector.calibrate(column([4, 3]))
    await detector.inferThreshold(column([1, 2, 3]), 0.5)
    expect([...detector.calibration!.scores]).toEqual([3, 4])
    expect([...(await detector.predict(column([3]))).data.pValue!]).toEqual([1])
  })
})

describe('predict', () => {
  it('holds exactly the five meta fields and what was asked for', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    const detector = identity({ features: true, dataType: 'tabular' })
    const x = tensor(Float64Array.of(1, 9, 2, 8), [2, 2])
    const scoresOnly = await detector.predict(x)
    expect(scoresOnly.meta).toEqual({
      name: 'Identity',
      online: false,
      dataType: 'tabular',
      version,
      detectorType: 'outlier',
    })
    expect(scoresOnly.data).toMatchObject({ isOutlier: null, threshold: null, pValue: null })
    expect([...scoresOnly.data.instanceScore!]).toEqual([1, 2])
    expect(flatData(scoresOnly.data.featureScore!)).toEqual(Float64Array.of(1, 9, 2, 8))
    await detector.inferThreshold(x, { percentile: 50, outlierType: 'feature' })
    const bare = await detector.predict(x, { returnInstanceScore: false, returnFeatureScore: false })
    expect(bare.data).toMatchObject({ instanceScore: null, featureScore: null, threshold: 5 })
    expect([...bare.data.isOutlier!]).toEqual([0, 1, 0, 1])
    expect((await detector.predict(x, { returnIsOutlier: false })).data.isOutlier).toBeNull()
    expect((await identity().predict(found([1]))).meta.dataType).toBeNull()
  })

  it('has no decision without a threshold, and says so when asked for one', async () => {
    const message = 'Identity isOutlier: expected a threshold (inferThreshold), got none'
    await expect(identity().predict(column([1]), { returnIsOutlier: true })).rejects.toThrow(message)
    await expect(identity({ compat: 'reference' }).predict(column([1]))).rejects.toMatchObject({ code: 'E_NOT_FITTED' })
    const given = identity({ threshold: 1.5 })
    expect([...(await given.predict(column([1, 2]))).data.isOutlier!]).toEqual([0, 1])
  })

  it('does not cut features with a threshold of instances', async () => {
    const detector = identity({ features: true, threshold: 1 })
    await expect(detector.predict(column([1]), { outlierType: 'feature' })).rejects.toThrow(
      'Identity outlierType: expected instance, what the threshold was inferred for, got feature',
    )
    await expect(identity({ threshold: 1, outlierType: 'feature' }).predict(column([1]))).rejects.toThrow(
      'Identity feature scores: expected a detector that has them',
    )
  })

  it('of no rows is empty', async () => {
    const detector = identity({ threshold: 0 })
    const { data } = await detector.predict(tensor(new Float64Array(0), [0, 1]))
    expect(data).toMatchObject({ instanceScore: new Float64Array(0), featureScore: null, isOutlier: new Uint8Array(0) })
  })

  it('refuses a score that is no number', async () => {
    await expect(identity().score(found([1, Number.NaN]))).rejects.toThrow(
      'Identity scores: expected numbers, got NaN at position 1',
    )
    const short: Method<null> = { ...identity().method, score: () => new Float64Array(1) }
    await expect(detector(short).score(column([1, 2]))).rejects.toThrow('Identity scores: expected 2 rows, got 1')
  })
})

describe('data of another shape or range', () => {
  const bytes = (n: number) =>
    tensor(
      Float64Array.from({ length: n * 4 }, (_, i) => (i * 37) % 256),
      [n, 1, 2, 2],
    )

  it('is refused once the data is known', async () => {
    const detector = identity()
    await detector.score(column([1])) // nothing known yet
    await detector.inferThreshold(bytes(20), 0.1)
    expect(detector.data).toEqual({ shape: [1, 2, 2], valueRange: [0, 252], rangeSource: 'learnt', wholeNumbers: true })
    await expect(detector.score(tensor(new Float64Array(8), [2, 4]))).rejects.toThrow(
      'Identity data: expected rows of shape [1,2,2], got [4]',
    )
    const unit = tensor(
      flatData(bytes(2)).map((value) => value / 255),
      [2, 1, 2, 2],
    )
    await expect(detector.predict(unit)).rejects.toThrow(
      "Identity data: expected whole numbers like the calibration data's [0,252], got 0.14",
    )
    const huge = tensor(new Float64Array(4).fill(65535), [1, 1, 2, 2])
    await expect(detector.score(huge)).rejects.toThrow(
      "whole numbers like the calibration data's [0,252], got 65535 in row 0",
    )
    // Outliers of the same units are what a detector is for.
    expect(await detector.score(tensor(Float64Array.of(0, 0, 0, 255), [1, 1, 2, 2]))).toEqual(Float64Array.of(0))
    await expect(detector.calibrate(unit)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  it('is refused exactly at given bounds', async () => {
    const detector = identity({ data: { dataShape: [1], valueRange: [0, 1] } })
    expect(await detector.score(column([0, 1]))).toEqual(Float64Array.of(0, 1))
    await expect(detector.score(column([0.5, 1.01]))).rejects.toThrow(
      'Identity data: expected values in [0,1], got 1.01 in row 1',
    )
    await expect(detector.score(column([0, Number.NaN]))).rejects.toMatchObject({ code: 'E_NOT_FINITE' })
    await expect(detector.score(tensor(new Float64Array(2), [2]))).rejects.toMatchObject({ code: 'E_SHAPE' })
    await detector.calibrate(column([0.25]))
    expect(detector.data).toEqual({ shape: [1], valueRange: [0, 1], rangeSource: 'given', wholeNumbers: false })
  })

  it('passes where the check is switched off, and calibration sets widen what is known', async () => {
    const open = identity(any)
    await open.calibrate(column([1, 2]))
    expect(await open.score(column([1e9, 0.5]))).toEqual(Float64Array.of(1e9, 0.5))
    const detector = identity()
    await detector.calibrate(column([0, 1]))
    await detector.inferThreshold(column([0, 2]), 0.5)
    expect(detector.data.valueRange).toEqual([0, 2])
    await expect(detector.score(tensor(new Float64Array(2), [1, 2]))).rejects.toMatchObject({ code: 'E_SHAPE' })
  })

  it('bad descriptions are refused', () => {
    expect(() => identity({ data: { dataShape: [0] } })).toThrow('dataShape: expected sizes of at least 1, got [0]')
    expect(() => identity({ data: { valueRange: [1, 0] } })).toThrow(
      'valueRange: expected [smallest, largest], got [1, 0]',
    )
  })
})
