// The percentile rule: thresholds from the calibration set only, rates on the evaluated sets.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { percentileRule } from '../src/index.ts'
import { dualScores } from './support.ts'

const calibration = { x: [0, 10, 20, 30, 40], y: [5, 4, 3, 2, 1] }
const positives = { x: [4, 50, 50, 3], y: [1.4, 9, 1.3, 9] }
const negatives = { x: [9, 2], y: [9, 9] }

describe('percentileRule', () => {
  it('puts thresholds at linear percentiles and counts by >=', () => {
    // 10 % of 0, 10, ..., 40 is 4; of 1 ... 5 it is 1.4.
    const rule = percentileRule(calibration, positives, negatives)
    expect(rule).toEqual({
      thresholdX: 4,
      thresholdY: 1.4,
      truePositiveRate: 0.5,
      falsePositiveRate: 0.5,
      accuracy: 0.5,
    })
  })
  it('can leave one axis out', () => {
    const onX = percentileRule(calibration, positives, negatives, { axes: 'x' })
    expect(onX).toMatchObject({ thresholdX: 4, thresholdY: Number.NEGATIVE_INFINITY, truePositiveRate: 0.75 })
    const onY = percentileRule(calibration, positives, negatives, { axes: 'y', percentile: 100 })
    expect(onY).toMatchObject({ thresholdX: Number.NEGATIVE_INFINITY, thresholdY: 5, falsePositiveRate: 1 })
  })
  it('takes its thresholds from the calibration set alone, and accepts more at a lower percentile', () => {
    fc.assert(
      fc.property(dualScores(9, 12), dualScores(9, 12), dualScores(9, 12), (fit, pos, neg) => {
        const rule = percentileRule(fit, pos, neg)
        expect(percentileRule(fit, neg, pos)).toMatchObject({
          thresholdX: rule.thresholdX,
          thresholdY: rule.thresholdY,
          truePositiveRate: rule.falsePositiveRate,
          falsePositiveRate: rule.truePositiveRate,
        })
        const lenient = percentileRule(fit, pos, neg, { percentile: 0 })
        expect(lenient.truePositiveRate).toBeGreaterThanOrEqual(rule.truePositiveRate)
        expect(percentileRule(fit, fit, neg, { percentile: 0 }).truePositiveRate).toBe(1)
        const right = rule.truePositiveRate * pos.x.length + (1 - rule.falsePositiveRate) * neg.x.length
        expect(rule.accuracy).toBeCloseTo(right / (pos.x.length + neg.x.length), 12)
      }),
    )
  })
})
