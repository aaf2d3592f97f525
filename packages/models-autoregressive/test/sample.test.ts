// Sampling: one pixel against the golden vector, the loop's determinism, and that samples follow the model.
import { sliceRows, takeRows, tensor } from '@ood/core'
import { bindCondition, drawComponent, openPixelCnn, type PixelCnn, samplePixel } from '@ood/models-autoregressive'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { fixture, gap } from './golden.ts'

describe('samplePixel', () => {
  it('agrees with the golden vector', () => {
    interface Case {
      component_logits: number[]
      locs: number[][]
      scales: number[][]
      coeffs?: number[][]
      chosen_component: number
      uniforms: number[]
      expected_sample_minus1_1: number[]
      expected_pixel_0_255: number[]
    }
    const { cases } = vector<{ cases: Case[] }>('llr-flows-ncis/pixelcnn_sample_pixel')
    expect(cases.length).toBeGreaterThan(0)
    for (const v of cases) {
      const mixture = {
        logits: v.component_logits,
        locations: v.locs.flat(),
        scales: v.scales.flat(),
        ...(v.coeffs?.flat().length ? { coefficients: v.coeffs.flat() } : {}),
      }
      const got = samplePixel(mixture, { component: v.chosen_component, uniforms: v.uniforms })
      // The same float64 operations.
      expect(gap(got.frame, v.expected_sample_minus1_1)).toBeLessThan(1e-14)
      expect(Array.from(got.value)).toEqual(v.expected_pixel_0_255)
    }
  })

  it('inverts the logistic distribution, clips and rounds halves to even', () => {
    const one = (location: number, scale: number, u: number, high = 255) =>
      samplePixel({ logits: [0], locations: [location], scales: [scale] }, { component: 0, uniforms: [u] }, { high })
    expect(one(0.25, 0.1, 0.5).frame[0]).toBe(0.25)
    expect(one(0, 0.1, 1 / (1 + Math.exp(-2))).frame[0]).toBeCloseTo(0.2, 14)
    expect(one(0, 5, 0).frame[0]).toBe(-1)
    expect(one(7, 0.1, 0.5).value[0]).toBe(255)
    expect([-0.5, 0.5].map((location) => one(location, 1, 0.5, 2).value[0])).toEqual([0, 2])
  })

  it('lets channels depend on those before, by either convention', () => {
    const mixture = { logits: [0], locations: [0.5, 0], scales: [0.1, 0.1], coefficients: [0.002] }
    const draw = { component: 0, uniforms: [0.5, 0.5] }
    expect(samplePixel(mixture, draw).frame[1]).toBe(0.002 * 0.5)
    expect(samplePixel(mixture, draw, { channelDependence: 'raw' }).frame[1]).toBe(0.002 * 191.25)
  })

  it('refuses what does not fit', () => {
    const mixture = { logits: [0], locations: [0.5], scales: [0.1] }
    expect(() => samplePixel(mixture, { component: 1, uniforms: [0.5] })).toThrow(
      'samplePixel component: expected a component 0..0, got 1',
    )
    expect(() => samplePixel(mixture, { component: 0, uniforms: [1] })).toThrow(
      'samplePixel uniforms: expected numbers in [0, 1), got 1',
    )
    expect(() => samplePixel(mixture, { component: 0, uniforms: [0.5, 0.5] })).toThrow(
      'samplePixel mixture: expected 1 components of 2 channels, got [1, 1, 0]',
    )
  })
})

describe('drawComponent', () => {
  it('gives each component its softmax share', () => {
    const logits = [Math.log(1), Math.log(2), Math.log(5)].map((w) => w + 700)
    const picks = [0, 0.1249, 0.1251, 0.3749, 0.3751, 0.9999].map((u) => drawComponent(logits, u))
    expect(picks).toEqual([0, 0, 1, 1, 2, 2])
  })

  it('never picks a component of no weight, and always one there is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 6 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (logits, u) => {
          const picked = drawComponent([Number.NEGATIVE_INFINITY, ...logits], u)
          expect(picked).toBeGreaterThan(0)
          expect(picked).toBeLessThanOrEqual(logits.length)
        },
      ),
    )
  })
})

describe('sample', () => {
  let gray: PixelCnn
  let color: PixelCnn
  let conditional: PixelCnn
  beforeAll(async () => {
    gray = await openPixelCnn(fixture('tiny-gray'), { workers: 0 })
    color = await openPixelCnn(fixture('tiny-color'), { workers: 0 })
    conditional = await openPixelCnn(fixture('tiny-conditional'), { workers: 0 })
  })
  afterAll(async () => {
    for (const model of [gray, color, conditional]) await model?.release()
  })

  it('gives whole pixels of the data shape, determined by the seed', async () => {
    const x = await color.sample(3, { seed: 5 })
    expect(x.shape).toEqual([3, 3, 4, 6])
    for (const value of x.data) {
      expect(Number.isInteger(value)).toBe(true)
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThanOrEqual(15)
    }
    expect(new Set(x.data).size).toBeGreaterThan(4)
    expect(await color.sample(3, { seed: 5 })).toEqual(x)
    expect((await color.sample(3, { seed: 6 })).data).not.toEqual(x.data)
  })

  it('makes row i from (seed, i) in any batch', async () => {
    const x = await gray.sample(5, { seed: 2 })
    expect((await gray.sample(5, { seed: 2, batchSize: 2 })).data).toEqual(x.data)
    expect((await gray.sample(2, { seed: 2 })).data).toEqual(sliceRows(x, 0, 2).data.slice(0, 2 * 64))
  })

  it('needs no first guess: later pixels do not matter', async () => {
    const options = { seed: 8 }
    expect((await gray.sample(2, { ...options, start: 'noise' })).data).toEqual((await gray.sample(2, options)).data)
    expect((await color.sample(2, { ...options, start: 'noise' })).data).toEqual((await color.sample(2, options)).data)
  })

  it('draws the first pixel as often as the model says', async () => {
    // The first pixel depends on nothing earlier: its values in n samples are one multinomial draw.
    const n = 300
    const blank = tensor(new Float64Array(32 * 16), [32, 1, 4, 4])
    for (let value = 0; value < 32; value++) blank.data[value * 16] = value
    const condition = tensor(Float64Array.of(0.3, -1, 0.5), [3])
    const { feature } = await conditional.logProb(blank, { condition })
    const samples = await conditional.sample(n, { seed: 1, condition })
    const counts = new Float64Array(32)
    for (let row = 0; row < n; row++) counts[samples.get(row, 0, 0, 0)]! += 1
    let chi2 = 0
    let cells = 0
    for (let value = 0; value < 32; value++) {
      const expected = n * Math.exp(feature.data[value * 16]!)
      if (expected <= 1) continue
      chi2 += (counts[value]! - expected) ** 2 / expected
      cells += 1
    }
    expect(cells).toBeGreaterThan(10)
    // At most 31 degrees of freedom: 61 is the 0.999 quantile; the seed is fixed.
    expect(chi2).toBeLessThan(61)
  })

  it('follows its conditions: they are repeated in turn', async () => {
    const condition = tensor(Float64Array.of(0, 0, 0, 3, -3, 3), [2, 3])
    const x = await conditional.sample(4, { seed: 1, condition })
    const first = await conditional.sample(4, { seed: 1, condition: sliceRows(condition, 0, 1) })
    const second = await conditional.sample(4, { seed: 1, condition: sliceRows(condition, 1, 2) })
    const rows = (y: typeof x, ...indices: number[]) => takeRows(y, indices).data
    expect(rows(x, 0, 2)).toEqual(rows(first, 0, 2))
    expect(rows(x, 1, 3)).toEqual(rows(second, 1, 3))
    expect(rows(first, 1)).not.toEqual(rows(second, 1))
  })

  it('counts pixels and stops on request', async () => {
    const seen: number[] = []
    await color.sample(2, {
      onProgress: ({ done, total, label }) => seen.push(done / total) && expect(label).toBe('sample'),
    })
    expect(seen.length).toBe(24)
    expect(seen.at(-1)).toBe(1)
    const stop = new AbortController()
    const stopped = color.sample(2, { signal: stop.signal, onProgress: () => stop.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect((await color.sample(0)).shape).toEqual([0, 3, 4, 6])
  })

  it('refuses what does not fit', async () => {
    await expect(gray.sample(-1)).rejects.toThrow('sample: expected 0 or a positive integer, got -1')
    await expect(gray.sample(1, { start: 'zeros' as 'noise' })).rejects.toThrow(
      'sample start: expected guess or noise, got zeros',
    )
    await expect(conditional.sample(1)).rejects.toThrow(
      'sample condition: expected a tensor of shape [K, 3], got undefined',
    )
    const two = tensor(new Float32Array(6), [2, 3])
    await expect(conditional.sample(3, { condition: two })).rejects.toThrow(
      'sample: expected a multiple of the 2 conditions, got 3',
    )
    await expect(gray.sample(2, { condition: two })).rejects.toThrow('sample condition: expected none')
  })

  it('works under a bound condition', async () => {
    const condition = tensor(Float64Array.of(1, 0, -1), [3])
    const bound = bindCondition(conditional, condition)
    const x = await bound.sample(2, { seed: 4 })
    expect(x).toEqual(await conditional.sample(2, { seed: 4, condition }))
    expect(await bound.logProb(x)).toEqual(await conditional.logProb(x, { condition }))
    expect(await bound.bitsPerDim(x)).toEqual(await conditional.bitsPerDim(x, { condition }))
    expect(await bound.params(x)).toEqual(await conditional.params(x, { condition }))
    expect(bound.conditionShape).toBeUndefined()
    expect(() => bindCondition(gray, condition)).toThrow(
      'bindCondition: expected a model with a condition, got tiny-gray',
    )
    expect(() => bindCondition(conditional, tensor(new Float32Array(6), [2, 3]))).toThrow(
      'bindCondition condition: expected shape [3] or [1, 3], got [2, 3]',
    )
  })
})
