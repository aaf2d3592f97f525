// Noise in maximum likelihood, the correlation integral by scale and in time, separability by point, Fan's noise level.

import { readFileSync } from 'node:fs'
import { normals, random, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import {
  combineMle,
  corrInt,
  corrIntScales,
  fisherDimension,
  fisherPoints,
  fisherSGlobal,
  lpcaDimension,
  mle,
  mleDimension,
  pooledMle,
  twoNnDimension,
} from '../../src/index.ts'
import { expectedLog } from '../../src/model-free/internal/noise.ts'
import { ball, cube, framed, sphere } from './shapes.ts'

interface Oracles {
  X: number[][]
  k: number
  mleNoise: { sigma: number; lid: number[] }
  separability: { alpha: number; shares: number[] }
  corrScales: { orders: number[]; gap: number; radii: number[]; pairs: number[] }
}
const oracle = JSON.parse(readFileSync(new URL('./oracles.json', import.meta.url), 'utf8')) as Oracles
const x = tensor(Float64Array.from(oracle.X.flat()), [80, 6])

describe('maximum likelihood with noise', () => {
  it('equals the integrals by quadrature', async () => {
    const { lid } = await mle(x, { neighbours: oracle.k, noise: oracle.mleNoise.sigma })
    lid.forEach((value, i) => {
      expect(value / oracle.mleNoise.lid[i]!).toBeCloseTo(1, 9)
    })
  })

  it('the mean logarithm: its series for small noise, its value where the pole is inside', () => {
    // E log(1 + εZ) = -ε²/2 - 3ε⁴/4 - 5ε⁶/2 - ...
    const e = 0.01
    expect(expectedLog(1, e)).toBeCloseTo(-(e ** 2) / 2 - (3 * e ** 4) / 4 - (5 * e ** 6) / 2, 13)
    // Half a normal: E log|Z| = -(γ + log 2) / 2.
    expect(expectedLog(1e-300, 1)).toBeCloseTo(-(0.5772156649015329 + Math.LN2) / 2, 12)
    // The two rules meet at r = 9 σ.
    expect(expectedLog(9 + 1e-9, 1) - expectedLog(9 - 1e-9, 1)).toBeCloseTo(2e-9 / 9, 10)
    expect(expectedLog(3, 0)).toBe(Math.log(3))
  })

  it('brings a noisy line and a noisy plane down towards their dimension', async () => {
    const sigma = 0.01
    for (const [m, k] of [
      [1, 20],
      [2, 20],
    ] as const) {
      const clean = cube(m, 600, m, 8)
      const noise = normals(random(50 + m), 600 * 8)
      const noisy = tensor(
        clean.data.map((value, at) => value + sigma * noise[at]!),
        [600, 8],
      )
      const of = async (options: object): Promise<number> =>
        combineMle((await mle(noisy, { neighbours: k, ...options })).lid)
      const raw = await of({})
      const corrected = await of({ noise: sigma })
      expect(raw).toBeGreaterThan(corrected)
      expect(Math.abs(corrected - m)).toBeLessThan(Math.abs(raw - m))
    }
  })

  it('no noise changes nothing, noise beyond the distances is Infinity, anything else is named', async () => {
    expect(mleDimension([1, 2, 4], { noise: 0 })).toBe(mleDimension([1, 2, 4]))
    expect(mleDimension([1, 2, 4], { noise: 1e-9 })).toBeCloseTo(mleDimension([1, 2, 4]), 12)
    expect(mleDimension([1, 1.1, 1.2], { noise: 10 })).toBe(Number.POSITIVE_INFINITY)
    expect(mleDimension([0, 1, 2, 4], { noise: 0.1 })).toBe(mleDimension([1, 2, 4], { noise: 0.1 }))
    expect(await pooledMle(x, { distances: 60, noise: 0.02 })).toBeLessThan(await pooledMle(x, { distances: 60 }))
    for (const noise of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => mleDimension([1, 2], { noise })).toThrow(
        'mleDimension noise: expected a finite number of at least 0',
      )
    expect(() => mle(x, { neighbours: 5, noise: -1 })).toThrow('MLE noise: expected')
    await expect(pooledMle(x, { noise: -1 })).rejects.toThrow('pooledMle noise: expected')
  })
})

describe('the correlation integral by scale', () => {
  it('counts what brute force counts, with and without a gap', async () => {
    const { orders, gap, radii, pairs } = oracle.corrScales
    const found = await corrIntScales(x, { orders, gap })
    expect([...found.pairs]).toEqual(pairs)
    found.radii.forEach((radius, i) => {
      expect(radius).toBeCloseTo(radii[i]!, 12)
    })
    found.dimensions.forEach((dimension, i) => {
      expect(dimension).toBeCloseTo(Math.log(pairs[i + 1]! / pairs[i]!) / Math.log(radii[i + 1]! / radii[i]!), 10)
    })
    found.gaps.forEach((value, i) => {
      expect(value).toBeCloseTo(Math.abs(found.dimensions[i + 1]! - found.dimensions[i]!), 12)
    })
    const at = found.gaps.indexOf(Math.min(...found.gaps))
    expect(found.range).toEqual([found.radii[at], found.radii[at + 2]])
    expect(found.dimension).toBeCloseTo(
      Math.log(pairs[at + 2]! / pairs[at]!) / Math.log(radii[at + 2]! / radii[at]!),
      10,
    )
    expect(await corrInt(x, { near: orders[0]!, far: orders[1]!, gap })).toBeCloseTo(found.dimensions[0]!, 12)
  })

  it('passes by the scale of the noise', async () => {
    const noise = normals(random(9), 3000 * 3)
    const plane = framed(4, 3000, 2, 3, (rng) => [rng.uniform(), rng.uniform()])
    const noisy = tensor(
      plane.data.map((value, at) => value + 0.01 * noise[at]!),
      [3000, 3],
    )
    const { dimensions, dimension } = await corrIntScales(noisy, { orders: [3, 6, 12, 25, 50, 100, 200] })
    expect(dimensions[0]).toBeGreaterThan(2.2)
    expect(Math.abs(dimension - 2)).toBeLessThan(0.15)
  })

  it('a gap leaves out neighbours in time: a smooth random path that fills a torus', async () => {
    // Steps so short that most of the nearest points of one lie along its own path, a line.
    const rng = random(3)
    const path = new Float64Array(4 * 4000)
    const place = [0, 0]
    let heading = 0
    for (let i = 0; i < 4000; i++) {
      heading += 0.1 * rng.normal()
      place[0]! += 0.02 * Math.cos(heading)
      place[1]! += 0.02 * Math.sin(heading)
      path.set(
        place.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]),
        4 * i,
      )
    }
    const along = await corrInt(tensor(path, [4000, 4]), { near: 10, far: 20 })
    const across = await corrInt(tensor(path, [4000, 4]), { near: 10, far: 20, gap: 200 })
    expect(along).toBeLessThan(1.5)
    expect(Math.abs(across - 2)).toBeLessThan(0.25)
  })

  it('settings out of range are named', async () => {
    await expect(corrInt(x, { gap: -1 })).rejects.toThrow('CorrInt gap: expected an integer of at least 0, got -1')
    await expect(corrInt(x, { gap: 79 })).rejects.toThrow('CorrInt: expected pairs within the smaller radius')
    await expect(corrIntScales(x, { orders: [1, 2] })).rejects.toThrow(
      'corrIntScales orders: expected at least 3, got 2',
    )
    await expect(corrIntScales(x, { orders: [4, 4, 8] })).rejects.toThrow('expected an integer of at least 5, got 4')
    await expect(corrIntScales(x, { orders: [4, 8, 80] })).rejects.toThrow('expected fewer than the 80 points, got 80')
  })
})

describe('Fisher separability by point', () => {
  it('equals a count on the whitened sphere, and its mean the share of the set', () => {
    const { alpha, shares } = oracle.separability
    const found = fisherPoints(x, { margin: alpha })
    expect([...found.inseparable]).toEqual(shares)
    const at = found.profile.alphas.findIndex((value) => Math.abs(value - alpha) < 1e-9)
    expect(found.alpha).toBe(found.profile.alphas[at])
    expect(shares.reduce((sum, p) => sum + p, 0) / 80).toBeCloseTo(found.profile.inseparable[at]!, 12)
    found.dimensions.forEach((value, i) => {
      expect(value).toBe(fisherDimension(shares[i]!, found.alpha))
    })
    expect(found.profile.dimension).toBe(fisherSGlobal(x))
  })

  it('margins: of the set, the largest with none separable, one of the list', () => {
    const y = ball(2, 800, 5, 5)
    const set = fisherPoints(y)
    expect(set.alpha).toBe(set.profile.alpha)
    const all = fisherPoints(y, { margin: 'all' })
    expect(Math.min(...all.inseparable)).toBeGreaterThan(0)
    const above = fisherPoints(y, { margin: 0.98 })
    expect(above.alpha).toBeGreaterThan(all.alpha)
    expect(above.inseparable.some((p) => p === 0)).toBe(true)
    expect(above.dimensions.some((value) => value === Number.POSITIVE_INFINITY)).toBe(true)
    const finite = fisherPoints(y, { margin: 0.98, finite: true })
    expect(Math.max(...finite.dimensions)).toBe(fisherDimension(1 / 800, finite.alpha))
    expect(() => fisherPoints(y, { margin: 0.61 })).toThrow('fisherPoints margin: expected one of 0.60, 0.62')
    expect(() => fisherPoints(y, { margin: 'none' as 'all' })).toThrow("expected 'set', 'all' or a number, got none")
  })

  it('a point apart from the rest is separable', () => {
    const y = sphere(7, 400, 2, 3)
    for (let i = 0; i < 300; i++) y.data[3 * i] = Math.abs(y.data[3 * i]!) + 1
    y.data.set([-6, 0.01, 0.01], 0)
    const { inseparable } = fisherPoints(y, { margin: 0.9 })
    expect(inseparable[0]).toBeLessThan(inseparable.reduce((sum, p) => sum + p, 0) / 400)
  })

  it('one repeated point, too few points, NaN', () => {
    const point = fisherPoints(tensor(new Float64Array(12).fill(5.1), [4, 3]))
    expect([...point.dimensions]).toEqual([0, 0, 0, 0])
    expect(point.alpha).toBeNaN()
    expect(() => fisherPoints(tensor(Float64Array.of(1, 2), [1, 2]))).toThrow(
      'FisherS: expected at least 2 points, got 1',
    )
    expect(() => fisherPoints(tensor(Float64Array.of(1, Number.NaN), [2, 1]))).toThrow('expected finite numbers')
    const apart = tensor(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), [3, 3])
    expect(() => fisherPoints(apart)).toThrow('expected a margin with inseparable points, got none')
    expect(() => fisherPoints(apart, { margin: 'all' })).toThrow('no point is separable from all, got none')
  })
})

describe("Fan's rule", () => {
  it.each([
    [[1, 1, 1, 0, 0], 3, 2],
    [[1, 1, 1, 0.01, 0.01], 3, 2],
    [[1, 0.9, 0.8, 0.01, 0.01, 0.01], 3, 2],
    [[1, 1, 0.01, 0.01], 2, 1],
    [[1, 0.9, 0.8, 0.7, 0.02, 0.02, 0.02, 0.02], 4, 3],
    [[1, 1, 1, 1, 1, 0.05, 0.05], 5, 4],
    [[1], 1, 1],
  ])('%j: noise is what lies behind the signal; from its last component on one is lost', (variances, ours, theirs) => {
    expect(lpcaDimension(variances, { version: 'Fan' })).toBe(ours)
    expect(lpcaDimension(variances, { version: 'Fan', compat: 'scikit-dimension' })).toBe(theirs)
  })
})

describe('constant columns', () => {
  it('5.1 adds as little as 5: nothing', async () => {
    const plane = cube(3, 80, 2, 3)
    const beside = (value: number): ReturnType<typeof tensor> =>
      tensor(
        Float64Array.from({ length: 80 * 5 }, (_, at) =>
          at % 5 < 3 ? plane.data[Math.floor(at / 5) * 3 + (at % 5)]! : value,
        ),
        [80, 5],
      )
    for (const value of [0, 5, 5.1, 0.1, 1e15 / 3]) {
      const y = beside(value)
      expect(lpcaDimension([1, 1, 0], {})).toBe(2)
      expect(fisherSGlobal(y)).toBeCloseTo(fisherSGlobal(plane), 9)
      const { lid } = await mle(y, { neighbours: 10 })
      expect(lid).toEqual((await mle(plane, { neighbours: 10 })).lid)
    }
    expect(fisherSGlobal(tensor(new Float64Array(40).fill(5.1), [10, 4]))).toBe(0)
  })
})

describe('TwoNN as scikit-dimension had it', () => {
  it('counted from 0 before July 2024, and since then from 1, as the paper and we do', () => {
    const ratios = [1.1, 1.3, 1.6, 2.4, 3]
    const slope = (first: number): number => {
      const logs = ratios.slice(0, 4).map(Math.log)
      const y = logs.map((_, i) => -Math.log(1 - (i + first) / 5))
      return logs.reduce((sum, log, i) => sum + log * y[i]!, 0) / logs.reduce((sum, log) => sum + log * log, 0)
    }
    expect(twoNnDimension(ratios, { discard: 0.1 })).toBeCloseTo(slope(1), 12)
    expect(twoNnDimension(ratios, { discard: 0.1, compat: 'scikit-dimension' })).toBeCloseTo(slope(0), 12)
  })
})
