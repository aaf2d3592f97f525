// ODE likelihoods: exact on analytic models, the published recipe step by step, and what its first step measures.
import { normals, random, rowCount, type ScoreModel, sliceRows, tensor } from '@ood/core'
import {
  affineManifoldScore,
  gaussianMixtureScore,
  gaussianScore,
  odeLogProb,
  subVp,
  ve,
  veExponential,
  vp,
} from '@ood/models-diffusion'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { referenceLogProb } from '../src/likelihood/reference-log-prob.ts'

interface Case {
  name: string
  mean: number[]
  cov: number[][]
  x: number[]
  t: number
  steps: number
  euler_log_prob: number
  contribution_of_first_step: number
  x_at_t_end: number[]
  exact_log_p_t: number
}
const golden = vector<{ likelihood: Case[] }>('dgm/vp_ode_likelihood').likelihood

describe('likelihood vectors', () => {
  const model = ({ mean, cov }: Case) => gaussianScore(mean, cov.flat())
  const row = ({ x }: Case) => tensor(Float64Array.from(x), [1, x.length])

  it('the published Euler recipe, its first step and its end point', async () => {
    for (const one of golden) {
      const options = { t: one.t, steps: one.steps, method: 'exact' } as const
      const got = await referenceLogProb(model(one), row(one), options)
      // Same recursion in float64: rounding of a thousand steps, relative to the numbers' size.
      const scale = 1 + Math.abs(one.euler_log_prob)
      expect(Math.abs(got.instance[0]! - one.euler_log_prob)).toBeLessThan(1e-9 * scale)
      expect(Math.abs(got.firstStep[0]! - one.contribution_of_first_step)).toBeLessThan(1e-9 * scale)
      one.x_at_t_end.forEach((value, i) => {
        expect(Math.abs(got.latent.data[i]! - value)).toBeLessThan(1e-9)
      })
    }
    const [first] = golden
    const compat = await odeLogProb(model(first!), row(first!), {
      compat: 'reference',
      method: 'exact',
      t: first!.t,
      steps: first!.steps,
    })
    expect(Math.abs(compat.instance[0]! - first!.euler_log_prob)).toBeLessThan(1e-9)
  })

  it('the default converges to the exact log p_t', async () => {
    for (const one of golden.filter(({ steps }) => steps === 10)) {
      const options = { t: one.t, density: 'diffused' } as const
      const moments = { mean: one.mean, variance: one.cov.map((line, i) => line[i]!) }
      const got = await odeLogProb(model(one), row(one), { ...options, moments })
      expect(Math.abs(got.instance[0]! - one.exact_log_p_t)).toBeLessThan(1e-2)
      // N(0, sigma_T²) at the end costs mu_T z·mean = 0.0066 * 2 * z for the mean (1, 2).
      const plain = await odeLogProb(model(one), row(one), options)
      expect(Math.abs(plain.instance[0]! - one.exact_log_p_t)).toBeLessThan(2e-2)
    }
  })
})

const x = tensor(normals(random(8), 18), [6, 3])
/** Model, data mean, data variances, and points where it is likely. */
const models: [string, ReturnType<typeof gaussianScore>, number[], number[]][] = [
  ['gaussian', gaussianScore([1, -2, 0.5], [1, 0.3, 0, 0.3, 2, 0, 0, 0, 0.2]), [1, -2, 0.5], [1, 2, 0.2]],
  ['gaussian, sub-vp', gaussianScore([0, 0.5, 0], [1, 0.6, 0.3], subVp()), [0, 0.5, 0], [1, 0.6, 0.3]],
  ['gaussian, ve', gaussianScore([0, 0.5, 0], [1, 0.6, 0.3], ve()), [0, 0.5, 0], [1, 0.6, 0.3]],
  [
    'gaussian, ve exponential',
    gaussianScore([0, 0.5, 0], [1, 0.6, 0.3], veExponential({ gMin: -10, gMax: 10 })),
    [0, 0.5, 0],
    [1, 0.6, 0.3],
  ],
  ['singular gaussian', gaussianScore([0, 0, 0], [1, 0.25, 0]), [0, 0, 0], [1, 0.25, 0]],
  [
    'mixture',
    gaussianMixtureScore([
      { weight: 2, mean: [1.5, 0, 0], covariance: [0.1, 0.1, 1] },
      { weight: 1, mean: [-1, 1, 0], covariance: [0.5, 0.2, 0.1, 0.2, 0.3, 0, 0.1, 0, 0.4] },
    ]),
    [2 / 3, 1 / 3, 0],
    [1.62, 0.39, 0.8],
  ],
  [
    'affine manifold',
    affineManifoldScore({ offset: [1, 1, 0], basis: [0.6, 0.8, 0], variance: 2 }),
    [1, 1, 0],
    [0.72, 1.28, 0],
  ],
]

describe.each(models)('odeLogProb of a %s', (name, model, mean, variance) => {
  const options = { moments: { mean, variance } }

  it.each([1e-4, 1e-2, 0.2])('is the exact log p_t within 1e-2 nats, t = %s', async (t) => {
    // x_t for data x: on the manifold where there is one, noise of sigma(t) around it.
    const { sde } = model
    const rng = random(5)
    const data = x.data.map((value, i) => {
      const on = name === 'affine manifold' ? [1 + 0.6 * value, 1 + 0.8 * x.data[i - (i % 3)]!, 0][i % 3]! : value
      const flat = name === 'singular gaussian' && i % 3 === 2 ? 0 : on
      const line = name === 'affine manifold' && i % 3 === 0 ? 1 + 0.6 * x.data[i]! : flat
      return sde.mean(t) * line + sde.standardDeviation(t) * rng.normal()
    })
    const at = tensor(data, [6, 3])
    const exact = model.logDensity(at, t)
    // What is left of the end's error is of second order in mu_T, and in 1 / sigma_T² = 4e-4 for ve.
    const { instance } = await odeLogProb(model, at, { ...options, t, density: 'diffused' })
    for (let row = 0; row < 6; row++)
      expect(Math.abs(instance[row]! - exact[row]!), `${name} row ${row}`).toBeLessThan(1e-2)
  })

  it('density of data is the one of x_t in other units', async () => {
    const t = 0.3
    const mu = model.sde.mean(t)
    const { instance } = await odeLogProb(model, x, { ...options, t })
    const scaled = tensor(
      x.data.map((value) => value * mu),
      x.shape,
    )
    const exact = model.logDensity(scaled, t)
    for (let row = 0; row < 6; row++)
      expect(Math.abs(instance[row]! - exact[row]! - 3 * Math.log(mu))).toBeLessThan(1e-2)
  })
})

describe('odeLogProb', () => {
  const model = models[5]![1]
  const t = 0.05
  const moments = { mean: models[5]![2], variance: models[5]![3] }
  const exact = model.logDensity(x, t)
  const worst = async (options: object, from = exact) => {
    const { instance } = await odeLogProb(model, x, { t, density: 'diffused', ...options })
    return instance.reduce((most, value, row) => Math.max(most, Math.abs(value - from[row]!)), 0)
  }

  it('has the order of its integrator', async () => {
    // Against the same path integrated finely, so that the prior's error does not show.
    const fine = (await odeLogProb(model, x, { t, density: 'diffused', tolerance: 1e-9 })).instance
    for (const [integrator, order, steps] of [
      ['euler', 1, 200],
      ['heun', 2, 100],
      ['rk4', 4, 50],
    ] as const) {
      const coarse = await worst({ integrator, steps }, fine)
      const half = await worst({ integrator, steps: 2 * steps }, fine)
      // Halving the step divides the error by 2^order; half an order of room before the asymptotic range.
      expect(Math.log2(coarse / half), integrator).toBeGreaterThan(order - 0.5)
      expect(Math.log2(coarse / half), integrator).toBeLessThan(order + 1)
    }
  })

  it('follows its tolerance', async () => {
    const fine = (await odeLogProb(model, x, { t, density: 'diffused', tolerance: 1e-9 })).instance
    const errors = [
      await worst({ tolerance: 1e-2 }, fine),
      await worst({ tolerance: 1e-4 }, fine),
      await worst({ tolerance: 1e-6 }, fine),
    ]
    // Local errors of 1e-2 sqrt(3) nats over some 20 steps.
    expect(errors[0]).toBeLessThan(0.4)
    expect(errors[1]).toBeLessThan(errors[0]! / 10)
    expect(errors[2]).toBeLessThan(errors[1]! / 10)
  })

  it('does not depend on the batch, and a row keeps its probes with its key', async () => {
    const options = { t: 0.02, method: 'gaussian', probes: 2, seed: 4 } as const
    const all = await odeLogProb(model, x, options)
    const small = await odeLogProb(model, x, { ...options, batchSize: 4 })
    expect([...small.instance]).toEqual([...all.instance])
    const alone = await odeLogProb(model, sliceRows(x, 3, 4), { ...options, rows: [3] })
    expect(alone.instance[0]).toBe(all.instance[3])
    const again = await odeLogProb(model, x, { ...options, seed: 5 })
    expect(again.instance[0]).not.toBe(all.instance[0])
  })

  it('estimates the exact value with random probes', async () => {
    const n = 400
    const same = tensor(
      Float64Array.from({ length: 3 * n }, (_, i) => x.data[i % 3]!),
      [n, 3],
    )
    const { instance } = await odeLogProb(model, same, {
      t,
      density: 'diffused',
      method: 'gaussian',
      probes: 20,
      moments,
    })
    const mean = instance.reduce((a, b) => a + b, 0) / n
    const deviation = Math.sqrt(instance.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n)
    // Unbiased: four standard errors, and the integrator's 1e-2.
    expect(Math.abs(mean - exact[0]!)).toBeLessThan((4 * deviation) / Math.sqrt(n) + 1e-2)
    expect(deviation).toBeGreaterThan(0)
  })

  it('works for a model with nothing but score and jvp', async () => {
    const { modelShape, sde, score, jvp } = model
    const plain: ScoreModel = { modelShape, sde, score, jvp }
    const got = await odeLogProb(plain, x, { t })
    const want = await odeLogProb(model, x, { t })
    for (let row = 0; row < 6; row++) expect(Math.abs(got.instance[row]! - want.instance[row]!)).toBeLessThan(1e-6)
  })

  it('takes no rows, reports progress, stops, and checks its options', async () => {
    const none = await odeLogProb(model, tensor(new Float64Array(0), [0, 3]))
    expect(rowCount(none.latent)).toBe(0)
    const seen: number[] = []
    await odeLogProb(model, x, { t, onProgress: ({ done, total }) => seen.push(done / total) })
    expect(seen.at(-1)).toBe(1)
    expect([...seen].sort((a, b) => a - b)).toEqual(seen)
    const controller = new AbortController()
    let calls = 0
    const stop = () => {
      calls += 1
      if (calls === 2) controller.abort()
    }
    await expect(odeLogProb(model, x, { t, signal: controller.signal, onProgress: stop })).rejects.toMatchObject({
      code: 'E_ABORTED',
    })
    expect(calls).toBe(2)
    await expect(odeLogProb(model, x, { t: 1 })).rejects.toThrow('logProb t: expected a time in (0, 1), got 1')
    await expect(odeLogProb(model, x, { batchSize: 0 })).rejects.toThrow('batchSize')
    await expect(odeLogProb(model, x, { tolerance: 0 })).rejects.toThrow('tolerance')
    await expect(odeLogProb(model, x, { steps: 0 })).rejects.toThrow('steps')
    await expect(odeLogProb(model, x, { integrator: 'magic' as 'rk4' })).rejects.toThrow(
      'dopri5, rk4, heun, euler'.split(', ')[0]!,
    )
    await expect(odeLogProb(model, x, { density: 'x' as 'data' })).rejects.toThrow('data or diffused')
    await expect(odeLogProb(model, x, { rows: [1] })).rejects.toThrow('6 keys')
    await expect(odeLogProb(model, x, { moments: { mean: [1], variance: 1 } })).rejects.toThrow(
      'moments.mean: expected 3',
    )
    await expect(odeLogProb(model, x, { compat: 'x' as 'reference' })).rejects.toThrow('compat')
    await expect(odeLogProb(model, x, { compat: 'reference', steps: 1 })).rejects.toThrow('a whole number > 1')
    await expect(odeLogProb(model, x, { compat: 'reference', recipe: 'x' as 'geometry' })).rejects.toMatchObject({
      code: 'E_UNKNOWN_NAME',
    })
    await expect(odeLogProb(model, tensor(new Float64Array(2), [1, 2]))).rejects.toMatchObject({ code: 'E_SHAPE' })
  })

  it('names a row whose score is no number', async () => {
    const broken: ScoreModel = {
      ...model,
      async divergence(at, time) {
        const out = await model.divergence(at, time)
        out.divergence.fill(Number.NaN)
        return out
      },
    }
    await expect(odeLogProb(broken, x)).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
      message: expect.stringContaining('row 0'),
    })
  })
})

describe('what the published recipe measures', () => {
  /** First Euler step on an affine manifold of k of D dimensions, in nats for each normal direction. */
  async function perDirection(d: number, k: number, steps: number, t = 1e-4): Promise<number> {
    const basis = new Float64Array(k * d)
    for (let i = 0; i < k; i++) basis[i * d + i] = 1
    const model = affineManifoldScore({ offset: new Float64Array(d), basis })
    const { firstStep } = await referenceLogProb(model, tensor(new Float64Array(d), [1, d]), {
      steps,
      t,
      method: 'exact',
    })
    return firstStep[0]! / (d - k)
  }

  // The spec's numbers, to their printed digits: 5049, 561, 210, 51, 5 nats at t = 1e-4.
  it.each([
    [2, 5049],
    [10, 561],
    [25, 210],
    [100, 51],
    [1000, 5],
  ])('%s steps from t = 1e-4 add %s nats for every normal direction', async (steps, nats) => {
    const measured = await perDirection(64, 4, steps)
    expect(Math.abs(measured - nats)).toBeLessThan(0.51)
    // Half the normal directions, half the bias: it is a count of codimensions.
    expect(Math.abs((await perDirection(64, 34, steps)) - measured)).toBeLessThan(0.01 * measured)
  })

  it('25 steps from t = 1e-2, the other recipe, add 3.1', async () => {
    expect(Math.abs((await perDirection(64, 4, 25, 1e-2)) - 3.1)).toBeLessThan(0.05)
  })

  it('ranks a plane above a line above a point, whatever their densities, where the accurate integral does not', async () => {
    // The same point in R^4 under models of 1, 2, 3 dimensions: fewer dimensions win by about 561 nats each.
    const at = tensor(new Float64Array(4), [1, 4])
    const values = await Promise.all(
      [1, 2, 3].map(async (k) => {
        const basis = new Float64Array(4 * k)
        for (let i = 0; i < k; i++) basis[i * 4 + i] = 1
        const model = affineManifoldScore({ offset: new Float64Array(4), basis })
        const published = await odeLogProb(model, at, { compat: 'reference', method: 'exact' })
        const accurate = await odeLogProb(model, at)
        return { published: published.instance[0]!, accurate: accurate.instance[0]! }
      }),
    )
    expect(values[0]!.published - values[1]!.published).toBeGreaterThan(555)
    expect(values[1]!.published - values[2]!.published).toBeGreaterThan(555)
    // The density at scale tau = 0.0032 rises by ln(1/tau) = 5.75 nats for each lost dimension, no more.
    const gap = -Math.log(vp().noiseToSignal(1e-4))
    expect(Math.abs(values[0]!.accurate - values[1]!.accurate - gap)).toBeLessThan(1e-2)
    expect(Math.abs(values[1]!.accurate - values[2]!.accurate - gap)).toBeLessThan(1e-2)
  })

  it('the recipes differ from each other by constants and probes only', async () => {
    const model = gaussianScore([0, 0, 0], [1, 0.5, 0.1])
    const options = { compat: 'reference', method: 'exact', t: 1e-2, steps: 25 } as const
    const geometry = (await odeLogProb(model, x, options)).instance
    const other = (await odeLogProb(model, x, { ...options, recipe: 'ood-detection' })).instance
    for (let row = 1; row < 6; row++)
      expect(Math.abs(other[row]! - geometry[row]! - (other[0]! - geometry[0]!))).toBeLessThan(1e-9)
    const probes = await odeLogProb(model, x, { compat: 'reference', recipe: 'ood-detection' })
    expect([...probes.instance]).toEqual([
      ...(await odeLogProb(model, x, { compat: 'reference', recipe: 'ood-detection', seed: 100 })).instance,
    ])
  })
})
