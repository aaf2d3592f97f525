// Golden vectors of ESS and FisherS, known dimensions, tables, threads and backends, and what every estimator does with
// data that have no honest answer.
import { type MatmulBackend, normals, random, tensor, uniforms } from '@ood/core'
import { wasmMatmul } from '@ood/linalg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  abidRule,
  combineDimensions,
  corrInt,
  corrIntRule,
  type DimensionRule,
  danco,
  dancoRule,
  essDimension,
  essReference,
  essRule,
  findNeighbours,
  firstNeighbours,
  fisherDimension,
  fisherProfile,
  fisherRule,
  fisherSGlobal,
  globalDimension,
  gride,
  grideRule,
  knnGraph,
  knnGraphRule,
  lpcaDimension,
  lpcaRule,
  madaDimension,
  madaRule,
  mindMl,
  mindRule,
  minkaDimension,
  mle,
  mleDimension,
  mleRule,
  momDimension,
  momRule,
  pointwiseDimensions,
  pooledMle,
  smoothDimensions,
  tleRule,
  twoNn,
  twoNnDimension,
  twoNnRule,
} from '../../src/index.ts'
import { ESTIMATORS, ruleOf } from '../../src/model-free/internal/registry.ts'
import { vector } from '../vectors.ts'
import { orthonormal } from './shapes.ts'

interface Golden {
  X: number[][]
  k: number
  ess_pointwise: number[]
  ess_mean: number
  ess_fit_once_first20: [number, number]
  ess_b_fit_once_first20: [number, number]
  ess_reference_a_1_to_12: number[]
  fishers: { dimension: [number]; alphas: number[]; n_alpha: number[] }
}
const golden = vector<Golden>('model_free_lid')
const X = tensor(Float64Array.from(golden.X.flat()), [60, 5])

type Batch = ReturnType<typeof tensor>

/** n points uniform in the d-ball, in a random d-dimensional plane of R^ambient. */
function ball(seed: number, n: number, d: number, ambient: number): Batch {
  const rng = random(seed)
  const basis = orthonormal(normals(rng, d * ambient), d, ambient)
  const out = new Float64Array(n * ambient)
  for (let i = 0; i < n; i++) {
    const g = normals(rng, d)
    const scale = rng.uniform() ** (1 / d) / Math.hypot(...g)
    for (let l = 0; l < d; l++)
      for (let j = 0; j < ambient; j++) out[i * ambient + j]! += g[l]! * scale * basis[l * ambient + j]!
  }
  return tensor(out, [n, ambient])
}

const rules: DimensionRule[] = [
  lpcaRule(),
  ...(['maxgap', 'ratio', 'participation_ratio', 'Kaiser', 'broken_stick', 'Fan', 'Minka'] as const).map((version) =>
    lpcaRule({ version }),
  ),
  mleRule(),
  momRule(),
  madaRule(),
  tleRule(),
  abidRule(),
  abidRule({ raw: true }),
  essRule(),
  essRule({ version: 'b' }),
  essRule({ d: 2 }),
  fisherRule(),
  twoNnRule(),
  grideRule({ near: 2 }),
  mindRule({ k: 5 }),
  corrIntRule({ near: 3, far: 6 }),
  knnGraphRule({ k: 3 }),
  dancoRule({ k: 4, maxDimension: 6 }),
]

describe('golden vectors of scikit-dimension', () => {
  it('ESS, pointwise and of one neighbourhood, versions a and b', async () => {
    const { lid, mean } = await pointwiseDimensions(X, essRule(), { neighbours: golden.k })
    lid.forEach((value, i) => {
      expect(value).toBeCloseTo(golden.ess_pointwise[i]!, 10)
    })
    expect(mean).toBeCloseTo(golden.ess_mean, 10)
    const first = tensor(Float64Array.from(golden.X.slice(0, 20).flat()), [20, 5])
    expect(globalDimension(first, essRule())).toBeCloseTo(golden.ess_fit_once_first20[0], 10)
    expect(globalDimension(first, essRule({ version: 'b' }))).toBeCloseTo(golden.ess_b_fit_once_first20[0], 10)
    golden.ess_reference_a_1_to_12.forEach((value, i) => {
      expect(essReference(i + 1)).toBeCloseTo(value, 11)
    })
  })

  it('FisherS, every margin', () => {
    const whole = { count: 60, ambient: 5, points: X.data as Float64Array, distances: new Float64Array(0) }
    const profile = fisherProfile(whole)
    expect(profile.dimension).toBeCloseTo(golden.fishers.dimension[0], 10)
    expect([...profile.alphas]).toEqual(golden.fishers.alphas)
    profile.dimensions.forEach((value, a) => {
      expect(value).toBeCloseTo(golden.fishers.n_alpha[a]!, 10)
    })
    expect(fisherSGlobal(X)).toBe(profile.dimension)
  })
})

describe('known dimensions', () => {
  // 600 points of a uniform 3-ball in R^12. Points near the boundary see half a ball, which lowers estimates from
  // distances; measured biases of the estimators at this size are below 15 %, their spread below 5 %.
  const x = ball(1, 600, 3, 12)
  it.each([
    ['TwoNN', () => twoNn(x), 0.2],
    ['Gride 4, 8', async () => (await gride(x, { near: 4 })).dimension, 0.2],
    ['MiND', () => mindMl(x, { k: 10 }), 0.2],
    ['CorrInt', () => corrInt(x), 0.2],
    ['DANCo', () => danco(x, { maxDimension: 6 }), 0.1],
    ['KNN', () => knnGraph(x), 0.4],
    ['pooled MLE', () => pooledMle(x, { distances: 200 }), 0.3],
  ] as const)('%s of a 3-ball', async (_, estimate, tolerance) => {
    expect(Math.abs((await estimate()) / 3 - 1)).toBeLessThan(tolerance)
  })

  it.each([
    ['MLE', mleRule(), 0.2],
    ['MOM', momRule(), 0.2],
    ['MADA', madaRule(), 0.35],
    ['TLE', tleRule(), 0.2],
    ['ABID', abidRule(), 0.2],
    ['ESS a', essRule(), 0.15],
    ['ESS b', essRule({ version: 'b' }), 0.15],
    ['FisherS', fisherRule(), 0.35],
    ['lPCA', lpcaRule(), 1e-12],
    ['lPCA Minka', lpcaRule({ version: 'Minka' }), 1e-12],
    ['lPCA maxgap', lpcaRule({ version: 'maxgap' }), 1e-12],
  ] as const)('%s at points of a 3-ball', async (_, rule, tolerance) => {
    const { lid } = await pointwiseDimensions(x, rule, { neighbours: 60, queries: 60, seed: 1 })
    expect(Math.abs(combineDimensions(lid, 'median') / 3 - 1)).toBeLessThan(tolerance)
  })

  it('the reference curves of ESS invert, whole and in between, far beyond any table', () => {
    for (const options of [{}, { version: 'b' as const }, { d: 2 }, { d: 5 }])
      for (const n of [1, 2, 3, 7, 19, 20, 21, 38, 39, 500, 12345]) {
        if (n < (options.d ?? 1)) continue
        expect(essDimension(essReference(n, options), options)).toBeCloseTo(n, 5)
      }
    expect(essDimension((essReference(20) + essReference(21)) / 2)).toBeCloseTo(20.5, 9)
    expect(essReference(2)).toBeCloseTo(2 / Math.PI, 12)
  })

  it('a sphere of the stated dimension has the stated separability', () => {
    // The definition of n solves p = (1 - α²)^{(n-1)/2} / (α √(2πn)): put n in, get it out.
    for (const n of [1, 2.5, 10, 80])
      for (const alpha of [0.6, 0.8, 0.98]) {
        const p = (1 - alpha * alpha) ** ((n - 1) / 2) / (alpha * Math.sqrt(2 * Math.PI * n))
        if (p <= 1) expect(fisherDimension(p, alpha)).toBeCloseTo(n, 9)
      }
    expect(fisherDimension(0, 0.8)).toBe(Number.POSITIVE_INFINITY)
  })

  it('single neighbourhoods by hand', () => {
    expect(momDimension([1, 2, 3])).toBe(2)
    expect(madaDimension([0, 1, 2, 3, 4])).toBe(1)
    expect(mleDimension([1, 2, 4], { weights: [1, 0] })).toBeCloseTo(1 / Math.log(4), 12)
    expect(mleDimension([1, 2, 4], { weights: [2, 2] })).toBeCloseTo(mleDimension([1, 2, 4]), 12)
    expect(mleDimension([1, 2, 4], { fromNeighbours: 2 })).toBeCloseTo((1 / Math.log(2) + 2 / Math.log(8)) / 2, 12)
    // Ratios exactly at the quantiles of a Pareto law of index 2.
    const ratios = Array.from({ length: 99 }, (_, i) => (1 - (i + 1) / 100) ** (-1 / 2))
    expect(twoNnDimension([...ratios, 1e3])).toBeCloseTo(2, 12)
    // Two perpendicular and two opposite directions: cos² = 0 or 1.
    const cross = tensor(Float64Array.of(0, 0, 1, 0, -1, 0, 0, 1, 0, -1), [5, 2])
    return expect(
      pointwiseDimensions(cross, abidRule(), { neighbours: 4, queries: [0] }).then(({ lid }) => lid[0]),
    ).resolves.toBeCloseTo(2, 12)
  })

  it('TLE as scikit-dimension sums, where the point has a duplicate', async () => {
    const x = ball(6, 40, 2, 3)
    const data = x.data as Float64Array
    data.copyWithin(3, 0, 3)
    const one = { neighbours: 8, queries: [0] }
    const table = await findNeighbours(x, 8, { queries: [0] })
    const ours = (await pointwiseDimensions(x, tleRule(), one)).lid[0]!
    const theirs = (await pointwiseDimensions(x, tleRule({ compat: 'scikit-dimension' }), one)).lid[0]!
    // d = -2 kept / (sums + lengths), theirs without the lengths; the duplicate is not kept.
    const lengths = table.distances.slice(1).reduce((sum, r) => sum + 2 * Math.log(r / table.distances[7]!), 0)
    expect(1 / ours - 1 / theirs).toBeCloseTo(-lengths / (2 * (64 - 1)), 10)
    const apart = { neighbours: 8, queries: [5] }
    const same = (await pointwiseDimensions(x, tleRule({ compat: 'scikit-dimension' }), apart)).lid[0]!
    expect(same).toBeCloseTo((await pointwiseDimensions(x, tleRule(), apart)).lid[0]!, 12)
  })

  it('lPCA as scikit-dimension counts, with the zero eigenvalue of the mean', async () => {
    const wide = tensor(normals(random(5), 40 * 30), [40, 30])
    const options = { neighbours: 10, queries: [0, 1, 2] }
    const ours = await pointwiseDimensions(wide, lpcaRule({ version: 'maxgap' }), options)
    expect(Math.max(...ours.lid)).toBeLessThan(9)
    const theirs = await pointwiseDimensions(wide, lpcaRule({ version: 'maxgap', compat: 'scikit-dimension' }), options)
    expect([...theirs.lid]).toEqual([9, 9, 9])
    expect(lpcaDimension([4, 1, 0.5, 0.1], { version: 'broken_stick', compat: 'reference' })).toBe(
      lpcaDimension([4, 1, 0.5, 0.1], { version: 'broken_stick', compat: 'scikit-dimension' }),
    )
    expect(() => lpcaDimension([1], { version: 'Minka' })).toThrow('expected the number of points for Minka')
    expect([minkaDimension([], 5), minkaDimension([2], 5), minkaDimension([0, 0], 5)]).toEqual([0, 1, 0])
  })
})

describe('tables, sets, threads and backends', () => {
  const x = ball(2, 90, 4, 40)

  it('every built-in rule can be made again from its name, and gives the same on worker threads', async () => {
    expect(new Set(rules.map((rule) => rule.spec!.estimator))).toEqual(new Set(ESTIMATORS))
    const queries = [3, 30, 31, 60, 89]
    const table = await findNeighbours(x, 16, { queries })
    const shared = await findNeighbours(x, 16, { queries, threads: 2 })
    expect(shared.indices).toEqual(table.indices)
    for (const rule of rules) {
      const here = (await pointwiseDimensions(x, rule, { neighbours: table, threads: 1 })).lid
      const again = (await pointwiseDimensions(x, ruleOf(structuredClone(rule.spec)), { neighbours: table })).lid
      expect(again).toEqual(here)
      const threaded = (await pointwiseDimensions(x, rule, { neighbours: shared, threads: 2 })).lid
      // Products of tiles and of neighbourhoods round differently.
      threaded.forEach((value, i) => {
        expect(value === here[i] || Math.abs(value / here[i]! - 1) < 1e-8).toBe(true)
      })
    }
  }, 120_000)

  it('a backend of any precision finds the same neighbours', async () => {
    const coarse: MatmulBackend = {
      name: 'float32',
      unitRoundoff: 2 ** -24,
      multiplyTransposed: (...args) => (wasmMatmul.multiplyTransposed(...args) as Float64Array).map(Math.fround),
    }
    const plain = await findNeighbours(x, 7)
    for (const queries of [undefined, 2, [5, 80]])
      for (const threads of [1, 2]) {
        const want = await findNeighbours(x, 7, { ...(queries ? { queries } : {}) })
        const got = await findNeighbours(x, 7, { matmul: coarse, threads, ...(queries ? { queries } : {}) })
        expect([...got.indices]).toEqual([...want.indices])
        got.distances.forEach((value, i) => {
          expect(value).toBeCloseTo(want.distances[i]!, 8)
        })
      }
    const { lid } = await pointwiseDimensions(x, essRule(), { neighbours: 7, matmul: coarse })
    const exact = await pointwiseDimensions(x, essRule(), { neighbours: plain })
    // float32 products are too coarse for the estimator, which then takes the coordinates.
    lid.forEach((value, i) => {
      expect(value).toBeCloseTo(exact.lid[i]!, 8)
    })
  })

  it('points of their own keep all neighbours, rows leave themselves out', async () => {
    const rows = await findNeighbours(x, 3, { queries: [4, 7] })
    const own = tensor((x.data as Float64Array).slice(4 * 40, 5 * 40), [1, 40])
    const apart = await findNeighbours(x, 4, { at: own })
    expect([...apart.indices]).toEqual([4, ...rows.indices.subarray(0, 3)])
    expect(apart.distances[0]).toBe(0)
    expect([...apart.points]).toEqual([0])
    const { lid, points } = await pointwiseDimensions(x, mleRule(), { neighbours: 4, at: own })
    expect([lid.length, points.length]).toEqual([1, 1])
  })

  it('one search serves smaller k, and smoothing averages over neighbours', async () => {
    const many = await findNeighbours(x, 12)
    const few = await findNeighbours(x, 5)
    expect([...firstNeighbours(many, 5).indices]).toEqual([...few.indices])
    const { lid, smoothed } = await mle(x, { neighbours: 5, smooth: true })
    const around = [0, ...few.indices.subarray(0, 5)]
    expect(smoothed![0]).toBeCloseTo(around.reduce((sum, row) => sum + lid[row]!, 0) / 6, 12)
    expect(smoothDimensions(lid, few)).toEqual(smoothed)
    const some = await findNeighbours(x, 5, { queries: 10 })
    expect(() => smoothDimensions(lid, some)).toThrow('expected a table of every row')
    await expect(mle(x, { neighbours: 5, smooth: true, queries: 3 })).rejects.toThrow('got queries or at')
    expect(() => firstNeighbours(few, 6)).toThrow("at most the table's 5, got 6")
  })

  it('combines with weights', () => {
    expect(combineDimensions([1, 2, 4], 'mean', [1, 0, 1])).toBe(2.5)
    expect(combineDimensions([1, 2, 4], 'harmonic', [2, 0, 2])).toBeCloseTo(1.6, 12)
    expect(combineDimensions([9, 1, 2], 'median', [1, 1, 2])).toBe(2)
    expect(combineDimensions([1, 2], 'median')).toBe(1.5)
    expect(combineDimensions([1, Number.POSITIVE_INFINITY], 'harmonic')).toBe(2)
    expect(() => combineDimensions([1, Number.NaN])).toThrow('NaN at position 1')
    expect(() => combineDimensions([1, 2], 'mean', [0, 0])).toThrow('expected a positive sum')
    expect(() => combineDimensions([1, 2], 'mean', [1])).toThrow('two lists of equal length')
    expect(() => combineDimensions([1, 2], 'mean', [1, -1])).toThrow('numbers of at least 0, got -1')
  })
})

describe('data without an honest answer', () => {
  const globals: Record<string, (x: Batch) => Promise<number>> = {
    twoNn: (x) => twoNn(x),
    gride: async (x) => (await gride(x)).dimension,
    corrInt: (x) => corrInt(x, { near: 2, far: 4 }),
    mindMl: (x) => mindMl(x, { k: 3 }),
    danco: (x) => danco(x, { k: 3, maxDimension: 4 }),
    knnGraph: (x) => knnGraph(x, { k: 2 }),
  }

  it.each(rules.map((rule) => [rule.name, rule] as const))('%s: 0 where all points are one', async (_, rule) => {
    const x = tensor(new Float64Array(60).fill(7), [20, 3])
    const { lid, mean } = await pointwiseDimensions(x, rule, { neighbours: 10, queries: 3 })
    expect([...lid, mean]).toEqual([0, 0, 0, 0])
  })

  it.each(Object.entries(globals))('%s of one repeated point is 0', async (_, estimate) => {
    expect(await estimate(tensor(new Float64Array(60).fill(7), [20, 3]))).toBe(0)
  })

  it('a number or an error, never NaN: duplicates, constant columns, lattices, tiny sets', async () => {
    // Whole data sets of awkward kinds through every rule and every estimator of whole sets.
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 1, max: 14 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('duplicates', 'constant column', 'lattice', 'plain', 'huge', 'tiny'),
        async (seed, n, d, kind) => {
          const rng = random(seed)
          const data = uniforms(rng, n * d)
          if (kind === 'lattice') for (let i = 0; i < data.length; i++) data[i] = Math.floor(3 * data[i]!)
          if (kind === 'constant column') for (let i = 0; i < n; i++) data[i * d] = 5
          if (kind === 'duplicates') for (let i = 1; i < n; i++) if (rng.uniform() < 0.6) data.copyWithin(i * d, 0, d)
          if (kind === 'huge' || kind === 'tiny')
            for (let i = 0; i < data.length; i++) data[i]! *= kind === 'huge' ? 1e100 : 1e-100
          const x = tensor(data, [n, d])
          const judge = (name: string, lid: number): void => {
            if (Number.isNaN(lid) || lid < 0) throw new Error(`${name} gave ${lid}`)
          }
          const allowed = (cause: unknown): void => {
            expect(cause).toMatchObject({ name: 'OodError', code: expect.stringMatching(/^E_(EMPTY|ARGUMENT)$/) })
          }
          const k = 1 + rng.integer(Math.max(1, n))
          for (const rule of rules) {
            await pointwiseDimensions(x, rule, { neighbours: k }).then(({ lid, mean, standardError }) => {
              for (const value of [...lid, mean, standardError]) judge(rule.name, value)
            }, allowed)
            try {
              if (rule.name !== 'DANCo') judge(rule.name, globalDimension(x, rule))
            } catch (cause) {
              if (!(cause instanceof Error && cause.name === 'OodError')) throw cause
              allowed(cause)
            }
          }
          for (const [name, estimate] of Object.entries(globals))
            await estimate(x).then((lid) => judge(name, lid), allowed)
        },
      ),
      { numRuns: 12 },
    )
  }, 120_000)

  it('NaN, empty data and k out of range are named', async () => {
    const bad = tensor(Float64Array.of(1, 2, Number.NaN, 3), [4, 1])
    await expect(findNeighbours(bad, 1)).rejects.toThrow(
      'findNeighbours data: expected finite numbers, got NaN in row 2',
    )
    const empty = tensor(new Float64Array(0), [0, 3])
    await expect(findNeighbours(empty, 1)).rejects.toMatchObject({ code: 'E_EMPTY' })
    for (const estimate of Object.values(globals)) {
      await expect(estimate(empty)).rejects.toMatchObject({ code: 'E_EMPTY' })
      await expect(estimate(bad)).rejects.toThrow(/expected/)
    }
    const x = ball(3, 10, 2, 3)
    await expect(findNeighbours(x, 10)).rejects.toThrow('neighbours: expected fewer than the 10 points, got 10')
    await expect(twoNn(tensor(Float64Array.of(1, 2), [2, 1]))).rejects.toThrow('TwoNN neighbours: expected fewer than')
    await expect(findNeighbours(x, 2, { threads: 0 })).rejects.toThrow('threads: expected an integer of at least 1')
    await expect(findNeighbours(x, 2, { at: bad })).rejects.toThrow('at: expected rows of 3 numbers, got 1')
    await expect(findNeighbours(x, 2, { at: x, queries: 2 })).rejects.toThrow('expected queries or at, got both')
  })

  it('an error of one point says which', async () => {
    const x = tensor(Float64Array.of(0, 0, 0, 1, 5), [5, 1])
    // The first point has two duplicates and one other neighbour: one positive distance says nothing.
    await expect(pointwiseDimensions(x, mleRule(), { neighbours: 3, queries: [0], threads: 1 })).rejects.toThrow(
      'MLE at point 0: mleDimension: expected at least 2 positive distances, got 1',
    )
    await expect(pointwiseDimensions(x, mleRule(), { neighbours: 3, queries: [0], threads: 2 })).rejects.toThrow(
      'MLE at point 0',
    )
  })

  it('settings out of range are named', () => {
    expect(() => essRule({ version: 'c' as 'a' })).toThrow('ESS version: expected one of a, b, got c')
    expect(() => essRule({ version: 'b', d: 2 })).toThrow('ESS d: expected 1 with version b, got 2')
    expect(() => fisherRule({ condition: 1 })).toThrow('FisherS condition: expected a number above 1, got 1')
    expect(() => fisherRule({ alphas: [0.9, 0.8] })).toThrow('FisherS alphas: expected a number in (0.9, 1), got 0.8')
    expect(() => grideRule({ near: 2, far: 2 })).toThrow('Gride far: expected an integer of at least 3, got 2')
    expect(() => mindRule({ version: 'ML' as 'MLk' })).toThrow('MiND version: expected one of MLk, MLi, got ML')
    expect(() => tleRule({ epsilon: -1 })).toThrow('TLE epsilon: expected a number of at least 0, got -1')
    expect(() => dancoRule({ k: 1 })).toThrow('DANCo k: expected an integer of at least 3, got 1')
    expect(() => twoNnDimension([0.5, 2])).toThrow('ratios: expected numbers of at least 1, got 0.5')
  })
})
