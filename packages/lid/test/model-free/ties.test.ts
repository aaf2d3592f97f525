// Ties and copies: one rule for every estimator, on lattices, integer data and stacked data sets.
import { type NdArray, random, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  abid,
  abidRule,
  corrInt,
  corrIntRule,
  type DimensionRule,
  danco,
  dancoRule,
  essRule,
  fisherSGlobal,
  globalDimension,
  gride,
  grideRule,
  knnGraph,
  knnGraphRule,
  lpcaGlobal,
  madaRule,
  mindMl,
  mindRule,
  mleRule,
  mom,
  momDimension,
  pointwiseDimensions,
  pooledMle,
  tle,
  tleRule,
  twoNn,
  twoNnRule,
} from '../../src/index.ts'
import { ball, cube } from './shapes.ts'

const INFINITE = Number.POSITIVE_INFINITY

/** ±e_i of R^d, moved and padded with constant columns. */
function crossPolytope(d: number, shift = 0, padding = 0): NdArray<Float64Array> {
  const width = d + padding
  const out = new Float64Array(2 * d * width).fill(shift)
  for (let i = 0; i < d; i++) {
    out[2 * i * width + i]! += 1
    out[(2 * i + 1) * width + i]! -= 1
  }
  return tensor(out, [2 * d, width])
}

/** All points of {0, ..., side - 1}^d times `step`, plus `shift`. */
function grid(side: number, d: number, step = 1, shift = 0): NdArray<Float64Array> {
  const n = side ** d
  const at = (row: number, j: number): number => Math.floor(row / side ** j) % side
  return tensor(
    Float64Array.from({ length: n * d }, (_, p) => at(Math.floor(p / d), p % d) * step + shift),
    [n, d],
  )
}

function stacked(x: NdArray<Float64Array>, times: number): NdArray<Float64Array> {
  const [n, d] = x.shape as [number, number]
  const out = new Float64Array(n * d * times)
  for (let copy = 0; copy < times; copy++) out.set(x.data, copy * n * d)
  return tensor(out, [n * times, d])
}

const mapped = (x: NdArray<Float64Array>, f: (value: number) => number): NdArray<Float64Array> =>
  tensor(x.data.map(f), [...x.shape])

describe('tied distances', () => {
  it.each([
    [3, 0, 0],
    [3, 7, 0],
    [4, 0, 0],
    [5, -3, 1],
    [20, 0, 44],
  ] as const)('TLE of ±e_i in R%i, shift %i: all measurements equal the radius', async (d, shift, padding) => {
    const x = crossPolytope(d, shift, padding)
    const { lid } = await tle(x, { neighbours: 3 })
    expect(new Set(lid)).toEqual(new Set([INFINITE]))
    // With the opposite point as well the neighbours are at two radii: a number.
    for (const value of (await tle(x, { neighbours: 2 * d - 1 })).lid) {
      expect(value).toBeGreaterThan(0)
      expect(value).toBeLessThan(1e3)
    }
  })

  it('raw ABID of orthogonal directions is infinite, ABID their number', async () => {
    // Seen from the origin the directions e_i are orthogonal; from e_1 the others are not.
    for (const [scale, shift] of [
      [1, 0],
      [3, 5],
      [0.1, 0],
    ] as const) {
      const points = new Float64Array(5 * 4).fill(shift)
      for (let i = 0; i < 4; i++) points[(i + 1) * 4 + i]! += scale
      const x = tensor(points, [5, 4])
      const only = { neighbours: 4, queries: [0] }
      expect([...(await abid(x, { ...only, raw: true })).lid]).toEqual([INFINITE])
      expect((await abid(x, only)).lid[0]).toBeCloseTo(4, 12)
    }
    const cross = await abid(crossPolytope(3), { neighbours: 3, raw: true })
    for (const value of cross.lid) expect(value > 0 && (value < 100 || value === INFINITE)).toBe(true)
  })

  it('TwoNN and Gride of neighbourhoods of a grid: the two nearest are tied', async () => {
    // A point, the four around it and their four: in each such square every point has two neighbours at 1. In a cube of
    // 27 every point has three.
    for (const [x, k] of [
      [grid(6, 2), 8],
      [grid(5, 3), 26],
      [grid(5, 2, 1 / 8, 3), 8],
      [mapped(grid(5, 2), (v) => 3 - v), 8],
      [mapped(grid(5, 2), (v) => v * 1000 + 123_456), 8],
    ] as const) {
      for (const rule of [twoNnRule(), grideRule()]) {
        for (const neighbours of [8, 10, k])
          for (const value of (await pointwiseDimensions(x, rule, { neighbours })).lid)
            expect(value === INFINITE || value < 100).toBe(true)
        expect((await pointwiseDimensions(x, rule, { neighbours: k })).lid).toContain(INFINITE)
      }
      expect(await twoNn(x)).toBe(INFINITE)
      expect((await gride(x)).dimension).toBe(INFINITE)
    }
  })

  it('what brute force in whole numbers gives, in neighbourhoods of integer data', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 14, max: 40 }),
        fc.constantFrom(1, 2, 3, 5, 40),
        async (seed, n, d) => {
          const rng = random(seed)
          const x = tensor(
            Float64Array.from({ length: n * d }, () => rng.integer(4)),
            [n, d],
          )
          const k = 10
          const square = (i: number, j: number): number => {
            let sum = 0
            for (let l = 0; l < d; l++) sum += (x.data[i * d + l]! - x.data[j * d + l]!) ** 2
            return sum
          }
          const got = await pointwiseDimensions(x, grideRule(), { neighbours: k }).catch((cause: Error) => cause)
          const want: number[] = []
          for (let i = 0; i < n; i++) {
            const order = Array.from({ length: n }, (_, j) => j).filter((j) => j !== i)
            const near = order.sort((a, b) => square(i, a) - square(i, b) || a - b).slice(0, k)
            // Gride of orders 1 and 2: N / Σ log μ over the points of the neighbourhood without a copy in it.
            const squares = near.map((a) =>
              near
                .filter((b) => b !== a)
                .map((b) => square(a, b))
                .sort((p, q) => p - q),
            )
            const logs = squares.filter(([first]) => first! > 0).map(([p, q]) => (p === q ? 0 : Math.log(q! / p!) / 2))
            if (logs.length === 0) {
              if (squares[0]!.every((value) => value === 0)) want.push(0)
              else {
                expect(got).toMatchObject({ code: 'E_EMPTY' })
                return
              }
            } else {
              const total = logs.reduce((sum, value) => sum + value, 0)
              want.push(total === 0 ? INFINITE : logs.length / total)
            }
          }
          const { lid } = got as { lid: Float64Array }
          want.forEach((value, i) => {
            if (value === 0 || value === INFINITE) expect(lid[i]).toBe(value)
            else expect(lid[i]! / value).toBeCloseTo(1, 9)
          })
        },
      ),
      { numRuns: 25 },
    )
  })

  it('corrIntRule equals corrInt equals a count of pairs on integer data, whatever shift, mirror or order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 30, max: 90 }),
        fc.constantFrom(2, 3, 6, 40),
        fc.integer({ min: -1000, max: 1000 }),
        async (seed, n, d, shift) => {
          const rng = random(seed)
          const x = tensor(
            Float64Array.from({ length: n * d }, () => rng.integer(d > 6 ? 3 : 9)),
            [n, d],
          )
          const options = { near: 4, far: 12 }
          const want = await corrInt(x, options).catch((cause: { code: string }) => cause.code)
          const byRule = (y: NdArray): number | string => {
            try {
              return globalDimension(y, corrIntRule(options))
            } catch (cause) {
              return (cause as { code: string }).code
            }
          }
          expect(byRule(x)).toBe(want)
          expect(want).toBe(counted(x, options.near, options.far))
          const columns = Array.from({ length: d }, (_, j) => (j * 7 + 3) % d)
          const distinct = new Set(columns).size === d ? columns : columns.map((_, j) => d - 1 - j)
          const others = [
            mapped(x, (v) => 3 - v),
            mapped(x, (v) => v + shift),
            tensor(x.data.slice().reverse(), [n, d]),
            tensor(
              Float64Array.from(x.data, (_, at) => x.data[Math.floor(at / d) * d + distinct[at % d]!]!),
              [n, d],
            ),
          ]
          for (const other of others) {
            expect(byRule(other)).toBe(want)
            expect(await corrInt(other, options).catch((cause: { code: string }) => cause.code)).toBe(want)
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  it('every rule: the same numbers after a whole shift, a mirror, a change of columns', async () => {
    const rng = random(11)
    const d = 4
    const x = tensor(
      Float64Array.from({ length: 60 * d }, () => rng.integer(6)),
      [60, d],
    )
    const others = [
      mapped(x, (v) => 3 - v),
      mapped(x, (v) => v + 1_000_000),
      tensor(
        Float64Array.from(x.data, (_, at) => x.data[at - 2 * (at % d) + d - 1]!),
        [60, d],
      ),
    ]
    const rules: DimensionRule[] = [
      mleRule(),
      madaRule(),
      tleRule(),
      abidRule(),
      abidRule({ raw: true }),
      twoNnRule(),
      grideRule({ near: 2 }),
      mindRule({ k: 4 }),
      corrIntRule({ near: 3, far: 9 }),
      knnGraphRule({ k: 3 }),
      dancoRule({ k: 4, maxDimension: 4, fractal: false }),
    ]
    for (const rule of rules) {
      const of = (y: NdArray): Promise<unknown> =>
        pointwiseDimensions(y, rule, { neighbours: 20 }).then(
          ({ lid }) => [...lid],
          (cause: { code: string }) => cause.code,
        )
      const want = await of(x)
      for (const other of others) expect([rule.name, await of(other)]).toEqual([rule.name, want])
    }
  })

  it('no dimension is negative', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 6, max: 30 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(1, 0.1, 1 / 3, 1e-8, 1e8),
        fc.constantFrom(0, 0.1, 1000.3),
        async (seed, n, d, step, shift) => {
          const rng = random(seed)
          const x = tensor(
            Float64Array.from({ length: n * d }, () => rng.integer(3) * step + shift),
            [n, d],
          )
          for (const rule of [tleRule(), tleRule({ epsilon: 0 }), abidRule(), abidRule({ raw: true })])
            for (const k of [2, 3, 5])
              for (const value of (await pointwiseDimensions(x, rule, { neighbours: k })).lid)
                expect(value).toBeGreaterThanOrEqual(0)
        },
      ),
      { numRuns: 40 },
    )
  })
})

/** The correlation dimension by its definition, or the code of the error. */
function counted(x: NdArray<Float64Array>, near: number, far: number): number | string {
  const [n, d] = x.shape as [number, number]
  const distance = (i: number, j: number): number => {
    let sum = 0
    for (let l = 0; l < d; l++) sum += (x.data[i * d + l]! - x.data[j * d + l]!) ** 2
    return Math.sqrt(sum)
  }
  const sorted = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => j)
      .filter((j) => j !== i)
      .map((j) => distance(i, j))
      .sort((a, b) => a - b),
  )
  const median = (order: number): number => {
    const column = sorted.map((row) => row[order - 1]!).sort((a, b) => a - b)
    return n % 2 === 1 ? column[n >> 1]! : (column[n / 2 - 1]! + column[n / 2]!) / 2
  }
  const [r1, r2] = [median(near), median(far)]
  const count = (r: number): number => {
    let pairs = 0
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) if (distance(i, j) < r) pairs++
    return pairs
  }
  if (r1 === 0 || count(r1) === 0) return 'E_EMPTY'
  return r1 === r2 ? 'E_ARGUMENT' : Math.log(count(r2) / count(r1)) / Math.log(r2 / r1)
}

describe('a data set stacked several times', () => {
  const x = cube(1, 60, 2, 4)
  const globals: Record<string, (y: NdArray) => Promise<number>> = {
    TwoNN: (y) => twoNn(y),
    Gride: async (y) => (await gride(y)).dimension,
    'Gride of order 2': async (y) => (await gride(y, { near: 2 })).dimension,
    MiND: (y) => mindMl(y, { k: 4 }),
    DANCo: (y) => danco(y, { k: 4 }),
  }

  it.each([2, 3, 4, 7])('%i times: no point without copies is left', async (times) => {
    for (const [name, estimate] of Object.entries(globals)) {
      // Two copies have a second neighbour that is no copy.
      if (name === 'Gride of order 2' && times === 2) continue
      await expect(estimate(stacked(x, times)), name).rejects.toThrow(
        /expected a point (without|with fewer than 2) copies of itself, got none: leave repeated rows out/,
      )
    }
    for (const rule of [twoNnRule(), grideRule(), mindRule({ k: 4 }), dancoRule({ k: 4, maxDimension: 4 })])
      expect(() => globalDimension(stacked(x, times), rule)).toThrow('copies of itself, got none')
  })

  it('estimators of pairs and directions give what one copy gives', async () => {
    for (const times of [2, 3, 5]) {
      const y = stacked(x, times)
      expect(fisherSGlobal(y)).toBeCloseTo(fisherSGlobal(x), 9)
      expect(lpcaGlobal(y, { version: 'participation_ratio' })).toBeCloseTo(
        lpcaGlobal(x, { version: 'participation_ratio' }),
        9,
      )
      // k neighbours of one point of m copies: its m - 1 copies, and m of each other one.
      const once = { neighbours: 20, queries: 5, seed: 1 }
      const many = { neighbours: 20 * times + times - 1, queries: (await mom(x, once)).points }
      for (const raw of [false, true]) {
        const want = (await abid(x, { ...once, raw })).lid
        ;(await abid(y, { ...many, raw })).lid.forEach((value, i) => {
          expect(value).toBeCloseTo(want[i]!, 9)
        })
      }
      const moments = (await mom(x, once)).lid
      ;(await mom(y, many)).lid.forEach((value, i) => {
        expect(value).toBeCloseTo(moments[i]!, 9)
      })
      const nearest = (await tle(x, once)).lid
      ;(await tle(y, many)).lid.forEach((value, i) => {
        expect(value).toBeGreaterThan(0)
        expect(Math.abs(value / nearest[i]! - 1)).toBeLessThan(0.1)
      })
      expect(globalDimension(y, essRule())).toBeCloseTo(globalDimension(x, essRule()), 9)
    }
  })

  it('the graph and the integral say so when all they see are copies', async () => {
    await expect(knnGraph(stacked(cube(1, 8, 2, 4), 40), { k: 2, sizes: [300, 320] })).rejects.toThrow(
      'KNN: expected a point with fewer than 2 copies',
    )
    await expect(corrInt(stacked(x, 22))).rejects.toThrow('CorrInt: expected most points with fewer than 10 copies')
    expect(() => globalDimension(stacked(x, 22), corrIntRule())).toThrow('fewer than 10 copies of themselves')
    await expect(pooledMle(stacked(x, 7), { each: 5 })).rejects.toThrow(
      'pooledMle: expected a point with fewer than 5 copies',
    )
  })

  it('a few copies are left out, not averaged in', async () => {
    const [first] = [await twoNn(ball(3, 300, 3, 5))]
    const some = tensor(
      Float64Array.of(...ball(3, 300, 3, 5).data, ...ball(3, 300, 3, 5).data.subarray(0, 50)),
      [310, 5],
    )
    expect(Math.abs((await twoNn(some)) - first!)).toBeLessThan(0.3)
    expect(momDimension([0, 0, 1, 2, 3])).toBe(momDimension([1, 2, 3]))
    expect(momDimension([0, 2, 2])).toBe(INFINITE)
  })
})
