// Combinations against scikit-learn and SciPy.
import { chiSquaredTail, combinePValues, densityOfStates, gaussianOf, oneClassOf } from '@ood/detect'
import { expect, it } from 'vitest'
import { packGaussian } from '../../src/combine/gaussian.ts'
import { mixtureOf, packNumbers } from '../../src/index.ts'
import { gaussian, ledoitWolf, logDensity, moments } from '../../src/internal/gaussian.ts'
import { batch, coordinates, golden } from '../helpers.ts'

const train = { 'raw.x': batch(golden.train) }
const test = { 'raw.x': batch(golden.test) }

/** Largest difference relative to the size of the numbers. */
function apart(a: ArrayLike<number>, b: readonly number[]): number {
  return Math.max(...b.map((value, i) => Math.abs(a[i]! - value) / (1 + Math.abs(value))))
}

it('has the distances of a Ledoit-Wolf covariance', () => {
  const method = gaussianOf(coordinates(4))
  // Both are float64 and differ in the order of sums only.
  expect(apart(method.score(test, method.fit(train)), golden.ledoitWolf.distance)).toBeLessThan(1e-10)
})

it('adds kernel log-densities as scikit-learn does', () => {
  const method = densityOfStates(coordinates(4))
  expect(apart(method.score(test, method.fit(train)), golden.dose)).toBeLessThan(1e-10)
})

it('finds the support vectors that libsvm finds', () => {
  const method = oneClassOf(coordinates(4), { nu: 0.2, gamma: 0.3 })
  // The optimality conditions are met to 1e-6 in units of the kernel; scores are sums of kernels.
  expect(apart(method.score(test, method.fit(train)), golden.oneClass)).toBeLessThan(2e-6)
})

it('has the log-density of a mixture', () => {
  const { weights, means, covariances, points, logDensity: expected } = golden.mixture
  const method = mixtureOf(coordinates(3), { components: 2 })
  const fit = method.parseFit({
    statistics: ['x0', 'x1', 'x2'],
    // Identity, with tails far away.
    scale: { centre: [0, 0, 0], spread: [1, 1, 1], tail: 1e6 },
    kept: {
      weights: packNumbers(weights),
      components: means.map((m, c) => packGaussian(Float64Array.from(m), Float64Array.from(covariances[c]!.flat()))),
    },
  })
  const score = method.score({ 'raw.x': batch(points) }, fit)
  expect(
    apart(
      score,
      expected.map((value) => -value),
    ),
  ).toBeLessThan(1e-12)
})

it('shrinks by the intensity of scikit-learn', () => {
  const x = Float64Array.from(golden.train.flat())
  const { mean, covariance } = moments(x, 4)
  const a = ledoitWolf(x, 4, mean, covariance)
  expect(a).toBeGreaterThan(0)
  expect(a).toBeLessThan(1)
  const g = gaussian(mean, covariance)
  expect(logDensity(g, mean, 0, new Float64Array(4))).toBeCloseTo(-0.5 * (g.logDet + 4 * Math.log(2 * Math.PI)), 12)
})

it('combines p-values as SciPy does', () => {
  const { p, fisher, cauchy, harmonic } = golden.pValues
  const lists = [0, 1, 2].map((k) => Float64Array.from(p, (row) => row[k]!))
  expect(apart(combinePValues(lists, 'fisher'), fisher)).toBeLessThan(1e-12)
  expect(apart(combinePValues(lists, 'cauchy'), cauchy)).toBeLessThan(1e-12)
  expect(apart(combinePValues(lists, 'harmonic'), harmonic)).toBeLessThan(1e-12)
  const least = p.map((row) => Math.min(1, 3 * Math.min(...row)))
  expect(apart(combinePValues(lists, 'bonferroni'), least)).toBe(0)
})

it('has the tail of the chi-squared distribution to twelve digits', () => {
  for (const [x, degrees, tail] of golden.chiSquaredTail)
    expect(Math.abs(chiSquaredTail(x, degrees) / tail - 1)).toBeLessThan(1e-11)
})
