// Normal bundles: golden matrix, analytic models, both row conventions, reproducibility, errors.
import { type ScoreModel, sliceRows, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GramSum, singularValues } from '../../src/diffusion/normal-bundle.ts'
import { lidCurve, normalBundle, normalBundleDimension, normalBundleGap } from '../../src/index.ts'
import { vector } from '../vectors.ts'
import { gaussian, ve, vp } from './models.ts'

interface Vectors {
  score_matrix: number[][]
  singular_values: number[]
  rows: { log_tau: number | null; lid: number }[]
}

const golden = vector<Vectors>('normal_bundle')
const origin = (d: number) => tensor(new Float64Array(d), [1, d])

describe('normal bundle', () => {
  it('counts the golden singular values', () => {
    const sum = new GramSum(3)
    for (const scores of golden.score_matrix) sum.add(Float64Array.from(scores))
    const values = tensor(singularValues(sum.sum(), 3), [1, 3])
    // Squaring: the smallest, 0.0125, comes from an eigenvalue of 1.6e-4 with absolute error of about 20 eps.
    golden.singular_values.forEach((value, i) => {
      expect(values.get(0, i)).toBeCloseTo(value, 11)
    })
    for (const { log_tau: scale, lid } of golden.rows)
      expect(scale === null ? normalBundleGap(values)[0] : normalBundleDimension(values, scale)[0]).toBe(lid)
  })

  it('finds the 4 tangent directions of the published test by the largest gap', async () => {
    const model = gaussian(ve(), [0, 0, 0, 0, 0, 0], [8, 5, 9, 4, 1e-8, 1e-8])
    const artifact = await normalBundle(model, { level: { t: 1e-4 }, scores: 24 }).prepare(origin(6), { seed: 1 })
    expect(normalBundleGap(artifact)[0]).toBe(4)
  })

  it('has singular values near √K / (noised standard deviation of the direction)', async () => {
    const sde = vp()
    const variances = [4, 1, 1e-8, 0.01]
    const t = 0.01
    const estimator = normalBundle(gaussian(sde, [0, 0, 0, 0], variances), { level: { t }, scores: 4000 })
    const artifact = await estimator.prepare(origin(4), { seed: 2 })
    // At the mean the copies spread by sigma only, so a score has standard deviation sigma / (mu² c + sigma²).
    const [mu, sigma] = [sde.mean(t), sde.standardDeviation(t)]
    const want = variances.map((c) => (Math.sqrt(4000) * sigma) / (mu * mu * c + sigma * sigma)).sort((a, b) => b - a)
    want.forEach((value, i) => {
      // The relative error of a standard deviation from 4000 normals is 0.011.
      expect(Math.abs(artifact.get(0, i) / value - 1)).toBeLessThan(0.06)
    })
    // √4000 / 0.0446 = 1417 for the direction without data, 1236 / 6 for the one of 0.1: e^{-2s} between them at s = -3.2.
    expect(estimator.lid(artifact, -3.2)[0]).toBe(3)
  })

  it('falls from D to 0 with the scale, whatever the model', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -12, max: 4, noNaN: true }), { minLength: 1, maxLength: 5 }),
        fc.integer(),
        async (logs, seed) => {
          const d = logs.length
          const estimator = normalBundle(gaussian(vp(), new Float64Array(d), logs.map(Math.exp)))
          const artifact = await estimator.prepare(origin(d), { seed })
          expect(artifact.shape).toEqual([1, d])
          const curve = lidCurve(estimator, artifact, [-50, -6, -4, -2, 0, 2, 50]).data
          expect([curve[0], curve[6]]).toEqual([d, 0])
          for (let j = 1; j < 7; j++) expect(curve[j]).toBeLessThanOrEqual(curve[j - 1]!)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('takes reverse drifts for rows as the older code does', async () => {
    const sde = vp()
    const options = { level: { t: 0.01 }, rows: 'reverseDrift' } as const
    // With data N(0, I) the score is -x, so a row is (g² - beta / 2) x_eps = beta / 2 x_eps.
    const model = gaussian(sde, [0, 0, 0], [1, 1, 1])
    const drifts = await normalBundle(model, options).prepare(origin(3), { seed: 9 })
    const scores = await normalBundle(model, { level: { t: 0.01 } }).prepare(origin(3), { seed: 9 })
    for (let i = 0; i < 3; i++) expect(drifts.get(0, i)).toBeCloseTo((sde.beta(0.01) / 2) * scores.get(0, i), 10)
  })

  it('has the same copies of a point in any batch, from its key alone', async () => {
    const d = 5
    const x = tensor(
      Float64Array.from({ length: 3 * d }, (_, i) => Math.sin(i)),
      [3, d],
    )
    const estimator = normalBundle(gaussian(vp(), new Float64Array(d), [1, 1, 0.1, 0.1, 0]), { scores: 600 })
    const whole = await estimator.prepare(x, { seed: 1 })
    expect((await estimator.prepare(x, { seed: 1, batchSize: 7 })).data).toEqual(whole.data)
    const last = await estimator.prepare(sliceRows(x, 2, 3), { seed: 1, rows: [2] })
    expect([...last.data]).toEqual([...whole.data.subarray(2 * d)])
    expect((await estimator.prepare(x, { seed: 2 })).get(0, 0)).not.toBe(whole.get(0, 0))
  })

  it('keeps float32 scores as they are and sums them in float64', () => {
    const sum = new GramSum(2)
    // 300 rows in portions that cross the blocks; their squares differ by 2^-40 relative, which float32 would lose.
    const big = Float32Array.of(2 ** 10, 0)
    const small = Float32Array.of(2 ** -10, 2 ** -10)
    sum.add(big)
    for (let i = 0; i < 299; i++) sum.add(small)
    expect([...sum.sum()]).toEqual([2 ** 20 + 299 * 2 ** -20, 299 * 2 ** -20, 299 * 2 ** -20, 299 * 2 ** -20])
  })

  it('reports progress, stops within a batch, and refuses bad input', async () => {
    const stop = new AbortController()
    const base = gaussian(vp(), [0, 0], [1, 0])
    const stopping: ScoreModel = {
      ...base,
      score: (x, t) => {
        stop.abort()
        return base.score(x, t)
      },
    }
    base.calls.score = 0
    const long = normalBundle(stopping, { scores: 1000 }).prepare(origin(2), { signal: stop.signal, batchSize: 10 })
    await expect(long).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(base.calls.score).toBe(1)
    const seen: string[] = []
    const two = tensor(new Float64Array(4), [2, 2])
    await normalBundle(base).prepare(two, { onProgress: (p) => seen.push(`${p.label} ${p.done}/${p.total}`) })
    expect(seen).toEqual(['normal bundle 1/2', 'normal bundle 2/2'])
    expect(() => normalBundle(base, { scores: 0 })).toThrow('normalBundle scores')
    await expect(normalBundle(base).prepare(origin(3))).rejects.toThrow('shape [N, 2]')
    await expect(normalBundle(base, { level: { t: 0 } }).prepare(two)).rejects.toThrow('a time with noise')
    await expect(normalBundle(base).prepare(two, { rows: [1] })).rejects.toThrow('2 keys')
    const broken = { ...base, score: async () => tensor(new Float64Array(2).fill(Number.NaN), [1, 2]) }
    await expect(normalBundle(broken).prepare(origin(2), { batchSize: 1 })).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
    })
    expect((await normalBundle(base).prepare(tensor(new Float64Array(0), [0, 2]))).shape).toEqual([0, 2])
    expect(() => normalBundleDimension(tensor(new Float64Array(2), [1, 2]), Number.NaN)).toThrow('normalBundle scale')
    expect([...normalBundleGap(tensor(Float64Array.of(3), [1, 1]))]).toEqual([0])
  })
})
