// The search by float32 products: the definition's neighbours to the bit, in every layout and where float32 is no help.
import { normals, random } from '@ood/core'
import { distancePoints, searchNeighbours, squaredDistance } from '@ood/linalg'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { fastSearch } from '../src/internal/fast-search.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

interface Case {
  data: Float64Array
  queries?: Float64Array
  d: number
  k: number
  rows?: Int32Array
  range?: [number, number]
}

/** Neighbours and how far the fast search came. */
function search({ data, queries, d, k, rows, range }: Case, run = searchNeighbours) {
  const points = distancePoints(data, data.length / d, d)
  const targets = queries ? distancePoints(queries, queries.length / d, d, points.mean) : points
  const [from, to] = range ?? [0, rows ? rows.length : targets.count]
  const out = { indices: new Int32Array(to * k).fill(-1), distances: new Float64Array(to * k).fill(-1) }
  const done = run(points, targets, { rows, from, to, k, excludeSelf: !queries }, out)
  return { ...out, from, to, done }
}

/** By the definition: by distance, then by row number. */
function nearest({ data, queries, d, k, rows }: Case, q: number) {
  const at = rows ? rows[q]! : q
  return Array.from({ length: data.length / d }, (_, j) => ({
    j,
    r: Math.sqrt(squaredDistance(queries ?? data, at * d, data, j * d, d)),
  }))
    .filter(({ j }) => queries || j !== at)
    .sort((a, b) => a.r - b.r || a.j - b.j)
    .slice(0, k)
}

function check(one: Case, every = 1): void {
  const got = search(one)
  for (let q = got.from; q < got.to; q += every) {
    const want = nearest(one, q)
    expect([...got.indices.subarray(q * one.k, (q + 1) * one.k)]).toEqual(want.map(({ j }) => j))
    expect([...got.distances.subarray(q * one.k, (q + 1) * one.k)]).toEqual(want.map(({ r }) => r))
  }
}

describe('searchNeighbours', () => {
  test('any shape: lattices, normal numbers, far from the origin, with an outlier, stacked', () => {
    const kinds = ['lattice', 'normal', 'far', 'outlier', 'stacked', 'small', 'large'] as const
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 2, max: 70 }),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(...kinds),
        fc.boolean(),
        (seed, n, d, kind, others) => {
          const rng = random(seed)
          const draw = (count: number): Float64Array =>
            Float64Array.from({ length: count * d }, (_, at) => {
              if (kind === 'lattice') return rng.integer(3)
              if (kind === 'far') return 1e6 + rng.normal()
              if (kind === 'outlier') return at < d ? 1e8 : rng.normal()
              if (kind === 'small') return 1e-100 * rng.normal()
              return (kind === 'large' ? 1e100 : 1) * rng.normal()
            })
          const data = draw(n)
          if (kind === 'stacked') data.set(data.slice(0, Math.floor(n / 2) * d), Math.ceil(n / 2) * d)
          const k = 1 + rng.integer(n - 1)
          check({ data, d, k })
          if (others) check({ data, queries: draw(1 + rng.integer(9)), d, k })
          else check({ data, d, k, rows: Int32Array.from({ length: 1 + rng.integer(20) }, () => rng.integer(n)) })
        },
      ),
      { numRuns: 60 },
    )
  })

  test.each([
    [300, 10, 100],
    [300, 60, 7],
    [1001, 50, 299],
  ])('%i points in %i dimensions, %i neighbours: blocks of queries and all pairs', (n, d, k) => {
    const data = normals(random(n), n * d)
    check({ data, d, k }, 37)
    check({ data, d, k, range: [n - 5, n] })
    check({ data, d, k, rows: Int32Array.of(n - 1, 0, 8, 9) })
  })

  test('more data than the module holds at a time', () => {
    const [n, d, k] = [5600, 785, 5]
    const data = normals(random(8), n * d)
    check({ data, d, k, rows: Int32Array.of(0, 7, 4097, 5599) })
    check({ data, queries: normals(random(9), 2 * d), d, k })
  })

  test('where float32 tells nothing apart, float64 takes over', () => {
    const [n, d, k] = [1200, 3, 4]
    const rng = random(5)
    // Two clusters: their spread is below the last digit of float32.
    const data = Float64Array.from({ length: n * d }, (_, at) => (at % (2 * d) < d ? 1e6 : 0) + 1e-3 * rng.normal())
    expect(search({ data, d, k }, fastSearch as unknown as typeof searchNeighbours).done).toBe(32)
    check({ data, d, k }, 11)
    // Ordinary data never come to that.
    const usual = normals(rng, n * d)
    expect(search({ data: usual, d, k }, fastSearch as unknown as typeof searchNeighbours).done).toBe(n)
  })

  test('the same bits without WebAssembly', async () => {
    const one: Case = { data: normals(random(3), 200 * 33), d: 33, k: 12 }
    const want = search(one)
    vi.resetModules()
    vi.stubGlobal('WebAssembly', undefined)
    const plain = await import('@ood/linalg')
    const got = search(one, plain.searchNeighbours)
    expect([got.indices, got.distances]).toEqual([want.indices, want.distances])
  })
})
