// Closed-form diffusion: golden vectors, equality with FLIPD of the point-mass mixture, published tests, options.
import { normals, random, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { cfdm, flipd, lidCurve, scoreNorm } from '../../src/index.ts'
import { number, vector } from '../vectors.ts'
import { gaussian, mixture, vp } from './models.ts'

interface Vectors {
  data: number[][]
  queries: number[][]
  rows: {
    t: number
    tau: number
    lid: (number | string)[]
    lid_knn3: (number | string)[]
    lid_distance_threshold_1: (number | string)[]
  }[]
}

const golden = vector<Vectors>('cfdm')
const table = (rows: readonly number[][]) => tensor(Float64Array.from(rows.flat()), [rows.length, rows[0]!.length])

describe('cfdm', () => {
  it('meets the golden vectors, exploding rows included', async () => {
    const data = table(golden.data)
    const queries = table(golden.queries)
    const variants = [
      ['lid', cfdm(data)],
      ['lid_knn3', cfdm(data, { neighbours: 3 })],
      ['lid_distance_threshold_1', cfdm(data, { distanceThreshold: 1 })],
    ] as const
    for (const [key, estimator] of variants) {
      const artifact = await estimator.prepare(queries)
      for (const { t, tau, [key]: want } of golden.rows) {
        // tau of the file is 2 v; at t = 1 it is e^{10.05}.
        const lid = estimator.lid(artifact, 0.5 * Math.log(tau / 2))
        want.forEach((value, i) => {
          const size = Math.max(1, Math.abs(number(value)))
          // The logarithm costs a few eps, which the softmax multiplies by d² / tau, at most 2e4 here.
          expect(Math.abs(lid[i]! - number(value)), `${key} t ${t} query ${i}`).toBeLessThan(1e-9 * size)
        })
      }
    }
  })

  it('is exactly FLIPD of the mixture of point masses', async () => {
    const rng = random(7)
    const points = tensor(normals(rng, 12 * 3), [12, 3])
    const queries = tensor(normals(rng, 5 * 3), [5, 3])
    const sde = vp()
    const components = Array.from({ length: 12 }, (_, i) => ({
      mean: points.data.slice(i * 3, i * 3 + 3),
      cov: [0, 0, 0],
    }))
    const model = flipd(mixture(sde, components))
    const estimator = cfdm(points)
    const artifact = await estimator.prepare(queries)
    for (const t of [0.05, 0.1, 0.3, 0.8]) {
      const { lid, scale } = await model.at(queries, { t })
      const closed = estimator.lid(artifact, scale)
      lid.forEach((value, i) => {
        // FLIPD subtracts terms of the size of d² / v, up to 1e3 here: 1e-10 relative.
        expect(Math.abs(value - closed[i]!)).toBeLessThan(1e-8)
      })
    }
  })

  it.each([
    { narrow: 8, wide: 2, tolerance: 0.1, seed: 42 },
    { narrow: 8, wide: 3, tolerance: 0.2, seed: 100 },
    { narrow: 3, wide: 3, tolerance: 0.2, seed: 111 },
  ])(
    'meets the published test: $wide wide axes beside $narrow narrow ones',
    async ({ narrow, wide, tolerance, seed }) => {
      // As published, 10 000 points with standard deviations 1e-6 and 1 and the best of ten scales, on 100 queries.
      const d = narrow + wide
      const rng = random(seed)
      const data = new Float64Array(10_000 * d)
      for (let i = 0; i < data.length; i++) data[i] = (i % d < narrow ? 1e-6 : 1) * rng.normal()
      const estimator = cfdm(tensor(data, [10_000, d]))
      const queries = tensor(data.slice(0, 100 * d), [100, d])
      const artifact = await estimator.prepare(queries)
      const sde = vp()
      const means = Array.from({ length: 10 }, (_, j) => {
        const lid = estimator.lid(artifact, Math.log(sde.noiseToSignal(0.01 + 0.02 * j)))
        return lid.reduce((sum, value) => sum + value / 100, 0)
      })
      expect(Math.abs(Math.max(...means) - wide)).toBeLessThan(tolerance)
    },
  )

  it('leaves equal points out when told, so that stored points see their neighbours', async () => {
    const data = table([
      [0, 0],
      [1, 0],
      [0, 1],
    ])
    const query = table([[0, 0]])
    const all = cfdm(data)
    expect(all.lid(await all.prepare(query), -3)[0]).toBeLessThan(1e-20)
    const others = cfdm(data, { skipEqual: true, neighbours: 2 })
    // Two points at distance 1: d² / v whatever the weights.
    expect(others.lid(await others.prepare(query), -1)[0]).toBeCloseTo(Math.exp(2), 12)
    const none = cfdm(data, { skipEqual: true, distanceThreshold: 0.5 })
    expect(none.lid(await none.prepare(query), 0)[0]).toBeNaN()
  })

  it('keeps its head at any scale, falls to 0, and refuses bad input', async () => {
    const data = tensor(normals(random(1), 40), [20, 2])
    const estimator = cfdm(data, { neighbours: 100 })
    const artifact = await estimator.prepare(tensor(Float64Array.of(5, 5), [1, 2]))
    expect(artifact.shape).toEqual([1, 20])
    const curve = lidCurve(estimator, artifact, [-300, -20, 0, 5, 300]).data
    expect(curve.every(Number.isFinite)).toBe(true)
    expect(curve[4]).toBeCloseTo(0, 12)
    expect(() => cfdm(tensor(new Float64Array(0), [0, 2]))).toThrow('cfdm data: expected at least one point')
    expect(() => cfdm(data, { neighbours: 0 })).toThrow('cfdm neighbours')
    expect(() => cfdm(data, { distanceThreshold: 0 })).toThrow('cfdm distanceThreshold')
    expect(() => estimator.lid(artifact, Number.NaN)).toThrow('cfdm scale')
    await expect(estimator.prepare(tensor(new Float64Array(3), [1, 3]))).rejects.toThrow('rows of 2 numbers')
    await expect(
      estimator.prepare(tensor(new Float64Array(2), [1, 2]), { signal: AbortSignal.abort() }),
    ).rejects.toThrow('stopped by the caller')
    expect((await estimator.prepare(tensor(new Float64Array(0), [0, 2]))).shape).toEqual([0, 20])
  })
})

describe('scoreNorm', () => {
  it('is the length of sigma s, from the network itself where the model gives it', async () => {
    const sde = vp()
    const model = gaussian(sde, [0, 0], [1, 0])
    const x = table([
      [0.3, 0.01],
      [0, 0],
    ])
    const t = 0.01
    const [mu, sigma] = [sde.mean(t), sde.standardDeviation(t)]
    const want = sigma * Math.hypot(0.3 / (mu * mu + sigma * sigma), 0.01 / sigma ** 2)
    const norms = await scoreNorm(model, x, { level: { t }, batchSize: 1 })
    expect(norms[0]).toBeCloseTo(want, 12)
    expect(norms[1]).toBe(0)
    const scaledScore = async () => tensor(Float64Array.of(3, 4, 0, 1), [2, 2])
    expect([...(await scoreNorm({ ...model, scaledScore }, x))]).toEqual([5, 1])
    // By default at t = 1e-5: sigma = 0.0010005.
    expect((await scoreNorm(model, x))[0]).toBeCloseTo(Math.hypot(0.01 / 1.0005e-3, 0.3e-3), 2)
    await expect(scoreNorm(model, x, { level: { t: 0 } })).rejects.toThrow('scoreNorm t')
    await expect(scoreNorm(model, table([[1]]))).rejects.toThrow('shape [N, 2]')
  })
})
