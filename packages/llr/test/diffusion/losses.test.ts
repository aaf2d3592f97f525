// Losses against closed forms of Gaussian data, the identity with log-densities, and what may not change a result.
import { flatData, takeRows, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { denoisingLosses, type LossSettings } from '../../src/diffusion/losses.ts'
import { weightingOf } from '../../src/diffusion/weighting.ts'
import { expectedNorms, gaussian, inverse, ve, vp } from './gaussian.ts'

const mean = [1, 2]
const cov = [
  [1, 0.6],
  [0.6, 2],
]
const points = [
  [0.5, 1],
  [3, -2],
]
const x = tensor(Float64Array.from(points.flat()), [2, 2])
const fractions = [0.1, 0.25, 0.5, 1]

/** L(t_frac) of a point by the midpoint rule in the sampling variable; its error is far below the probes' noise. */
function exactLoss(name: 'published' | 'likelihood', point: number[], from: number, to: number, sde = vp()): number {
  const weighting = weightingOf(name, sde)
  const low = from === 0 ? 0 : weighting.variable(from)
  const high = weighting.variable(to)
  const points = 1000
  let sum = 0
  for (let i = 0; i < points; i++) {
    const variable = low + ((high - low) * (i + 0.5)) / points
    const t = weighting.timeOf(variable)
    const { l1, l2 } = expectedNorms(mean, cov, point, t, sde)
    sum += weighting.weight(t) * (name === 'published' ? l1 : l2) * weighting.density(variable)
  }
  const measured = weighting.measure(to) - (from === 0 ? 0 : weighting.measure(from))
  return (sum * (high - low)) / points / measured
}

describe('denoisingLosses on Gaussian data', () => {
  it.each([
    ['published', vp(), true],
    ['likelihood', vp(), false],
    ['published', ve(), false],
    ['likelihood', ve(), true],
  ] as const)('have the expectation of the closed form: %s', async (weighting, sde, scaled) => {
    const model = gaussian(mean, cov, { sde, scaled })
    const settings = { fractions, probes: 1000, weighting }
    const { loss, standardError } = await denoisingLosses(model, x, settings, { seed: 3 })
    for (const [i, point] of points.entries()) {
      for (const [k, fraction] of fractions.entries()) {
        const exact = exactLoss(weighting, point, sde.tMin, fraction, sde)
        // Sixteen numbers a case within 4.5 standard errors: chance of a false alarm below 1e-4; errors below 10 %.
        expect(Math.abs(loss.get(i, k) - exact)).toBeLessThan(4.5 * standardError.get(i, k))
        expect(standardError.get(i, k)).toBeLessThan(0.1 * exact)
      }
    }
  })

  it('the reference has the expectation from time 0', async () => {
    const settings = { fractions, probes: 1000, compat: 'reference' } as const
    const { loss, standardError, paired, evaluations } = await denoisingLosses(gaussian(mean, cov), x, settings)
    expect([paired, evaluations]).toEqual([false, 4000])
    for (const [i, point] of points.entries())
      for (const [k, fraction] of fractions.entries())
        expect(Math.abs(loss.get(i, k) - exactLoss('published', point, 0, fraction))).toBeLessThan(
          4.5 * standardError.get(i, k),
        )
  })

  it('standard errors are those of repeated measurements', async () => {
    const model = gaussian(mean, cov)
    const repeats = 300
    const rows = tensor(Float64Array.from(Array(repeats).fill(points[0]).flat()), [repeats, 2])
    for (const compat of [undefined, 'reference'] as const) {
      const settings: LossSettings = { fractions, probes: 16, ...(compat ? { compat } : {}) }
      const { loss, standardError } = await denoisingLosses(model, rows, settings)
      for (let k = 0; k < fractions.length; k++) {
        const values = Array.from({ length: repeats }, (_, i) => loss.get(i, k))
        const centre = values.reduce((sum, value) => sum + value, 0) / repeats
        const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (repeats - 1))
        const claimed = Math.sqrt(
          Array.from({ length: repeats }, (_, i) => standardError.get(i, k) ** 2).reduce((a, b) => a + b, 0) / repeats,
        )
        // 300 repeats know a spread to 4 %, heavier tails to some 10 %; strata claim up to a step of trend too much, and
        // the reference's 1 / sigma at small times has tails that 16 draws miss.
        expect(claimed / spread).toBeGreaterThan(compat ? 0.6 : 0.85)
        expect(claimed / spread).toBeLessThan(compat ? 1.6 : 1.35)
      }
    }
  })

  it('likelihood losses add up to the log-density of noised data', async () => {
    // E log q_tau1(x + tau1 eps) - E log q_tau0(x + tau0 eps) = ∫ (loss - D) d log tau.
    const sde = vp()
    const expectedLog = (point: number[], t: number): number => {
      const v = sde.noiseToSignal(t) ** 2
      const Q = inverse(cov.map((row, a) => row.map((value, b) => value + (a === b ? v : 0))))
      const delta = point.map((value, j) => value - mean[j]!)
      const form = Q.reduce((sum, row, a) => sum + delta[a]! * row.reduce((s, q, b) => s + q * delta[b]!, 0), 0)
      const logDet = -Math.log(Q[0]![0]! * Q[1]![1]! - Q[0]![1]! * Q[1]![0]!)
      return -0.5 * (2 * Math.log(2 * Math.PI) + logDet + form + v * (Q[0]![0]! + Q[1]![1]!))
    }
    for (const point of points) {
      for (const fraction of [0.25, 1]) {
        const range = Math.log(sde.noiseToSignal(fraction)) - Math.log(sde.noiseToSignal(sde.tMin))
        const integral = range * (exactLoss('likelihood', point, sde.tMin, fraction) - 2)
        // The midpoint rule with 1000 points on a smooth integrand: its error falls with the square of the step, 0.014.
        expect(Math.abs(expectedLog(point, fraction) - expectedLog(point, sde.tMin) - integral)).toBeLessThan(2e-4)
      }
    }
  })
})

describe('what may not change a loss', () => {
  const images = tensor(
    Float64Array.from({ length: 7 * 4 }, (_, i) => Math.sin(i)),
    [7, 1, 2, 2],
  )
  const identity = Array.from({ length: 4 }, (_, i) => Array.from({ length: 4 }, (_, j) => (i === j ? 0.5 : 0.1)))
  const model = () => gaussian([0, 0, 0, 0], identity, { modelShape: [1, 2, 2] })

  it('batch size, order, company and other rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1 }),
        fc.constantFrom<LossSettings>({}, { weighting: 'published' }, { compat: 'reference' }, { sharing: 'shared' }),
        async (batchSize, rows, more) => {
          const settings = { ...more, probes: 14, fractions: [0.2, 0.6] }
          const whole = await denoisingLosses(model(), images, settings, { seed: 9 })
          const part = await denoisingLosses(model(), takeRows(images, rows), settings, { seed: 9, batchSize, rows })
          expect(flatData(part.loss)).toEqual(flatData(takeRows(whole.loss, rows)))
          expect(flatData(part.standardError)).toEqual(flatData(takeRows(whole.standardError, rows)))
        },
      ),
      { numRuns: 12 },
    )
  })

  it('the seed and the key do; shared probes ask for neither place nor key', async () => {
    const twice = takeRows(images, [0, 0])
    const fresh = await denoisingLosses(model(), twice, { probes: 12 })
    expect(fresh.loss.get(0, 5)).not.toBe(fresh.loss.get(1, 5))
    const shared = await denoisingLosses(model(), twice, { probes: 12, sharing: 'shared' })
    expect(shared.loss.get(0, 5)).toBe(shared.loss.get(1, 5))
    const other = await denoisingLosses(model(), twice, { probes: 12, sharing: 'shared' }, { seed: 1 })
    expect(other.loss.get(0, 5)).not.toBe(shared.loss.get(0, 5))
  })

  it('keeps no more rows alive than a batch, and evaluates each probe once', async () => {
    const counted = model()
    const { evaluations } = await denoisingLosses(counted, images, { probes: 40 }, { batchSize: 16 })
    expect(evaluations).toBe(40)
    expect(counted.calls).toEqual({ runs: Math.ceil((7 * 40) / 16), rows: 7 * 40, largest: 16 })
  })

  it('reports progress and stops', async () => {
    const seen: number[] = []
    const onProgress = ({ done }: { done: number }) => seen.push(done)
    await denoisingLosses(model(), images, { probes: 12 }, { batchSize: 50, onProgress })
    expect(seen).toEqual([50, 84])
    const stop = new AbortController()
    const stopped = denoisingLosses(
      model(),
      images,
      { probes: 12 },
      { batchSize: 20, signal: stop.signal, onProgress: () => stop.abort() },
    )
    await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  it('takes no rows, and few probes', async () => {
    const none = await denoisingLosses(model(), takeRows(images, []))
    expect([none.loss.shape, none.fractions.length]).toEqual([[0, 6], 6])
    const { loss, standardError } = await denoisingLosses(model(), images, { probes: 1, compat: 'reference' })
    expect(flatData(loss).every(Number.isFinite)).toBe(true)
    expect(flatData(standardError).every(Number.isNaN)).toBe(true)
  })

  it.each<[LossSettings, string, string]>([
    [{ probes: 11 }, 'E_ARGUMENT', 'diffusionRatio probes: expected at least 2 for each of 6 pieces, got 11'],
    [{ probes: 0.5 }, 'E_ARGUMENT', 'diffusionRatio probes: expected a positive integer, got 0.5'],
    [{ fractions: [0.5, 0.2] }, 'E_ARGUMENT', 't_frac: expected increasing numbers in (0, 1], got 0.2'],
    [{ fractions: [1, 2] }, 'E_ARGUMENT', 't_frac: expected increasing numbers in (0, 1], got 2'],
    [{ fractions: [1e-4] }, 'E_ARGUMENT', 't_frac: expected numbers above tMin / T = 0.0001, got 0.0001'],
    [{ fractions: [Number.NaN] }, 'E_ARGUMENT', 'got NaN'],
    [{ compat: 'reference', weighting: 'likelihood' }, 'E_ARGUMENT', 'expected published with compat reference'],
    [{ weighting: 'elbo' as 'likelihood' }, 'E_UNKNOWN_NAME', 'published, likelihood'],
    [{ sharing: 'own' as 'fresh' }, 'E_ARGUMENT', 'fresh or shared'],
  ])('refuses %j', async (settings, code, message) => {
    const made = denoisingLosses(model(), images, settings)
    await expect(made).rejects.toMatchObject({ code })
    await expect(made).rejects.toThrow(message)
  })

  it('refuses rows and scores that are no numbers or of another shape', async () => {
    const bad = tensor(Float64Array.of(0, 1, Number.NaN, 3), [1, 1, 2, 2])
    await expect(denoisingLosses(model(), bad)).rejects.toMatchObject({ code: 'E_NOT_FINITE' })
    await expect(denoisingLosses(model(), x)).rejects.toMatchObject({ code: 'E_SHAPE' })
    await expect(denoisingLosses(model(), images, {}, { rows: [1] })).rejects.toMatchObject({ code: 'E_SHAPE' })
    const broken = { ...model(), scaledScore: async () => tensor(new Float64Array(4).fill(Number.NaN), [1, 1, 2, 2]) }
    const one = takeRows(images, [0])
    await expect(denoisingLosses(broken, one, {}, { batchSize: 1 })).rejects.toMatchObject({ code: 'E_NOT_FINITE' })
  })
})
