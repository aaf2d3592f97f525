// The score and its detector: the golden formula, an exact code-length model, units, threshold, state.
import { type LikelihoodModel, type NdArray, random, rowCount, tensor } from '@ood/core'
import { vector as column, detector, type OodDetector, restoreDetector } from '@ood/detect'
import { auroc } from '@ood/roc'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../../tools/vectors.ts'
import {
  type Codec,
  complexity,
  complexityScore,
  type InputComplexityOptions,
  inputComplexity,
  pngCodec,
} from '../../src/index.ts'

const SIDE = 12
const D = SIDE * SIDE

/** Images of independent pixels, each `high` with probability p, else 0: entropy D h(p) bits. */
function sparks(n: number, p: number, high: number, seed: number): NdArray {
  const rng = random(seed)
  return tensor(
    Float32Array.from({ length: n * D }, () => (rng.uniform() < p ? 1 + rng.integer(high) : 0)),
    [n, 1, SIDE, SIDE],
  )
}

/**
 * A model that knows the levels' frequencies in noisy images, with a floor for the rest: a smooth model in miniature. An
 * empty image is likely under it, as simple images are under flows of complex ones.
 */
const independent = (share: number, levels: number): LikelihoodModel & { seen: unknown[] } => {
  const seen: unknown[] = []
  return {
    seen,
    async logProb(x, options) {
      seen.push(options)
      const instance = new Float64Array(rowCount(x))
      for (let i = 0; i < rowCount(x); i++)
        for (let j = 0; j < D; j++) {
          const value = x.data[i * D + j]!
          instance[i] = instance[i]! + Math.log(value === 0 ? 1 - share : share / levels)
        }
      return { instance }
    },
  }
}

const inside = sparks(40, 0.6, 200, 1)
const simple = sparks(40, 0.02, 200, 2)

describe('complexityScore', () => {
  it('is the golden formula', () => {
    const { formula } = vector<{
      formula: { log_prob_nats: number; bits: number; complexity_bits: number; serra_score: number }
    }>('dgm/complexity')
    // Float64 arithmetic of two roundings.
    expect(complexityScore([formula.log_prob_nats], [0])[0]).toBeCloseTo(-formula.bits, 10)
    expect(complexityScore([formula.log_prob_nats], [formula.complexity_bits])[0]).toBeCloseTo(formula.serra_score, 10)
  })

  it('is zero for a model that is the compressor: p = 2^-L', () => {
    const bits = [8, 680, 7040]
    const logProb = bits.map((value) => -value * Math.LN2)
    complexityScore(logProb, bits).forEach((value) => {
      expect(Math.abs(value)).toBeLessThan(1e-9)
    })
  })

  it('keeps infinities in their direction and refuses different lengths', () => {
    expect(Array.from(complexityScore([Number.NEGATIVE_INFINITY], [8]))).toEqual([Number.POSITIVE_INFINITY])
    expect(() => complexityScore([1], [1, 2])).toThrow('complexityScore complexityBits: expected 1 numbers, got 2')
  })
})

describe('inputComplexity', () => {
  const make = (model: LikelihoodModel, options?: InputComplexityOptions): OodDetector<null> =>
    detector(inputComplexity(model, options))
  const measured = async (x: NdArray) => {
    const simplest = make(independent(0.6, 200))
    const columns = await simplest.measure(x)
    const parts = { logProb: column(columns, 'model.logProb'), bits: column(columns, 'code.bits') }
    return { ...parts, columns, score: await simplest.score({ columns }) }
  }

  it('turns around a likelihood that prefers simple images', async () => {
    const model = independent(0.6, 200)
    const likelihood = async (x: NdArray) => (await model.logProb(x)).instance.map((value) => -value)
    // Scores: higher = more OOD, so simple images should be above. By likelihood they are all below.
    expect(auroc(await likelihood(simple), await likelihood(inside))).toBe(0)
    const { score, logProb, columns } = await measured(simple)
    expect(score).toEqual(complexityScore(logProb, (await complexity(simple)).bits))
    expect([...column(columns, 'code.winner')]).toEqual(new Array(40).fill(0))
    const found = make(model)
    // The model spends log2(1 / 0.4) = 1.3 bits on every empty pixel that PNG gets for next to nothing.
    expect(auroc(await found.score(simple), await found.score(inside))).toBe(1)
  })

  it('is bits over the entropy for its own data: the mean score is the compressor regret', async () => {
    const { score, logProb, bits } = await measured(inside)
    const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length
    // E[-log2 p] of the model's own data is its entropy: D (h(0.6) + 0.6 log2 200), standard error of 40 images below 12.
    const entropy = D * (-0.6 * Math.log2(0.6) - 0.4 * Math.log2(0.4) + 0.6 * Math.log2(200))
    expect(Math.abs(mean(logProb) / Math.LN2 + entropy)).toBeLessThan(4 * 12)
    // No compressor beats the entropy on average, so the score of in-distribution data is negative.
    expect(mean(score)).toBeLessThan(0)
    expect(mean(bits)).toBeGreaterThan(entropy)
  })

  it('passes call options on to the model, and gives each part its share of the progress', async () => {
    const model = independent(0.6, 200)
    const progress: number[] = []
    const onProgress = ({ done, total }: { done: number; total: number }) => progress.push(done / total)
    await make(model).score(simple, { seed: 5, batchSize: 20, ...{ space: 'pixel' }, onProgress })
    expect(model.seen).toMatchObject([{ seed: 5, batchSize: 20, space: 'pixel' }])
    expect(progress).toEqual([0.25, 0.5])
  })

  it('takes densities in other units', async () => {
    const model = independent(0.6, 200)
    // The same model as a density over [0, 1): 256 times as dense in every pixel.
    const scaled: LikelihoodModel = {
      logProb: async (x) => ({ instance: (await model.logProb(x)).instance.map((value) => value + D * Math.log(256)) }),
    }
    const [a, b] = [await make(model).score(inside), await make(scaled, { levelWidth: 1 / 256 }).score(inside)]
    // Two numbers of about 1e3 with relative errors of 1e-16.
    b.forEach((value, i) => {
      expect(Math.abs(value - a[i]!)).toBeLessThan(1e-9)
    })
  })

  it('does not depend on the batch size', async () => {
    const found = make(independent(0.6, 200))
    expect(await found.score(inside, { batchSize: 7 })).toEqual(await found.score(inside))
  })

  it('infers a threshold, predicts, and refuses other data before the model sees it', async () => {
    const model = independent(0.6, 200)
    const found = make(model)
    await found.inferThreshold(inside, 0.05)
    const { meta, data } = await found.predict(simple)
    expect(meta.name).toBe('InputComplexity')
    expect(Array.from(data.isOutlier!)).toEqual(new Array(40).fill(1))
    expect(data.pValue![0]).toBeCloseTo(1 / 41, 12)
    const calls = model.seen.length
    await expect(
      found.score(tensor(new Float32Array(D), [1, 1, SIDE, SIDE]).lo(0, 0, 1, 0) as NdArray),
    ).rejects.toMatchObject({
      code: 'E_SHAPE',
    })
    const half = tensor(new Float32Array(D).fill(0.5), [1, 1, SIDE, SIDE])
    await expect(found.score(half)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(make(model).score(half)).rejects.toThrow('whole numbers 0..255, got 0.5 in row 0')
    expect(model.seen.length).toBe(calls)
  })

  it('comes back from JSON with the same scores, threshold and p-values, and only with its settings', async () => {
    const model = independent(0.6, 200)
    const raw: Codec = { name: 'raw', lossless: true, encode: ({ data }) => data }
    const options = { codecs: [pngCodec(), raw], count: 'payload', levelWidth: 0.5 } as const
    const found = detector(inputComplexity(model, options), { dataType: 'image' })
    await found.inferThreshold(inside, 0.1)
    const text = JSON.stringify(found)
    const again = restoreDetector(JSON.parse(text), inputComplexity(model, options))
    expect(await again.predict(simple)).toEqual(await found.predict(simple))
    expect(JSON.stringify(again)).toBe(text)
    for (const other of [{ codecs: [pngCodec()] }, { count: 'file' }, { levelWidth: 1 }] as const)
      expect(() => restoreDetector(JSON.parse(text), inputComplexity(model, { ...options, ...other }))).toThrow(
        'detector state method.settings: expected {"codecs":',
      )
  })

  it("keeps compat 'reference' through JSON", async () => {
    const model = independent(0.6, 200)
    const method = inputComplexity(model, { compat: 'reference' })
    const found = detector(method)
    expect(method.settings.codecs).toEqual(['png', 'jpeg'])
    const again = restoreDetector(JSON.parse(JSON.stringify(found)), inputComplexity(model, { compat: 'reference' }))
    expect(await again.score(simple)).toEqual(await found.score(simple))
    expect(() => restoreDetector(JSON.parse(JSON.stringify(found)), inputComplexity(model))).toThrow('method.settings')
  })

  it('refuses what is no model and widths that are none', () => {
    expect(() => inputComplexity({} as LikelihoodModel)).toThrow('model: expected a model with logProb')
    expect(() => inputComplexity(independent(0.5, 2), { levelWidth: 0 })).toThrow(
      'levelWidth: expected a positive number, got 0',
    )
  })
})
