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
  it('rejects what is no number at its place, instead of counting it as 0 or 1', () => {
    const missing: [unknown, string][] = [
      [null, 'null'],
      [undefined, 'undefined'],
      ['', 'an empty string'],
      ['5', '5'],
      [true, 'true'],
      [false, 'false'],
      [[], 'an array'],
      [[7], 'an array'],
      [{}, 'an object'],
      [5n, '5n'],
      [new Date(0), 'an object'],
    ]
    for (const [bad, shown] of missing) {
      const list = [1, bad, 3] as unknown as Scores
      expectRocError(() => call(list, good), 'E_ARGUMENT', `[1]: expected a finite score, got ${shown}`)
      expectRocError(() => call(good, list), 'E_ARGUMENT', `[1]: expected a finite score, got ${shown}`)
      expectRocError(
        () => call({ length: 3, 0: 1, 2: 3 } as Scores, good),
        'E_ARGUMENT',
        '[1]: expected a finite score',
      )
    }
    const parsed = JSON.parse('[null, 5, 6]') as Scores
    expectRocError(() => call(parsed, good), 'E_ARGUMENT', '[0]: expected a finite score, got null')
    // biome-ignore lint/suspicious/noSparseArray: the gap is the case
    expectRocError(() => call(good, [1, , 3] as Scores), 'E_ARGUMENT', '[1]: expected a finite score, got undefined')
  })
  it('rejects BigInts by name', () => {
    for (const big of [BigInt64Array.of(1n, 2n, 3n), BigUint64Array.of(1n, 2n, 3n)]) {
      const text = `expected scores that are numbers (Float64Array.from(scores, Number)), got a ${big.constructor.name}`
      expectRocError(() => call(big as unknown as Scores, good), 'E_ARGUMENT', text)
      expectRocError(() => call(good, big as unknown as Scores), 'E_ARGUMENT', text)
    }
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
  it('rejects missing arguments and options that are no objects', () => {
    const dual = { x: good, y: good }
    const calls: (() => unknown)[] = [
      () => auc(good, good, null as never),
      () => rocCurve(good, good, null as never),
      () => delongInterval(good, good, null as never),
      () => bootstrapInterval(good, good, 3 as never),
      () => dualRoc(dual, dual, null as never),
      () => dualAuroc(dual, dual, null as never),
      () => percentileRule(dual, dual, dual, null as never),
      () => paretoFrontier(null as never),
      () => oodMetrics(null as never),
      () => falsePositiveRateAtTruePositiveRate(null as never, { convention: 'oodPositive' }),
      () => falsePositiveRateAtTruePositiveRate({ inDistribution: good, outOfDistribution: good }, undefined as never),
      () => delongTest(null as never, null as never),
    ]
    for (const call of calls) expectRocError(call, 'E_ARGUMENT', 'expected an object')
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
    expectRocError(() => delongInterval(good, good, { level: '0.9' as never }), 'E_ARGUMENT', 'level')
    expectRocError(() => oodMetrics(scores, { tpr: true as never }), 'E_ARGUMENT', 'tpr')
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
  it('a statistic of the scores themselves must be finite, too', () => {
    let calls = 0
    const once = (): number => (calls++ === 0 ? Number.NaN : 1)
    expectRocError(() => bootstrapInterval(good, good, { statistic: once }), 'E_ARGUMENT', 'statistic')
  })
  it('scores near the largest number give numbers or an error', () => {
    const far = [-1.7e308, 1.7e308]
    const dual = { x: far, y: far }
    for (const percentile of [0, 25, 50, 100]) {
      const { thresholdX } = percentileRule(dual, dual, dual, { percentile })
      expect(Math.abs(thresholdX / 1.7e308 - (percentile - 50) / 50)).toBeLessThan(1e-15)
    }
    expectRocError(() => auc(far, [0, 0]), 'E_NOT_FINITE', 'area: expected a finite number')
  })
  it('shows values short and on one line', () => {
    const text = `a\u001b[31m\n${'x'.repeat(1e6)}`
    const { message } = new RocError('E_ARGUMENT', 'scale', 'linear', text)
    expect(message.length).toBeLessThan(300)
    expect(message).toMatch(/^scale: expected linear, got a \[31m x+\.\.\.$/)
  })
  it('is an Error with a name', () => {
    const error = new RocError('E_EMPTY', 'what', 'x', () => 1)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('RocError')
    expect(error.message).toBe('what: expected x, got a function')
    expect(new RocError('E_EMPTY', 'what', 'x', []).message).toBe('what: expected x, got an array')
  })
})
