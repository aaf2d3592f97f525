// Schedules against golden vectors, their defining equations, and each other.
import type { DiffusionProcess } from '@ood/core'
import { ddpm, parseSde, subVp, ve, veExponential, vp } from '@ood/models-diffusion'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'

const relative = (got: number, want: number) => Math.abs(got - want) / Math.max(Math.abs(want), 1e-300)

interface VpVectors {
  table: { t: number; beta: number; B: number; mu_scale: number; sigma: number; g: number; tau: number }[]
  inverse_time_from_std: { delta_std: number; t: number }[]
  transition: { t_start: number; t_end: number; B: number; mu_scale: number; sigma: number }[]
}
const vpVectors = vector<VpVectors>('dgm/vpsde_schedule')

describe('vp against vectors', () => {
  const sde = vp()
  // Closed forms in float64 on both sides: 1e-12 leaves room for the order of a few operations.
  it('beta, B, mean, sigma, g and tau', () => {
    for (const row of vpVectors.table) {
      expect(relative(sde.beta(row.t), row.beta)).toBeLessThan(1e-12)
      expect(relative(sde.integratedBeta(row.t), row.B)).toBeLessThan(1e-12)
      expect(relative(sde.mean(row.t), row.mu_scale)).toBeLessThan(1e-12)
      expect(relative(sde.standardDeviation(row.t), row.sigma)).toBeLessThan(1e-12)
      expect(relative(Math.sqrt(sde.diffusionSquared(row.t)), row.g)).toBeLessThan(1e-12)
      expect(relative(sde.noiseToSignal(row.t), row.tau)).toBeLessThan(1e-12)
    }
  })

  it('time of a noise level', () => {
    for (const { delta_std, t } of vpVectors.inverse_time_from_std)
      expect(Math.abs(sde.timeOf(delta_std) - t)).toBeLessThan(1e-12)
  })

  it('transitions from one time to another', () => {
    for (const row of vpVectors.transition) {
      const mean = sde.mean(row.t_end) / sde.mean(row.t_start)
      const variance = sde.standardDeviation(row.t_end) ** 2 - (mean * sde.standardDeviation(row.t_start)) ** 2
      expect(relative(mean, row.mu_scale)).toBeLessThan(1e-12)
      expect(relative(Math.sqrt(variance), row.sigma)).toBeLessThan(1e-12)
    }
  })
})

interface VeVectors {
  geometric: { t: number; sigma: number; g: number }[]
  exponential_variance_default: { t: number; beta: number; B: number; sigma: number }[]
  exponential_variance_trained: { t: number; beta: number; B: number; sigma: number }[]
}
const veVectors = vector<VeVectors>('dgm/vesde_schedule')

describe('ve against vectors', () => {
  it('geometric', () => {
    const sde = ve()
    for (const { t, sigma, g } of veVectors.geometric) {
      expect(relative(sde.standardDeviation(t), sigma)).toBeLessThan(1e-12)
      expect(relative(Math.sqrt(sde.diffusionSquared(t)), g)).toBeLessThan(1e-12)
    }
  })

  it.each([
    ['default', veExponential(), 'exponential_variance_default'],
    ['trained', veExponential({ gMin: -10, gMax: 10 }), 'exponential_variance_trained'],
  ] as const)('exponential variance, %s', (_, sde, name) => {
    for (const { t, beta, B, sigma } of veVectors[name]) {
      expect(relative(sde.beta(t), beta)).toBeLessThan(1e-12)
      // B = e^G - e^gMin was computed by subtraction: at small t it carries eps e^gMin absolutely.
      const lost = (3e-16 * Math.exp(name.endsWith('trained') ? -10 : -5)) / Math.max(B, 1e-300)
      expect(Math.abs(sde.integratedBeta(t) - B)).toBeLessThanOrEqual((1e-12 + lost) * B)
      expect(Math.abs(sde.standardDeviation(t) - sigma)).toBeLessThanOrEqual((1e-12 + lost) * sigma)
    }
  })
})

const processes: [string, DiffusionProcess][] = [
  ['vp', vp()],
  ['vp, constant beta', vp({ betaMin: 3, betaMax: 3 })],
  ['vp, from beta 0, T = 2', vp({ betaMin: 0, betaMax: 5, T: 2 })],
  ['sub-vp', subVp()],
  ['ve', ve()],
  ['ve-exponential', veExponential()],
  ['ddpm linear', ddpm()],
  ['ddpm scaled_linear', ddpm({ schedule: 'scaled_linear', betaStart: 0.00085, betaEnd: 0.012 })],
  ['ddpm cosine', ddpm({ schedule: 'cosine', steps: 400 })],
]

describe.each(processes)('%s', (name, sde) => {
  const time = fc.double({ min: 1e-3, max: 0.98, noNaN: true }).map((u) => u * sde.tMax)
  // Central differences: h² of the third derivative plus eps / h. At a knot of ddpm's cubic the second derivative jumps,
  // which costs h times the jump: 1e-3 of the slope where a step is 1e-3 wide.
  const h = 1e-5 * sde.tMax

  it("moments solve their equations: mu' = f mu, (sigma²)' = 2 f sigma² + g²", () => {
    const slope = (f: (t: number) => number, t: number) => (f(t + h) - f(t - h)) / (2 * h)
    fc.assert(
      fc.property(time, (t) => {
        const variance = (u: number) => sde.standardDeviation(u) ** 2
        const right = 2 * sde.drift(t) * variance(t) + sde.diffusionSquared(t)
        const scale = Math.abs(2 * sde.drift(t) * variance(t)) + sde.diffusionSquared(t)
        expect(Math.abs(slope(sde.mean, t) - sde.drift(t) * sde.mean(t))).toBeLessThan(1e-3 * (1 + scale))
        expect(Math.abs(slope(variance, t) - right)).toBeLessThan(5e-3 * scale)
        expect(Math.abs(slope(sde.integratedBeta, t) - sde.beta(t))).toBeLessThan(5e-3 * (1 + sde.beta(t)))
      }),
    )
  })

  it('timeOf inverts noiseToSignal, which increases', () => {
    fc.assert(
      fc.property(time, time, (t, u) => {
        const tau = sde.noiseToSignal(t)
        expect(relative(tau, sde.standardDeviation(t) / sde.mean(t))).toBeLessThan(1e-9)
        expect(relative(sde.noiseToSignal(sde.timeOf(tau)), tau)).toBeLessThan(1e-9)
        if (t < u - 1e-9) expect(tau).toBeLessThan(sde.noiseToSignal(u))
      }),
    )
    expect(sde.timeOf(0)).toBe(0)
    expect(sde.timeOf(Number.POSITIVE_INFINITY)).toBe(sde.tMax)
    expect(() => sde.timeOf(-1)).toThrow('timeOf: expected a noise-to-signal ratio >= 0, got -1')
    expect(() => sde.timeOf(Number.NaN)).toThrow('timeOf')
  })

  it('keeps its digits at tiny times', () => {
    expect(sde.standardDeviation(0)).toBe(name === 've' ? 0.01 : 0)
    // sigma² -> g²(0) t, to first order; float32-style 1 - exp(-B) would be off by all digits.
    const t = 1e-12 * sde.tMax
    if (name.startsWith('vp') && sde.beta(0) > 0)
      expect(relative(sde.standardDeviation(t) ** 2, sde.beta(0) * t)).toBeLessThan(1e-9)
    expect(sde.noiseToSignal(t)).toBeGreaterThan(0)
  })
})

describe('ddpm', () => {
  it('hits every step of the discrete schedule', () => {
    const sde = ddpm({ steps: 50 })
    let product = 1
    for (let n = 0; n < 50; n++) {
      product *= 1 - (1e-4 + ((0.02 - 1e-4) * n) / 49)
      expect(relative(sde.alphasCumprod[n]!, product)).toBeLessThan(1e-13)
      expect(relative(sde.mean(sde.timeOfStep(n)) ** 2, product)).toBeLessThan(1e-12)
      expect(sde.timestep(sde.timeOfStep(n))).toBeCloseTo(n, 9)
    }
  })

  it('gives the published numbers of Stable Diffusion 1.5 and the cosine cap', () => {
    const sd = ddpm({ schedule: 'scaled_linear', betaStart: 0.00085, betaEnd: 0.012 })
    // diffusers: alphas_cumprod[-1] of the v1.5 scheduler is 0.0047 (float32 0.00466).
    expect(sd.alphasCumprod[999]!).toBeCloseTo(0.00466, 5)
    expect(ddpm({ schedule: 'cosine' }).betas[999]).toBe(0.999)
  })

  it('takes betas themselves and refuses bad ones', () => {
    expect(ddpm({ betas: [0.1, 0.2] }).alphasCumprod[1]).toBeCloseTo(0.72, 14)
    expect(() => ddpm({ betas: [0.1, 1] })).toThrow('ddpm betas[1]: expected a number in (0, 1), got 1')
    expect(() => ddpm({ betas: [0.1] })).toThrow('ddpm betas: expected at least 2, got 1')
    expect(() => ddpm({ steps: 1.5 })).toThrow('ddpm steps')
    expect(() => ddpm({ schedule: 'sigmoid' as 'linear' })).toThrow('linear, scaled_linear, cosine')
  })
})

describe('parseSde', () => {
  it('builds every process from a manifest entry', () => {
    expect(parseSde({ name: 'vp', betaMin: 0.1, betaMax: 20, T: 1 }).beta(1)).toBe(20)
    expect(parseSde({ name: 'sub-vp' }).standardDeviation(1)).toBeCloseTo(1, 4)
    expect(parseSde({ name: 've', sigmaMax: 10 }).standardDeviation(1)).toBeCloseTo(10, 12)
    expect(parseSde({ name: 've-exponential', gMin: -10, gMax: 10 }).standardDeviation(1)).toBeCloseTo(148.413, 3)
    expect(parseSde({ name: 'ddpm', schedule: 'squaredcos_cap_v2', steps: 20 }).name).toBe('ddpm')
    expect(parseSde({ name: 'ddpm', betas: [0.1, 0.2] }).mean(1) ** 2).toBeCloseTo(0.72, 14)
  })

  it('names what is wrong', () => {
    expect(() => parseSde({ name: 'brownian' })).toThrow('sde.name: expected one of vp, sub-vp, ve')
    expect(() => parseSde({ name: 'toString' })).toThrow('sde.name')
    expect(() => parseSde({ name: 'vp', betaMin: 'low' })).toThrow('sde.betaMin: expected a number, got low')
    expect(() => parseSde({ name: 'vp', sigmaMax: 3 })).toThrow('sde: expected parameters betaMin, betaMax')
    expect(() => parseSde({ name: 'ddpm', betas: 'x' })).toThrow('sde.betas: expected a list of numbers, got x')
    expect(() => parseSde({ name: 'ddpm', schedule: 'sigmoid' })).toThrow('sde.schedule')
    expect(() => vp({ betaMin: -1 })).toThrow('vp betaMin')
    expect(() => vp({ betaMax: 0 })).toThrow('vp betaMax')
    expect(() => subVp({ T: 0 })).toThrow('sub-vp T')
    expect(() => vp({ tMin: 1 })).toThrow('vp tMin: expected a number in (0, 1), got 1')
    expect(() => ve({ sigmaMin: 2, sigmaMax: 1 })).toThrow('ve sigmaMax')
    expect(() => ve({ sigmaMin: 0 })).toThrow('ve sigmaMin')
    expect(() => veExponential({ gMin: 1, gMax: 1 })).toThrow('ve-exponential gMax')
    expect(() => veExponential({ gMin: Number.NaN })).toThrow('ve-exponential gMin')
  })
})
