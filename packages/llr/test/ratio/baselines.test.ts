// Negative log-likelihood, typicality (single points and batches) and WAIC: closed forms, laws, state, refusals.
import { flatData, normals, random, tensor } from '@ood/core'
import { detector, type OodDetector, restoreDetector } from '@ood/detect'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { likelihood, type TypicalityFit, typicalBatch, typicality, type WaicOptions, waic } from '../../src/index.ts'
import { fixedModel, gaussianLogDensity, gaussianModel, rows } from './models.ts'

const D = 50
const standard = (features = true) => gaussianModel({ mean: new Array(D).fill(0), sd: new Array(D).fill(1), features })
const sample = (n: number, seed: number, scale = 1) =>
  tensor(
    normals(random(seed), n * D).map((value) => scale * value),
    [n, D],
  )
/** Half the squared length of each row: -log p under N(0, I) less its constant. */
const energies = (x: ReturnType<typeof sample>) =>
  Float64Array.from({ length: x.shape[0]! }, (_, i) =>
    flatData(x)
      .subarray(i * D, (i + 1) * D)
      .reduce((sum, value) => sum + (value * value) / 2, 0),
  )
const constant = (D / 2) * Math.log(2 * Math.PI)

describe('likelihood', () => {
  it('is -log p, by row and by feature', async () => {
    const x = sample(6, 1)
    const { data } = await detector(likelihood(standard())).predict(x)
    const want = energies(x)
    data.instanceScore!.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]! + constant, 10)
    })
    expect(data.featureScore!.get(2, 3)).toBeCloseTo(-gaussianLogDensity(x.get(2, 3), 0, 1), 14)
  })

  it('has thresholds, state, and no features where the model has none', async () => {
    const plain = detector(likelihood(standard(false)))
    await plain.inferThreshold(sample(100, 2), 0.05)
    const restored = restoreDetector(JSON.parse(JSON.stringify(plain)), likelihood(standard(false)))
    const x = sample(20, 3)
    expect(await restored.predict(x)).toEqual(await plain.predict(x))
    expect((await restored.predict(x)).meta.name).toBe('NegativeLogLikelihood')
    await expect(plain.predict(x, { returnFeatureScore: true })).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
    const impossible = detector(likelihood(fixedModel([Number.NEGATIVE_INFINITY])))
    expect(await impossible.score(rows(1))).toEqual(Float64Array.of(Number.POSITIVE_INFINITY))
  })

  it('misses points that are too likely, which typicality finds', async () => {
    // The origin has the highest density of N(0, I) in 50 dimensions, and no sample ever lies near it.
    const train = sample(2000, 4)
    const origin = tensor(new Float64Array(D), [1, D])
    const plain = detector(likelihood(standard()))
    const typical = detector(typicality(standard()))
    await typical.fit(train)
    await plain.inferThreshold(sample(1000, 5), 0.01)
    await typical.inferThreshold(sample(1000, 5), 0.01)
    expect([...(await plain.predict(origin)).data.isOutlier!]).toEqual([0])
    expect([...(await typical.predict(origin)).data.isOutlier!]).toEqual([1])
  })
})

describe('typicality', () => {
  const make = (options: object = {}): OodDetector<TypicalityFit> => detector(typicality(standard()), options)
  const known = (values: number[]) => ({ columns: { 'model.logProb': Float64Array.from(values) } })

  it('is the distance of half squared lengths from their training mean, for N(0, I)', async () => {
    const train = sample(500, 6)
    const typical = make()
    await typical.fit(train)
    const mean = energies(train).reduce((sum, value) => sum + value, 0) / 500
    // The entropy of N(0, I) is D/2 log(2 pi e); the mean of 500 energies of sd sqrt(D/2) = 5 is within 4 of 0.224.
    expect(Math.abs(typical.learnt!.entropy - (constant + D / 2))).toBeLessThan(4 * 0.224)
    const x = sample(10, 7, 1.5)
    const score = await typical.score(x)
    energies(x).forEach((energy, i) => {
      expect(score[i]).toBeCloseTo(Math.abs(energy - mean), 9)
    })
  })

  it('wants fit first; a new fit forgets the threshold', async () => {
    const typical = make()
    await expect(typical.score(sample(2, 1))).rejects.toThrow('Typicality: expected fit before use')
    expect(typical.learnt).toBeUndefined()
    await typical.fit(known([-70, -72]))
    expect(typical.learnt).toEqual({ entropy: 71 })
    await typical.inferThreshold(sample(30, 2), 0.1)
    expect(typical.threshold).not.toBeNull()
    await typical.fit(known([-70]))
    expect(typical.threshold).toBeNull()
    // Training scores are the reference until held-out ones replace them.
    expect([typical.toJSON().referenceOf, [...typical.calibration!.scores]]).toEqual(['training', [0]])
    await expect(typical.fit(known([]))).rejects.toThrow('training data: expected at least one row, got none')
    await expect(typical.fit(known([1, Number.NEGATIVE_INFINITY]))).rejects.toThrow('got -Infinity in row 1')
    await expect(typical.fit(rows(2))).rejects.toMatchObject({ code: 'E_SHAPE' })
    await expect(typical.predict(sample(1, 1), { returnFeatureScore: true })).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
    })
  })

  it('comes back from JSON with the same scores', async () => {
    const model = standard()
    const typical = detector(typicality(model), { dataType: 'tabular' })
    await typical.fit(sample(50, 8))
    await typical.inferThreshold(sample(50, 9), 0.1)
    const text = JSON.stringify(typical)
    const restored = restoreDetector(JSON.parse(text), typicality(model))
    const x = sample(20, 10)
    expect(await restored.predict(x)).toEqual(await typical.predict(x))
    expect(JSON.stringify(restored)).toBe(text)
    const broken = { ...JSON.parse(text), fit: { entropy: '71' } }
    expect(() => restoreDetector(broken, typicality(model))).toThrow(
      'detector state fit.entropy: expected a finite number, got 71',
    )
    expect(() => restoreDetector(JSON.parse(text), waic([model, model]))).toThrow(
      'detector state method.name: expected WAIC, got Typicality',
    )
  })
})

describe('typicalBatch', () => {
  const training = energies(sample(2000, 11)).map((value) => -value - constant)
  const validation = energies(sample(2000, 12)).map((value) => -value - constant)

  it('keeps its confidence on batches of the data and gains power with their size', () => {
    // Energies of 0.9 scaled rows: mean 0.81 D/2 instead of D/2, 4.75 less, about one sd of a single point.
    const shrunk = energies(sample(2500, 13, 0.9)).map((value) => -value - constant)
    const fresh = energies(sample(2500, 14)).map((value) => -value - constant)
    const share = (values: Float64Array, size: number) => {
      const test = typicalBatch({ training, validation, size, confidence: 0.95, seed: 1 })
      const batches = Math.floor(values.length / size)
      let flagged = 0
      for (let k = 0; k < batches; k++)
        flagged += test.test(values.subarray(k * size, (k + 1) * size)).isOutlier ? 1 : 0
      return flagged / batches
    }
    // 500 batches of 5: binomial sd of 5 % is 1 %; the thresholds themselves have errors of like size.
    expect(share(fresh, 5)).toBeLessThan(0.1)
    expect(share(fresh, 5)).toBeGreaterThan(0.01)
    const [one, five, many] = [1, 5, 25].map((size) => share(shrunk, size))
    expect(one!).toBeLessThan(five!)
    expect(five!).toBeLessThan(many!)
    expect(many!).toBeGreaterThan(0.95)
  })

  it('takes the statistic and p-value of its definition', () => {
    const test = typicalBatch({ training: [-1, -3], validation: [-2], size: 2, resamples: 9 })
    // All bootstrap batches are (-2, -2): statistic |2 - 2| = 0.
    expect([test.entropy, test.threshold]).toEqual([2, 0])
    expect(test.test([-2, -2])).toEqual({ statistic: 0, pValue: 1, isOutlier: false })
    expect(test.test([-1, -4])).toEqual({ statistic: 0.5, pValue: 0.1, isOutlier: true })
    expect(test.test([-1, Number.NEGATIVE_INFINITY]).isOutlier).toBe(true)
  })

  it('is fixed by its seed', () => {
    const of = (seed: number) => typicalBatch({ training, validation, size: 3, resamples: 50, seed }).threshold
    expect(of(1)).toBe(of(1))
    expect(of(1)).not.toBe(of(2))
  })

  it('refuses what it cannot use', () => {
    const make = (options: object) => () => typicalBatch({ training, validation, size: 2, ...options })
    expect(make({ size: 0 })).toThrow('typicalBatch size: expected a positive whole number, got 0')
    expect(make({ resamples: 1.5 })).toThrow('typicalBatch resamples')
    expect(make({ confidence: 1 })).toThrow('typicalBatch confidence: expected a number in (0, 1), got 1')
    expect(make({ validation: [] })).toThrow('validation log-probabilities: expected at least one, got none')
    expect(make({ training: [Number.NaN] })).toThrow('got NaN in row 0')
    expect(() => make({})().test([1])).toThrow('typicalBatch test: expected 2 rows, got 1')
    expect(() => make({})().test([1, Number.NaN])).toThrow('NaN in their sum')
  })
})

describe('waic', () => {
  const of = (models: Parameters<typeof waic>[0], options?: WaicOptions): OodDetector<null> =>
    detector(waic(models, options))

  it('is the variance minus the mean of the log-likelihoods, by brute force', async () => {
    const number = fc.double({ min: -2000, max: 10, noNaN: true })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(number, number, number), { minLength: 1, maxLength: 8 }), async (table) => {
        const models = [0, 1, 2].map((k) => fixedModel(table.map((row) => row[k]!)))
        const population = await of(models).score(rows(table.length))
        const unbiased = await of(models, { variance: 'sample' }).score(rows(table.length))
        table.forEach((row, i) => {
          const mean = (row[0] + row[1] + row[2]) / 3
          // E[v²] - E[v]², another way to the variance; 1e-16 of squares up to 4e6 twice, so 1e-8 absolute.
          const variance = (row[0] ** 2 + row[1] ** 2 + row[2] ** 2) / 3 - mean ** 2
          expect(Math.abs(population[i]! - (variance - mean))).toBeLessThan(1e-8)
          expect(Math.abs(unbiased[i]! - (1.5 * variance - mean))).toBeLessThan(1e-8)
        })
      }),
      { numRuns: 50 },
    )
  })

  it('of Gaussians with scattered means is the closed form', async () => {
    // log p_k(x) = -x²/2 - c + (m_k x - m_k²/2) with m = (-1, 0, 1): the brackets -x - 1/2, 0, x - 1/2 have mean -1/3
    // and variance (2/3) x² + 1/18.
    const means = [-1, 0, 1]
    const models = means.map((m) => gaussianModel({ mean: [m], sd: [1] }))
    const x = tensor(Float64Array.of(0, 1, 3, 6), [4, 1])
    const score = await of(models).score(x)
    const c = 0.5 * Math.log(2 * Math.PI)
    flatData(x).forEach((value, i) => {
      const variance = (2 / 3) * value ** 2 + 1 / 18
      expect(score[i]).toBeCloseTo(variance + value ** 2 / 2 + 1 / 3 + c, 11)
    })
  })

  it('of equal models is the negative log-likelihood', async () => {
    const x = sample(5, 15)
    const want = await detector(likelihood(standard())).score(x)
    const score = await of([standard(), standard()]).score(x)
    score.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 12)
    })
  })

  it('scores rows that a model rules out +Infinity, and names NaN', async () => {
    const inf = Number.POSITIVE_INFINITY
    const first = fixedModel([0, -inf, -inf])
    expect([...(await of([first, fixedModel([-2, 0, -inf])]).score(rows(3)))]).toEqual([2, inf, inf])
    await expect(of([first, fixedModel([0, 0, Number.NaN])]).score(rows(3))).rejects.toThrow(
      'waic: expected log-probabilities below infinity, got NaN from model 1 in row 2',
    )
    await expect(of([first, fixedModel([inf, 0, 0])]).score(rows(3))).rejects.toMatchObject({ code: 'E_NOT_FINITE' })
    await expect(of([first, fixedModel([0])]).score(rows(3))).rejects.toThrow(
      'measurement model-1: expected 3 rows, got 1',
    )
  })

  it('gives all models the same seed, and comes back from JSON', async () => {
    const models = [1, 2, 3].map((sd) => gaussianModel({ mean: [0], sd: [sd], noise: 0.2 }))
    const ensemble = of(models, { variance: 'sample' })
    await ensemble.inferThreshold(rows(20), 0.1, { seed: 5 })
    expect(models.map((model) => model.seeds)).toEqual([[5], [5], [5]])
    const stored = JSON.parse(JSON.stringify(ensemble))
    const restored = restoreDetector(stored, waic(models, { variance: 'sample' }))
    expect(await restored.predict(rows(4))).toEqual(await ensemble.predict(rows(4)))
    // Another number of members, another variance: another method.
    for (const other of [waic(models.slice(0, 2), { variance: 'sample' }), waic(models)])
      expect(() => restoreDetector(stored, other)).toThrow('detector state method.settings: expected {"members":')
    expect(() => waic([models[0]!])).toThrow('waic models: expected at least 2, got 1')
    expect(() => waic(models, { variance: 'mad' as 'sample' })).toThrow(
      'waic variance: expected population or sample, got mad',
    )
  })
})
