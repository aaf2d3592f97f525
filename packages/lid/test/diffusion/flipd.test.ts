// FLIPD against golden vectors, closed forms and finite differences; probes, batches, abort and errors.
import { concatRows, normals, random, type ScoreModel, sliceRows, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatCurves, flipd, lidCurve, sliceCurves } from '../../src/index.ts'
import { vector } from '../vectors.ts'
import { exactFlipd, gaussian, mixture, ve, vp } from './models.ts'

interface GaussianVectors {
  cases: {
    name: string
    mean: number[]
    cov: number[][]
    x: number[]
    rows: { t: number; flipd: number }[]
  }[]
}

const golden = vector<GaussianVectors>('flipd_gaussian')
const row = (x: readonly number[]) => tensor(Float64Array.from(x), [1, x.length])

describe('flipd on analytic models', () => {
  it('meets the golden Gaussians', async () => {
    for (const { name, mean, cov, x, rows } of golden.cases) {
      const estimator = flipd(gaussian(vp(), mean, cov))
      for (const { t, flipd: want } of rows) {
        const { lid, standardError } = await estimator.at(row(x), { t })
        // Two large terms cancel at small t: eps · D / sigma² is about 1e-10 relative to the answer's scale.
        expect(Math.abs(lid[0]! - want), `${name} at t = ${t}`).toBeLessThan(1e-7 * Math.max(1, Math.abs(want)))
        expect(standardError[0]).toBe(0)
      }
    }
  })

  it('is 1.9999798011 at the origin of a plane in four dimensions, t = 1e-4', async () => {
    const { lid } = await flipd(gaussian(vp(), [0, 0, 0, 0], [1, 1, 0, 0])).at(row([0, 0, 0, 0]), { t: 1e-4 })
    expect(lid[0]).toBeCloseTo(1.9999798011, 8)
  })

  it('is D + d log rho / d log delta of a mixture, by finite differences of its log-density', async () => {
    const parts = [
      { weight: 0.3, mean: [0, 1, -1], cov: [0.5, 0.01, 0.2] },
      { weight: 0.7, mean: [2, 0, 0.5], cov: [0.02, 1, 0.3] },
    ]
    const logDensity = (x: number[], delta: number): number =>
      Math.log(
        parts.reduce((sum, { weight, mean, cov }) => {
          const form = x.reduce((total, value, j) => total + (value - mean[j]!) ** 2 / (cov[j]! + delta ** 2), 0)
          const det = cov.reduce((product, value) => product * (value + delta ** 2), 1)
          return sum + (weight * Math.exp(-0.5 * form)) / Math.sqrt(det)
        }, 0),
      )
    for (const sde of [vp(), ve()]) {
      const estimator = flipd(mixture(sde, parts))
      for (const delta of [0.05, 0.3, 1.5]) {
        const x = [0.7, 0.4, 0.2]
        const h = 1e-4
        const slope = (logDensity(x, delta * Math.exp(h)) - logDensity(x, delta * Math.exp(-h))) / (2 * h)
        const { lid } = await estimator.at(row(x), { delta })
        // Central differences err by h² f''' / 6, about 1e-8 times derivatives of order 100.
        expect(lid[0], `${sde.name} ${delta}`).toBeCloseTo(3 + slope, 5)
      }
    }
  })

  it('finds the dimension of every affine subspace as t goes to 0, and D below its thickness', async () => {
    // A k-dimensional Gaussian turned by a rotation of the first and last axes, so that it lies along none of them.
    const [c, s] = [Math.cos(0.4), Math.sin(0.4)]
    for (const k of [1, 2, 4]) {
      const thick = (v: number) => Array.from({ length: 5 }, (_, i) => (i < k ? 1 + i : v))
      const rotated = (variances: number[]) => {
        const a = variances[0]!
        const b = variances[4]!
        return variances.map((value, i) =>
          variances.map((_, j) => {
            if (i === j) return i === 0 ? c * c * a + s * s * b : i === 4 ? s * s * a + c * c * b : value
            return (i === 0 && j === 4) || (i === 4 && j === 0) ? c * s * (a - b) : 0
          }),
        )
      }
      const x = row([0.3 * c, k > 1 ? 0.2 : 0, 0, 0, 0.3 * s])
      const thin = flipd(gaussian(vp(), [0, 0, 0, 0, 0], rotated(thick(0))))
      expect((await thin.at(x, { t: 1e-4 })).lid[0]).toBeCloseTo(k, 3)
      const noisy = flipd(gaussian(vp(), [0, 0, 0, 0, 0], rotated(thick(1e-4))))
      // tau(1e-4) = 0.0032 is well below the thickness 0.01, tau(0.01) = 0.045 well above.
      expect((await noisy.at(x, { t: 1e-4 })).lid[0]).toBeGreaterThan(5 - 0.11 * 5)
      expect((await noisy.at(x, { t: 0.01 })).lid[0]).toBeLessThan(k + 0.3)
    }
  })

  it.each([
    { variances: [0.1, 0.1, 1, 1, 1, 1, 1, 1e4, 1e4, 1e4], seed: 42 },
    { variances: [0.1, 10, 100], seed: 100 },
    { variances: [100, 100, 1000, 1000, 5000], seed: 111 },
  ])('meets the published test: mean error below 1e-3 for variances $variances', async ({ variances, seed }) => {
    // As published (1000 samples, 100 times) on 20 samples at 10 times: the model is exact, so every one agrees.
    const d = variances.length
    const rng = random(seed)
    const x = tensor(
      Float64Array.from({ length: 20 * d }, (_, i) => Math.sqrt(variances[i % d]!) * rng.normal()),
      [20, d],
    )
    const zeros = variances.map(() => 0)
    const cov = variances.map((value, i) => variances.map((_, j) => (i === j ? value : 0)))
    const sde = vp()
    const estimator = flipd(gaussian(sde, zeros, variances))
    let error = 0
    for (let j = 0; j < 10; j++) {
      const t = 0.01 + j * 0.11
      const { lid } = await estimator.at(x, { t })
      const v = sde.noiseToSignal(t) ** 2
      lid.forEach((value, i) => {
        const want = exactFlipd(zeros, cov, x.data.subarray(i * d, (i + 1) * d), v)
        error += Math.abs(value - want) / (20 * 10)
      })
    }
    expect(error).toBeLessThan(1e-8)
  })

  it('is never negative, being E ‖x - x0‖² / tau² of the data that may have made x', async () => {
    const part = fc.record({
      weight: fc.double({ min: 0.01, max: 1, noNaN: true }),
      mean: fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 3, maxLength: 3 }),
      cov: fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 3, maxLength: 3 }),
        fc.double({ min: -2, max: 3, noNaN: true }),
        async (parts, x, scale) => {
          const { lid } = await flipd(mixture(vp(), parts)).at(row(x), { scale })
          // terms of up to |x - m|² / v = 200 / e^-4 cancel: rounding of about 1e-11
          expect(lid[0]).toBeGreaterThan(-1e-8)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('treats images as their numbers, and float32 as well as it can', async () => {
    const rng = random(3)
    const numbers = normals(rng, 2 * 12)
    const cov = Array.from({ length: 12 }, (_, i) => 0.2 + i / 10)
    const flat = flipd(gaussian(vp(), new Float64Array(12), cov))
    const images = flipd(mixture(vp(), [{ mean: new Float64Array(12), cov }], [3, 2, 2]))
    const want = (await flat.at(tensor(numbers, [2, 12]), { t: 0.1 })).lid
    expect((await images.at(tensor(numbers, [2, 3, 2, 2]), { t: 0.1 })).lid).toEqual(want)
    const single = await images.at(tensor(Float32Array.from(numbers), [2, 3, 2, 2]), { t: 0.1 })
    // sums of 12 numbers of order 1 with float32 rounding, 6e-8 each
    single.lid.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 5)
    })
  })

  it('lies between 0 and D at the mean of any Gaussian, whatever the noise', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 6 }),
        fc.double({ min: -5, max: 4.9, noNaN: true }),
        async (logs, scale) => {
          const variances = logs.map(Math.exp)
          const estimator = flipd(gaussian(vp(), logs, variances))
          const { lid } = await estimator.at(row(logs), { scale })
          const want = variances.reduce((sum, value) => sum + value / (value + Math.exp(2 * scale)), 0)
          expect(lid[0]).toBeGreaterThan(-1e-6)
          expect(lid[0]).toBeLessThan(logs.length + 1e-6)
          // mu x - mu m cancels to rounding of x, and sigma² ‖s‖² is quadratic in what is left: far below 1e-6
          expect(lid[0]).toBeCloseTo(want, 6)
        },
      ),
      { numRuns: 50 },
    )
  })
})

/** A full matrix, so that no probe is exact. */
const dense = Array.from({ length: 8 }, (_, i) =>
  Array.from({ length: 8 }, (_, j) => (i === j ? 1 + i / 4 : 0.6 / (1 + Math.abs(i - j)))),
)
const model = gaussian(vp(), new Float64Array(8), dense)
const points = tensor(normals(random(11), 6 * 8), [6, 8])

describe('flipd from probes', () => {
  it.each(['rademacher', 'gaussian'] as const)('is unbiased with the standard error it tells: %s', async (method) => {
    const exact = (await flipd(model).at(points, { t: 0.1 })).lid
    const { lid, standardError } = await flipd(model, { method, probes: 4000 }).at(points, { t: 0.1 }, { seed: 5 })
    const z = lid.map((value, i) => (value - exact[i]!) / standardError[i]!)
    // Six independent standard normals: beyond 4.5 with probability 4e-5.
    expect(Math.max(...z.map(Math.abs))).toBeLessThan(4.5)
    expect(Math.min(...standardError)).toBeGreaterThan(0)
  })

  it('has the variance of the guide: 2 ‖S‖² for Gaussian, 2 (‖S‖² - Σ S_ii²) for Rademacher probes', async () => {
    const sde = vp()
    const t = 0.1
    const { mean, sigma } = { mean: sde.mean(t), sigma: sde.standardDeviation(t) }
    // J = sigma² ds/dx is the same at every point of a Gaussian model.
    const unit = tensor(
      Float64Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 : 0)),
      [8, 1, 8],
    )
    const { tangent } = await model.jvp(sliceRows(points, 0, 1), t, unit)
    const J = Float64Array.from(tangent.data, (value) => sigma ** 2 * value)
    const all = J.reduce((sum, value) => sum + value ** 2, 0)
    const diagonal = J.reduce((sum, value, i) => sum + (i % 9 === 0 ? value ** 2 : 0), 0)
    expect(mean).toBeLessThan(1)
    for (const [method, variance] of [
      ['gaussian', 2 * all],
      ['rademacher', 2 * (all - diagonal)],
    ] as const) {
      const { standardError } = await flipd(model, { method, probes: 4000 }).at(points, { t }, { seed: 1 })
      const told = standardError.reduce((sum, value) => sum + value ** 2, 0) / 6
      // A variance of 24 000 quadratic forms with kurtosis below 15: relative error √(14 / 24000) = 0.024, four of them.
      expect(Math.abs((told * 4000) / variance - 1), method).toBeLessThan(0.1)
    }
  })

  it('gives a row the same value in any batch, chunk and order, from its key alone', async () => {
    const estimator = flipd(model, { probes: 7 })
    const whole = await estimator.at(points, { t: 0.2 }, { seed: 3 })
    for (const batchSize of [1, 4, 6]) {
      const again = await flipd(model, { probes: 7, chunkSize: 5 }).at(points, { t: 0.2 }, { seed: 3, batchSize })
      again.lid.forEach((value, i) => {
        expect(value).toBe(whole.lid[i])
      })
    }
    const last = await estimator.at(sliceRows(points, 4, 6), { t: 0.2 }, { seed: 3, rows: [4, 5] })
    expect([...last.lid]).toEqual([...whole.lid.subarray(4)])
    const reversed = concatRows([sliceRows(points, 5, 6), sliceRows(points, 4, 5)])
    expect((await estimator.at(reversed, { t: 0.2 }, { seed: 3, rows: [5, 4] })).lid[1]).toBe(whole.lid[4])
    expect((await estimator.at(points, { t: 0.2 }, { seed: 4 })).lid[0]).not.toBe(whole.lid[0])
    expect((await estimator.at(points, { t: 0.2 })).lid).toEqual(
      (await estimator.at(points, { t: 0.2 }, { seed: 0 })).lid,
    )
  })

  it('shares probes between rows when told, and draws fresh ones otherwise', async () => {
    const same = concatRows([sliceRows(points, 0, 1), sliceRows(points, 0, 1), sliceRows(points, 0, 1)])
    const shared = await flipd(model, { probes: 3, sharing: 'shared' }).at(same, { t: 0.2 }, { batchSize: 2 })
    expect(new Set(shared.lid).size).toBe(1)
    const fresh = await flipd(model, { probes: 3 }).at(same, { t: 0.2 })
    expect(new Set(fresh.lid).size).toBe(3)
  })

  it('holds no more tangents than a chunk, however many probes', async () => {
    for (const probes of [10, 1000]) {
      const counted = gaussian(vp(), new Float64Array(8), dense)
      await flipd(counted, { probes, chunkSize: 32 }).at(points, { t: 0.2 })
      expect(counted.calls.tangents).toBe(6 * probes)
      expect(counted.calls.largest).toBeLessThanOrEqual(32)
    }
  })

  it('asks the model for its own divergence where it has one, and keeps what it says', async () => {
    const asked: unknown[] = []
    const own: ScoreModel = {
      ...model,
      divergence: async (x, t, options) => {
        asked.push({
          t,
          method: options?.method,
          probes: options?.probes,
          seed: options?.seed,
          sharing: options?.sharing,
        })
        const n = x.shape[0]!
        return { score: await model.score(x, t), divergence: new Float64Array(n).fill(-1) }
      },
    }
    const exact = await flipd(own).at(points, { t: 0.2 })
    expect(exact.standardError[0]).toBe(0)
    const some = await flipd(own, { probes: 9, method: 'hutch++', sharing: 'shared' }).at(
      points,
      { t: 0.2 },
      { seed: 8 },
    )
    expect(some.standardError[0]).toBeNaN()
    expect(asked).toEqual([
      { t: 0.2, method: 'exact', probes: 50, seed: undefined, sharing: 'fresh' },
      { t: 0.2, method: 'hutch++', probes: 9, seed: 8, sharing: 'shared' },
    ])
    // 50 products of 8 numbers: the sketch spans the space, so the estimate is the trace.
    const sketched = await flipd(model, { method: 'hutch++', probes: 50 }).at(points, { t: 0.2 })
    const exactly = await flipd(model, { method: 'exact' }).at(points, { t: 0.2 })
    sketched.lid.forEach((value, i) => {
      expect(value).toBeCloseTo(exactly.lid[i]!, 9)
    })
  })
})

describe('flipd as an LID estimator', () => {
  it('prepares a grid of scales and reads between them', async () => {
    const scales = [-3, -2, -1, 0]
    const estimator = flipd(model, { scales })
    const artifact = await estimator.prepare(points)
    const curve = lidCurve(estimator, artifact, scales)
    for (let j = 0; j < scales.length; j++) {
      const direct = await estimator.lidAt(points, scales[j]!)
      direct.forEach((value, i) => {
        expect(curve.get(i, j)).toBe(value)
      })
    }
    const [low, high, middle] = [-2, -1, -1.75].map((scale) => estimator.lid(artifact, scale)[0]!)
    expect(middle).toBeCloseTo(low! + 0.25 * (high! - low!), 12)
    expect(estimator.lid(artifact, -1e9)).toEqual(estimator.lid(artifact, -3))
    expect(estimator.lid(artifact, 1e9)).toEqual(estimator.lid(artifact, 0))
    expect(() => estimator.lid(artifact, Number.NaN)).toThrow('LID curve scale')
    expect([...flipd(model).scales]).toHaveLength(15)
    // The process's own range cuts the default grid: tau(1e-5) of this one is 0.0100005.
    expect(flipd(gaussian(ve(), [0], [1])).scales[0]).toBeCloseTo(Math.log(0.01), 3)
  })

  it('joins and cuts curves, whose rows keep their probes by their keys', async () => {
    const estimator = flipd(model, { scales: [-2, -1], probes: 4 })
    const whole = await estimator.prepare(points, { seed: 2 })
    const parts = concatCurves([
      await estimator.prepare(sliceRows(points, 0, 4), { seed: 2, rows: [0, 1, 2, 3] }),
      await estimator.prepare(sliceRows(points, 4, 6), { seed: 2, rows: [4, 5] }),
    ])
    expect(parts.lid.data).toEqual(whole.lid.data)
    expect(parts.standardError.data).toEqual(whole.standardError.data)
    expect(sliceCurves(whole, 4, 6).lid.shape).toEqual([2, 2])
    const other = await flipd(model, { scales: [-2] }).prepare(points)
    expect(() => concatCurves([whole, other])).toThrow('concatCurves: expected scales [-2, -1], got [-2]')
    expect(() => concatCurves([])).toThrow('at least one part')
  })

  it('stops within one batch, and reports every scale', async () => {
    const stop = new AbortController()
    const stopping: ScoreModel = {
      ...model,
      jvp: (x, t, v) => {
        stop.abort()
        return model.jvp(x, t, v)
      },
    }
    model.calls.jvp = 0
    const long = flipd(stopping, { probes: 100, chunkSize: 1 }).at(points, { t: 0.2 }, { signal: stop.signal })
    await expect(long).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(model.calls.jvp).toBe(1)
    const seen: string[] = []
    await flipd(model, { scales: [-2, -1] }).prepare(points, {
      batchSize: 4,
      onProgress: ({ done, total, label }) => seen.push(`${label} ${done}/${total}`),
    })
    expect(seen).toEqual(['flipd 4/12', 'flipd 6/12', 'flipd 10/12', 'flipd 12/12'])
  })

  it('refuses what makes no sense, and takes no points', async () => {
    const estimator = flipd(model)
    const at = (level: Parameters<typeof estimator.at>[1]) => estimator.at(points, level)
    await expect(at({ t: 0 })).rejects.toThrow('flipd t: expected a time with noise, got 0')
    await expect(at({ t: 2 })).rejects.toThrow('flipd t: expected a time in (0, 1], got 2')
    await expect(at({ t: Number.NaN })).rejects.toThrow('flipd t')
    await expect(at({ delta: -1 })).rejects.toThrow('flipd delta: expected the size of some noise, got -1')
    await expect(at({ delta: 1e6 })).rejects.toThrow('flipd delta: expected a noise level of vp')
    await expect(at({ scale: 40 })).rejects.toThrow('flipd scale: expected a noise level of vp')
    await expect(estimator.at(tensor(new Float64Array(4), [1, 4]), { t: 0.1 })).rejects.toThrow('shape [N, 8]')
    await expect(estimator.at(tensor(new Float64Array(8).fill(Number.NaN), [1, 8]), { t: 0.1 })).rejects.toThrow('NaN')
    await expect(flipd(model, { probes: 0 }).at(points, { t: 0.1 })).rejects.toThrow('trace probes')
    await expect(estimator.at(points, { t: 0.1 }, { rows: [1] })).rejects.toThrow('divergence rows: expected 6 keys')
    expect(() => flipd(model, { scales: [1, 0] })).toThrow('flipd scales: expected increasing numbers')
    expect(() => flipd(model, { scales: [] })).toThrow('flipd scales')
    expect((await estimator.at(tensor(new Float64Array(0), [0, 8]), { t: 0.1 })).lid).toHaveLength(0)
    expect((await estimator.prepare(tensor(new Float64Array(0), [0, 8]))).lid.shape).toEqual([0, 15])
  })
})
