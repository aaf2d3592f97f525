// Fisher's sum over methods: the tail against SciPy, the law of the sum, and what it is for.
import { random } from '@ood/core'
import { type Columns, fisherOf, gaussianOf, heldOutScores, type Method, type Statistic, vector } from '@ood/detect'
import { auroc } from '@ood/roc'
import { describe, expect, it } from 'vitest'
import { logNormalTail } from '../../src/internal/normal-tail.ts'

describe('logNormalTail', () => {
  // scipy.stats.norm.logsf, SciPy 1.15
  it.each([
    [-5, -2.8665161296376294e-7],
    [-1, -0.1727537790234499],
    [0, -Math.LN2],
    [0.3, -0.9621028181688505],
    [1, -1.8410216450092634],
    [2.4, -4.8039216668706715],
    [2.6, -5.3684849226242655],
    [5, -15.064998393988727],
    [10, -53.23128515051248],
    [37, -689.0305855768908],
    [100, -5005.524208694205],
    [1e4, -50000010.12927892],
  ])('%d', (z, expected) => {
    // Relative, with an absolute floor of rounding: SciPy's own error is a few units in the last place.
    expect(Math.abs(logNormalTail(z) - expected)).toBeLessThan(1e-12 * Math.abs(expected) + 1e-16)
  })
  it('falls everywhere and knows the ends', () => {
    for (let z = -9; z < 60; z += 0.01) expect(logNormalTail(z + 0.01)).toBeLessThanOrEqual(logNormalTail(z))
    expect(logNormalTail(Number.POSITIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY)
    expect(logNormalTail(Number.NEGATIVE_INFINITY)).toBe(-0)
    expect(logNormalTail(Number.NaN)).toBeNaN()
  })
})

const draw = (rows: number, widths: readonly number[], seed: number, shift = 0): Columns => {
  const rng = random(seed)
  return Object.fromEntries(
    widths.flatMap((width, member) =>
      Array.from({ length: width }, (_, k) => [
        `${member}.x.${k}`,
        Float64Array.from({ length: rows }, () => rng.normal() + (member === widths.length - 1 ? shift : 0)),
      ]),
    ),
  )
}
const numbers = (width: number): Statistic[] =>
  Array.from({ length: width }, (_, k) => ({
    name: `x${k}`,
    needs: {},
    values: (columns) => vector(columns, `x.${k}`),
  }))
const two = (wide: number): Method<never> =>
  fisherOf({ wide: gaussianOf(numbers(wide)), narrow: gaussianOf(numbers(1)) } as never) as Method<never>

it('of independent methods has the mean of Fisher: 1 a method', () => {
  // E[-log p] = 1 for a uniform p. The logarithm of a squared distance in 40 and 20 dimensions is nearly normal;
  // 4,000 rows: five standard errors of the mean of a sum with variance 2 are 0.11.
  const method = fisherOf({ a: gaussianOf(numbers(40)), b: gaussianOf(numbers(20)) } as never) as Method<never>
  const fit = method.fit(draw(1000, [40, 20], 1))
  const scores = method.score(draw(4000, [40, 20], 2), fit)
  expect(Math.abs(scores.reduce((sum, value) => sum + value, 0) / 4000 - 2)).toBeLessThan(0.2)
})

it('hears one number that is out of place beside a hundred that are not, where one Gaussian over all hardly does', () => {
  const [train, fresh, odd] = [draw(300, [100, 1], 1), draw(500, [100, 1], 2), draw(500, [100, 1], 3, 3.5)]
  const together: Method<never> = gaussianOf(
    [0, 1].flatMap((member) =>
      numbers(member === 0 ? 100 : 1).map(({ name }, k) => ({
        name: `${member}${name}`,
        needs: {},
        values: (columns: Columns) => vector(columns, `${member}.x.${k}`),
      })),
    ),
  ) as Method<never>
  const separates = (method: Method<never>): number => {
    const fit = method.fit(train)
    return auroc(method.score(odd, fit), method.score(fresh, fit))
  }
  expect(separates(two(100))).toBeGreaterThan(0.88)
  expect(separates(together)).toBeLessThan(separates(two(100)) - 0.1)
})

it('scores training rows by fits that left them out, the same for a fit that was just made and one read again', () => {
  const method = fisherOf({ wide: gaussianOf(numbers(30)) } as never) as Method<never>
  const train = draw(80, [30], 4)
  const fit = method.fit(train)
  const read = method.parseFit(JSON.parse(JSON.stringify(fit)))
  expect(method.trainingScore!(train, read)).toEqual(method.trainingScore!(train, fit))
  expect(heldOutScores(method, train, fit)).toEqual(method.trainingScore!(train, fit))
  const median = (scores: Float64Array): number => scores.slice().sort()[Math.floor(scores.length / 2)]!
  const fresh = median(method.score(draw(2000, [30], 5), fit))
  expect(Math.abs(median(method.trainingScore!(train, fit)) - fresh)).toBeLessThan(0.6)
  expect(median(method.score(train, fit))).toBeLessThan(fresh)
})

it('refuses no methods, and one whose score never varies', () => {
  expect(() => fisherOf({})).toThrow('expected at least one method')
  const flat = {
    name: 'flat',
    source: '',
    settings: {},
    needs: () => ({}),
    fit: () => null,
    score: () => new Float64Array(80).fill(7),
    trainingScore: () => new Float64Array(80).fill(7),
    parseFit: () => null,
  }
  expect(() => fisherOf({ flat }).fit(draw(80, [1], 1))).toThrow(
    'FisherOf flat training scores: expected values that vary',
  )
})
