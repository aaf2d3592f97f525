// Scores from losses: their sign, their errors, the rules that choose t_frac, the trend and the detector.
import { flatData, normals, random, takeRows, tensor } from '@ood/core'
import { type Columns, detector, fitWorst, type OodDetector, restoreDetector, type Spread, worst } from '@ood/detect'
import { describe, expect, it } from 'vitest'
import { couplingFraction, leastVarianceFraction, separationFraction } from '../../src/diffusion/choose.ts'
import {
  type DiffusionRatioFit,
  type DiffusionRatioOptions,
  diffusionRatio,
  lossesOf,
} from '../../src/diffusion/diffusion-ratio.ts'
import { lossRatio } from '../../src/diffusion/loss-ratio.ts'
import { type DenoisingLosses, denoisingLosses, wholeLoss } from '../../src/diffusion/losses.ts'
import { averageLossTrend, trendGrid } from '../../src/diffusion/trend.ts'
import { quarterTurns } from '../../src/diffusion/turns.ts'
import { gaussian } from './gaussian.ts'

/** 2 x 2 images whose columns differ much and rows little: turned by a quarter they are other images. */
const variances = [1, 0.01, 1, 0.01]
const model = () =>
  gaussian(
    [0, 0, 0, 0],
    variances.map((v, i) => variances.map((_, j) => (i === j ? v : 0))),
    { modelShape: [1, 2, 2] },
  )
const draw = (n: number, seed: number, scale = 1) =>
  tensor(
    normals(random(seed), 4 * n).map((z, i) => scale * z * Math.sqrt(variances[i % 4]!)),
    [n, 1, 2, 2],
  )

/** Losses written down: fractions 0.2, 0.5 and 1 with shares 0.2 and 0.5. */
function losses(rows: readonly (readonly [number, number, number])[], paired = true): DenoisingLosses {
  const shape = [rows.length, 3]
  return {
    fractions: Float64Array.of(0.2, 0.5, 1),
    loss: tensor(Float64Array.from(rows.flat()), shape),
    standardError: tensor(
      Float64Array.from(rows.flat(), () => 0.1),
      shape,
    ),
    share: Float64Array.of(0.2, 0.5, 1),
    paired,
    evaluations: 8,
  }
}

describe('lossRatio', () => {
  it('is higher where the whole loss is large for the fine one', () => {
    const found = losses([
      [4, 3, 2],
      [4, 3, 3],
      [2, 3, 3],
    ])
    expect([...lossRatio(found, { tFrac: 0.2, form: 'difference' }).score]).toEqual([-2, -1, 1])
    expect([...lossRatio(found, { tFrac: 0.2 }).score]).toEqual([
      Math.log(2) - Math.log(4),
      Math.log(3) - Math.log(4),
      Math.log(3) - Math.log(2),
    ])
  })

  it('knows what the two losses have in common', () => {
    const rows = [[4, 3, 2]] as const
    // Variances 0.01 each, covariance 0.2 * 0.01 where paired.
    const at = { tFrac: 0.2, form: 'difference' } as const
    expect(lossRatio(losses(rows), at).standardError[0]).toBeCloseTo(Math.sqrt(0.02 - 0.004), 12)
    expect(lossRatio(losses(rows, false), at).standardError[0]).toBeCloseTo(Math.sqrt(0.02), 12)
    const log = lossRatio(losses(rows), { tFrac: 0.2 }).standardError[0]
    expect(log).toBeCloseTo(Math.sqrt(0.01 / 4 + 0.01 / 16 - (2 * 0.002) / 8), 12)
  })

  it('has standard errors of repeated measurements, well below those of independent draws', async () => {
    const repeats = 200
    const rows = takeRows(draw(1, 1), Array(repeats).fill(0))
    const spread = (values: Float64Array): number => {
      const centre = values.reduce((a, b) => a + b, 0) / repeats
      return Math.sqrt(values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / (repeats - 1))
    }
    const claimed = (values: Float64Array): number =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / repeats)
    for (const form of ['difference', 'log-ratio'] as const) {
      const found = await denoisingLosses(model(), rows, { fractions: [0.25], probes: 24 })
      const { score, standardError } = lossRatio(found, { tFrac: 0.25, form })
      // 200 repeats know a spread to 5 %; strata claim a little too much, the log is linearised.
      expect(claimed(standardError) / spread(score)).toBeGreaterThan(0.8)
      expect(claimed(standardError) / spread(score)).toBeLessThan(1.4)
    }
    const strata = await denoisingLosses(model(), rows, { fractions: [0.25], probes: 24, weighting: 'published' })
    // As many evaluations: 12 draws for each of the two terms.
    const reference = await denoisingLosses(model(), rows, { fractions: [0.25], probes: 12, compat: 'reference' })
    const at = { tFrac: 0.25, form: 'difference' } as const
    expect(spread(lossRatio(strata, at).score)).toBeLessThan(0.7 * spread(lossRatio(reference, at).score))
  })

  it('refuses what it cannot read', () => {
    const found = losses([[4, 3, 2]])
    expect(() => lossRatio(found, { tFrac: 0.3 })).toThrow('lossRatio tFrac: expected one of 0.2, 0.5, got 0.3')
    expect(() => lossRatio(found, { tFrac: 1 })).toThrow('expected one of 0.2, 0.5, got 1')
    expect(() => lossRatio(found, { tFrac: 0.2, form: 'ratio' as 'difference' })).toThrow('log-ratio, difference')
    expect(() => lossRatio(losses([[0, 1, 1]]), { tFrac: 0.2 })).toThrow('losses above 0, got 0 in row 0')
    expect(lossRatio(losses([[0, 1, 1]]), { tFrac: 0.2, form: 'difference' }).score[0]).toBe(1)
    expect(lossRatio(losses([]), { tFrac: 0.2 }).score.length).toBe(0)
  })
})

describe('rules for t_frac', () => {
  const train = losses([
    [4, 3, 2],
    [8, 6.5, 4.2],
    [2, 1.4, 1],
  ])
  it('separation takes the level at which altered rows stand out, the first of equals', () => {
    const altered = losses([
      [4, 2, 2],
      [8, 4, 4],
    ])
    const { tFrac, criterion } = separationFraction(train, [altered])
    // At 0.2 altered rows have the training rows' ratio of 2 (one is a little higher: half of a pair each), at 0.5 a larger.
    expect(tFrac).toBe(0.5)
    expect(criterion[1]).toBe(1)
    expect(criterion[0]).toBeLessThan(0.6)
    expect(separationFraction(train, [train]).tFrac).toBe(0.2)
    expect(separationFraction(train, [train]).criterion[0]).toBe(0.5)
  })
  it('least variance and coupling read the training rows alone', () => {
    // The coarse loss C is 1.5, 3.25 and 0.75 at 0.2: the ratios to L(0.2) are 0.375, 0.406, 0.375.
    const { tFrac, criterion } = leastVarianceFraction(train)
    const logs = [1.5 / 4, 3.25 / 8, 0.75 / 2].map(Math.log)
    const centre = (logs[0]! + logs[1]! + logs[2]!) / 3
    expect(criterion[0]).toBeCloseTo(-logs.reduce((sum, v) => sum + (v - centre) ** 2, 0) / 2, 12)
    expect(tFrac).toBe(0.2)
    const coupling = couplingFraction(train)
    expect(coupling.criterion.every((r) => r > 0.9 && r <= 1)).toBe(true)
  })
  it('refuse too little', () => {
    const one = losses([[4, 3, 2]])
    expect(() => couplingFraction(one)).toThrow('at least two rows, got 1')
    expect(() => leastVarianceFraction(one)).toThrow('at least two rows, got 1')
    expect(() => separationFraction(train, [])).toThrow('at least one set, got none')
    expect(() => separationFraction(train, [losses([])])).toThrow('expected rows, got none')
    const other = { ...train, fractions: Float64Array.of(0.1, 0.5, 1) }
    expect(() => separationFraction(train, [other])).toThrow('expected t_frac 0.2,0.5,1')
  })
})

describe('quarterTurns', () => {
  it('moves every pixel of every plane, and four quarters are none', () => {
    const x = tensor(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [1, 2, 2, 2])
    const [quarter, half] = quarterTurns(x)
    expect([...flatData(quarter)]).toEqual([2, 4, 1, 3, 6, 8, 5, 7])
    expect([...flatData(half)]).toEqual([4, 3, 2, 1, 8, 7, 6, 5])
    expect(flatData(quarterTurns(quarter)[0])).toEqual(flatData(half))
    expect(flatData(quarterTurns(half)[1])).toEqual(flatData(x))
  })
  it('refuses rows that are no square images', () => {
    expect(() => quarterTurns(tensor(new Float64Array(6), [1, 1, 2, 3]))).toThrow('square images [N, C, S, S]')
    expect(() => quarterTurns(tensor(new Float64Array(4), [1, 4]))).toThrow('square images [N, C, S, S]')
  })
})

describe('averageLossTrend', () => {
  it('is the losses on the grid above tMin, with mean and spread over rows', async () => {
    const rows = draw(5, 2)
    const trend = await averageLossTrend(model(), rows, { points: 10, gamma: 3, weighting: 'published' })
    expect([...trend.fractions]).toEqual([...trendGrid(10, 3).subarray(1), 1])
    const { loss } = await denoisingLosses(model(), rows, {
      fractions: trend.fractions,
      probes: 40,
      weighting: 'published',
    })
    expect(flatData(trend.loss)).toEqual(flatData(loss))
    const last = Array.from({ length: 5 }, (_, i) => loss.get(i, 9))
    const centre = last.reduce((a, b) => a + b, 0) / 5
    expect(trend.mean[9]).toBeCloseTo(centre, 12)
    expect(trend.standardDeviation[9]).toBeCloseTo(Math.sqrt(last.reduce((s, v) => s + (v - centre) ** 2, 0) / 4), 12)
    // Fine levels are harder: the published loss falls with t_frac.
    expect(trend.mean[0]).toBeGreaterThan(trend.mean[9]!)
  })
  it('has the whole grid in the reference, and refuses no rows', async () => {
    const trend = await averageLossTrend(model(), draw(2, 3), { points: 4, probes: 3, compat: 'reference' })
    expect([...trend.fractions]).toEqual([...trendGrid(4)])
    expect(trend.evaluations).toBe(12)
    await expect(averageLossTrend(model(), draw(0, 3))).rejects.toMatchObject({ code: 'E_EMPTY' })
    await expect(averageLossTrend(model(), draw(1, 3), { gamma: 0.5 })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })
})

/** The columns that a method reads losses off. */
function columnsOf({ fractions, loss, standardError, share, paired, evaluations }: DenoisingLosses): Columns {
  const n = loss.shape[0]!
  const facts = Float64Array.of(...fractions, ...share, paired ? 1 : 0, evaluations)
  return {
    'score.loss': loss,
    'score.standardError': standardError,
    'score.facts': tensor(
      Float64Array.from({ length: n * facts.length }, (_, i) => facts[i % facts.length]!),
      [n, facts.length],
    ),
  }
}

/** The two scores of the joint one: log L(1) and the log-ratio. */
const parts = (found: DenoisingLosses, tFrac: number): Float64Array[] => [
  wholeLoss(found).map(Math.log),
  lossRatio(found, { tFrac }).score,
]

describe('the joint score', () => {
  const train = losses([
    [4, 3, 2],
    [8, 6.5, 4.2],
    [2, 1.4, 1],
    [5, 3, 2.9],
  ])
  const method = diffusionRatio({ model: model(), tFrac: 0.2, fractions: [0.2, 0.5] })
  it('is the further of two standardised scores', () => {
    const fit = method.fit(columnsOf(train))
    expect([fit.tFrac, fit.choice]).toEqual([0.2, null])
    const [whole, ratio] = fit.joint as [Spread, Spread]
    const logs = [2, 4.2, 1, 2.9].map(Math.log)
    const mean = logs.reduce((a, b) => a + b, 0) / 4
    const deviation = Math.sqrt(logs.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 3)
    expect(whole.mean).toBeCloseTo(mean, 12)
    expect(whole.standardDeviation).toBeCloseTo(deviation, 12)
    // Much loss everywhere with a training row's ratio; little loss, nearly all of it coarse.
    const [complex, strange] = method.score(
      columnsOf(
        losses([
          [40, 30, 20],
          [0.5, 0.5, 0.5],
        ]),
      ),
      fit,
    )
    expect(complex).toBeCloseTo((Math.log(20) - mean) / deviation, 12)
    expect(strange).toBeCloseTo((0 - ratio.mean) / ratio.standardDeviation, 12)
    expect(Math.min(complex!, strange!)).toBeGreaterThan(Math.max(...method.score(columnsOf(train), fit)))
  })
  it('needs rows that differ', () => {
    expect(() => method.fit(columnsOf(losses([[4, 3, 2]])))).toThrow('at least two training rows, got 1')
    const alike = losses([
      [4, 3, 2],
      [4, 3, 2],
    ])
    expect(() => method.fit(columnsOf(alike))).toThrow('values that vary over the training rows')
  })
})

describe('diffusionRatio', () => {
  const make = (options: Omit<DiffusionRatioOptions, 'model'>): OodDetector<DiffusionRatioFit> =>
    detector(diffusionRatio({ model: model(), ...options }))

  it('standardises on training rows where t_frac is given', async () => {
    const ratio = make({ tFrac: 0.25, probes: 12 })
    const rows = draw(6, 1)
    await expect(ratio.score(rows)).rejects.toMatchObject({ code: 'E_NOT_FITTED' })
    await ratio.fit(rows)
    const found = await denoisingLosses(model(), rows, { fractions: [0.25], probes: 12, sharing: 'shared' })
    expect(await ratio.score(rows)).toEqual(worst(parts(found, 0.25), fitWorst(parts(found, 0.25))))
    const columns = await ratio.measure(rows)
    expect(lossesOf(columns, 'score')).toEqual(found)
    expect(await ratio.score({ columns })).toEqual(await ratio.score(rows))
    expect(ratio.learnt!.choice).toBeNull()
  })

  it('chooses t_frac on training rows, then tells other content of the same pixels', async () => {
    const options = { probes: 48, fractions: [0.02, 0.1, 0.3] }
    const ratio = make(options)
    await expect(ratio.score(draw(2, 1))).rejects.toMatchObject({ code: 'E_NOT_FITTED' })
    const seen: number[] = []
    const train = draw(60, 4)
    await ratio.fit(train, { onProgress: ({ done, total }) => seen.push(done / total) })
    expect(seen.at(-1)).toBe(1)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    const { tFrac, joint, choice } = ratio.learnt!
    // The choice is that of the pure rule on the same losses, and so are the spreads: fitting and scoring read the same.
    const settings = { ...options, sharing: 'shared' } as const
    const found = await denoisingLosses(model(), train, settings)
    const altered = await Promise.all(quarterTurns(train).map((set) => denoisingLosses(model(), set, settings)))
    const direct = separationFraction(found, altered)
    expect({ tFrac, ...choice }).toEqual({
      tFrac: direct.tFrac,
      fractions: [...direct.fractions],
      criterion: [...direct.criterion],
    })
    expect(joint).toEqual(fitWorst(parts(found, tFrac)))
    const inside = draw(60, 5)
    const [outside] = quarterTurns(draw(60, 6))
    const [a, b] = [await ratio.score(inside), await ratio.score(outside)]
    const wins = a.reduce((sum, value) => sum + b.filter((other) => other > value).length, 0) / 3600
    // Two axes of width 1 where the model has 0.1: more than nine of ten pairs, sampling error 3 %.
    expect(wins).toBeGreaterThan(0.8)
    await ratio.inferThreshold(inside, 0.05)
    const { data } = await ratio.predict(outside)
    expect(data.isOutlier!.reduce((sum, flag) => sum + flag, 0)).toBeGreaterThan(20)
  })

  it('scores rows alike in any batch, order and place', async () => {
    const ratio = make({ tFrac: 0.25, probes: 16, rule: 'ratio' })
    const rows = draw(9, 7)
    const whole = await ratio.score(rows)
    const order = [8, 3, 3, 0]
    const part = await ratio.score(takeRows(rows, order), { batchSize: 5 })
    expect([...part]).toEqual(order.map((i) => whole[i]!))
    const found = lossesOf(await ratio.measure(rows), 'score')
    expect(lossRatio(found, { tFrac: 0.25 }).score).toEqual(whole)
    expect(ratio.learnt!.tFrac).toBe(0.25)
  })

  it('repeats the published score with its sign turned', async () => {
    const rows = draw(3, 8)
    const ratio = make({ tFrac: 0.25, probes: 10, sharing: 'fresh', compat: 'reference' })
    const { loss } = await denoisingLosses(model(), rows, { fractions: [0.25], probes: 10, compat: 'reference' })
    const published = Array.from({ length: 3 }, (_, i) => loss.get(i, 0) - loss.get(i, 1))
    expect([...(await ratio.score(rows))]).toEqual(published.map((value) => -value))
  })

  it('takes raw rows where the model has preprocess, and alters what the network sees', async () => {
    const halved = (x: ReturnType<typeof draw>) =>
      tensor(
        flatData(x).map((value) => value / 2),
        x.shape,
      )
    const raw = Object.assign(model(), { preprocess: async (x: ReturnType<typeof draw>) => halved(x) })
    const options = { probes: 12, fractions: [0.1, 0.3] }
    const ratio = detector(diffusionRatio({ model: raw, ...options }))
    const own = make(options)
    await ratio.fit(draw(10, 1))
    await own.fit(halved(draw(10, 1)))
    expect(ratio.learnt).toEqual(own.learnt)
    expect(await ratio.score(draw(4, 2))).toEqual(await own.score(halved(draw(4, 2))))
  })

  it('comes back from JSON with the same scores, and refuses what is not its own', async () => {
    const one = model()
    const method = diffusionRatio({ model: one, probes: 24, fractions: [0.1, 0.3] })
    const ratio = detector(method)
    expect(JSON.parse(JSON.stringify(ratio)).fit).toBeNull()
    await ratio.fit(draw(12, 1))
    await ratio.inferThreshold(draw(20, 2), 0.1)
    const state = JSON.parse(JSON.stringify(ratio))
    const again = restoreDetector(state, diffusionRatio({ model: one, probes: 24, fractions: [0.1, 0.3] }))
    expect(JSON.parse(JSON.stringify(again))).toEqual(state)
    const rows = draw(5, 3)
    expect((await again.predict(rows)).data).toEqual((await ratio.predict(rows)).data)
    const refused = (patch: object, message: string) =>
      expect(() => restoreDetector({ ...state, ...patch }, method)).toThrow(`detector state ${message}`)
    refused({ method: { ...state.method, name: 'LLR' } }, 'method.name')
    for (const setting of ['tFrac', 'form', 'rule', 'weighting', 'sharing', 'probes', 'fractions', 'compat'])
      refused(
        { method: { ...state.method, settings: { ...state.method.settings, [setting]: 'x' } } },
        'method.settings',
      )
    for (const tFrac of [1, 0, null, '0.1']) refused({ fit: { ...state.fit, tFrac } }, 'fit.tFrac')
    for (const joint of [null, [], [state.fit.joint[0]], [state.fit.joint[0], { mean: 0, standardDeviation: 0 }]])
      refused({ fit: { ...state.fit, joint } }, 'fit.joint')
  })

  it('refuses bad settings and features', async () => {
    expect(() => make({ tFrac: 1 })).toThrow('tFrac: expected a number in (0, 1), got 1')
    expect(() => make({ rule: 'both' as 'joint' })).toThrow('rule: expected one of joint, ratio, got both')
    expect(() => make({ form: 'ratio' as 'difference' })).toThrow('form: expected one of log-ratio, difference')
    const ratio = make({ tFrac: 0.5, rule: 'ratio' })
    await expect(ratio.predict(draw(1, 1), { returnFeatureScore: true })).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
    })
    await expect(make({}).fit(draw(1, 1))).rejects.toMatchObject({ code: 'E_EMPTY' })
    await expect(ratio.score(tensor(new Float64Array(3), [1, 3]))).rejects.toMatchObject({ code: 'E_SHAPE' })
  })
})
