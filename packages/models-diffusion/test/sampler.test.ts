// Samplers: golden vectors, moments, orders of convergence, equivalences, and independence of the batch.
import { normals, random, sliceRows, tensor } from '@ood/core'
import {
  addNoise,
  ddpm,
  denoise,
  encode,
  gaussianMixtureScore,
  gaussianScore,
  type SamplerMethod,
  sample,
  subVp,
  timeGrid,
  ve,
  vp,
} from '@ood/models-diffusion'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'

interface Golden {
  samplers: { kind: 'reverse_ode' | 'reverse_sde'; steps?: number; x_T: number[]; noise?: number[][]; out: number[] }[]
  sampler_cov: number[][]
  sampler_mean: number[]
}
const golden = vector<Golden>('dgm/vp_ode_likelihood')

describe('sampler vectors', () => {
  it('published Euler grids of the reverse ODE and SDE', async () => {
    const model = gaussianScore(golden.sampler_mean, golden.sampler_cov.flat())
    for (const one of golden.samplers) {
      const method = one.kind === 'reverse_ode' ? 'euler' : 'euler-maruyama'
      const steps = one.steps ?? one.noise!.length
      const noise = one.noise ? { noise: one.noise.flat() } : {}
      const x = tensor(Float64Array.from(one.x_T), [1, 2])
      const got = await denoise(model, x, { method, steps, compat: 'reference', ...noise })
      // The same recursion in float64.
      one.out.forEach((value, i) => {
        expect(Math.abs(got.data[i]! - value), `${one.kind} ${steps}`).toBeLessThan(1e-9)
      })
    }
  })
})

const mean = [1, -0.5]
const covariance = [0.5, 0.3, 0.3, 0.4]
const gaussian = gaussianScore(mean, covariance)

/** Mean and covariance of rows in the plane. */
function moments(rows: Float64Array): { mean: number[]; covariance: number[] } {
  const n = rows.length / 2
  const m = [0, 1].map((i) => rows.reduce((sum, value, k) => sum + (k % 2 === i ? value : 0), 0) / n)
  const covariance = [0, 1].flatMap((i) =>
    [0, 1].map((j) => {
      let sum = 0
      for (let k = 0; k < n; k++) sum += (rows[2 * k + i]! - m[i]!) * (rows[2 * k + j]! - m[j]!)
      return sum / n
    }),
  )
  return { mean: m, covariance }
}

describe('samples', () => {
  const n = 800
  it.each<[SamplerMethod, object]>([
    ['heun', { steps: 20 }],
    ['rk45', { tolerance: 1e-2 }],
    ['euler', { steps: 100 }],
    ['euler-maruyama', { steps: 150 }],
    ['ddim', { steps: 60 }],
    ['ddim', { steps: 100, eta: 1 }],
    ['ddpm', { steps: 100 }],
    ['ddpm', { steps: 150, variance: 'large' }],
    ['plms', { steps: 40 }],
  ])('%s %o has the moments of the Gaussian', async (method, options) => {
    const rows = await sample(gaussian, n, { method, seed: 5, clean: false, ...options })
    const got = moments(rows.data)
    // Four standard errors of a mean (0.7 / sqrt n) and of a variance (sqrt 2 0.5 / sqrt n), and 0.04 for the steps.
    got.mean.forEach((value, i) => {
      expect(Math.abs(value - mean[i]!)).toBeLessThan(0.1 + 0.04)
    })
    got.covariance.forEach((value, i) => {
      expect(Math.abs(value - covariance[i]!)).toBeLessThan(0.1 + 0.04)
    })
  })

  it('finds both parts of a mixture in their proportions', async () => {
    const mixture = gaussianMixtureScore([
      { weight: 3, mean: [-2, 0], covariance: [0.05, 0.05] },
      { weight: 1, mean: [2, 1], covariance: [0.05, 0.05] },
    ])
    for (const options of [{ method: 'heun' }, { method: 'ddpm', steps: 100 }] as const) {
      const { data } = await sample(mixture, 600, { ...options, seed: 3 })
      let right = 0
      let near = 0
      for (let row = 0; row < 600; row++) {
        const [x, y] = [data[2 * row]!, data[2 * row + 1]!]
        if (x > 0) right += 1
        if (Math.hypot(x - (x > 0 ? 2 : -2), y - (x > 0 ? 1 : 0)) < 1) near += 1
      }
      // Binomial: standard error sqrt(0.25 0.75 / 600) = 0.018, four of them.
      expect(Math.abs(right / 600 - 0.25)).toBeLessThan(0.072)
      // 1 is 4.5 standard deviations.
      expect(near).toBeGreaterThan(590)
    }
  })

  it.each([
    ['sub-vp', subVp()],
    ['ve', ve()],
    ['ddpm', ddpm()],
  ] as const)('work under %s', async (_, sde) => {
    const got = moments((await sample(gaussianScore(mean, covariance, sde), n, { seed: 2, steps: 24 })).data)
    got.mean.forEach((value, i) => {
      expect(Math.abs(value - mean[i]!)).toBeLessThan(0.14)
    })
    got.covariance.forEach((value, i) => {
      expect(Math.abs(value - covariance[i]!)).toBeLessThan(0.14)
    })
  })

  it('do not depend on the batch size, and more samples begin alike', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<SamplerMethod>('heun', 'rk45', 'euler-maruyama', 'ddpm', 'plms'),
        fc.integer({ min: 1, max: 7 }),
        async (method, batchSize) => {
          const all = await sample(gaussian, 7, { method, steps: 6, seed: 1 })
          const parts = await sample(gaussian, 7, { method, steps: 6, seed: 1, batchSize })
          expect([...parts.data]).toEqual([...all.data])
          const fewer = await sample(gaussian, 3, { method, steps: 6, seed: 1 })
          expect([...fewer.data]).toEqual([...all.data.subarray(0, 6)])
        },
      ),
      { numRuns: 10 },
    )
    const other = await sample(gaussian, 7, { steps: 6, seed: 2 })
    expect(other.data[0]).not.toBe((await sample(gaussian, 7, { steps: 6, seed: 1 })).data[0])
  })
})

describe('convergence', () => {
  const x = tensor(normals(random(4), 20), [10, 2])
  /** The exact flow of a Gaussian: x_s = mu_s m + A_s^(1/2) A_t^(-1/2) (x_t - mu_t m); one dimension is enough. */
  const line = gaussianScore([0.7], [0.3])
  const points = tensor(x.data.slice(), [20, 1])
  const exact = (value: number, t: number, s: number) => {
    const { sde } = line
    const spread = (u: number) => Math.sqrt(sde.mean(u) ** 2 * 0.3 + sde.standardDeviation(u) ** 2)
    return sde.mean(s) * 0.7 + (spread(s) / spread(t)) * (value - sde.mean(t) * 0.7)
  }
  const worst = async (options: object) => {
    const to = 0.05
    const out = await denoise(line, points, { to, clean: false, ...options })
    return out.data.reduce((most, value, i) => Math.max(most, Math.abs(value - exact(points.data[i]!, 1, to))), 0)
  }

  it.each([
    ['euler', 1, 100],
    ['ddim', 1, 100],
    ['heun', 2, 40],
    // Fourth order weights on eps, but the transfer is a Euler step of the ODE in tau: second order in all.
    ['plms', 2, 60],
  ] as const)('%s has order %s or better', async (method, order, steps) => {
    const [coarse, half] = [await worst({ method, steps }), await worst({ method, steps: 2 * steps })]
    // Halving the step divides the error by 2^order; 0.4 of room before the asymptotic range.
    expect(Math.log2(coarse / half)).toBeGreaterThan(order - 0.4)
  })

  it('rk45 follows its tolerance', async () => {
    const errors = [await worst({ method: 'rk45', tolerance: 1e-3 }), await worst({ method: 'rk45', tolerance: 1e-6 })]
    expect(errors[0]).toBeLessThan(1e-2)
    expect(errors[1]).toBeLessThan(1e-5)
    expect(errors[1]).toBeLessThan(errors[0]!)
  })

  it('encode and decode undo each other, and encode whitens', async () => {
    const tolerance = 1e-6
    const z = await encode(gaussian, x, { tolerance })
    const back = await denoise(gaussian, z, { method: 'rk45', clean: false, tolerance })
    // Local errors of 1e-6 over some hundred steps.
    back.data.forEach((value, i) => {
      expect(Math.abs(value - x.data[i]!)).toBeLessThan(1e-3)
    })
    const data = await sample(gaussian, 600, { seed: 8, clean: false, steps: 16 })
    // A covariance of 600 points: four standard errors are 0.23.
    const { covariance: got } = moments((await encode(gaussian, data)).data)
    ;[1, 0, 0, 1].forEach((value, i) => {
      expect(Math.abs(got[i]! - value)).toBeLessThan(0.25)
    })
  })
})

describe('denoise', () => {
  const x = tensor(normals(random(4), 12), [6, 2])

  it('ddim with eta 1 is ddpm with the small variance', async () => {
    const noise = normals(random(1), 10 * 12)
    const a = await denoise(gaussian, x, { method: 'ddim', eta: 1, steps: 10, noise })
    const b = await denoise(gaussian, x, { method: 'ddpm', steps: 10, noise })
    b.data.forEach((value, i) => {
      expect(Math.abs(value - a.data[i]!)).toBeLessThan(1e-9)
    })
  })

  it('ends with the posterior mean: exact for a Gaussian in one step from anywhere', async () => {
    const t = 0.4
    const { sde } = gaussian
    const clean = await denoise(gaussian, x, { from: t, to: t - 1e-9, steps: 1, method: 'ddim' })
    const [mu, variance] = [sde.mean(t), sde.standardDeviation(t) ** 2]
    const { data: score } = await gaussian.score(x, t)
    // Tweedie: E[x_0 | x_t] = (x_t + sigma² s) / mu; 1e-9 of time moves it by less than 1e-7.
    clean.data.forEach((value, i) => {
      expect(Math.abs(value - (x.data[i]! + variance * score[i]!) / mu)).toBeLessThan(1e-6)
    })
  })

  it('restores data from part of the way', async () => {
    const tight = gaussianScore([1, -1], [1e-4, 1e-4])
    const clean = tensor(Float64Array.of(1, -1, 1.01, -0.99), [2, 2])
    const noisy = addNoise(tight, clean, 0.5, { seed: 3 })
    const restored = await denoise(tight, noisy, { from: 0.5, steps: 16 })
    restored.data.forEach((value, i) => {
      expect(Math.abs(value - clean.data[i % 2]!)).toBeLessThan(0.06)
    })
    expect([...addNoise(tight, sliceRows(clean, 1, 2), 0.5, { seed: 3, rows: [1] }).data]).toEqual([
      ...noisy.data.subarray(2),
    ])
  })

  it("keeps a row's noise with its key", async () => {
    const options = { method: 'euler-maruyama', steps: 5, seed: 9 } as const
    const all = await denoise(gaussian, x, options)
    const alone = await denoise(gaussian, sliceRows(x, 4, 5), { ...options, rows: [4] })
    expect([...alone.data]).toEqual([...all.data.subarray(8, 10)])
  })

  it('reports progress, stops within a step, and takes no rows', async () => {
    const seen: number[] = []
    await denoise(gaussian, x, { steps: 4, batchSize: 3, onProgress: ({ done }) => seen.push(done) })
    expect(seen.at(-1)).toBe(6)
    expect([...seen].sort((a, b) => a - b)).toEqual(seen)
    const controller = new AbortController()
    let calls = 0
    const counted = {
      ...gaussian,
      scaledScore: (...args: Parameters<typeof gaussian.scaledScore>) => {
        calls += 1
        if (calls === 3) controller.abort()
        return gaussian.scaledScore(...args)
      },
    }
    await expect(denoise(counted, x, { steps: 20, signal: controller.signal })).rejects.toMatchObject({
      code: 'E_ABORTED',
    })
    expect(calls).toBe(3)
    expect((await sample(gaussian, 0)).shape).toEqual([0, 2])
    expect((await encode(gaussian, tensor(new Float64Array(0), [0, 2]))).shape).toEqual([0, 2])
  })

  it('names what is wrong', async () => {
    const bad = (options: object) => expect(denoise(gaussian, x, options)).rejects
    await bad({ method: 'magic' }).toMatchObject({ code: 'E_UNKNOWN_NAME' })
    await bad({ steps: 0 }).toThrow('steps: expected a positive integer, got 0')
    await bad({ eta: 2 }).toThrow('eta: expected a number in [0, 1], got 2')
    await bad({ variance: 'x' }).toThrow('small or large')
    await bad({ grid: 'x' }).toMatchObject({ code: 'E_UNKNOWN_NAME' })
    await bad({ grid: [1, 0.5, 0.5] }).toThrow('grid[2]: expected a time below 0.5, got 0.5')
    await bad({ grid: [1] }).toThrow('at least two times')
    await bad({ method: 'plms', grid: 'log' }).toThrow('uniform for plms')
    await bad({ method: 'plms', grid: [1, 0.5, 0.1] }).toThrow('equal steps for plms')
    await bad({ from: 2 }).toThrow('from: expected a time in (0, 1], got 2')
    await bad({ from: 0.1, to: 0.2 }).toThrow('to: expected a time in (0, 0.1), got 0.2')
    await bad({ rows: [1] }).toThrow('6 keys')
    await bad({ noise: [1] }).toThrow('32 x 6 x 2 numbers')
    await bad({ compat: 'reference' }).toThrow('euler or euler-maruyama')
    await bad({ compat: 'reference', method: 'euler', steps: 1 }).toThrow('whole number > 1')
    await bad({ tolerance: 0 }).toThrow('tolerance')
    await bad({ batchSize: 0 }).toThrow('batchSize')
    await expect(sample(gaussian, -1)).rejects.toThrow('0 or a positive integer')
    await expect(sample(gaussian, 1, { temperature: -1 })).rejects.toThrow('temperature')
    await expect(encode(gaussian, x, { tolerance: -1 })).rejects.toThrow('tolerance')
    await expect(encode(gaussian, x, { from: 0.5, to: 0.2 })).rejects.toThrow('expected a time')
    expect(() => addNoise(gaussian, x, 0)).toThrow('addNoise t')
    expect(() => addNoise(gaussian, x, 0.5, { rows: [1] })).toThrow('6 keys')
    const broken = { ...gaussian, scaledScore: async () => tensor(new Float64Array(12).fill(Number.NaN), [6, 2]) }
    await expect(denoise(broken, x)).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
      message: expect.stringContaining('row 0'),
    })
    await expect(denoise(broken, x, { method: 'rk45' })).rejects.toMatchObject({ code: 'E_NOT_FINITE' })
  })
})

describe('timeGrid', () => {
  it.each(['uniform', 'log', 'karras'] as const)('%s decreases from end to end', (grid) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.constantFrom(vp(), subVp(), ve()), (steps, sde) => {
        const times = timeGrid(sde, { steps, from: sde.tMax, to: sde.tMin, grid })
        expect(times[0]).toBe(sde.tMax)
        expect(times.at(-1)).toBe(sde.tMin)
        for (let i = 1; i < times.length; i++) expect(times[i]!).toBeLessThan(times[i - 1]!)
        expect(times.length).toBe(steps + 1)
      }),
      { numRuns: 30 },
    )
  })

  it('lies where it says', () => {
    const sde = vp()
    const tau = (grid: 'log' | 'karras') =>
      Array.from(timeGrid(sde, { steps: 4, from: 1, to: 1e-4, grid, rho: 3 }), (t) => sde.noiseToSignal(t))
    const ratios = tau('log')
      .slice(1)
      .map((value, i) => value / tau('log')[i]!)
    for (const ratio of ratios) expect(ratio / ratios[0]!).toBeCloseTo(1, 9)
    const roots = tau('karras').map(Math.cbrt)
    const gaps = roots.slice(1).map((value, i) => value - roots[i]!)
    for (const gap of gaps) expect(gap / gaps[0]!).toBeCloseTo(1, 9)
    expect([...timeGrid(sde, { steps: 2, from: 1, to: 0.5 })]).toEqual([1, 0.75, 0.5])
  })

  it('visits whole steps of a discrete process, each once', () => {
    const sde = ddpm({ steps: 10 })
    const times = timeGrid(sde, { steps: 7, from: 1, to: 0.1 })
    for (const t of times) expect(sde.timestep(t)).toBeCloseTo(Math.round(sde.timestep(t)), 9)
    expect(timeGrid(sde, { steps: 50, from: 1, to: 0.1 }).length).toBe(10)
    expect(() => timeGrid(sde, { steps: 3, from: 1, to: 0.1, rho: 0 })).toThrow('rho')
  })
})
