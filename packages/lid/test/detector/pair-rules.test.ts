// Scores of every rule by hand and by oracle, p-values, thresholds, stored state and errors of pair rules.
import { logGamma, type OodError, random } from '@ood/core'
import { detector, type Measured, type OodDetector, restoreDetector } from '@ood/detect'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fitPairs,
  type LogProbLid,
  type PairFit,
  type PairRule,
  type PairRuleName,
  pairMethod,
  scorePairs,
  trainingPairScores,
} from '../../src/index.ts'
import { logBallVolume } from '../../src/internal/ball.ts'

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

type Rule = PairRule | PairRuleName
const measured = ({ logProb, lid }: LogProbLid): Measured => ({ columns: { logProb, lid } })
/** The rule as users hold it, fitted. */
async function fitted(train: LogProbLid, rule?: Rule): Promise<OodDetector<PairFit, never>> {
  const found = detector(pairMethod(rule))
  await found.fit(measured(train))
  return found
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
  const score = (rule: PairRule, logProb: number, lid: number): number =>
    scorePairs(pair(logProb, lid), fitPairs(train, rule))[0]!

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
    const fit = fitPairs(data, { name: 'localMass', logRadius: -2 })
    const scores = scorePairs(data, fit)
    const meanScore = scores.reduce((s, v) => s + v, 0) / 400
    const meanLid = data.lid.reduce((s, v) => s + v, 0) / 400
    const covariance = scores.reduce((s, v, i) => s + (v - meanScore) * (data.lid[i]! - meanLid), 0) / 399
    // Against a product of deviations of about 70 * 30: zero but for rounding.
    expect(Math.abs(covariance)).toBeLessThan(1e-8)
    const { logResolution } = fit.parameters
    expect(logResolution as number).toBeLessThan(-2)
    const rising = fitPairs(sample(4, 400, 0.7), { name: 'localMass', logRadius: -2 })
    expect(rising.parameters.logResolution).toBe(-2)
  })

  it('density equals an independent kernel density estimate, in and far outside the sample', async () => {
    const fit = fitPairs(train, 'density')
    for (const [l, d] of [
      [5, 8],
      [3, 20],
      [0, 30],
    ] as const) {
      expect(scorePairs(pair(l, d), fit)[0]).toBeCloseTo(-logKernelDensity(train, l, d, -1), 10)
    }
    // Beyond 38 bandwidths exp underflows; the log does not.
    expect(scorePairs(pair(1e6, 0), fit)[0]).toBeGreaterThan(1e6)
    // p-values of training points leave their own kernel out.
    const loo = train.logProb.map((l, i) => -logKernelDensity(train, l, train.lid[i]!, i))
    trainingPairScores(train, fit).forEach((value, i) => {
      expect(value).toBeCloseTo(loo[i]!, 10)
    })
    expect((await fitted(train, 'density')).calibration!.scores).toEqual(trainingPairScores(train, fit).sort())
  })

  it('density integrates to 1', () => {
    const fit = fitPairs(train, { name: 'density', bandwidth: 0.5 })
    let mass = 0
    // Step 0.1 and 0.5 against kernel widths of 0.9 and 4.6: the trapezoid sum is exact to far below 1e-3.
    for (let l = -6; l < 12; l += 0.1)
      for (let d = -25; d < 65; d += 0.5) mass += Math.exp(-scorePairs(pair(l, d), fit)[0]!) * 0.05
    expect(mass).toBeCloseTo(1, 3)
  })

  it('oneSided is the likelihood ratio over shifts whose sum is not upwards, as a grid search finds it', () => {
    const z = fc.double({ min: -4, max: 4, noNaN: true })
    const fit = fitPairs(train, 'oneSided')
    fc.assert(
      fc.property(z, z, (a, b) => {
        const got = scorePairs(pair(3 + a * sL, 20 + b * sD), fit)[0]!
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

  it('oneSided ignores what is high in both and sees what has gone far along the trade', async () => {
    const data = sample(6, 500)
    const at = async (rule: PairRuleName, l: number, d: number): Promise<number> =>
      (await (await fitted(data, rule)).predict(measured(pair(l, d)))).data.pValue![0]!
    expect(await at('mahalanobis', 850, 245)).toBeLessThan(0.02)
    expect(await at('oneSided', 850, 245)).toBeGreaterThan(0.5)
    // Six standard deviations down in log p and up in LID: the sum sees nothing.
    expect(await at('standardisedSum', 100, 380)).toBeGreaterThan(0.1)
    expect(await at('oneSided', 100, 380)).toBeCloseTo(1 / 501, 12)
  })
})

describe('what every rule promises', () => {
  const train = sample(1, 300)

  it.each(RULES)('$name: a low LID at a high likelihood scores above the training bulk', async (rule) => {
    const found = await fitted(train, rule)
    const { data } = await found.predict(
      measured({ logProb: Float64Array.of(700, 850), lid: Float64Array.of(200, 60) }),
    )
    const [typical, paradox] = data.instanceScore!
    expect(paradox!).toBeGreaterThan(typical!)
    expect(data.pValue![1]).toBeCloseTo(1 / 301, 12)
    expect(data.pValue![0]).toBeGreaterThan(0.1)
  })

  it.each(RULES)('$name: p-values of new in-distribution pairs are close to uniform', async (rule) => {
    const p = (await (await fitted(train, rule)).predict(measured(sample(2, 2000)))).data.pValue!.sort()
    let distance = 0
    for (let i = 0; i < p.length; i++) distance = Math.max(distance, Math.abs(p[i]! - (i + 0.5) / p.length))
    // Kolmogorov distance of samples of 300 and 2000: 1.63 sqrt(1/300 + 1/2000) = 0.10 at the 1 % level.
    expect(distance).toBeLessThan(0.1)
  })

  it.each(RULES)('$name: the threshold keeps its false positive rate', async (rule) => {
    const found = await fitted(train, rule)
    for (const rate of [0.01, 0.05, 0.5]) {
      const threshold = await found.inferThreshold(measured(train), rate)
      const scores = await found.score(measured(train))
      const above = scores.filter((value) => value > threshold).length
      expect(above).toBeLessThanOrEqual(rate * 300)
      expect(above).toBeGreaterThan(rate * 300 - 2)
      expect(scores).toContain(threshold)
    }
  })

  it.each(RULES)('$name: stored as JSON and loaded gives the same predictions to the last bit', async (rule) => {
    const found = await fitted(train, rule)
    await found.inferThreshold(measured(train), 0.1)
    const loaded = restoreDetector(JSON.parse(JSON.stringify(found)), pairMethod(rule))
    const test = measured(sample(5, 50))
    expect(await loaded.predict(test)).toEqual(await found.predict(test))
    expect(JSON.stringify(loaded)).toBe(JSON.stringify(found))
  })

  it.each(RULES)('$name: infinite values are outliers, NaN an error', async (rule) => {
    const found = await fitted(train, rule)
    const { data } = await found.predict(measured(pair(Number.NEGATIVE_INFINITY, 200)))
    expect(data.instanceScore![0]).toBe(Number.POSITIVE_INFINITY)
    expect(data.pValue![0]).toBeCloseTo(1 / 301, 12)
    await expect(found.score(measured(pair(Number.NaN, 200)))).rejects.toThrow(
      'score logProb: expected numbers, got NaN at position 0',
    )
    const none = measured({ logProb: new Float64Array(0), lid: new Float64Array(0) })
    expect((await found.score(none)).length).toBe(0)
  })
})

describe('prediction and calibration', () => {
  const train = sample(1, 99)

  it('returns the prediction object, with decisions only once a threshold is set', async () => {
    const found = await fitted(train)
    const before = await found.predict(measured(pair(700, 60)))
    expect(before.meta).toEqual({
      name: 'LikelihoodLidPairs',
      online: false,
      dataType: null,
      version: expect.any(String),
      detectorType: 'outlier',
    })
    expect(before.data).toMatchObject({ featureScore: null, isOutlier: null, threshold: null })
    const threshold = await found.inferThreshold(measured(train), 0.05)
    const after = await found.predict(measured({ logProb: Float64Array.of(700, 700), lid: Float64Array.of(60, 200) }))
    expect(after.data.threshold).toBe(threshold)
    expect([...after.data.isOutlier!]).toEqual([1, 0])
    expect(after.data.pValue![0]).toBeCloseTo(0.01, 12)
  })

  it('takes the higher quantile', async () => {
    const line: LogProbLid = { logProb: Float64Array.from({ length: 10 }, (_, i) => -i), lid: new Float64Array(10) }
    const found = await fitted(line, { name: 'localMass', logRadius: 0, logResolution: 0 }) // scores 0..9
    const at = (rate: number) => found.inferThreshold(measured(line), rate)
    expect(await at(0.1)).toBe(9) // quantile 0.9 is 8.1, the higher neighbour is 9
    expect(await at(0.5)).toBe(5)
    expect(await at(0.999)).toBe(1)
    await expect(at(0.09)).rejects.toThrow('falsePositiveRate: expected at least 1/10')
    await expect(at(1)).rejects.toThrow('falsePositiveRate')
  })

  it('counts ties as at least as extreme', async () => {
    const four: LogProbLid = { logProb: Float64Array.of(0, -1, -1, -2), lid: new Float64Array(4) } // scores 0, 1, 1, 2
    const found = await fitted(four, { name: 'localMass', logRadius: 0, logResolution: 0 })
    expect([...found.pValues([1, 1.5, -5, 3])!]).toEqual([4 / 5, 2 / 5, 1, 1 / 5])
  })

  it('calibrate replaces the reference scores and keeps the rule', async () => {
    const found = await fitted(train, 'mahalanobis')
    const before = await found.score(measured(sample(8, 5)))
    await found.calibrate(measured(sample(9, 19)))
    expect(await found.score(measured(sample(8, 5)))).toEqual(before)
    expect(found.calibration!.scores.length).toBe(19)
    expect(found.pValues([1e9])![0]).toBe(1 / 20)
  })

  it('fitting again forgets the threshold', async () => {
    const found = await fitted(train)
    await found.inferThreshold(measured(train), 0.1)
    await found.fit(measured(sample(2, 99)))
    expect((await found.predict(measured(pair(1, 1)))).data.threshold).toBeNull()
  })
})

describe('errors', () => {
  const train = sample(1, 20)

  it('before fit, and of rows in place of pairs', async () => {
    const found = detector(pairMethod())
    const x = measured(train)
    for (const use of [() => found.score(x), () => found.inferThreshold(x, 0.5), () => found.predict(x)])
      await expect(use()).rejects.toThrow('LikelihoodLidPairs: expected fit before use')
    expect(found.pValues([1])).toBeNull()
    await expect(found.fit({} as never)).rejects.toThrow('expected { columns: { logProb, lid } }, got rows to measure')
  })

  it('of training data', () => {
    const fit = (logProb: number[], lid: number[]) => () =>
      fitPairs({ logProb: Float64Array.from(logProb), lid: Float64Array.from(lid) })
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
      expect(() => fitPairs(line, rule)).toThrow('not an exact function of each other')
  })

  it('of rules and stored states', async () => {
    for (const use of [pairMethod, (rule: PairRuleName) => fitPairs(train, rule)])
      expect(() => use('sum' as 'density')).toThrow('detector rule: expected one of standardisedSum')
    const state = (await fitted(train)).toJSON()
    const load =
      (patch: object, method = pairMethod()) =>
      () =>
        restoreDetector({ ...state, ...patch }, method)
    const fit = state.fit as PairFit
    expect(load({ method: { ...state.method, name: 'x' } })).toThrow('method.name: expected LikelihoodLidPairs, got x')
    expect(load({}, pairMethod('density'))).toThrow('detector state method.settings')
    expect(load({ fit: { ...fit, parameters: { ...fit.parameters, lidMean: null } } })).toThrow(
      'detector parameter lidMean',
    )
    expect(load({ fit: { ...fit, rule: { name: 'constructor' } } })).toThrow('detector rule: expected one of')
    expect(load({ fit: { ...fit, rule: 'density' } })).toThrow('detector state fit.rule')
    expect(load({ fit: { rule: fit.rule } })).toThrow('detector state fit.parameters')
    try {
      load({ fit: { ...fit, parameters: {} } })()
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
