// ROC and precision-recall curves, their areas, detection error: scikit-learn fixtures and properties.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  auc,
  auprTrapezoid,
  auroc,
  averagePrecision,
  detectionError,
  precisionRecallCurve,
  rocCurve,
} from '../src/index.ts'
import { anyScores, expectClose, fixture, tiedScores } from './support.ts'

describe.each(fixture.cases)('scikit-learn: $name', ({ positives, negatives, roc, pr, ...expected }) => {
  it('rocCurve', () => {
    const curve = rocCurve(positives, negatives)
    expect([...curve.thresholds]).toEqual(roc.thresholds.map((t) => t ?? Number.POSITIVE_INFINITY))
    // Both divide the same whole numbers once, so equality is exact.
    expect([...curve.falsePositiveRate]).toEqual(roc.fpr)
    expect([...curve.truePositiveRate]).toEqual(roc.tpr)
  })
  it('precisionRecallCurve', () => {
    const curve = precisionRecallCurve(positives, negatives)
    // scikit-learn lists thresholds ascending and puts the point (recall 0, precision 1) last.
    expect([...curve.precision].reverse()).toEqual(pr.precision)
    expect([...curve.recall].reverse()).toEqual(pr.recall)
    expect([...curve.thresholds].reverse().slice(0, -1)).toEqual(pr.thresholds)
  })
  it('auprTrapezoid and averagePrecision', () => {
    expectClose(auprTrapezoid(positives, negatives), expected.auprTrapezoid)
    expectClose(averagePrecision(positives, negatives), expected.averagePrecision)
  })
})

describe('rocCurve', () => {
  it('is the curve of the doc example', () => {
    const curve = rocCurve([2, 3], [1, 2])
    expect([...curve.thresholds]).toEqual([Number.POSITIVE_INFINITY, 3, 2, 1])
    expect([...curve.falsePositives]).toEqual([0, 0, 1, 2])
    expect([...curve.truePositives]).toEqual([0, 1, 2, 2])
    expect([...curve.falsePositiveRate]).toEqual([0, 0, 0.5, 1])
    expect([...curve.truePositiveRate]).toEqual([0, 0.5, 1, 1])
    expect([curve.positiveCount, curve.negativeCount]).toEqual([2, 2])
  })
  it('counts what each threshold accepts', () => {
    fc.assert(
      fc.property(anyScores, anyScores, (p, q) => {
        const curve = rocCurve(p, q)
        expect(curve.thresholds.length).toBe(1 + new Set([...p, ...q].map((v) => v + 0)).size)
        const thresholds = [...curve.thresholds]
        expect([...curve.truePositives]).toEqual(thresholds.map((t) => p.filter((v) => v >= t).length))
        expect([...curve.falsePositives]).toEqual(thresholds.map((t) => q.filter((v) => v >= t).length))
      }),
    )
  })
  it('has the area auroc', () => {
    fc.assert(
      fc.property(anyScores, anyScores, (p, q) => {
        const { falsePositiveRate, truePositiveRate } = rocCurve(p, q)
        expectClose(auc(falsePositiveRate, truePositiveRate), auroc(p, q))
      }),
    )
  })
  it('dropCollinear keeps the ends, the shape and no point on a line', () => {
    fc.assert(
      fc.property(tiedScores, tiedScores, (p, q) => {
        const full = rocCurve(p, q)
        const short = rocCurve(p, q, { dropCollinear: true })
        const points = Array.from(short.thresholds, (_, i) => [short.falsePositives[i]!, short.truePositives[i]!])
        expect(points[0]).toEqual([0, 0])
        expect(points[points.length - 1]).toEqual([q.length, p.length])
        expectClose(auc(short.falsePositiveRate, short.truePositiveRate), auroc(p, q))
        // Every full point lies on a segment of the short curve.
        full.thresholds.forEach((_, i) => {
          const [x, y] = [full.falsePositives[i]!, full.truePositives[i]!]
          const onSegment = points.slice(1).some(([x1, y1], k) => {
            const [x0, y0] = points[k]!
            const isBetween = x >= x0! && x <= x1! && y >= y0! && y <= y1!
            return isBetween && (x - x0!) * (y1! - y0!) === (y - y0!) * (x1! - x0!)
          })
          expect(onSegment).toBe(true)
        })
        for (let i = 1; i + 1 < points.length; i++) {
          const [[a, b], [c, d], [e, f]] = [points[i - 1]!, points[i]!, points[i + 1]!]
          expect((c! - a!) * (f! - d!)).not.toBe((d! - b!) * (e! - c!))
        }
      }),
    )
  })
})

describe('precision-recall areas', () => {
  it('give the known values when all scores are equal', () => {
    expect(auprTrapezoid([1, 1], [1, 1])).toBe(0.75)
    expect(averagePrecision([1, 1], [1, 1])).toBe(0.5)
    // With a share r of positives: AP = r, trapezoid = (1 + r) / 2.
    expect(averagePrecision([1], [1, 1, 1])).toBe(0.25)
    expect(auprTrapezoid([1], [1, 1, 1])).toBe(0.625)
  })
  it('are 1 for perfect separation and do not change under increasing maps', () => {
    expect(averagePrecision([3, 4], [1, 2])).toBe(1)
    expect(auprTrapezoid([3, 4], [1, 2])).toBe(1)
    fc.assert(
      fc.property(tiedScores, tiedScores, (p, q) => {
        const map = (v: number): number => Math.exp(v / 3)
        expect(averagePrecision(p.map(map), q.map(map))).toBe(averagePrecision(p, q))
        expect(auprTrapezoid(p.map(map), q.map(map))).toBe(auprTrapezoid(p, q))
      }),
    )
  })
  it('average precision equals the mean precision at each positive, ties grouped', () => {
    fc.assert(
      fc.property(tiedScores, tiedScores, (p, q) => {
        const precisionAt = (t: number): number => {
          const tp = p.filter((v) => v >= t).length
          return tp / (tp + q.filter((v) => v >= t).length)
        }
        expectClose(averagePrecision(p, q), p.reduce((sum, v) => sum + precisionAt(v), 0) / p.length)
      }),
    )
  })
})

describe('detectionError', () => {
  it('equals the brute-force minimum over thresholds and is symmetric', () => {
    fc.assert(
      fc.property(anyScores, anyScores, (p, q) => {
        const errors = [...p, ...q, Number.POSITIVE_INFINITY].map(
          (t) => (p.filter((v) => v < t).length / p.length + q.filter((v) => v >= t).length / q.length) / 2,
        )
        const got = detectionError(p, q)
        expectClose(got, Math.min(...errors), 1e-15)
        expect(got).toBeLessThanOrEqual(0.5)
        expectClose(
          detectionError(
            q.map((v) => -v),
            p.map((v) => -v),
          ),
          got,
          1e-15,
        )
      }),
    )
  })
})
