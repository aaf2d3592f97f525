// Random streams: reproducible, independent by label, and with the moments their names promise.
import { normals, permutation, random, uniforms } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('random', () => {
  test('golden: the first numbers of two seeds never change, or every published result would', () => {
    const first = (seed: number): number[] => {
      const rng = random(seed)
      return [
        rng.uniform(),
        rng.normal(),
        rng.normal(),
        rng.integer(1000),
        rng.fork('a').uniform(),
        rng.fork(3).normal(),
      ]
    }
    expect([first(0), first(42)]).toMatchInlineSnapshot(`
      [
        [
          0.7040865434307186,
          1.500219631950322,
          0.5027021631701589,
          334,
          0.8909738183031848,
          -0.766362788641619,
        ],
        [
          0.04127380784570045,
          0.0879948032805067,
          0.25876072921345716,
          516,
          0.4345839820191215,
          0.47954719865774814,
        ],
      ]
    `)
  })

  test('the same seed and label give the same stream; others differ, negative and large seeds included', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), fc.string(), (a, b, label) => {
        expect(random(a).fork(label).uniform()).toBe(random(a).fork(label).uniform())
        if (a !== b) expect(uniforms(random(a), 4)).not.toEqual(uniforms(random(b), 4))
        expect(uniforms(random(a), 4)).not.toEqual(uniforms(random(a).fork(label), 4))
      }),
    )
  })

  test('a fork depends on seed and label only, not on what was drawn before', () => {
    const used = random(5)
    normals(used, 11)
    expect(used.fork('x').uniform()).toBe(random(5).fork('x').uniform())
    expect(random(5).fork('x').fork('y').uniform()).not.toBe(random(5).fork('y').fork('x').uniform())
  })

  test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('seed %d is refused', (seed) => {
    expect(() => random(seed)).toThrow(`seed: expected a safe integer, got ${seed}`)
  })
})

describe('uniforms', () => {
  test('lie in [0, 1) and fill 50 equal bins evenly', () => {
    const n = 50_000
    const counts = new Float64Array(50)
    for (const u of uniforms(random(1), n)) {
      expect(u >= 0 && u < 1).toBe(true)
      counts[Math.floor(u * 50)]! += 1
    }
    // Chi-squared with 49 degrees of freedom: 85.4 is its 0.999 quantile, and the seed is fixed.
    expect(counts.reduce((sum, c) => sum + (c - n / 50) ** 2 / (n / 50), 0)).toBeLessThan(85.4)
  })

  test('streams of neighbouring seeds and labels are not correlated', () => {
    const n = 20_000
    const bound = 4 / Math.sqrt(n)
    for (const [a, b] of [
      [random(7), random(8)],
      [random(7), random(-7)],
      [random(7).fork(0), random(7).fork(1)],
      [random(7), random(7).fork('noise')],
    ] as const) {
      const x = normals(a, n)
      const y = normals(b, n)
      expect(Math.abs(x.reduce((sum, value, i) => sum + value * y[i]!, 0) / n)).toBeLessThan(bound)
    }
  })
})

test('normals have the moments 0, 1, 0, 3 and the right share beyond 2', () => {
  const n = 100_000
  const x = normals(random(3), n)
  const moment = (p: number): number => x.reduce((sum, value) => sum + value ** p, 0) / n
  // Four standard errors: sqrt(1/n), sqrt(2/n), sqrt(15/n), sqrt(96/n).
  expect(Math.abs(moment(1))).toBeLessThan(4 * Math.sqrt(1 / n))
  expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n))
  expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n))
  expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n))
  const beyond = x.filter((value) => Math.abs(value) > 2).length / n
  expect(Math.abs(beyond - 0.0455)).toBeLessThan(4 * Math.sqrt(0.0455 / n))
})

test('integer covers 0..n-1 and refuses anything but a positive integer', () => {
  const rng = random(2)
  const seen = new Set(Array.from({ length: 400 }, () => rng.integer(6)))
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5])
  expect(rng.integer(1)).toBe(0)
  for (const n of [0, -1, 1.5, Number.NaN]) expect(() => rng.integer(n)).toThrow('expected a positive integer bound')
})

describe('permutation', () => {
  test('holds every number once', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer(), (n, seed) => {
        expect([...permutation(random(seed), n)].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i))
      }),
    )
  })

  test('all 24 orders of four come about equally often', () => {
    const n = 24_000
    const counts = new Map<string, number>()
    const rng = random(9)
    for (let i = 0; i < n; i++) {
      const key = permutation(rng, 4).join()
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    // Chi-squared with 23 degrees of freedom: 0.999 quantile 49.7.
    const chi = [...counts.values()].reduce((sum, c) => sum + (c - n / 24) ** 2 / (n / 24), 0)
    expect(chi).toBeLessThan(49.7)
  })
})
