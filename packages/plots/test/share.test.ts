// AUCs and shares as text that claims no more than was measured.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shareText } from '../src/index.ts'

describe('shareText', () => {
  it.each<[number, Parameters<typeof shareText>[1], string]>([
    [0.9584, undefined, '0.958'],
    [0.9584, { n: 64 }, '0.958 (n = 64)'],
    [0.9584, { n: 64, interval: [0.921, 0.981] }, '0.958 (0.921 to 0.981, n = 64)'],
    [1, { n: 64 }, '1.000 (n = 64)'],
    [1, { n: 64, interval: [0.942, 1] }, '1.000 (0.942 to 1.000, n = 64)'],
    [1, { n: 64, interval: [1, 1] }, '1.000 (n = 64)'],
    [1, undefined, '1'],
    [0.99997, undefined, '> 0.999'],
    [0.99997, { n: 5000 }, '> 0.999 (n = 5000)'],
    [0.9996, { digits: 2 }, '> 0.99'],
    [0, { n: 64 }, '0.000 (n = 64)'],
    [0.00001, undefined, '< 0.001'],
  ])('%s with %j is %s', (value, options, text) => {
    expect(shareText(value, options)).toBe(text)
  })

  it.each([Number.NaN, -0.1, 1.1])('refuses %s', (value) => {
    expect(() => shareText(value)).toThrow('shareText: expected a number in [0, 1]')
  })

  it('is never a bare 1.000 or 0.000', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 6 }), (value, digits) => {
        expect(shareText(value, { digits })).not.toMatch(/^[01]\.0+$/)
      }),
    )
  })
})
