// Likelihoods, spaces, seeds and samples of flows: closed forms on a linear flow, invariants on the tiny ones.
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { concatRows, flatData, type NdArray, normals, random, sliceRows, takeRows, tensor } from '@ood/core'
import { type Flow, openFlow } from '@ood/models-flow'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Linear, linear, linearFlow } from './linear-flow.ts'

const tiny = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
/** Byte images [n, 1, 8, 8] that use the whole range. */
function images(n: number, seed = 1): NdArray<Float32Array> {
  const rng = random(seed)
  return tensor(
    Float32Array.from({ length: n * 64 }, () => rng.integer(256)),
    [n, 1, 8, 8],
  )
}

describe('a linear flow x = A z + b', () => {
  const map: Linear = linear(
    [
      [2, 0.5, 0],
      [0, 0.25, 0.3],
      [0.1, 0, 1],
    ],
    [1, -2, 0.5],
  )
  let folder: string
  let flow: Flow
  beforeAll(async () => {
    folder = await linearFlow(map)
    flow = await openFlow(folder, { workers: 0 })
  })
  afterAll(async () => {
    await flow.release()
    rmSync(folder, { recursive: true })
  })

  it('has the density N(b, A Aᵀ)', async () => {
    const x = tensor(Float32Array.of(1, -1.5, 0.25, 3, 0, -2, 1, -2, 0.5), [3, 3])
    const { instance } = await flow.logProb(x)
    for (let row = 0; row < 3; row++) {
      const c = [0, 1, 2].map((i) => x.get(row, i) - map.b[i]!)
      const z = map.inverse.map((r) => r.reduce((sum, v, j) => sum + v * c[j]!, 0))
      const expected = -0.5 * z.reduce((s, v) => s + v * v, 0) - 1.5 * Math.log(2 * Math.PI) - map.logDet
      // float32 latents of size about 10: 1e-6 relative.
      expect(instance[row]).toBeCloseTo(expected, 4)
    }
  })

  it('has the Jacobian A everywhere', async () => {
    const J = await flow.decoder.jacobian(tensor(Float32Array.of(0.3, -1.2, 0.7), [1, 3]))
    expect(J.shape).toEqual([3, 3])
    expect(Array.from(flatData(J))).toEqual(map.A.flat().map(Math.fround))
  })

  it('has the metric AᵀA in tridiagonal form: trace, determinant and quadratic form agree', async () => {
    const z = tensor(Float32Array.of(0.3, -1.2, 0.7, 0, 0, 1), [2, 3])
    const { diagonal, offDiagonal, rotated } = await flow.decoder.tridiagonalMetric(z)
    expect([diagonal.shape, offDiagonal.shape, rotated.shape]).toEqual([
      [2, 3],
      [2, 2],
      [2, 3],
    ])
    for (let row = 0; row < 2; row++) {
      const [d0, d1, d2] = [0, 1, 2].map((i) => diagonal.get(row, i)) as [number, number, number]
      const [e0, e1] = [0, 1].map((i) => offDiagonal.get(row, i)) as [number, number]
      const [r0, r1, r2] = [0, 1, 2].map((i) => rotated.get(row, i)) as [number, number, number]
      // A is rounded to float32, everything after it is float64: 1e-6 relative.
      expect(d0 + d1 + d2).toBeCloseTo(
        map.A.flat().reduce((s, v) => s + v * v, 0),
        5,
      )
      expect(d0 * d1 * d2 - d0 * e1 * e1 - d2 * e0 * e0).toBeCloseTo(Math.exp(2 * map.logDet), 5)
      const Az = map.A.map((r) => r.reduce((s, v, j) => s + v * z.get(row, j), 0))
      const form = d0 * r0 * r0 + d1 * r1 * r1 + d2 * r2 * r2 + 2 * (e0 * r0 * r1 + e1 * r1 * r2)
      expect(form).toBeCloseTo(
        Az.reduce((s, v) => s + v * v, 0),
        5,
      )
    }
  })

  it('inverts exactly up to rounding', async () => {
    const x = tensor(Float32Array.from(normals(random(3), 30)), [10, 3])
    const report = await flow.invertibilityReport(x)
    expect(report.data.max).toBeLessThan(1e-5)
    expect(report.latent.max).toBeLessThan(1e-4)
    expect(report.data.mean).toBeLessThanOrEqual(report.data.max)
  })

  it('samples N(b, A Aᵀ)', async () => {
    const n = 20000
    const x = await flow.sample(n, { seed: 5 })
    const rows = flatData(x)
    for (let i = 0; i < 3; i++) {
      const variance = map.A[i]!.reduce((s, v) => s + v * v, 0)
      let mean = 0
      let square = 0
      for (let row = 0; row < n; row++) mean += rows[row * 3 + i]! / n
      for (let row = 0; row < n; row++) square += (rows[row * 3 + i]! - mean) ** 2 / n
      // Five standard errors: sd sqrt(1/n) for the mean, sqrt(2/n) relative for the variance.
      expect(Math.abs(mean - map.b[i]!)).toBeLessThan(5 * Math.sqrt(variance / n))
      expect(Math.abs(square / variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n))
    }
    const still = await flow.sample(2, { temperature: 0 })
    expect(Array.from(flatData(still))).toEqual([...map.b, ...map.b])
  })
})

describe('densities per pixel', () => {
  it('an identity flow of k + u over 256 levels: bits/dim by hand', async () => {
    // p(y) = N(y; 0, 1) with y = (k + u) / 256, so bits/dim = -(log N(y) - D ln 256) / (D ln 2).
    const folder = await linearFlow(linear([[1]], [0]), [{ name: 'dequantize', levels: 256 }])
    const flow = await openFlow(folder, { workers: 0 })
    const x = tensor(Float32Array.of(0, 100, 255), [3, 1])
    const y = flatData(await flow.preprocess(x, { seed: 4 }))
    const bits = await flow.bitsPerDim(x, { seed: 4 })
    const pixel = (await flow.logProb(x, { seed: 4 })).instance
    const model = (await flow.logProb(x, { seed: 4, space: 'model' })).instance
    for (let i = 0; i < 3; i++) {
      const k = x.get(i, 0)
      expect(y[i]! * 256 - k).toBeGreaterThanOrEqual(0)
      expect(y[i]! * 256 - k).toBeLessThan(1)
      const logNormal = -0.5 * y[i]! ** 2 - 0.5 * Math.log(2 * Math.PI)
      expect(model[i]).toBeCloseTo(logNormal, 6)
      expect(pixel[i]).toBeCloseTo(logNormal - Math.log(256), 6)
      expect(bits[i]).toBeCloseTo(-(logNormal - Math.log(256)) / Math.LN2, 6)
    }
    await flow.release()
    rmSync(folder, { recursive: true })
  })

  it('exp(pixel log-density) summed over all bytes is the mass on [0, 256)', async () => {
    // Density at cell midpoints times cell width 1 is a Riemann sum of N(y; 0.5, 0.2²) over y in [0, 1):
    // Φ(2.5) - Φ(-2.5) = 0.98758; the midpoint rule's error is (1/256)² p'' / 24 < 1e-5.
    const folder = await linearFlow(linear([[0.2]], [0.5]), [
      { name: 'uniform-noise', levels: 256 },
      { name: 'scale', levels: 256, range: [0, 1] },
    ])
    const flow = await openFlow(folder, { workers: 0 })
    const midpoints = Float32Array.from({ length: 256 }, (_, k) => (k + 0.5) / 256)
    const { instance } = await flow.logProb(tensor(midpoints, [256, 1]), { input: 'model' })
    const mass = instance.reduce((sum, nats) => sum + Math.exp(nats - Math.log(256)), 0)
    expect(mass).toBeCloseTo(0.987581, 5)
    await flow.release()
    rmSync(folder, { recursive: true })
  })
})

describe.each(['tiny-affine', 'tiny-rqs'])('%s', (name) => {
  let flow: Flow
  const x = images(7)
  beforeAll(async () => {
    flow = await openFlow(tiny(name), { workers: 0 })
  })
  afterAll(() => flow.release())

  it('reports its sizes', () => {
    expect([flow.dataShape, flow.dimension, flow.manifest.name]).toEqual([[1, 8, 8], 64, name])
    expect([flow.decoder.inputShape, flow.decoder.outputShape]).toEqual([[64], [1, 8, 8]])
  })

  it('log p in pixels is log p in model space plus the log-determinant of logit and dequantisation', async () => {
    const options = { seed: 9 }
    const pixel = (await flow.logProb(x, options)).instance
    const model = (await flow.logProb(x, { ...options, space: 'model' })).instance
    const again = (await flow.logProb(await flow.preprocess(x, options), { input: 'model' })).instance
    expect(again).toEqual(model)
    const v = flatData(await flow.preprocess(x, options))
    for (let row = 0; row < 7; row++) {
      // From v back to p: p = (1 + eps) sigmoid(v), dv/dk = 0.95 / 256 * (1 + eps) / (p (1 - p + eps)).
      let logDet = 0
      for (let i = row * 64; i < row * 64 + 64; i++) {
        const p = (1 + 1e-6) / (1 + Math.exp(-v[i]!))
        logDet += Math.log(((0.95 / 256) * (1 + 1e-6)) / (p * (1 - p + 1e-6)))
      }
      // v is float32, so p near 1 loses digits of 1 - p: about 1e-5 a pixel.
      expect(Math.abs(pixel[row]! - model[row]! - logDet)).toBeLessThan(5e-3)
    }
    const bits = await flow.bitsPerDim(x, options)
    expect(Array.from(bits)).toEqual(Array.from(pixel, (nats) => -nats / (64 * Math.LN2)))
  })

  it('gives a row the same bits in every batch size, order and company', async () => {
    const whole = (await flow.logProb(x, { seed: 2 })).instance
    for (const batchSize of [1, 2, 3, 7]) {
      const parts = (await flow.logProb(x, { seed: 2, batchSize })).instance
      expect(parts).toEqual(whole)
    }
    const order = [4, 0, 6, 2]
    const some = (await flow.logProb(takeRows(x, order), { seed: 2, rows: order })).instance
    expect(Array.from(some)).toEqual(order.map((row) => whole[row]))
  })

  it('draws other noise for another seed, the same for the same', async () => {
    const a = flatData(await flow.preprocess(x, { seed: 1 }))
    expect(flatData(await flow.preprocess(x, { seed: 1 }))).toEqual(a)
    expect(flatData(await flow.preprocess(x, { seed: 2 }))).not.toEqual(a)
    const twice = concatRows([sliceRows(x, 0, 1), sliceRows(x, 0, 1)])
    const both = flatData(await flow.preprocess(twice))
    expect(both.slice(0, 64)).not.toEqual(both.slice(64))
  })

  it('decode undoes encode: the bytes come back', async () => {
    const z = await flow.encode(x, { seed: 3 })
    expect(z.shape).toEqual([7, 64])
    const back = await flow.decode(z)
    expect(back.shape).toEqual(x.shape)
    // A dequantised value within rounding of the next byte may come back as that byte.
    const wrong = flatData(back).filter((byte, i) => byte !== x.data[i]).length
    expect(wrong).toBeLessThanOrEqual(2)
    const report = await flow.invertibilityReport(x, { seed: 3 })
    expect(report.data.max).toBeLessThan(1e-3)
    expect(report.latent.max).toBeLessThan(1e-3)
  })

  it('samples whole bytes; the first rows of a larger sample are the same', async () => {
    const few = await flow.sample(3, { seed: 8 })
    const many = await flow.sample(9, { seed: 8, batchSize: 4 })
    expect(few.shape).toEqual([3, 1, 8, 8])
    expect(flatData(sliceRows(many, 0, 3))).toEqual(flatData(few))
    for (const value of flatData(many)) expect(Number.isInteger(value) && value >= 0 && value <= 255).toBe(true)
    const model = await flow.sample(3, { seed: 8, space: 'model' })
    expect(flatData(model)).not.toEqual(flatData(few))
  })

  it('takes no rows at all', async () => {
    const none = images(0)
    expect((await flow.logProb(none)).instance).toEqual(new Float64Array(0))
    expect((await flow.encode(none)).shape).toEqual([0, 64])
    expect((await flow.sample(0)).shape).toEqual([0, 1, 8, 8])
    expect(await flow.invertibilityReport(none)).toEqual({
      data: { max: 0, mean: 0 },
      latent: { max: 0, mean: 0 },
      worstRow: 0,
    })
  })

  it('takes float64 and non-contiguous batches', async () => {
    const whole = (await flow.logProb(x)).instance
    const double = tensor(Float64Array.from(x.data), x.shape)
    expect((await flow.logProb(double)).instance).toEqual(whole)
    const flipped = x.step(-1)
    const rows = [6, 5, 4, 3, 2, 1, 0]
    expect((await flow.logProb(flipped, { rows })).instance).toEqual(whole.slice().reverse())
  })

  it('logProb stays finite over the whole byte range', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 64, maxLength: 64 }), async (bytes) => {
        const { instance } = await flow.logProb(tensor(Float32Array.from(bytes), [1, 1, 8, 8]))
        expect(Number.isFinite(instance[0])).toBe(true)
      }),
      { numRuns: 25, examples: [[new Array<number>(64).fill(0)], [new Array<number>(64).fill(255)]] },
    )
  })

  it('reports progress per batch and stops when told', async () => {
    const seen: number[] = []
    await flow.logProb(x, {
      batchSize: 3,
      onProgress: ({ done, total, label }) => seen.push(done, total, label.length),
    })
    expect(seen).toEqual([3, 7, 7, 6, 7, 7, 7, 7, 7])
    const stop = new AbortController()
    const running = flow.logProb(x, { batchSize: 1, signal: stop.signal, onProgress: () => stop.abort() })
    await expect(running).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  it('names what is wrong with its input', async () => {
    const bad = images(3)
    bad.set(2, 0, 1, 1, Number.NaN)
    await expect(flow.logProb(bad)).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
      message: 'logProb: expected finite numbers, got NaN in row 2 at position 9',
    })
    const bright = images(1)
    bright.set(0, 0, 0, 0, 256)
    await expect(flow.logProb(bright)).rejects.toThrow(
      'logProb: expected integers in [0, 255], got 256 in row 0 at position 0',
    )
    await expect(flow.logProb(tensor(new Float32Array(64), [1, 64]))).rejects.toMatchObject({
      code: 'E_SHAPE',
      message: 'logProb: expected shape [N, 1, 8, 8], got [1, 64]',
    })
    await expect(flow.decode(tensor(new Float32Array(32), [1, 32]))).rejects.toThrow('expected shape [N, 64]')
    const latent = tensor(new Float32Array(128).fill(Number.POSITIVE_INFINITY, 64, 65), [2, 64])
    await expect(flow.decode(latent)).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
      message: 'decode: expected finite numbers, got Infinity in row 1 at position 0',
    })
    await expect(flow.logProb(x, { space: 'logit' as 'model' })).rejects.toThrow('expected pixel or model, got logit')
    await expect(flow.logProb(x, { input: 'model', space: 'pixel' })).rejects.toThrow(
      'logProb space: expected model for rows that are already preprocessed, got pixel',
    )
    await expect(flow.logProb(x, { rows: [1] })).rejects.toThrow('logProb rows: expected 7 keys, one a row, got 1')
    await expect(flow.logProb(x, { batchSize: 0 })).rejects.toThrow('batchSize: expected a positive integer, got 0')
    await expect(flow.sample(-1)).rejects.toThrow('sample: expected 0 or a positive integer, got -1')
    await expect(flow.sample(1, { temperature: -1 })).rejects.toThrow('temperature: expected a number >= 0, got -1')
  })

  it('names the row whose latents overflow', async () => {
    const v = await flow.preprocess(images(3))
    v.data.fill(3e38, 64, 128)
    await expect(flow.encode(v, { input: 'model' })).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
      message: expect.stringMatching(/encode (latents|log-determinant): expected finite numbers, got .* in row 1 /),
    })
  })
})
