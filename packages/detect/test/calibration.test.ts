// Thresholds and p-values: exact cases, ties, infinities, guarantees.
import { random } from '@ood/core'
import { calibration } from '@ood/detect'
import fc from 'fast-check'
import { expect, it } from 'vitest'

it('counts p-values in the reference scores, ties included', () => {
  const known = calibration([3, 1, 2, 2])
  expect([...known.pValues([0, 1, 2, 2.5, 3, 9])]).toEqual([1, 1, 0.8, 0.4, 0.4, 0.2])
  expect([...calibration([3, 1, 2, 2], { compat: 'reference' }).pValues([0, 2, 9])]).toEqual([1.25, 0.5, 0.25])
})

it('cuts at the higher neighbour for a rate, between neighbours for a percentile', () => {
  const known = calibration([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(known.threshold(0.1)).toBe(9)
  expect(known.threshold({ falsePositiveRate: 0.5 })).toBe(5)
  expect(known.threshold({ percentile: 50 })).toBe(4.5)
  expect(() => known.threshold(0.05)).toThrow('at least 1/10')
  expect(() => known.threshold({ percentile: 101 })).toThrow('[0, 100]')
  expect(() => calibration([1, Number.POSITIVE_INFINITY]).threshold({ percentile: 100 })).toThrow('finite')
})

it.each([[[Number.NaN]], [[null]], [['1']], [[undefined]]])('refuses %j', (scores) => {
  expect(() => calibration(scores as number[])).toThrow('position 0')
})

it('lets at most the asked share through, whatever the scores', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), { minLength: 5, maxLength: 60 }),
      fc.double({ min: 0.2, max: 0.99, noNaN: true }),
      (scores, rate) => {
        const cut = calibration(scores).threshold(rate)
        expect(scores.filter((value) => value > cut).length / scores.length).toBeLessThanOrEqual(rate)
      },
    ),
  )
})

it('p-values of exchangeable scores are uniform', () => {
  const rng = random(1)
  const draw = (n: number): Float64Array => Float64Array.from({ length: n }, () => rng.normal() ** 3)
  const p = calibration(draw(2000)).pValues(draw(4000))
  for (const a of [0.01, 0.05, 0.5]) {
    const share = p.filter((value) => value <= a).length / p.length
    expect(Math.abs(share - a)).toBeLessThan(4 * Math.sqrt((a * (1 - a)) / 2000))
  }
})
