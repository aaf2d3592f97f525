// Analytic score models: derivatives by finite differences, densities by the normal law, and one model as another.
import { normals, random, tensor } from '@ood/core'
import {
  type AnalyticScoreModel,
  affineManifoldScore,
  gaussianMixtureScore,
  gaussianScore,
  pointMassScore,
  subVp,
  ve,
  vp,
} from '@ood/models-diffusion'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const models: [string, AnalyticScoreModel][] = [
  ['gaussian', gaussianScore([1, -2, 0.5], [1, 0.3, 0, 0.3, 2, 0, 0, 0, 0.2])],
  ['singular gaussian', gaussianScore([0, 0, 0], [1, 0.25, 0])],
  [
    'mixture',
    gaussianMixtureScore(
      [
        { weight: 2, mean: [1, 0, 0], covariance: [0.5, 0.1, 1] },
        { weight: 1, mean: [-1, 1, 0], covariance: [1, 0.2, 0.1, 0.2, 1, 0, 0.1, 0, 0.4] },
      ],
      subVp(),
    ),
  ],
  ['affine', affineManifoldScore({ offset: [1, 1, 0], basis: [0.6, 0.8, 0], variance: 2 }, ve())],
  ['points', pointMassScore([0, 0, 0, 1, 0, 0, 0, 2, 1], 3)],
]
const x = tensor(normals(random(8), 12), [4, 3])
const v = tensor(normals(random(9), 24), [2, 4, 3])

describe.each(models)('%s', (_, model) => {
  it.each([0.3, 0.7])('score is the gradient of logDensity, t = %s', async (t) => {
    const { data } = await model.score(x, t)
    const h = 1e-5
    for (let i = 0; i < 12; i++) {
      const at = (shift: number) => {
        const moved = Float64Array.from(x.data)
        moved[i]! += shift
        return model.logDensity(tensor(moved, [4, 3]), t)[Math.floor(i / 3)]!
      }
      const slope = (at(h) - at(-h)) / (2 * h)
      // Central differences: eps |log p| / h about 1e-9, h² f''' smaller.
      expect(Math.abs(data[i]! - slope)).toBeLessThan(1e-6 * (1 + Math.abs(slope)))
    }
  })

  it('jvp and trace are the derivative of the score', async () => {
    const t = 0.4
    const h = 1e-5
    const { value, tangent } = await model.jvp(x, t, v)
    expect([...value.data]).toEqual([...(await model.score(x, t)).data])
    for (let k = 0; k < 2; k++) {
      const moved = (sign: number) =>
        tensor(
          Float64Array.from(x.data, (value, i) => value + sign * h * v.data[k * 12 + i]!),
          [4, 3],
        )
      const up = (await model.score(moved(1), t)).data
      const down = (await model.score(moved(-1), t)).data
      for (let i = 0; i < 12; i++) {
        const slope = (up[i]! - down[i]!) / (2 * h)
        expect(Math.abs(tangent.data[k * 12 + i]! - slope)).toBeLessThan(1e-6 * (1 + Math.abs(slope)))
      }
    }
    const units = new Float64Array(36)
    for (let k = 0; k < 3; k++) for (let row = 0; row < 4; row++) units[(k * 4 + row) * 3 + k] = 1
    const full = (await model.jvp(x, t, tensor(units, [3, 4, 3]))).tangent.data
    const { divergence, score } = await model.divergence(x, t, { method: 'exact' })
    expect([...score.data]).toEqual([...value.data])
    for (let row = 0; row < 4; row++) {
      const trace = [0, 1, 2].reduce((sum, k) => sum + full[(k * 4 + row) * 3 + k]!, 0)
      expect(Math.abs(divergence[row]! - trace)).toBeLessThan(1e-10 * (1 + Math.abs(trace)))
    }
  })

  it('takes a time for each row, and the scaled score is sigma times the score', async () => {
    const times = [0.2, 0.9, 0.2, 0.5]
    const all = await model.score(x, times)
    const scaled = await model.scaledScore(x, times)
    for (let row = 0; row < 4; row++) {
      const one = tensor(Float64Array.from(x.data.subarray(row * 3, row * 3 + 3)), [1, 3])
      const alone = await model.score(one, times[row]!)
      expect([...all.data.subarray(row * 3, row * 3 + 3)]).toEqual([...alone.data])
      const sigma = model.sde.standardDeviation(times[row]!)
      for (let i = row * 3; i < row * 3 + 3; i++) expect(scaled.data[i]).toBe(all.data[i]! * sigma)
    }
  })
})

describe('analytic models', () => {
  it('logDensity of one Gaussian is the normal law', () => {
    const sde = vp()
    const t = 0.2
    const model = gaussianScore([0.5], [4], sde)
    const variance = sde.mean(t) ** 2 * 4 + sde.standardDeviation(t) ** 2
    const gap = 1.5 - sde.mean(t) * 0.5
    const want = -0.5 * (gap ** 2 / variance + Math.log(2 * Math.PI * variance))
    expect(Math.abs(model.logDensity(tensor(Float64Array.of(1.5), [1, 1]), t)[0]! - want)).toBeLessThan(1e-12)
  })

  it('are one another: a mixture of equals, a subspace and points as Gaussians', async () => {
    const single = gaussianScore([1, 2], [1, 0.5])
    const part = { mean: [1, 2], covariance: [1, 0.5] }
    const twice = gaussianMixtureScore([
      { weight: 1, ...part },
      { weight: 3, ...part },
    ])
    const at = tensor(Float64Array.of(0.3, -1), [1, 2])
    expect(twice.logDensity(at, 0.1)[0]).toBeCloseTo(single.logDensity(at, 0.1)[0]!, 12)
    const subspace = affineManifoldScore({ offset: [0, 1], basis: [0, 1], variance: 0.5 })
    const flat = gaussianScore([0, 1], [0, 0.5])
    expect(subspace.logDensity(at, 0.01)[0]).toBeCloseTo(flat.logDensity(at, 0.01)[0]!, 9)
    expect((await subspace.score(at, 0.01)).data[1]).toBeCloseTo((await flat.score(at, 0.01)).data[1]!, 10)
    const point = pointMassScore([0, 1], 2)
    expect(point.logDensity(at, 0.5)[0]).toBeCloseTo(gaussianScore([0, 1], [0, 0]).logDensity(at, 0.5)[0]!, 12)
  })

  it('stay finite far from the data, where every component underflows', async () => {
    const model = pointMassScore([0, 0, 1, 1], 2)
    const far = tensor(Float64Array.of(1e3, -1e3), [1, 2])
    const { score, divergence } = await model.divergence(far, 1e-4, { method: 'exact' })
    for (const value of [...score.data, ...divergence]) expect(Number.isFinite(value)).toBe(true)
  })

  it('any D x D covariance AAᵀ has divergence -tr(mu² C + sigma²)^-1 below 0', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 9, maxLength: 9 }),
        async (A) => {
          const C = Array.from({ length: 9 }, (_, k) =>
            [0, 1, 2].reduce((sum, j) => sum + A[Math.floor(k / 3) * 3 + j]! * A[(k % 3) * 3 + j]!, 0),
          )
          const { divergence } = await gaussianScore([0, 0, 0], C).divergence(x, 0.3, { method: 'exact' })
          for (const value of divergence) expect(value).toBeLessThan(0)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('say what is wrong', async () => {
    const model = gaussianScore([0, 0], [1, 1])
    expect(() => gaussianScore([0, 0], [1, 1, 1])).toThrow('covariance: expected 2 or 4 numbers, got 3')
    expect(() => gaussianScore([0, 0], [1, -1])).toThrow('variance: expected a number >= 0, got -1')
    expect(() => gaussianScore([0, Number.NaN], [1, 1])).toThrow('finite numbers')
    expect(() => gaussianScore([0, 0], [1, Number.NaN])).toThrow('finite numbers')
    expect(() => gaussianMixtureScore([])).toThrow('at least one component, got none')
    expect(() => gaussianMixtureScore([{ weight: 0, mean: [0], covariance: [1] }])).toThrow('weight')
    expect(() => affineManifoldScore({ offset: [0, 0], basis: [1, 1] })).toThrow('orthonormal rows')
    expect(() => affineManifoldScore({ offset: [0, 0], basis: [1, 0, 1] })).toThrow('k x 2 numbers, got 3')
    expect(() => affineManifoldScore({ offset: [0, 0], basis: [1, 0], variance: [-1] })).toThrow('variance')
    expect(() => pointMassScore([1, 2, 3], 2)).toThrow('M x 2 numbers, got 3')
    expect(() => gaussianScore([0, 0], [1, 1], vp(), { dataShape: [3] })).toThrow('sizes with product 2')
    const row = tensor(new Float64Array(2), [1, 2])
    await expect(model.score(row, -1)).rejects.toThrow('score t: expected a time >= 0, got -1')
    await expect(model.score(row, 0)).rejects.toThrow('a time with sigma > 0, got 0')
    await expect(model.score(row, [0.1, 0.2])).rejects.toThrow('1 times, one a row, got 2')
    await expect(model.score(tensor(new Float64Array(3), [1, 3]), 0.1)).rejects.toThrow('shape [N, 2]')
    await expect(model.score(tensor(Float64Array.of(Number.NaN, 0), [1, 2]), 0.1)).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
    })
    await expect(model.jvp(row, 0.1, row)).rejects.toThrow('jvp tangents')
  })
})
