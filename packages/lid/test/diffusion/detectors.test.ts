// Diffusion estimators in `likelihoodLid`: the likelihood paradox on an analytic mixture, solved with training points only.
import { type LikelihoodModel, type NdArray, normals, random, rowCount, tensor } from '@ood/core'
import { detector, type OodDetector, restoreDetector, vector } from '@ood/detect'
import { describe, expect, it } from 'vitest'
import {
  bisectScale,
  cfdm,
  diffusionKneeScale,
  dualThreshold,
  fitPairs,
  flipd,
  type LikelihoodLidFit,
  type LikelihoodLidOptions,
  type LogProbLid,
  likelihoodLid,
  normalBundle,
  type ScaleRule,
  scaleFreeLid,
  scorePairs,
} from '../../src/index.ts'
import { type AnalyticModel, mixture, vp } from './models.ts'

/**
 * What a model may have learnt: most mass near a 6-dimensional manifold of 10 dimensions, a little near a line beside
 * it, whose density is higher. Points of the line are the outliers: more likely than the data, and simpler.
 */
const D = 10
const thickness = 1e-4
const origin = new Array<number>(D).fill(0)
const ball = { weight: 0.98, mean: origin, variance: origin.map((_, j) => (j < 6 ? 1 : thickness)) }
const line = { weight: 0.02, mean: origin.with(1, 3), variance: origin.map((_, j) => (j < 1 ? 1 : thickness)) }
const components = [ball, line]

function draw({ mean, variance }: typeof ball, n: number, seed: number): NdArray {
  const z = normals(random(seed), n * D)
  return tensor(
    z.map((value, i) => mean[i % D]! + Math.sqrt(variance[i % D]!) * value),
    [n, D],
  )
}

const likelihood: LikelihoodModel = {
  logProb: async (x) => ({
    instance: Float64Array.from({ length: rowCount(x) }, (_, i) => {
      const densities = components.map(({ weight, mean, variance }) =>
        variance.reduce(
          (p, v, j) => (p * Math.exp((-0.5 * (x.get(i, j) - mean[j]!) ** 2) / v)) / Math.sqrt(2 * Math.PI * v),
          weight,
        ),
      )
      return Math.log(densities.reduce((a, b) => a + b, 1e-300))
    }),
  }),
}

const score = (): AnalyticModel =>
  mixture(
    vp(),
    components.map(({ weight, mean, variance }) => ({ weight, mean, cov: variance })),
  )
const train = draw(ball, 100, 1)
const inside = draw(ball, 50, 2)
const outliers = draw(line, 50, 3)

/** Share of pairs in which an outlier scores above an inlier. */
function auroc(negative: Float64Array, positive: Float64Array): number {
  let wins = 0
  for (const p of positive) for (const n of negative) wins += p > n ? 1 : p === n ? 0.5 : 0
  return wins / (negative.length * positive.length)
}

const make = <A>(options: LikelihoodLidOptions<A>): OodDetector<LikelihoodLidFit> => detector(likelihoodLid(options))

/** log p and LID that a detector reads of rows. */
async function pairsOf<A>(
  { estimator }: LikelihoodLidOptions<A>,
  found: OodDetector<LikelihoodLidFit>,
  x: NdArray,
  call: object = {},
): Promise<LogProbLid> {
  const columns = await found.measure(x, call)
  const { scale } = found.learnt!.choice
  const lid = columns['lid.lidAt']
    ? vector(columns, 'lid.lidAt')
    : estimator.lid(await estimator.prepare(x, call), scale)
  return { logProb: vector(columns, 'model.logProb'), lid }
}

async function auc<A>(options: LikelihoodLidOptions<A>): Promise<number> {
  const found = make(options)
  await found.fit(train, { seed: 5 })
  return auroc(await found.score(inside, { seed: 6 }), await found.score(outliers, { seed: 7 }))
}

describe('the likelihood paradox of an analytic mixture', () => {
  it('is there', async () => {
    const [a, b] = await Promise.all([likelihood.logProb(inside), likelihood.logProb(outliers)])
    expect(
      auroc(
        a.instance.map((v) => -v),
        b.instance.map((v) => -v),
      ),
    ).toBeLessThan(0.1)
  })

  const estimator = flipd(score(), { probes: 20 })
  const knee: ScaleRule = (t) => diffusionKneeScale(t.curve(estimator.scales))
  // Past the thickness, short of the size of the data.
  const half: ScaleRule = (t) => bisectScale(t.meanLidAt, 5.5, { lower: -5, upper: 2 })

  it.each([
    { name: 'at the knee', rule: knee, pair: 'mahalanobis' },
    { name: 'where mean LID is 5.5', rule: half, pair: 'density' },
    { name: 'where mean LID is 5.5', rule: half, pair: 'oneSided' },
  ] as const)('FLIPD solves it $name with $pair', async ({ rule, pair }) => {
    expect(await auc({ model: likelihood, estimator, scale: rule, rule: pair })).toBeGreaterThan(0.9)
  })

  it('a normal bundle solves it', async () => {
    const bundle = normalBundle(score(), { level: { delta: 0.1 } })
    const scale: ScaleRule = (t) => bisectScale(t.meanLidAt, 5.5, { lower: -5, upper: 2 })
    expect(await auc({ model: likelihood, estimator: bundle, scale, rule: 'oneSided' })).toBeGreaterThan(0.9)
  })

  it('FLIPD at one time takes part through scaleFreeLid, and pairs go into a dual threshold', async () => {
    const fixed = scaleFreeLid(async (x, call) => (await estimator.at(x, { delta: 0.2 }, call)).lid)
    const options = { model: likelihood, estimator: fixed, scale: 0 }
    const found = make(options)
    await found.fit(train)
    const judge = async (x: NdArray): Promise<number> =>
      dualThreshold(await pairsOf(options, found, x), { logProb: -20, lid: 4 }).reduce((sum, v) => sum + v, 0)
    expect(await judge(outliers)).toBeGreaterThan(45)
    expect(await judge(inside)).toBeLessThan(8)
  })
})

describe('likelihoodLid with an estimator whose scales cost model calls', () => {
  it('prepares a curve in fit only, and for a rule only', async () => {
    const model = score()
    const estimator = flipd(model, { scales: [-3, -2, -1] })
    const rule: ScaleRule = (t) => bisectScale(t.meanLidAt, 6, { lower: -3, upper: -1 })
    const chosen = make({ model: likelihood, estimator, scale: rule })
    await chosen.fit(train)
    expect(model.calls.tangents).toBe(100 * D * 4) // three scales, then the chosen one
    model.calls.tangents = 0
    await chosen.score(inside)
    expect(model.calls.tangents).toBe(50 * D)
    model.calls.tangents = 0
    const fixed = make({ model: likelihood, estimator, scale: -2 })
    await fixed.fit(train)
    expect(model.calls.tangents).toBe(100 * D)
  })

  it('fits and scores the same LIDs, between the scales of the grid too', async () => {
    const estimator = flipd(score(), { scales: [-3, -1], probes: 5 })
    const rule: ScaleRule = (t) => bisectScale(t.meanLidAt, 6, { lower: -3, upper: -1 })
    const options = { model: likelihood, estimator, scale: rule }
    const found = make(options)
    await found.fit(train, { seed: 3 })
    const pairs = await pairsOf(options, found, train, { seed: 3 })
    const again = fitPairs(pairs, 'standardisedSum')
    expect(found.learnt!.pairs).toEqual(again)
    expect(await found.score(train, { seed: 3 })).toEqual(scorePairs(pairs, again))
    const loaded = restoreDetector(JSON.parse(JSON.stringify(found)), likelihoodLid(options))
    expect(await loaded.score(inside)).toEqual(await found.score(inside))
  })

  it('leaves estimators with cheap scales as they were', async () => {
    const stored = draw(ball, 300, 9)
    const options = {
      model: likelihood,
      estimator: cfdm(stored),
      scale: ((t) => bisectScale(t.meanLidAt, 3, { lower: -3, upper: 2 })) as ScaleRule,
    }
    const found = make(options)
    await found.fit(train)
    expect(found.learnt!.choice.meanLid).toBeCloseTo(3, 3)
    const { lid } = await pairsOf(options, found, train)
    expect(lid.reduce((sum, value) => sum + value, 0) / lid.length).toBeCloseTo(3, 3)
  })
})
