// Weights, DET curves and partial areas: scikit-learn's numbers, repeated items as oracle, limits, errors.
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  auprTrapezoid,
  auroc,
  averagePrecision,
  type ClassWeights,
  detCurve,
  type FprConvention,
  falsePositiveRateAtTruePositiveRate,
  partialAuroc,
  precisionRecallCurve,
  probit,
  rocCurve,
} from '../src/index.ts'
import { anyScores, expectClose, expectRocError, fixture, tiedScores } from './support.ts'

interface Results {
  auroc: number
  roc: { fpr: number[]; tpr: number[]; thresholds: (number | null)[] }
  pr: { precision: number[]; recall: number[] }
  auprTrapezoid: number
  averagePrecision: number
  det: { fpr: number[]; fnr: number[]; thresholds: (number | null)[] }
  partial: [number, number][]
  fprAtTpr: ({ tpr: number } & Record<FprConvention, number>)[]
}
interface Case {
  name: string
  positives: number[]
  negatives: number[]
  weights: ClassWeights
  weighted: Results
  plain: Results
}
const { cases }: { cases: Case[] } = JSON.parse(
  readFileSync(new URL('./fixtures/weighted.json', import.meta.url), 'utf8'),
)

/** Both sides are float64 sums of at most 120 weights, added in the same order: they differ by rounding only. */
function expectAll(got: ArrayLike<number>, want: (number | null)[]): void {
  expect(got.length).toBe(want.length)
  for (const [i, value] of want.entries()) {
    if (value === null) expect(got[i]).toBe(Number.POSITIVE_INFINITY)
    else expectClose(got[i]!, value, 1e-12)
  }
}

describe.each(['weighted', 'plain'] as const)('equals scikit-learn, %s', (kind) => {
  it.each(cases)('$name', ({ positives: p, negatives: n, weights, ...all }) => {
    const want = all[kind]
    const options = kind === 'weighted' ? { weights } : {}
    expectClose(auroc(p, n, options), want.auroc, 1e-12)
    const roc = rocCurve(p, n, options)
    expectAll(roc.falsePositiveRate, want.roc.fpr)
    expectAll(roc.truePositiveRate, want.roc.tpr)
    expectAll(roc.thresholds, want.roc.thresholds)
    const pr = precisionRecallCurve(p, n, options)
    // scikit-learn begins a curve at the last threshold that still has full recall; ours goes on to the lowest score.
    const points = want.pr.recall.length
    expectAll(pr.precision.slice(0, points), want.pr.precision.toReversed())
    expectAll(pr.recall.slice(0, points), want.pr.recall.toReversed())
    expectClose(averagePrecision(p, n, options), want.averagePrecision, 1e-12)
    expectClose(auprTrapezoid(p, n, options), want.auprTrapezoid, 1e-12)
    const det = detCurve(p, n, options)
    expectAll(det.falsePositiveRate, want.det.fpr.toReversed())
    expectAll(det.falseNegativeRate, want.det.fnr.toReversed())
    expectAll(det.thresholds, want.det.thresholds.toReversed())
    for (const [maxFpr, value] of want.partial) expectClose(partialAuroc(p, n, { maxFpr, ...options }), value, 1e-11)
    const scores = { inDistribution: n, outOfDistribution: p }
    const of = { inDistribution: weights.negatives, outOfDistribution: weights.positives }
    for (const { tpr, ...rates } of want.fprAtTpr) {
      for (const [convention, value] of Object.entries(rates) as [FprConvention, number][]) {
        const got = falsePositiveRateAtTruePositiveRate(scores, {
          convention,
          tpr,
          ...(kind === 'weighted' ? { weights: of } : {}),
        })
        expectClose(got, value, 1e-12)
      }
    }
  })
})

describe('weights', () => {
  const weightedItems = fc.array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: 1, max: 4 })), {
    minLength: 1,
    maxLength: 12,
  })

  it('of whole numbers are repeated items, bit for bit', () => {
    fc.assert(
      fc.property(weightedItems, weightedItems, (a, b) => {
        const scores = (items: [number, number][]) => items.map(([score]) => score)
        const repeated = (items: [number, number][]) => items.flatMap(([score, k]) => new Array<number>(k).fill(score))
        const weights = { positives: a.map(([, k]) => k), negatives: b.map(([, k]) => k) }
        const [p, n] = [scores(a), scores(b)]
        const [rp, rn] = [repeated(a), repeated(b)]
        const got = rocCurve(p, n, { weights, dropCollinear: true })
        const want = rocCurve(rp, rn, { dropCollinear: true })
        expect([...got.truePositives]).toEqual([...want.truePositives])
        expect([...got.falsePositiveRate]).toEqual([...want.falsePositiveRate])
        expect(averagePrecision(p, n, { weights })).toBe(averagePrecision(rp, rn))
        expectClose(auroc(p, n, { weights }), auroc(rp, rn))
        expect(detCurve(p, n, { weights })).toEqual(detCurve(rp, rn))
      }),
    )
  })

  it('that are all alike change nothing', () => {
    fc.assert(
      fc.property(anyScores, anyScores, (p, n) => {
        const weights = { positives: p.map(() => 0.25), negatives: n.map(() => 0.25) }
        expectClose(auroc(p, n, { weights }), auroc(p, n))
        expect([...rocCurve(p, n, { weights }).thresholds]).toEqual([...rocCurve(p, n).thresholds])
      }),
    )
  })

  it('that are none are named', () => {
    const call = (weights: unknown) => () => auroc([1, 2], [0], { weights } as never)
    expectRocError(call({ positives: [1, -1], negatives: [1] }), 'E_ARGUMENT', 'weights.positives[1]')
    expectRocError(call({ positives: [1], negatives: [1] }), 'E_SHAPE', 'weights.positives')
    expectRocError(call({ positives: [0, 0], negatives: [1] }), 'E_ARGUMENT', 'at least one weight above 0')
    expectRocError(call({ positives: [1, Number.NaN], negatives: [1] }), 'E_NOT_FINITE', 'weights.positives[1]')
    expectRocError(call({ positives: [1, null], negatives: [1] }), 'E_ARGUMENT', 'weights.positives[1]')
    expectRocError(call([1, 1, 1]), 'E_ARGUMENT', 'weights.positives')
    expectRocError(call(null), 'E_ARGUMENT', 'weights')
    const outliers = { inDistribution: [1], outOfDistribution: [2] }
    expectRocError(
      () =>
        falsePositiveRateAtTruePositiveRate(outliers, {
          convention: 'oodPositive',
          weights: { positives: [1], negatives: [1] } as never,
        }),
      'E_ARGUMENT',
      'weights.outOfDistribution',
    )
  })
})

describe('partialAuroc', () => {
  it('goes from the chance line to the AUROC', () => {
    fc.assert(
      fc.property(tiedScores, tiedScores, fc.double({ min: 0.01, max: 1, noNaN: true }), (p, n, maxFpr) => {
        expectClose(partialAuroc(p, n, { maxFpr: 1 }), auroc(p, n), 1e-12)
        expectClose(partialAuroc([1], [1], { maxFpr }), 0.5)
        expectClose(partialAuroc([2], [1], { maxFpr }), 1)
        expectClose(partialAuroc([2], [1], { maxFpr, standardized: false }), maxFpr)
        const area = partialAuroc(p, n, { maxFpr, standardized: false })
        expect(area).toBeGreaterThanOrEqual(0)
        expect(area).toBeLessThanOrEqual(maxFpr * (1 + 1e-12))
      }),
    )
  })

  it('refuses a rate outside (0, 1]', () => {
    for (const maxFpr of [0, -0.1, 1.1, Number.NaN, '0.5', undefined])
      expectRocError(() => partialAuroc([1], [0], { maxFpr } as never), 'E_ARGUMENT', 'maxFpr')
  })
})

describe('detCurve', () => {
  it('gives the example of its page', () => {
    const { thresholds, falsePositiveRate, falseNegativeRate } = detCurve([0.4, 0.8], [0.1, 0.35, 0.5])
    expect([...thresholds]).toEqual([0.8, 0.5, 0.4])
    expect([...falsePositiveRate]).toEqual([0, 1 / 3, 1 / 3])
    expect([...falseNegativeRate]).toEqual([0.5, 0.5, 0])
  })

  it('has axes in units of the normal quantile', () => {
    for (const [tail, z] of fixture.normal.upperQuantile) {
      expectClose(probit(tail), -z, 1e-9 * Math.max(1, z))
      if (tail > 1e-3) expectClose(probit(1 - tail), z, 1e-9)
    }
    expect([probit(0), probit(0.5), probit(1), probit(-1), probit(Number.NaN)]).toEqual([
      Number.NEGATIVE_INFINITY,
      0,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      Number.NaN,
    ])
  })
})
