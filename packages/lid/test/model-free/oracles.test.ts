// Every model-free estimator against values computed independently from the papers (training/ood_training/lid_oracles.py).
import { readFileSync } from 'node:fs'
import { tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import {
  abid,
  corrInt,
  corrIntRule,
  ess,
  essReference,
  findNeighbours,
  globalDimension,
  gride,
  grideRule,
  knnGraphDimension,
  mada,
  mindMl,
  mindRule,
  minkaDimension,
  mle,
  mom,
  pointwiseDimensions,
  tle,
  twoNn,
  twoNnRule,
} from '../../src/index.ts'
import { angleDivergence, normDivergence } from '../../src/model-free/internal/danco-laws.ts'
import { measureDanco } from '../../src/model-free/internal/danco-statistics.ts'
import { skewness } from '../../src/model-free/internal/simplices.ts'
import { besselI, digamma, lambertW } from '../../src/model-free/internal/special.ts'

interface Oracles {
  X: number[][]
  k: number
  mom: number[]
  mada: number[]
  abid: number[]
  tle: number[]
  twoNn: number
  twoNnCompat: number
  twoNnPointwise: number[]
  gride: Record<string, number>
  mind: { MLk: number; MLi: number }
  corrInt: number
  danco: { norms: number; nu: number; tau: number }
  normDivergence: [number, number, number, number][]
  angleDivergence: [number, number, number, number, number][]
  bessel: [number, number, number][]
  lambertW: [number, number][]
  ess: Record<string, number>
  knnGraph: { sizes: number[]; lengths: number[][]; gamma: number; dimension: number }
  minka: { variances: number[]; samples: number; dimension: number }[]
}
const oracle = JSON.parse(readFileSync(new URL('./oracles.json', import.meta.url), 'utf8')) as Oracles
const x = tensor(Float64Array.from(oracle.X.flat()), [80, 6])
const k = oracle.k

/** Largest relative difference. */
function far(got: ArrayLike<number>, want: readonly number[]): number {
  expect(got.length).toBe(want.length)
  return Math.max(...want.map((value, i) => Math.abs(got[i]! / value - 1)))
}

// Both sides work in float64 on well-conditioned formulas: 1e-9 is rounding with room for a different order.
describe('pointwise estimators', () => {
  it.each([
    ['MOM', mom, oracle.mom],
    ['MADA', mada, oracle.mada],
    ['ABID', abid, oracle.abid],
    ['TLE', tle, oracle.tle],
  ] as const)('%s', async (_, estimate, want) => {
    expect(far((await estimate(x, { neighbours: k })).lid, want)).toBeLessThan(1e-9)
  })

  it('a shared table gives what each search alone gives', async () => {
    const table = await findNeighbours(x, k)
    for (const estimate of [mom, mada, abid, tle, mle, ess])
      expect((await estimate(x, { neighbours: table })).lid).toEqual((await estimate(x, { neighbours: k })).lid)
  })

  it('TwoNN inside neighbourhoods', async () => {
    const { lid } = await pointwiseDimensions(x, twoNnRule(), { neighbours: k, queries: [0, 1, 2, 3, 4] })
    expect(far(lid, oracle.twoNnPointwise)).toBeLessThan(1e-9)
  })
})

describe('estimators of whole sets, by a search and by all pairs', () => {
  it('TwoNN, from 1 / N and from 0', async () => {
    expect(await twoNn(x)).toBeCloseTo(oracle.twoNn, 10)
    expect(await twoNn(x, { compat: 'scikit-dimension' })).toBeCloseTo(oracle.twoNnCompat, 10)
    expect(globalDimension(x, twoNnRule())).toBeCloseTo(oracle.twoNn, 8)
  })

  it('Gride', async () => {
    const table = await findNeighbours(x, 8)
    for (const [key, want] of Object.entries(oracle.gride)) {
      const [near, far] = key.split(',').map(Number) as [number, number]
      // The oracle maximises the likelihood itself, which is flat to 1e-16 within 1e-8 of the maximum.
      expect((await gride(x, { near, far, table })).dimension / want - 1).toBeCloseTo(0, 6)
      expect(globalDimension(x, grideRule({ near, far })) / want - 1).toBeCloseTo(0, 6)
    }
    const { dimension } = await gride(x)
    const spread = (await gride(x)).standardError
    // n1 = 1, n2 = 2: the information is N / d².
    expect(spread).toBeCloseTo(dimension / Math.sqrt(80), 10)
  })

  it('MiND', async () => {
    expect((await mindMl(x, { k: 10 })) / oracle.mind.MLk - 1).toBeCloseTo(0, 6)
    expect(await mindMl(x, { k: 10, version: 'MLi' })).toBe(oracle.mind.MLi)
    expect(globalDimension(x, mindRule({ k: 10, version: 'MLi' }))).toBe(oracle.mind.MLi)
    expect(await mindMl(x, { k: 10, maxDimension: 2 })).toBe(2)
  })

  it('correlation dimension', async () => {
    expect(await corrInt(x)).toBeCloseTo(oracle.corrInt, 12)
    expect(globalDimension(x, corrIntRule())).toBeCloseTo(oracle.corrInt, 12)
  })

  it('neighbour graph growth', () => {
    const { sizes, lengths, gamma, dimension } = oracle.knnGraph
    expect(knnGraphDimension(sizes, lengths, gamma, 6)).toBe(dimension)
  })

  it("Minka's evidence, as scikit-learn has it", () => {
    for (const { variances, samples, dimension } of oracle.minka)
      expect(minkaDimension(variances, samples)).toBe(dimension)
  })
})

describe('parts', () => {
  it("DANCo's statistics", async () => {
    const got = measureDanco(await findNeighbours(x, 11), 10, 6)!
    expect(got.norms / oracle.danco.norms - 1).toBeCloseTo(0, 6)
    expect(got.nu).toBeCloseTo(oracle.danco.nu, 10)
    expect(got.tau).toBeCloseTo(oracle.danco.tau, 10)
  })

  it("DANCo's divergences, by quadrature", () => {
    for (const [a, b, order, want] of oracle.normDivergence) expect(normDivergence(a, b, order)).toBeCloseTo(want, 8)
    for (const [nu1, tau1, nu2, tau2, want] of oracle.angleDivergence)
      expect(angleDivergence({ nu: nu1, tau: tau1 }, { nu: nu2, tau: tau2 })).toBeCloseTo(want, 8)
  })

  it('special functions', () => {
    for (const [t, logI0, ratio] of oracle.bessel) {
      expect(Math.abs(besselI(t).logI0 - logI0)).toBeLessThan(1e-13 * Math.max(1, logI0))
      expect(besselI(t).ratio).toBeCloseTo(ratio, 13)
    }
    for (const [t, want] of oracle.lambertW) expect(lambertW(t) / want - 1).toBeCloseTo(0, 13)
    // ψ(1) = -γ, ψ(1/2) = -γ - 2 log 2, ψ(x + 1) = ψ(x) + 1/x.
    expect(digamma(1)).toBeCloseTo(-0.5772156649015329, 13)
    expect(digamma(0.5)).toBeCloseTo(-1.9635100260214235, 13)
    expect(digamma(12.3) - digamma(11.3)).toBeCloseTo(1 / 11.3, 13)
  })

  it('simplex skewness by singular values', async () => {
    const { indices } = await findNeighbours(x, k, { queries: [0] })
    const rows = Array.from(indices, (row) => oracle.X[row]!)
    const mean = rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]! / k, 0))
    const G = Float64Array.from({ length: k * k }, (_, at) =>
      mean.reduce((sum, m, j) => sum + (rows[Math.floor(at / k)]![j]! - m) * (rows[at % k]![j]! - m), 0),
    )
    const never = { uniform: () => 0, normal: () => 0, integer: () => 0, fork: () => never }
    expect(skewness(G, k, 2, 1e6, never)).toBeCloseTo(oracle.ess['1']!, 12)
    expect(skewness(G, k, 3, 1e6, never)).toBeCloseTo(oracle.ess['2']!, 12)
    const { lid } = await ess(x, { neighbours: k, queries: [0], d: 2 })
    const below = Math.floor(lid[0]!)
    const [from, to] = [essReference(below, { d: 2 }), essReference(below + 1, { d: 2 })]
    expect(from + (to - from) * (lid[0]! - below)).toBeCloseTo(oracle.ess['2']!, 10)
  })
})
