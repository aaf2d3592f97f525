// Pairs within radii: counted as by the definition where radii are distances of the data, in both kernels.
import { normals, random } from '@ood/core'
import { distancePoints, pairsWithin, squaredDistance } from '@ood/linalg'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

function byDefinition(data: Float64Array, d: number, radii: readonly number[], gap: number): number[] {
  const n = data.length / d
  return radii.map((r) => {
    let count = 0
    for (let i = 0; i < n; i++)
      for (let j = i + 1 + gap; j < n; j++) if (Math.sqrt(squaredDistance(data, i * d, data, j * d, d)) < r) count++
    return count
  })
}

describe('pairsWithin', () => {
  test('counts what is strictly closer, on lattices, far from the origin, with copies and outliers', async () => {
    vi.stubGlobal('WebAssembly', undefined)
    const plain = await import('@ood/linalg')
    vi.unstubAllGlobals()
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom('lattice', 'far', 'outlier', 'copies', 'tiny'),
        fc.constantFrom(0, 1, 5),
        (seed, n, d, kind, gap) => {
          const rng = random(seed)
          const data = Float64Array.from({ length: n * d }, (_, at) => {
            if (kind === 'lattice') return rng.integer(4)
            if (kind === 'outlier' && at < d) return 1e9
            return (kind === 'far' ? 1e6 : 0) + (kind === 'tiny' ? 1e-120 : 1) * rng.normal()
          })
          if (kind === 'copies') for (let i = 1; i < n; i += 2) data.copyWithin(i * d, 0, d)
          // Radii at which a pair lies, where a comparison off by one digit counts it or not.
          const pick = (): number => Math.sqrt(squaredDistance(data, rng.integer(n) * d, data, rng.integer(n) * d, d))
          const radii = [pick(), pick(), pick(), 0].sort((a, b) => a - b)
          const want = byDefinition(data, d, radii, gap)
          expect([...pairsWithin(distancePoints(data, n, d), radii, gap)]).toEqual(want)
          expect([...plain.pairsWithin(plain.distancePoints(data, n, d), radii, gap)]).toEqual(want)
        },
      ),
      { numRuns: 80 },
    )
  })

  test('more rows than a block', () => {
    const [n, d] = [900, 6]
    const data = normals(random(2), n * d)
    for (const radii of [[0.5, 1, 1, 2], [3]])
      expect([...pairsWithin(distancePoints(data, n, d), radii)]).toEqual(byDefinition(data, d, radii, 0))
  })

  test('nothing to count, bad input', () => {
    const points = distancePoints(Float64Array.of(0, 1, 3), 3, 1)
    expect([...pairsWithin(points, [])]).toEqual([])
    expect([...pairsWithin(points, [9], 5)]).toEqual([0])
    expect(() => pairsWithin(points, [2, 1])).toThrow('pairsWithin radii: expected ascending numbers, got 1')
    expect(() => pairsWithin(points, [Number.NaN])).toThrow('pairsWithin radii: expected finite numbers')
    expect(() => pairsWithin(points, [1], -1)).toThrow('pairsWithin gap')
  })
})
