// LIDL from one model and from an ensemble: golden vectors, the exact slope, missing values, errors.
import { type LikelihoodModel, normals, random, rowCount, sliceRows, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { deltasAround, fpRegress, lidlDeltas, lidlEnsemble, lidlSlopes, scaleFreeLid } from '../../src/index.ts'
import { number, vector } from '../vectors.ts'
import { gaussian, invert, ve, vp } from './models.ts'

interface Vectors {
  cases: {
    name: string
    mean: number[]
    cov: number[][]
    x: number[]
    deltas: number[]
    log_convolved_density: number[]
    slope: number
    lidl: number
    fpregress: number
    fpregress_log_rho_offsets_descending_delta: number[]
  }[]
  nan_column_quirk: { xs: number[]; ys: (number | string)[][]; slopes_after_dropping_any_nan_column: number[] }
  delta_schedules: { default: number[]; from_single_delta_0p05: number[]; from_delta_0p05_num5: number[] }
}

const golden = vector<Vectors>('lidl_fpregress')
const row = (x: readonly number[]) => tensor(Float64Array.from(x), [1, x.length])
const plane = gaussian(vp(), [0, 0, 0, 0], [1, 1, 0, 0])

/** log N(x; m, C + delta² I) as a likelihood model. */
function convolved(mean: number[], cov: number[][], delta: number): LikelihoodModel {
  const d = mean.length
  const { inverse, logDet } = invert(
    cov.map((values, i) => values.map((value, j) => value + (i === j ? delta ** 2 : 0))),
  )
  return {
    logProb: async (x) => ({
      instance: Float64Array.from({ length: rowCount(x) }, (_, n) => {
        const c = mean.map((m, j) => x.get(n, j) - m)
        const form = c.reduce((sum, a, i) => sum + a * inverse[i]!.reduce((s, p, j) => s + p * c[j]!, 0), 0)
        return -0.5 * (d * Math.log(2 * Math.PI) + logDet + form)
      }),
    }),
  }
}

describe('noise levels', () => {
  it('are the published ones', () => {
    const { delta_schedules: want } = golden
    expect(lidlDeltas()).toEqual(want.default)
    expect(deltasAround(0.05)).toEqual(want.from_single_delta_0p05)
    deltasAround(0.05, 5).forEach((delta, i) => {
      expect(delta).toBeCloseTo(want.from_delta_0p05_num5[i]!, 15)
    })
  })

  it('refuses what is no noise', () => {
    expect(() => deltasAround(0)).toThrow('deltasAround delta: expected a standard deviation above 0, got 0')
    expect(() => deltasAround(1, 1)).toThrow('deltasAround count')
  })
})

describe('fpRegress', () => {
  it('is the published recipe with compat, the exact slope without', async () => {
    for (const { name, mean, cov, x, deltas, ...want } of golden.cases) {
      const model = gaussian(vp(), mean, cov)
      const published = await fpRegress(model, row(x), { deltas, compat: 'reference' })
      expect(published.lid[0], name).toBeCloseTo(want.fpregress, 7)
      const offsets = want.fpregress_log_rho_offsets_descending_delta.toReversed()
      offsets.forEach((value, i) => {
        expect(published.logDensity.get(0, i), name).toBeCloseTo(value, 7)
      })
      const exact = await fpRegress(model, row(x), { deltas })
      // Cubics through nodes h = 0.33 apart err by about h⁵ / 720 of the rate's fourth derivative a step: here 1e-5.
      expect(Math.abs(exact.lid[0]! - want.lidl), name).toBeLessThan(1e-5)
      const last = want.log_convolved_density.at(-1)!
      want.log_convolved_density.forEach((value, i) => {
        expect(Math.abs(exact.logDensity.get(0, i) - (value - last)), name).toBeLessThan(4e-5)
      })
    }
  })

  it('needs one trace a noise level, and one less as published', async () => {
    for (const [compat, traces] of [
      [undefined, 8],
      ['reference', 7],
    ] as const) {
      plane.calls.tangents = 0
      await fpRegress(plane, row([0.1, 0, 0, 0]), compat ? { compat } : {})
      expect(plane.calls.tangents).toBe(4 * traces)
    }
  })

  it('finds the slope under a process that explodes too', async () => {
    const { lid } = await fpRegress(gaussian(ve(0.001), [0, 0, 0], [1, 1, 0]), row([0.3, 0.1, 0]))
    // The exact LIDL differs from 2 by the curvature of the Gaussian at these deltas, 0.004.
    expect(lid[0]).toBeGreaterThan(1.98)
    expect(lid[0]).toBeLessThan(2.02)
    const euler = await fpRegress(gaussian(ve(0.001), [0, 0, 0], [1, 1, 0]), row([0.3, 0.1, 0]), {
      compat: 'reference',
    })
    // There t is log delta up to a constant, so that Euler has no more to get wrong than the change of the rate.
    expect(Math.abs(euler.lid[0]! - lid[0]!)).toBeLessThan(0.005)
  })

  it('bounds its standard error, which probes fill', async () => {
    const cov = Array.from({ length: 6 }, (_, i) =>
      Array.from({ length: 6 }, (_, j) => (i === j ? 1.5 : 0.4) * (i < 3 && j < 3 ? 1 : i === j ? 0.001 : 0)),
    )
    const model = gaussian(vp(), new Float64Array(6), cov)
    const x = tensor(
      normals(random(1), 12).map((value) => 0.02 * value),
      [2, 6],
    )
    const exact = await fpRegress(model, x)
    expect([...exact.standardError]).toEqual([0, 0])
    const rough = await fpRegress(model, x, { probes: 200, seed: 4, batchSize: 1 })
    rough.lid.forEach((lid, i) => {
      expect(rough.standardError[i]).toBeGreaterThan(0)
      expect(Math.abs(lid - exact.lid[i]!)).toBeLessThan(4.5 * rough.standardError[i]!)
    })
    const second = await fpRegress(model, sliceRows(x, 1, 2), { probes: 200, seed: 4, rows: [1] })
    expect(second.lid[0]).toBe(rough.lid[1])
  })

  it('reports progress, stops, and refuses bad noise levels', async () => {
    const seen: number[] = []
    const x = row([0, 0, 0, 0])
    await fpRegress(plane, x, { deltas: [0.01, 0.1], onProgress: ({ done, total }) => seen.push(done / total) })
    expect(seen).toEqual([0.5, 1])
    const signal = AbortSignal.abort()
    await expect(fpRegress(plane, x, { signal })).rejects.toMatchObject({ code: 'E_ABORTED' })
    await expect(fpRegress(plane, x, { deltas: [0.1] })).rejects.toThrow('at least two noise levels, got 1')
    await expect(fpRegress(plane, x, { deltas: [0.1, 0.1] })).rejects.toThrow('increasing')
    await expect(fpRegress(plane, x, { deltas: [1e-5, 0.1] })).rejects.toThrow('at least 0.0001, got 0.00001')
    await expect(fpRegress(plane, x, { deltas: [0.1, 1e4] })).rejects.toThrow('fpRegress delta')
  })
})

describe('lidlEnsemble', () => {
  it('is D + slope of the golden densities', async () => {
    for (const { name, mean, cov, x, deltas, slope, lidl, log_convolved_density: density } of golden.cases) {
      const members = deltas.map((delta) => ({ model: convolved(mean, cov, delta), delta })).reverse()
      const found = await lidlEnsemble(members, row(x))
      expect(found.lid[0], name).toBeCloseTo(lidl, 9)
      expect([...found.deltas]).toEqual(deltas)
      expect(lidlSlopes(tensor(Float64Array.from(density), [1, 8]), deltas)[0], name).toBeCloseTo(slope, 10)
    }
  })

  it('drops a NaN for its point, or as published for the whole batch', () => {
    const { xs, ys, slopes_after_dropping_any_nan_column: want } = golden.nan_column_quirk
    const table = tensor(Float64Array.from(ys.flat(), number), [2, 4])
    const deltas = xs.map(Math.exp)
    const batch = lidlSlopes(table, deltas, { missing: 'batch' })
    batch.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 12)
    })
    // A kink in the second point's values that only the dropped column shows.
    const kinked = tensor(Float64Array.of(0, 1, Number.NaN, 3, 0, 2, 10, 6), [2, 4])
    expect(lidlSlopes(kinked, deltas, { missing: 'batch' })[1]).toBeCloseTo(2, 12)
    expect(lidlSlopes(kinked, deltas)[1]).toBeCloseTo(2.6, 12)
    expect(lidlSlopes(kinked, deltas)[0]).toBeCloseTo(1, 12)
  })

  it('is NaN where too few numbers are left, and refuses tables that do not fit', async () => {
    const bad = tensor(Float64Array.of(Number.NaN, 1, Number.NEGATIVE_INFINITY, 2, 3, 4), [2, 3])
    const slopes = lidlSlopes(bad, [0.1, 0.2, 0.4])
    expect(slopes[0]).toBeNaN()
    expect(slopes[1]).toBeCloseTo(1 / Math.LN2, 12)
    expect(() => lidlSlopes(bad, [0.1, 0.2])).toThrow('lidlSlopes: expected [N, 2] log-likelihoods')
    const one = { model: convolved([0], [[1]], 0.1), delta: 0.1 }
    await expect(lidlEnsemble([one], row([0]))).rejects.toThrow('at least two noise levels')
    await expect(lidlEnsemble([one, one], row([0]))).rejects.toThrow('increasing')
  })
})

describe('scaleFreeLid', () => {
  it('gives its one number at every scale', async () => {
    const estimator = scaleFreeLid(async (x, call) => (await fpRegress(plane, x, { ...call, deltas: [0.01, 0.1] })).lid)
    const artifact = await estimator.prepare(row([0, 0, 0, 0]))
    expect(estimator.lid(artifact, -9)).toEqual(estimator.lid(artifact, 9))
    expect(estimator.lid(artifact, 0)[0]).toBeCloseTo(2, 1)
    await expect(scaleFreeLid(async () => new Float64Array(3)).prepare(row([1]))).rejects.toThrow('expected 1 LIDs')
  })
})
