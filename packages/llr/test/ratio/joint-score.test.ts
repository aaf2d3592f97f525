// Joint scores: standardised maxima, against the closed form for normal scores and by properties.
import { random } from '@ood/core'
import { fitJointScore, jointScore } from '@ood/llr'
import { auroc } from '@ood/roc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const normals = (n: number, seed: number, mean = 0): Float64Array => {
  const draw = random(seed)
  return Float64Array.from({ length: n }, () => mean + draw.normal())
}

describe('jointScore', () => {
  it('is the larger z-score', () => {
    // Means 2 and 20, sample standard deviations 1 and 10.
    const fit = fitJointScore([Float64Array.of(1, 2, 3), Float64Array.of(10, 20, 30)])
    expect(fit).toEqual([
      { mean: 2, standardDeviation: 1 },
      { mean: 20, standardDeviation: 10 },
    ])
    expect([...jointScore([Float64Array.of(4, 2, -9), Float64Array.of(20, 50, 10)], fit)]).toEqual([2, 3, -1])
  })

  it('follows the law of the maximum of two normal scores', () => {
    // P(max(a, b) <= 1) = Phi(1)^2 = 0.7079 for independent scores; 40,000 rows: 5 standard errors are 0.011.
    const n = 40_000
    const scores = [normals(n, 1, 5), normals(n, 2, -3)]
    const below = jointScore(scores, fitJointScore(scores)).filter((value) => value <= 1).length / n
    expect(Math.abs(below - 0.841345 ** 2)).toBeLessThan(0.011)
  })

  it('finds what either score alone misses', () => {
    const train = [normals(2000, 3), normals(2000, 4)]
    const fit = fitJointScore(train)
    const inside = [normals(500, 5), normals(500, 6)]
    const normal = jointScore(inside, fit)
    // Six standard deviations out in one score and six in the other direction in the other.
    for (const [a, b] of [
      [6, -6],
      [-6, 6],
    ] as const) {
      const outside = [normals(500, 7, a), normals(500, 8, b)]
      expect(auroc(jointScore(outside, fit), normal)).toBeGreaterThan(0.99)
      expect(Math.min(...outside.map((values, i) => auroc(values, inside[i]!)))).toBeLessThan(0.01)
    }
  })

  it('does not depend on shifts and scales of the scores, and grows with each', () => {
    const value = fc.double({ min: -1e3, max: 1e3, noNaN: true })
    const column = fc.array(value, { minLength: 8, maxLength: 8 }).filter((v) => Math.max(...v) - Math.min(...v) > 1)
    fc.assert(
      fc.property(column, column, fc.double({ min: 0.1, max: 10, noNaN: true }), value, (a, b, scale, shift) => {
        const plain = [Float64Array.from(a), Float64Array.from(b)]
        const moved = [plain[0]!.map((v) => scale * v + shift), plain[1]!]
        const score = jointScore(plain, fitJointScore(plain))
        const other = jointScore(moved, fitJointScore(moved))
        // Rounding: values up to 1e4 over a spread of at least 0.03.
        for (const [i, one] of score.entries()) expect(Math.abs(one - other[i]!)).toBeLessThan(1e-9)
        const raised = jointScore([plain[0]!.map((v) => v + 1), plain[1]!], fitJointScore(plain))
        for (const [i, one] of score.entries()) expect(raised[i]!).toBeGreaterThanOrEqual(one)
      }),
    )
  })

  it('refuses what it cannot standardise', () => {
    const two = Float64Array.of(1, 2)
    const code = (call: () => unknown): unknown => {
      try {
        return call()
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(code(() => fitJointScore([]))).toBe('E_EMPTY')
    expect(code(() => fitJointScore([Float64Array.of(1)]))).toBe('E_EMPTY')
    expect(code(() => fitJointScore([two, Float64Array.of(1)]))).toBe('E_SHAPE')
    expect(code(() => fitJointScore([two, Float64Array.of(3, 3)]))).toBe('E_ARGUMENT')
    expect(code(() => fitJointScore([Float64Array.of(1, Number.NaN)]))).toBe('E_ARGUMENT')
    expect(code(() => jointScore([two], fitJointScore([two, two])))).toBe('E_SHAPE')
  })
})
