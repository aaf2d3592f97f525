// Scores of every rule by hand and by oracle, p-values, thresholds, stored state and errors of the pair detector.
import { type OodError, random } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type LogProbLid,
  type PairDetectorState,
  type PairRule,
  pairDetector,
  pairDetectorFromJSON,
} from '../../src/index.ts'
import { logBallVolume, logGamma } from '../../src/internal/ball.ts'

const RULES: PairRule[] = [
  { name: 'standardisedSum' },
  { name: 'localMass', logRadius: -2, volume: 'ball' },
  { name: 'density' },
  { name: 'mahalanobis' },
  { name: 'oneSided' },
  { name: 'standardisedMinimum' },
]

/** Correlated Gaussian pairs: log p about 700 ± 100, LID about 200 ± 30. */
function sample(seed: number, n: number, rho = -0.7): LogProbLid {
  const rng = random(seed)
  const logProb = new Float64Array(n)
  const lid = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const [a, b] = [rng.normal(), rng.normal()]
    logProb[i] = 700 + 100 * a
    lid[i] = 200 + 30 * (rho * a + Math.sqrt(1 - rho * rho) * b)
  }
  return { logProb, lid }
}

const pair = (logProb: number, lid: number): LogProbLid => ({
  logProb: Float64Array.of(logProb),
  lid: Float64Array.of(lid),
})

describe('rules by hand', () => {
  // Means 3 and 20, standard deviations 2 and 10 (n - 1), correlation 0.8:
  const train: LogProbLid = {
    logProb: Float64Array.of(1, 2, 3, 3, 6),
    lid: Float64Array.of(10, 14, 20, 22, 34),
  }
  const [sL, sD] = [Math.sqrt(14 / 4), Math.sqrt(336 / 4)]
  const rho = (20 + 6 + 0 + 0 + 42) / 4 / (sL * sD)
  const score = (rule: PairRule, logProb: number, lid: number): number => {
    const detector = pairDetector({ rule })
    detector.fit(train)
    return detector.score(pair(logProb, lid))[0]!
  }

  it('standardisedSum and standardisedMinimum', () => {
    const [a, b] = [(5 - 3) / sL, (8 - 20) / sD]
    expect(score({ name: 'standardisedSum' }, 5, 8)).toBeCloseTo(-(a + b), 12)
    expect(score({ name: 'standardisedMinimum' }, 5, 8)).toBeCloseTo(-b, 12)
    expect(score({ name: 'standardisedSum' }, 3, 20)).toBeCloseTo(0, 12)
  })

  it('mahalanobis is zᵀR⁻¹z', () => {
    const [a, b] = [(5 - 3) / sL, (8 - 20) / sD]
    const want = (a * a - 2 * rho * a * b + b * b) / (1 - rho * rho)
    expect(score({ name: 'mahalanobis' }, 5, 8)).toBeCloseTo(want, 10)
  })

  it('localMass is -(log p + LID log r) at logResolution 0, and adds the ball when asked', () => {
    const rule = { name: 'localMass', logRadius: -2, logResolution: 0 } as const
    expect(score(rule, 5, 8)).toBeCloseTo(-(5 + 8 * -2), 12)
    // V_8 = π⁴ / 24
    expect(score({ ...rule, volume: 'ball' }, 5, 8)).toBeCloseTo(-(5 - 16 + Math.log(Math.PI ** 4 / 24)), 10)
  })

  it('localMass fitted makes the training mass independent of LID, and never rewards a low dimension', () => {
    const data = sample(3, 400)
    const detector = pairDetector({ rule: { name: 'localMass', logRadius: -2 } })
    detector.fit(data)
    const scores = detector.score(data)
    const meanScore = scores.reduce((s, v) => s + v, 0) / 400
    const meanLid = data.lid.reduce((s, v) => s + v, 0) / 400
    const covariance = scores.reduce((s, v, i) => s + (v - meanScore) * (data.lid[i]! - meanLid), 0) / 399
    // Against a product of deviations of about 70 * 30: zero but for rounding.
    expect(Math.abs(covariance)).toBeLessThan(1e-8)
    const { logResolution } = detector.toJSON().parameters
    expect(logResolution as number).toBeLessThan(-2)
    const rising = pairDetector({ rule: { name: 'localMass', logRadius: -2 } })
    rising.fit(sample(4, 400, 0.7))
    expect(rising.toJSON().parameters.logResolution).toBe(-2)
  })

  it('density equals an independent kernel density estimate, in and far outside the sample', () => {
    const detector = pairDetector({ rule: 'density' })
    detector.fit(train)
    for (const [l, d] of [
      [5, 8],
      [3, 20],
      [0, 30],
    ] as const) {
      expect(detector.score(pair(l, d))[0]).toBeCloseTo(-logKernelDensity(train, l, d, -1), 10)
    }
    // Beyond 38 bandwidths exp underflows; the log does not.
    expect(detector.score(pair(1e6, 0))[0]).toBeGreaterThan(1e6)
    // p-values of training points leave their own kernel out.
    const loo = train.logProb.map((l, i) => -logKernelDensity(train, l, train.lid[i]!, i)).sort()
    detector.toJSON().referenceScores.forEach((value, i) => {
      expect(value).toBeCloseTo(loo[i]!, 10)
    })
  })

  it('density integrates to 1', () => {
    const detector = pairDetector({ rule: { name: 'density', bandwidth: 0.5 } })
    detector.fit(train)
    let mass = 0
    // Step 0.1 and 0.5 against kernel widths of 0.9 and 4.6: the trapezoid sum is exact to far below 1e-3.
    for (let l = -6; l < 12; l += 0.1)
      for (let d = -25; d < 65; d += 0.5) mass += Math.exp(-detector.score(pair(l, d))[0]!) * 0.05
    expect(mass).toBeCloseTo(1, 3)
  })

  it('oneSided is the likelihood ratio over shifts whose sum is not upwards, as a grid search finds it', () => {
    const z = fc.double({ min: -4, max: 4, noNaN: true })
    const detector = pairDetector({ rule: 'oneSided' })
    detector.fit(train)
    fc.assert(
      fc.property(z, z, (a, b) => {
        const got = detector.score(pair(3 + a * sL, 20 + b * sD))[0]!
        let best = 0
        for (let i = -80; i <= 80; i++)
          for (let j = -80; j <= -i && j <= 80; j++) {
            const [m, n] = [i * 0.05, j * 0.05]
            const value =
              (2 * (m * a - rho * (m * b + n * a) + n * b) - (m * m - 2 * rho * m * n + n * n)) / (1 - rho * rho)
            best = Math.max(best, value)
          }
        expect(got).toBeGreaterThanOrEqual(best - 1e-9)
        // The nearest grid point is within 0.05 in both coordinates and the ratio is quadratic around its maximum.
        expect(got - best).toBeLessThan((2 * 0.05 ** 2) / (1 - rho * rho))
      }),
      { numRuns: 20 },
    )
  })

  it('oneSided ignores what is high in both and sees what has gone far along the trade', () => {
    const data = sample(6, 500)
    const at = (rule: 'oneSided' | 'standardisedSum' | 'mahalanobis', l: number, d: number): number => {
      const detector = pairDetector({ rule })
      detector.fit(data)
      return detector.pValues(detector.score(pair(l, d)))[0]!
    }
    expect(at('mahalanobis', 850, 245)).toBeLessThan(0.02)
    expect(at('oneSided', 850, 245)).toBeGreaterThan(0.5)
    // Six standard deviations down in log p and up in LID: the sum sees nothing.
    expect(at('standardisedSum', 100, 380)).toBeGreaterThan(0.1)
    expect(at('oneSided', 100, 380)).toBeCloseTo(1 / 501, 12)
  })
})

describe('what every rule promises', () => {
  const train = sample(1, 300)

  it.each(RULES)('$name: a low LID at a high likelihood scores above the training bulk', (rule) => {
    const detector = pairDetector({ rule })
    detector.fit(train)
    const [typical, paradox] = detector.score({
      logProb: Float64Array.of(700, 850),
      lid: Float64Array.of(200, 60),
    })
    expect(paradox!).toBeGreaterThan(typical!)
    expect(detector.pValues([paradox!])[0]).toBeCloseTo(1 / 301, 12)
    expect(detector.pValues([typical!])[0]).toBeGreaterThan(0.1)
  })

  it.each(RULES)('$name: p-values of new in-distribution pairs are close to uniform', (rule) => {
    const detector = pairDetector({ rule })
    detector.fit(train)
    const p = detector.pValues(detector.score(sample(2, 2000))).sort()
    let distance = 0
    for (let i = 0; i < p.length; i++) distance = Math.max(distance, Math.abs(p[i]! - (i + 0.5) / p.length))
    // Kolmogorov distance of samples of 300 and 2000: 1.63 sqrt(1/300 + 1/2000) = 0.10 at the 1 % level.
    expect(distance).toBeLessThan(0.1)
  })

  it.each(RULES)('$name: the threshold keeps its false positive rate', (rule) => {
    const detector = pairDetector({ rule })
    detector.fit(train)
    for (const rate of [0.01, 0.05, 0.5]) {
      const threshold = detector.inferThreshold(train, rate)
      const scores = detector.score(train)
      const above = scores.filter((value) => value > threshold).length
      expect(above).toBeLessThanOrEqual(rate * 300)
      expect(above).toBeGreaterThan(rate * 300 - 2)
      expect(scores).toContain(threshold)
    }
  })

  it.each(RULES)('$name: stored as JSON and loaded gives the same predictions to the last bit', (rule) => {
    const detector = pairDetector({ rule })
    detector.fit(train)
    detector.inferThreshold(train, 0.1)
    const loaded = pairDetectorFromJSON(JSON.parse(JSON.stringify(detector)) as PairDetectorState)
    const test = sample(5, 50)
    expect(loaded.predict(test)).toEqual(detector.predict(test))
    expect(JSON.stringify(loaded)).toBe(JSON.stringify(detector))
  })

  it.each(RULES)('$name: infinite values are outliers, NaN an error', (rule) => {
    const detector = pairDetector({ rule })
    detector.fit(train)
    expect(detector.score(pair(Number.NEGATIVE_INFINITY, 200))[0]).toBe(Number.POSITIVE_INFINITY)
    expect(detector.pValues([Number.POSITIVE_INFINITY])[0]).toBeCloseTo(1 / 301, 12)
    expect(() => detector.score(pair(Number.NaN, 200))).toThrow(
      'score logProb: expected numbers, got NaN at position 0',
    )
    expect(detector.score({ logProb: new Float64Array(0), lid: new Float64Array(0) }).length).toBe(0)
  })
})

describe('prediction and calibration', () => {
  const train = sample(1, 99)

  it('returns the prediction object, with decisions only once a threshold is set', () => {
    const detector = pairDetector()
    detector.fit(train)
    const before = detector.predict(pair(700, 60))
    expect(before.meta).toEqual({
      name: 'LikelihoodLid',
      online: false,
      dataType: null,
      version: expect.any(String),
      detectorType: 'outlier',
    })
    expect(before.data).toMatchObject({ featureScore: null, isOutlier: null, threshold: null })
    const threshold = detector.inferThreshold(train, 0.05)
    const after = detector.predict({ logProb: Float64Array.of(700, 700), lid: Float64Array.of(60, 200) })
    expect(after.data.threshold).toBe(threshold)
    expect([...after.data.isOutlier!]).toEqual([1, 0])
    expect(after.data.pValue![0]).toBeCloseTo(0.01, 12)
  })

  it('takes the higher quantile', () => {
    const detector = pairDetector({ rule: { name: 'localMass', logRadius: 0, logResolution: 0 } })
    const line: LogProbLid = { logProb: Float64Array.from({ length: 10 }, (_, i) => -i), lid: new Float64Array(10) }
    detector.fit(line) // scores 0..9
    expect(detector.inferThreshold(line, 0.1)).toBe(9) // quantile 0.9 is 8.1, the higher neighbour is 9
    expect(detector.inferThreshold(line, 0.5)).toBe(5)
    expect(detector.inferThreshold(line, 0.999)).toBe(1)
    expect(() => detector.inferThreshold(line, 0.09)).toThrow(
      'falsePositiveRate: expected a number in [1/10, 1), got 0.09',
    )
    expect(() => detector.inferThreshold(line, 1)).toThrow('falsePositiveRate')
  })

  it('counts ties as at least as extreme', () => {
    const detector = pairDetector({ rule: { name: 'localMass', logRadius: 0, logResolution: 0 } })
    detector.fit({ logProb: Float64Array.of(0, -1, -1, -2), lid: new Float64Array(4) }) // scores 0, 1, 1, 2
    expect([...detector.pValues([1, 1.5, -5, 3])]).toEqual([4 / 5, 2 / 5, 1, 1 / 5])
  })

  it('calibrate replaces the reference scores and keeps the rule', () => {
    const detector = pairDetector({ rule: 'mahalanobis' })
    detector.fit(train)
    const before = detector.score(sample(8, 5))
    detector.calibrate(sample(9, 19))
    expect(detector.score(sample(8, 5))).toEqual(before)
    expect(detector.toJSON().referenceScores.length).toBe(19)
    expect(detector.pValues([1e9])[0]).toBe(1 / 20)
  })

  it('fitting again forgets the threshold', () => {
    const detector = pairDetector()
    detector.fit(train)
    detector.inferThreshold(train, 0.1)
    detector.fit(sample(2, 99))
    expect(detector.predict(pair(1, 1)).data.threshold).toBeNull()
  })
})

describe('errors', () => {
  const train = sample(1, 20)

  it('before fit', () => {
    const detector = pairDetector()
    for (const use of [
      () => detector.score(train),
      () => detector.pValues([1]),
      () => detector.inferThreshold(train, 0.5),
      () => detector.predict(train),
      () => detector.toJSON(),
    ])
      expect(use).toThrow('standardisedSum detector: expected fit before use')
  })

  it('of training data', () => {
    const fit = (logProb: number[], lid: number[]) => () =>
      pairDetector().fit({ logProb: Float64Array.from(logProb), lid: Float64Array.from(lid) })
    expect(fit([], [])).toThrow('fit logProb: expected at least one number, got none')
    expect(fit([1], [1])).toThrow('fit: expected at least 2 training pairs, got 1')
    expect(fit([1, 2], [1])).toThrow('fit: expected two lists of equal length, got 2 and 1')
    expect(fit([1, 2], [5, 5])).toThrow('fit lid: expected values that vary (choose another scale), got 5 only')
    // A constant is one whatever its last bits: 5.1 has no exact sum, and 0.1 + 0.2 is not 0.3.
    for (const value of [5.1, 0.1, 1 / 3, -2345.6789, 1e15 / 7]) {
      const same = Array.from({ length: 50 }, () => value)
      const other = Array.from({ length: 50 }, (_, i) => i % 7)
      expect(fit(other, same)).toThrow('fit lid: expected values that vary')
      expect(fit(same, other)).toThrow('fit logProb: expected values that vary')
      const almost = same.map((v, i) => (i % 2 === 0 ? v : v * (1 + 2 * Number.EPSILON)))
      expect(fit(other, almost)).toThrow('fit lid: expected values that vary')
      expect(fit(almost, other)).toThrow('fit logProb: expected values that vary')
    }
    expect(fit([-3000, -3000.001, -3000.002], [3, 1, 2])).not.toThrow()
    expect(fit([1, Number.NaN], [5, 6])).toThrow('fit logProb: expected finite numbers, got NaN at position 1')
    const line = { logProb: Float64Array.of(1, 2, 3), lid: Float64Array.of(2, 4, 6) }
    for (const rule of ['mahalanobis', 'oneSided', 'density'] as const)
      expect(() => pairDetector({ rule }).fit(line)).toThrow('not an exact function of each other')
  })

  it('of rules and stored states', () => {
    expect(() => pairDetector({ rule: 'sum' as 'density' })).toThrow('detector rule: expected one of standardisedSum')
    const detector = pairDetector()
    detector.fit(train)
    const state = detector.toJSON()
    const load = (patch: object) => () => pairDetectorFromJSON({ ...state, ...patch } as PairDetectorState)
    expect(load({ schemaVersion: 2 })).toThrow('detector state schemaVersion: expected 1, got 2')
    expect(load({ name: 'x' })).toThrow('detector state name: expected LikelihoodLid, got x')
    expect(load({ referenceScores: [null] })).toThrow('detector state referenceScores')
    expect(load({ threshold: 'high' })).toThrow('detector state threshold')
    expect(load({ parameters: { ...state.parameters, lidMean: null } })).toThrow('detector parameter lidMean')
    expect(load({ rule: { name: 'constructor' } })).toThrow('detector rule: expected one of')
    try {
      load({ parameters: {} })()
      expect.unreachable()
    } catch (error) {
      expect((error as OodError).code).toBe('E_FILE')
    }
  })
})

describe('log volume of the unit ball', () => {
  it('is the known one in whole dimensions', () => {
    const known = [1, 2, Math.PI, (4 / 3) * Math.PI, Math.PI ** 2 / 2]
    known.forEach((volume, d) => {
      expect(logBallVolume(d)).toBeCloseTo(Math.log(volume), 11)
    })
    expect(logBallVolume(-1)).toBe(logBallVolume(0))
  })

  it('log gamma agrees with factorials', () => {
    let logFactorial = 0
    for (let n = 1; n < 400; n++) {
      logFactorial += Math.log(n)
      expect(Math.abs(logGamma(n + 1) - logFactorial)).toBeLessThan(1e-11 * Math.max(1, logFactorial))
    }
    expect(logGamma(0.5)).toBeCloseTo(0.5 * Math.log(Math.PI), 11)
  })
})

/** log of Σ_i N(x; x_i, n^{-1/3} Σ) / n with the 2 x 2 covariance inverted directly; `skip` leaves one kernel out. */
function logKernelDensity(train: LogProbLid, l: number, d: number, skip: number): number {
  const n = train.logProb.length
  const mean = (values: Float64Array): number => values.reduce((s, v) => s + v, 0) / n
  const [mL, mD] = [mean(train.logProb), mean(train.lid)]
  let [a, b, c] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    a += (train.logProb[i]! - mL) ** 2 / (n - 1)
    b += ((train.logProb[i]! - mL) * (train.lid[i]! - mD)) / (n - 1)
    c += (train.lid[i]! - mD) ** 2 / (n - 1)
  }
  const h2 = n ** (-1 / 3)
  const det = a * c - b * b
  let sum = 0
  for (let i = 0; i < n; i++) {
    if (i === skip) continue
    const [x, y] = [l - train.logProb[i]!, d - train.lid[i]!]
    sum += Math.exp(-0.5 * ((c * x * x - 2 * b * x * y + a * y * y) / det / h2))
  }
  return Math.log(sum / ((skip < 0 ? n : n - 1) * 2 * Math.PI * h2 * Math.sqrt(det)))
}
