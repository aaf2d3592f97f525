// The likelihood-ratio detector: golden vectors, closed forms, seeds, batches, sweeps, errors.
import { flatData, normals, random, tensor } from '@ood/core'
import { type DetectorOptions, detector, type OodDetector } from '@ood/detect'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../../tools/vectors.ts'
import { type LikelihoodRatioOptions, likelihood, likelihoodRatio, ratioScores } from '../../src/index.ts'
import { fixedModel, gaussianLogDensity, gaussianModel, rows, tableModel } from './models.ts'

interface Scores {
  instance: {
    logp_semantic: number[]
    logp_background: number[]
    expected_instance_score: number[]
    expected_threshold_by_perc: Record<string, number>
    expected_is_outlier_at_perc: Record<string, number[]>
  }
  feature: {
    feature_score: number[][][]
    threshold_perc: number
    expected_threshold: number
    expected_is_outlier: number[][][]
  }
}
interface Sequential {
  X: number[][]
  semantic_logits: number[][][]
  background_logits: number[][][]
  expected_feature_score: number[][]
  expected_instance_score: number[]
}
const golden = vector<Scores>('llr-flows-ncis/llr_scores_thresholds')
const sequential = vector<Sequential>('llr-flows-ncis/llr_sequential')
const ren = vector<{ llr: { log_p: number[]; log_p_bg: number[]; llr: number[] } }>('dgm/ren_mutation')

/** The method as users hold it. */
const ratioOf = (options: LikelihoodRatioOptions, more: DetectorOptions = {}): OodDetector<null> =>
  detector(likelihoodRatio(options), more)

describe('golden vectors', () => {
  it('instance scores, thresholds at eight percentiles, decisions', async () => {
    const want = golden.instance
    const ratio = ratioOf({
      semantic: fixedModel(want.logp_semantic),
      background: fixedModel(want.logp_background),
    })
    const x = rows(want.logp_semantic.length)
    // The same subtraction of the same float64 numbers: equal to the last bit.
    expect([...(await ratio.score(x))]).toEqual(want.expected_instance_score)
    expect(Object.keys(want.expected_threshold_by_perc).length).toBe(8)
    for (const [percentile, threshold] of Object.entries(want.expected_threshold_by_perc)) {
      expect(await ratio.inferThreshold(x, { percentile: Number(percentile) })).toBe(threshold)
      const { data } = await ratio.predict(x)
      expect([...data.isOutlier!]).toEqual(want.expected_is_outlier_at_perc[percentile])
      expect(data.threshold).toBe(threshold)
    }
  })

  it('feature scores pooled over rows for the threshold', async () => {
    const want = golden.feature
    const shape = [4, 2, 3]
    const scores = tensor(Float64Array.from(want.feature_score.flat(2)), shape)
    const zero = tensor(new Float64Array(24), shape)
    const minus = tensor(
      flatData(scores).map((v) => -v),
      shape,
    )
    const ratio = ratioOf({
      semantic: fixedModel([0, 0, 0, 0], minus),
      background: fixedModel([0, 0, 0, 0], zero),
    })
    const target = { percentile: want.threshold_perc, outlierType: 'feature' } as const
    expect(await ratio.inferThreshold(rows(4), target)).toBe(want.expected_threshold)
    const { data } = await ratio.predict(rows(4))
    expect(data.featureScore!.shape).toEqual(shape)
    expect([...data.isOutlier!]).toEqual(want.expected_is_outlier.flat(2))
  })

  it('mean of steps for sequences', async () => {
    const want = sequential
    const x = tensor(Float64Array.from(want.X.flat()), [3, 6])
    const ratio = ratioOf({
      semantic: tableModel(want.semantic_logits),
      background: tableModel(want.background_logits),
      convention: 'mean',
    })
    const [instance, feature] = [await ratio.score(x), await ratio.featureScore(x)]
    expect(feature!.shape).toEqual([3, 5])
    // 1e-12: a log-sum-exp of four terms of order 1 and a mean of five, each step rounded to 1e-16.
    flatData(feature!).forEach((value, i) => {
      expect(value).toBeCloseTo(want.expected_feature_score.flat()[i]!, 12)
    })
    instance.forEach((value, i) => {
      expect(value).toBeCloseTo(want.expected_instance_score[i]!, 12)
    })
    // Rows of the sum convention are five times those of the mean.
    const summed = ratioScores(
      await tableModel(want.semantic_logits).logProb(x),
      await tableModel(want.background_logits).logProb(x),
    )
    summed.instance.forEach((value, i) => {
      expect(value).toBeCloseTo(5 * want.expected_instance_score[i]!, 11)
    })
  })

  it('the ratio of the flow experiments', () => {
    const { log_p, log_p_bg, llr } = ren.llr
    const { instance } = ratioScores({ instance: Float64Array.from(log_p) }, { instance: Float64Array.from(log_p_bg) })
    expect([...instance]).toEqual(llr.map((value) => -value))
  })
})

describe('a pair of Gaussians', () => {
  const mean = [0.5, -1, 2]
  const background = [0, 0, 0]
  const sd = [1, 1, 1]

  it('gives the closed form: with equal widths the ratio is linear in x', async () => {
    const n = 200
    const x = tensor(normals(random(1), n * 3), [n, 3])
    const pair = { semantic: gaussianModel({ mean, sd }), background: gaussianModel({ mean: background, sd }) }
    const ratio = ratioOf(pair)
    const [instance, feature] = [await ratio.score(x), await ratio.featureScore(x)]
    for (let row = 0; row < n; row++) {
      // log N(x; m, 1) - log N(x; 0, 1) = m x - m²/2.
      const terms = mean.map((m, d) => m * x.get(row, d) - (m * m) / 2)
      expect(instance[row]).toBeCloseTo(-(terms[0]! + terms[1]! + terms[2]!), 12)
      for (let d = 0; d < 3; d++) expect(feature!.get(row, d)).toBeCloseTo(-terms[d]!, 12)
    }
  })

  it('puts the threshold of a false positive rate where the normal law has it', async () => {
    // Under the semantic model the score is normal with mean -s/2 and variance s, s = |m|² = 5.25.
    const n = 20_000
    const draws = normals(random(2), n * 3)
    const x = tensor(
      draws.map((value, i) => value + mean[i % 3]!),
      [n, 3],
    )
    const ratio = ratioOf({
      semantic: gaussianModel({ mean, sd }),
      background: gaussianModel({ mean: background, sd }),
    })
    const threshold = await ratio.inferThreshold(x, 0.05)
    const s = 5.25
    // The 95 % point of N(-s/2, s); its sample error is sqrt(.05 .95 / n) / density = 0.0075 sd, four of those.
    expect(Math.abs(threshold - (-s / 2 + 1.6448536 * Math.sqrt(s)))).toBeLessThan(0.03 * Math.sqrt(s))
    const { data } = await ratio.predict(x)
    const flagged = data.isOutlier!.reduce((sum, value) => sum + value, 0)
    expect(flagged).toBeLessThanOrEqual(0.05 * n)
    expect(flagged).toBeGreaterThan(0.05 * n - 2)
  })

  it('separates where the likelihood has the order wrong, as well as theory allows', async () => {
    // One content N(2, 1) and 20 background numbers N(0, 1); outliers have content N(0, 1) and a simpler background
    // N(0, 1/4). The background cancels, so the ratio is linear in the content alone: its AUROC is Phi(2 / sqrt 2).
    const size = 21
    const unit = new Array<number>(size).fill(1)
    const draw = (n: number, seed: number, content: number, width: number) =>
      tensor(
        normals(random(seed), n * size).map((value, i) => (i % size === 0 ? content + value : width * value)),
        [n, size],
      )
    const n = 1000
    const [inside, outside] = [draw(n, 21, 2, 1), draw(n, 22, 0, 0.5)]
    const semantic = gaussianModel({ mean: unit.map((_, d) => (d === 0 ? 2 : 0)), sd: unit })
    const background = gaussianModel({ mean: unit.map(() => 0), sd: unit })
    const auroc = async (found: OodDetector<null>) => {
      const known = (await found.score(inside)).sort()
      const other = await found.score(outside)
      let pairs = 0
      for (const score of other) pairs += known.filter((value) => value < score).length
      return pairs / n ** 2
    }
    // Standard error of an AUROC of 0.92 from 1000 and 1000: 0.006.
    expect(Math.abs((await auroc(ratioOf({ semantic, background }))) - 0.92135)).toBeLessThan(4 * 0.006)
    expect(await auroc(detector(likelihood(semantic)))).toBeLessThan(0.2)
  })

  it('is the likelihood where the background is flat', async () => {
    const x = tensor(Float64Array.of(0, 3), [2, 1])
    const flat = fixedModel([-7, -7])
    const ratio = ratioOf({ semantic: gaussianModel({ mean: [1], sd: [2] }), background: flat })
    const score = await ratio.score(x)
    expect(score[0]).toBeCloseTo(-gaussianLogDensity(0, 1, 2) - 7, 14)
    expect(score[1]).toBeCloseTo(-gaussianLogDensity(3, 1, 2) - 7, 14)
  })
})

describe('sweeps, seeds and batches', () => {
  it('takes one sweep of each model for scores, threshold and prediction', async () => {
    const feature = tensor(Float64Array.of(-1, -2, -3), [3, 1])
    const pair = { semantic: fixedModel([-1, -2, -3], feature), background: fixedModel([-1, -1, -1], feature) }
    const ratio = ratioOf(pair)
    await ratio.score(rows(3))
    expect([pair.semantic.sweeps, pair.background.sweeps]).toEqual([1, 1])
    await ratio.inferThreshold(rows(3), 0.5)
    await ratio.predict(rows(3))
    expect([pair.semantic.sweeps, pair.background.sweeps]).toEqual([3, 3])
  })

  it('gives both models the same seed, so shared noise cancels', async () => {
    // Equal models with noisy likelihoods: with the same noise the ratio is exactly 0 whatever the seed.
    const make = () => gaussianModel({ mean: [0, 0], sd: [1, 2], noise: 0.5 })
    const pair = { semantic: make(), background: make() }
    const x = tensor(normals(random(3), 20), [10, 2])
    for (const seed of [undefined, 0, 7]) {
      const score = await ratioOf(pair).score(x, seed === undefined ? {} : { seed })
      expect([...score]).toEqual(new Array(10).fill(0))
    }
    expect(pair.semantic.seeds).toEqual([0, 0, 7])
    expect(pair.background.seeds).toEqual([0, 0, 7])
  })

  it('gives the same bits in any batch size, scores and features', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50 }), async (n, batchSize) => {
        const pair = {
          semantic: gaussianModel({ mean: [1, 2], sd: [1, 3], noise: 0.1 }),
          background: gaussianModel({ mean: [0, 0], sd: [2, 2], noise: 0.1 }),
        }
        const x = tensor(normals(random(n), 2 * n), [n, 2])
        for (const convention of ['sum', 'mean'] as const) {
          const ratio = ratioOf({ ...pair, convention })
          expect(await ratio.score(x, { batchSize })).toEqual(await ratio.score(x))
          const [whole, parts] = [await ratio.featureScore(x), await ratio.featureScore(x, { batchSize })]
          expect(flatData(parts!)).toEqual(flatData(whole!))
        }
      }),
      { numRuns: 30 },
    )
  })

  it('reports both sweeps as one progress and stops between them', async () => {
    const make = () => gaussianModel({ mean: [0], sd: [1] })
    const events: [number, number][] = []
    const x = rows(10)
    const onProgress = ({ done, total }: { done: number; total: number }) => events.push([done, total])
    const ratio = ratioOf({ semantic: make(), background: make() })
    await ratio.score(x, { batchSize: 5, onProgress })
    expect(events).toEqual([
      [5, 20],
      [10, 20],
      [15, 20],
      [20, 20],
    ])
    const abort = new AbortController()
    const stop = { batchSize: 10, signal: abort.signal, onProgress: () => abort.abort() }
    await expect(ratio.score(x, stop)).rejects.toMatchObject({ code: 'E_ABORTED' })
  })
})

describe('log-probabilities that are not numbers', () => {
  const score = (s: number, b: number, impossible: 'error' | 'outlier' = 'error') =>
    ratioScores({ instance: Float64Array.of(s) }, { instance: Float64Array.of(b) }, { impossible }).instance[0]
  const inf = Number.POSITIVE_INFINITY

  it('takes limits where one is infinite', () => {
    expect(score(-inf, -5)).toBe(inf)
    expect(score(-5, -inf)).toBe(-inf)
    expect(score(inf, -5)).toBe(-inf)
    expect(score(inf, -inf)).toBe(-inf)
  })

  it('refuses a ratio of nothing to nothing, or calls it an outlier when told to', () => {
    expect(() => score(-inf, -inf)).toThrow(
      'likelihood ratio: expected a finite log p under one model at least, got -Infinity under both in row 0',
    )
    expect(score(-inf, -inf, 'outlier')).toBe(inf)
    expect(() => score(inf, inf, 'outlier')).toThrow('got Infinity under both in row 0')
  })

  it('names the model and row of NaN', () => {
    expect(() => score(Number.NaN, 1)).toThrow('got NaN from the semantic model in row 0')
    expect(() => score(1, Number.NaN)).toThrow('got NaN from the background model in row 0')
    const feature = tensor(Float64Array.of(0, 0, 0, Number.NaN), [2, 2])
    const fine = tensor(new Float64Array(4), [2, 2])
    const instance = new Float64Array(2)
    expect(() => ratioScores({ instance, feature: fine }, { instance, feature })).toThrow(
      'got NaN from the background model in feature 1 of row 1',
    )
    // Features nobody asked for are not judged.
    const { feature: none } = ratioScores({ instance, feature: fine }, { instance, feature }, { feature: 'none' })
    expect(none).toBeNull()
  })
})

describe('models without feature maps', () => {
  const pair = () => ({
    semantic: gaussianModel({ mean: [0], sd: [1], features: false }),
    background: gaussianModel({ mean: [0], sd: [2] }),
  })

  it('give instance scores and say so when features are asked for', async () => {
    const ratio = ratioOf(pair())
    const { data } = await ratio.predict(rows(3))
    expect(data.instanceScore!.length).toBe(3)
    expect(data.featureScore).toBeNull()
    const message = 'LLR feature scores: expected a detector that has them, got instance scores only'
    await expect(ratio.predict(rows(3), { returnFeatureScore: true })).rejects.toThrow(message)
    await expect(ratio.inferThreshold(rows(3), { percentile: 50, outlierType: 'feature' })).rejects.toThrow(message)
    await expect(ratio.predict(rows(3), { returnFeatureScore: true })).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
    const [one, other] = await Promise.all([pair().semantic.logProb(rows(3)), pair().background.logProb(rows(3))])
    expect(() => ratioScores(one, other, { feature: 'required' })).toThrow(
      'feature scores: expected log-probabilities of features, got none from the semantic model',
    )
  })

  it('cannot be averaged', async () => {
    const ratio = ratioOf({ ...pair(), convention: 'mean' })
    await expect(ratio.score(rows(3))).rejects.toThrow('convention mean: expected log-probabilities of features')
  })
})

describe('wrong parts', () => {
  it('are refused in one line', async () => {
    const model = fixedModel([0])
    const make =
      (options: object, more: object = {}) =>
      () =>
        ratioOf({ semantic: model, background: model, ...options }, more)
    expect(make({ background: undefined })).toThrow(
      'likelihoodRatio background: expected a model with logProb, got undefined',
    )
    expect(make({ convention: 'max' })).toThrow('convention: expected sum or mean, got max')
    expect(make({}, { threshold: Number.NaN })).toThrow('LLR threshold: expected a finite number, got NaN')
    expect(make({}, { outlierType: 'pixel' })).toThrow('outlierType: expected instance or feature, got pixel')
    const small = { ...model, dataShape: [1, 28, 28], low: 0, high: 255 }
    const large = { ...model, dataShape: [3, 32, 32], low: 0, high: 255 }
    expect(make({ semantic: small, background: large })).toThrow('rows of one shape [1,28,28], got [3,32,32]')
    const other = { ...model, manifest: { data: { shape: [1, 28, 28], valueRange: [0, 1] } } }
    expect(make({ semantic: small, background: other })).toThrow('values in one range [0,255], got [0,1]')
    await expect(make({})().score(rows(2))).rejects.toThrow('measurement semantic: expected 2 rows, got 1')
    const two = fixedModel([0, 0])
    await expect(make({ background: two })().score(rows(1))).rejects.toThrow(
      'measurement background: expected 1 rows, got 2',
    )
  })

  it('leave feature maps of different shapes', () => {
    const instance = new Float64Array(1)
    const a = tensor(new Float64Array(4), [1, 4])
    const b = tensor(new Float64Array(4), [1, 2, 2])
    expect(() => ratioScores({ instance, feature: a }, { instance, feature: b })).toThrow('expected [1,4], got [1,2,2]')
  })
})
