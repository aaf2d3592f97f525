// Sorting, search, normal tails and the random stream: the parts the public functions rest on.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { upperQuantile, upperTail } from '../src/internal/normal.ts'
import { integerStream } from '../src/internal/random.ts'
import { countBelow, countUpTo, distinct, quantile } from '../src/internal/search.ts'
import { orderDescending, sortAscending } from '../src/internal/sort.ts'
import { expectClose, fixture, normalStream } from './support.ts'

describe('sortAscending', () => {
  const normal = normalStream(5)
  const shapes: Record<string, (i: number) => number> = {
    normal,
    'narrow and far from zero': () => -3000 + 1e-4 * normal(),
    'heavy tails': () => Math.exp(20 * normal()),
    'nested ranges': (i) => normal() * 10 ** (-40 * (i % 8)),
    'few distinct values': () => Math.round(2 * normal()),
    constant: () => 4.5,
    'already sorted': (i) => i,
    reversed: (i) => -i,
    'range that overflows': (i) => (i % 2 ? 1 : -1) * 1.7e308 * Math.abs(Math.sin(i)),
    subnormal: (i) => ((i * 7919) % 1000) * 5e-324,
    'signed zeros': (i) => (i % 3 ? 0 : -0),
    'one outlier': (i) => (i === 100 ? 1e300 : normal()),
  }
  it.each(Object.entries(shapes))('equals the native sort: %s', (_name, value) => {
    for (const n of [1, 2, 511, 512, 3000]) {
      const values = Float64Array.from({ length: n }, (_, i) => value(i))
      const expected = Float64Array.from(values).sort()
      expect(sortAscending(values)).toBe(values)
      // The native sort puts -0 before 0; the order of equal numbers is not ours to keep.
      expect(values.every((v, i) => v === expected[i])).toBe(true)
    }
  })

  it('equals the native sort on any doubles', () => {
    const list = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 600, maxLength: 700 })
    fc.assert(
      fc.property(list, (values) => {
        const sorted = sortAscending(Float64Array.from(values))
        const expected = Float64Array.from(values).sort()
        expect(sorted.every((v, i) => v === expected[i])).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('orderDescending sorts indices', () => {
    expect([...orderDescending(Float64Array.of(2, 5, -1, 3))]).toEqual([1, 3, 0, 2])
  })
})

describe('search', () => {
  it('counts by binary search as a filter does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 }),
        fc.integer({ min: -1, max: 10 }),
        (list, v) => {
          const sorted = Float64Array.from(list).sort()
          expect(countBelow(sorted, v)).toBe(list.filter((u) => u < v).length)
          expect(countUpTo(sorted, v)).toBe(list.filter((u) => u <= v).length)
          expect([...distinct(sorted)]).toEqual([...new Set(list)].sort((a, b) => a - b))
        },
      ),
    )
  })
  it('interpolates quantiles as NumPy does', () => {
    const sorted = Float64Array.of(1, 2, 4, 8)
    expect([0, 0.25, 0.5, 0.9, 1].map((q) => quantile(sorted, q))).toEqual([1, 1.75, 3, 6.800000000000001, 8])
    expect(quantile(Float64Array.of(3), 0.7)).toBe(3)
  })
})

describe('normal distribution', () => {
  it.each(fixture.normal.upperTail)('upperTail(%s) equals SciPy', (z, expected) => {
    // 1e-12 relative is the promise of the doc comment; SciPy itself is good to about 1e-14.
    expectClose(upperTail(z), expected, 1e-12 * expected)
  })
  it.each(fixture.normal.upperQuantile)('upperQuantile(%s) equals SciPy', (tail, expected) => {
    expectClose(upperQuantile(tail), expected, 1e-11)
  })
  it('has its limits', () => {
    expect(upperTail(Number.POSITIVE_INFINITY)).toBe(0)
    expect(upperTail(Number.NEGATIVE_INFINITY)).toBe(1)
    expect(upperTail(0)).toBe(0.5)
  })
})

describe('integerStream', () => {
  it('is fixed by its seed and differs between seeds, also above 2^32', () => {
    const first = (seed: number): number[] => {
      const draw = integerStream(seed)
      return Array.from({ length: 8 }, () => draw(1_000_000))
    }
    expect(first(7)).toEqual(first(7))
    const seeds = [0, 1, -1, 7, 7 + 2 ** 32, 7 - 2 ** 32]
    expect(new Set(seeds.map((seed) => first(seed).join())).size).toBe(seeds.length)
  })
  it('is uniform', () => {
    const draw = integerStream(3)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) counts[draw(10)]!++
    // Chi-square with 9 degrees of freedom exceeds 33.7 once in ten thousand seeds; this seed is fixed.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)
    expect(chiSquare).toBeLessThan(33.7)
    expect(chiSquare).toBeGreaterThan(0)
  })
})
