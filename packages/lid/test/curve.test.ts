// LID curves and their band.
import { type LidEstimator, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { curveBand, defaultScales, lidCurve, linspace } from '../src/index.ts'

const toy: LidEstimator<Float64Array> = {
  prepare: async () => Float64Array.of(1, 3),
  lid: (artifact, scale) => artifact.map((value) => value * scale),
}

describe('lidCurve', () => {
  it('reads one prepared artifact at every scale, points by scales', async () => {
    const curve = lidCurve(toy, await toy.prepare(tensor(new Float64Array(2), [2, 1])), [0, 1, 2])
    expect(curve.shape).toEqual([2, 3])
    expect([...curve.data]).toEqual([0, 1, 2, 0, 3, 6])
  })

  it('uses linspace(-10, 5, 50) unless told', () => {
    const scales = defaultScales()
    expect(scales.length).toBe(50)
    expect([scales[0], scales[49]]).toEqual([-10, 5])
    // The grid of the published figures.
    expect(scales[28]).toBeCloseTo(-1.4285714285714288, 14)
    expect(lidCurve(toy, Float64Array.of(1)).shape).toEqual([1, 50])
  })

  it('keeps an empty artifact empty', () => {
    expect(lidCurve(toy, new Float64Array(0), [1, 2]).shape).toEqual([0, 2])
  })

  it('refuses bad scales', () => {
    expect(() => lidCurve(toy, Float64Array.of(1), [])).toThrow('lidCurve scales: expected at least one number')
    expect(() => lidCurve(toy, Float64Array.of(1), [Number.NaN])).toThrow('lidCurve scales: expected finite numbers')
  })
})

describe('linspace', () => {
  it('hits both ends exactly', () => {
    expect([...linspace(0, 1, 5)]).toEqual([0, 0.25, 0.5, 0.75, 1])
    expect(linspace(-0.1, 0.7, 9)[8]).toBe(0.7)
    expect([...linspace(2, 9, 1)]).toEqual([2])
  })

  it('refuses counts and ends that make no grid', () => {
    expect(() => linspace(0, 1, 0)).toThrow('linspace count: expected an integer of at least 1, got 0')
    expect(() => linspace(0, Number.POSITIVE_INFINITY, 2)).toThrow('linspace to: expected a finite number')
  })
})

describe('curveBand', () => {
  it('is mean and mean ± width standard deviations (n - 1)', () => {
    const band = curveBand(tensor(Float64Array.of(1, 10, 3, 10), [2, 2]), 2)
    expect([...band.mean]).toEqual([2, 10])
    expect(band.standardDeviation[0]).toBeCloseTo(Math.SQRT2, 14)
    expect(band.upper[0]).toBeCloseTo(2 + 2 * Math.SQRT2, 14)
    expect(band.lower[1]).toBe(10)
  })

  it('has no spread where all values are equal, whatever their last bits', () => {
    for (const value of [5.1, 0.1, 1 / 3]) {
      const band = curveBand(tensor(new Float64Array(30).fill(value), [30, 1]))
      expect([band.mean[0], band.standardDeviation[0]]).toEqual([value, 0])
    }
  })

  it('has no spread for one point and refuses none', () => {
    expect([...curveBand(tensor(Float64Array.of(4), [1, 1])).standardDeviation]).toEqual([0])
    expect(() => curveBand(tensor(new Float64Array(0), [0, 3]))).toThrow('curveBand: expected at least one point')
  })
})
