// Means, spreads and order statistics: exact cases, invariance, extremes.
import { ascending, logGamma, mean, median, quantile, standardDeviation, variance } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 40 })

describe('mean and variance', () => {
  it('of equal values are that value and 0, to the last bit', () => {
    for (const value of [0.1, 1e300, -1e-300, 1e12 + 0.1])
      expect([mean(new Array(7).fill(value)), variance(new Array(7).fill(value))]).toEqual([value, 0])
  })
  it('lose no digits to a large constant part', () => {
    const small = [0, 1, 2, 4]
    const shifted = small.map((value) => value + 2 ** 50)
    expect(variance(shifted)).toBe(variance(small))
    expect(mean(shifted) - 2 ** 50).toBe(1.75)
  })
  it('of none and one', () => {
    expect([mean([]), mean([3]), variance([]), variance([3]), standardDeviation([3])]).toEqual([Number.NaN, 3, 0, 0, 0])
  })
  it('infinite values give infinite means', () => {
    const far = Number.POSITIVE_INFINITY
    expect([mean([far, 1]), mean([1, -far]), mean([far, -far])]).toEqual([far, -far, Number.NaN])
  })
  it('agree with sums taken in the plain way', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const centre = values.reduce((a, b) => a + b, 0) / values.length
        const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1)
        // Rounding of at most 40 terms of the largest size.
        const most = Math.max(...values.map(Math.abs), 1e-300)
        expect(Math.abs(mean(values) - centre)).toBeLessThanOrEqual(1e-13 * most)
        expect(Math.abs(variance(values) - squares)).toBeLessThanOrEqual(1e-12 * most ** 2)
        expect(standardDeviation(values)).toBe(Math.sqrt(variance(values)))
      }),
    )
  })
})

describe('order statistics', () => {
  it('sort a copy, infinities at the ends', () => {
    const values = [3, Number.POSITIVE_INFINITY, -1, Number.NEGATIVE_INFINITY]
    expect([...ascending(values)]).toEqual([Number.NEGATIVE_INFINITY, -1, 3, Number.POSITIVE_INFINITY])
    expect(values[0]).toBe(3)
  })
  it.each([
    [[5], 5],
    [[4, 1], 2.5],
    [[9, 1, 5], 5],
    [[1, 2, 3, 100], 2.5],
  ])('median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })
  it('median of none is NaN', () => expect(median([])).toBeNaN())
  // numpy.quantile([0, 1, 3, 10], q)
  it.each([
    [0, 0],
    [0.25, 0.75],
    [0.5, 2],
    [0.9, 7.9],
    [1, 10],
  ])('quantile %d', (q, expected) => {
    expect(quantile([0, 1, 3, 10], q)).toBeCloseTo(expected, 12)
  })
  it('quantiles lie between their neighbours and rise', () => {
    fc.assert(
      fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sorted = ascending(values)
        const at = quantile(sorted, q)
        const below = Math.floor((sorted.length - 1) * q)
        expect(at).toBeGreaterThanOrEqual(sorted[below]!)
        expect(at).toBeLessThanOrEqual(sorted[Math.min(below + 1, sorted.length - 1)]!)
        expect(quantile(sorted, 0.5)).toBeCloseTo(median(values), 8)
      }),
    )
  })
  it('infinite neighbours give no NaN', () => {
    const far = Number.POSITIVE_INFINITY
    // An infinite neighbour wins.
    expect([quantile([-far, 1, far], 0.25), quantile([-far, 1, far], 0.75), quantile([far, far], 0.3)]).toEqual([
      -far,
      far,
      far,
    ])
  })
})

it('log Γ is that of factorials and of one half', () => {
  let log = 0
  for (let n = 1; n < 60; n++) {
    expect(Math.abs(logGamma(n) - log)).toBeLessThan(1e-12 * Math.max(1, log))
    log += Math.log(n)
  }
  expect(logGamma(0.5)).toBeCloseTo(0.5 * Math.log(Math.PI), 11)
  expect(logGamma(1e-8)).toBeCloseTo(-Math.log(1e-8), 6)
})
