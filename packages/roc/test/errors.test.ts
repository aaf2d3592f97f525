// What every function refuses, and with which message.
import { describe, expect, it } from 'vitest'
import {
  auc,
  auprTrapezoid,
  auroc,
  averagePrecision,
  bootstrapInterval,
  delongInterval,
  delongTest,
  detectionError,
  dualAuroc,
  dualOperatingPoints,
  dualRoc,
  falsePositiveRateAtTruePositiveRate,
  oodMetrics,
  paretoFrontier,
  percentileRule,
  precisionRecallCurve,
  RocError,
  rocCurve,
  type Scores,
} from '../src/index.ts'
import { expectRocError } from './support.ts'

const twoClass: Record<string, (positives: Scores, negatives: Scores) => unknown> = {
  rocCurve,
  auroc,
  precisionRecallCurve,
  auprTrapezoid,
  averagePrecision,
  detectionError,
  delongInterval,
  bootstrapInterval: (p, q) => bootstrapInterval(p, q, { resamples: 2 }),
  delongTest: (positives, negatives) =>
    delongTest({ positives, negatives }, { positives: [1, 2, 3], negatives: [1, 2, 3] }),
  dualRoc: (x, z) => dualRoc({ x, y: [1, 2, 3] }, { x: z, y: [1, 2, 3] }),
  dualRocReference: (x, z) => dualRoc({ x, y: [1, 2, 3] }, { x: z, y: [1, 2, 3] }, { compat: 'reference' }),
  dualAuroc: (y, z) => dualAuroc({ x: [1, 2, 3], y }, { x: [1, 2, 3], y: z }),
  dualOperatingPoints: (y, z) => dualOperatingPoints({ x: [1, 2, 3], y }, { x: [1, 2, 3], y: z }),
  bootstrapDual: (y, z) => bootstrapInterval({ x: [1, 2, 3], y }, { x: [1, 2, 3], y: z }, { resamples: 2 }),
  percentileRule: (y, z) =>
    percentileRule({ x: [1], y: [1] }, { x: [1, 2, 3], y }, { x: [1, 2, 3], y: z }, { percentile: 5 }),
  oodMetrics: (inDistribution, outOfDistribution) => oodMetrics({ inDistribution, outOfDistribution }),
  fpr: (inDistribution, outOfDistribution) =>
    falsePositiveRateAtTruePositiveRate({ inDistribution, outOfDistribution }, { convention: 'oodPositive' }),
  paretoFrontier: (falsePositiveRate, truePositiveRate) => paretoFrontier({ falsePositiveRate, truePositiveRate }),
  auc,
}
const good = [1, 2, 3]

describe.each(Object.entries(twoClass))('%s', (_name, call) => {
  it('accepts good scores', () => {
    expect(() => call(good, Float32Array.from(good))).not.toThrow()
  })
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('rejects %s in either list', (bad) => {
    expectRocError(() => call([1, bad, 3], good), 'E_NOT_FINITE', `[1]: expected a finite score, got ${bad}`)
    expectRocError(() => call(good, [1, 2, bad]), 'E_NOT_FINITE', `[2]: expected a finite score, got ${bad}`)
  })
  it('rejects an empty list on either side', () => {
    expectRocError(() => call([], good), 'E_EMPTY', 'expected at least one score, got 0')
    expectRocError(() => call(good, new Float64Array(0)), 'E_EMPTY', 'expected at least one score, got 0')
  })
  it('rejects what is not a list of scores', () => {
    for (const bad of [undefined, null, 3, 'abc', {}, new Set([1, 2])]) {
      expectRocError(() => call(bad as unknown as Scores, good), 'E_ARGUMENT', 'expected an array of scores')
    }
  })
})

describe('lists that must pair up', () => {
  it('names the list, the expected length and the length found', () => {
    const two = { x: [1, 2], y: [1, 2] }
    const uneven = { x: [1, 2], y: [1, 2, 3] }
    const text = 'expected 2 scores as in'
    expectRocError(() => dualRoc(uneven, two), 'E_SHAPE', `positives.y: ${text} positives.x, got 3`)
    expectRocError(() => dualAuroc(two, uneven), 'E_SHAPE', `negatives.y: ${text} negatives.x, got 3`)
    expectRocError(() => dualOperatingPoints(two, uneven), 'E_SHAPE', `negatives.y: ${text}`)
    expectRocError(() => bootstrapInterval(two, uneven), 'E_SHAPE', `negatives.y: ${text}`)
    expectRocError(() => percentileRule(uneven, two, two), 'E_SHAPE', `calibration.y: ${text} calibration.x, got 3`)
    expectRocError(() => auc([0, 1], [0]), 'E_SHAPE', 'y: expected 2 scores as in x, got 1')
    expectRocError(
      () => paretoFrontier({ falsePositiveRate: [0, 1], truePositiveRate: [0] }),
      'E_SHAPE',
      'truePositiveRate: expected 2 scores as in falsePositiveRate, got 1',
    )
    expectRocError(
      () => delongTest({ positives: good, negatives: good }, { positives: [1, 2], negatives: good }),
      'E_SHAPE',
      'b.positives: expected 3 scores as in a.positives, got 2',
    )
  })
  it('rejects a missing column', () => {
    expectRocError(() => dualRoc({ x: [1] } as never, { x: [1], y: [1] }), 'E_ARGUMENT', 'positives.y')
    expectRocError(() => dualRoc(null as never, { x: [1], y: [1] }), 'E_ARGUMENT', 'positives: expected an object')
    expectRocError(() => bootstrapInterval({ x: [1], y: [1] } as never, [1]), 'E_ARGUMENT', 'positives')
  })
})

describe('options', () => {
  it('names the option, what it may be and what it was', () => {
    const scores = { inDistribution: good, outOfDistribution: good }
    expectRocError(
      () => falsePositiveRateAtTruePositiveRate(scores, { convention: 'ood' as never }),
      'E_ARGUMENT',
      'convention: expected one of oodPositive, idPositive, idPositiveClosest, oodPositiveClosest, got ood',
    )
    for (const tpr of [0, -0.1, 1.01, Number.NaN]) {
      expectRocError(() => oodMetrics(scores, { tpr }), 'E_ARGUMENT', 'tpr: expected a number in (0, 1]')
    }
    for (const level of [0, 1, Number.NaN]) {
      expectRocError(() => delongInterval(good, good, { level }), 'E_ARGUMENT', 'level: expected a number in (0, 1)')
      expectRocError(() => bootstrapInterval(good, good, { level }), 'E_ARGUMENT', 'level')
    }
    expectRocError(() => delongInterval(good, good, { scale: 'log' as never }), 'E_ARGUMENT', 'scale')
    expectRocError(() => delongInterval([1], good), 'E_SHAPE', 'positives: expected at least two scores')
    expectRocError(() => bootstrapInterval(good, good, { resamples: 1 }), 'E_ARGUMENT', 'resamples')
    expectRocError(() => bootstrapInterval(good, good, { seed: 0.5 }), 'E_ARGUMENT', 'seed: expected an integer')
    expectRocError(() => bootstrapInterval(good, good, { statistic: () => Number.NaN }), 'E_ARGUMENT', 'statistic')
    const dual = { x: good, y: good }
    expectRocError(() => dualRoc(dual, dual, { compat: 'old' as never }), 'E_ARGUMENT', 'compat')
    expectRocError(() => dualAuroc(dual, dual, { interpolation: 'spline' as never }), 'E_ARGUMENT', 'interpolation')
    expectRocError(
      () => dualAuroc(dual, dual, { compat: 'reference', interpolation: 'step' } as never),
      'E_ARGUMENT',
      'interpolation',
    )
    expectRocError(() => percentileRule(dual, dual, dual, { percentile: 101 }), 'E_ARGUMENT', 'percentile')
    expectRocError(() => percentileRule(dual, dual, dual, { axes: 'z' as never }), 'E_ARGUMENT', 'axes')
    expectRocError(
      () => paretoFrontier({ falsePositiveRate: [0], truePositiveRate: [0] }, { compat: '' as never }),
      'E_ARGUMENT',
      'got an empty string',
    )
    expectRocError(() => auc([0, 2, 1], good), 'E_ARGUMENT', 'x[2]: expected at least 2, got 1')
    const large = {
      x: Float64Array.from({ length: 5000 }, (_, i) => i),
      y: Float64Array.from({ length: 5000 }, (_, i) => i),
    }
    expectRocError(() => dualOperatingPoints(large, dual), 'E_ARGUMENT', 'threshold grid: expected at most')
  })
  it('is an Error with a name', () => {
    const error = new RocError('E_EMPTY', 'what', 'x', () => 1)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('RocError')
    expect(error.message).toBe('what: expected x, got a function')
    expect(new RocError('E_EMPTY', 'what', 'x', []).message).toBe('what: expected x, got an array')
  })
})
