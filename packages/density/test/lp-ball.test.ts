// Balls of Lp norms: volumes against the golden vector, uniform points against their law.

import { random } from '@ood/core'
import { drawInBall, lpBallLogVolume, lpNorm } from '@ood/density'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { erfc, normalMass } from '../src/internal/special.ts'

describe('lpBallLogVolume', () => {
  const { rows } = vector<{ rows: { d: number; r: number; p: number; log_volume: number }[] }>('dgm/lp_ball')

  it.each(rows)('d = $d, r = $r, p = $p', ({ d, r, p, log_volume }) => {
    expect(Math.abs(lpBallLogVolume(d, r, p) - log_volume)).toBeLessThanOrEqual(
      1e-12 * Math.max(1, Math.abs(log_volume)),
    )
  })

  it('is the cube for p = Infinity, which large p approach', () => {
    expect(lpBallLogVolume(5, 0.3, Number.POSITIVE_INFINITY)).toBe(5 * Math.log(0.6))
    expect(Math.abs(lpBallLogVolume(5, 0.3, 1e6) - 5 * Math.log(0.6))).toBeLessThan(1e-4)
  })

  it('says what is wrong', () => {
    expect(() => lpBallLogVolume(0, 1)).toThrow('dimension: expected a positive integer, got 0')
    expect(() => lpBallLogVolume(2, 0)).toThrow('radius: expected a positive number, got 0')
    expect(() => lpBallLogVolume(2, 1, 0.5)).toThrow('p: expected a number from 1 to Infinity, got 0.5')
    expect(() => lpBallLogVolume(2, 1, Number.NaN)).toThrow('p: expected a number from 1 to Infinity')
  })
})

describe('special functions against SciPy', () => {
  it('erfc and the mass of an interval, in the tail too', () => {
    const scipy: [number, number][] = [
      [0, 1.0],
      [0.001, 0.9988716212090307],
      [0.5, 0.4795001221869535],
      [1.5, 0.03389485352468927],
      [1.99, 0.004888586800383002],
      [2.01, 0.004475150644751764],
      [3, 2.2090496998585445e-5],
      [5, 1.5374597944280347e-12],
      [10, 2.0884875837625446e-45],
      [26, 5.663192408856145e-296],
    ]
    // 1 - erf just below x = 2 loses the two digits by which erfc is smaller than 1.
    for (const [x, want] of scipy) expect(Math.abs(erfc(x) / want - 1)).toBeLessThan(5e-13)
    expect(Math.abs(normalMass(0, 0.1) / 0.07965567455405798 - 1)).toBeLessThan(1e-12)
    expect(Math.abs(normalMass(1.3, 0.5) / 0.1759250794704709 - 1)).toBeLessThan(1e-12)
    expect(Math.abs(normalMass(-4, 0.2) / 5.900229490921367e-5 - 1)).toBeLessThan(1e-12)
    expect(Math.abs(normalMass(8, 0.1) / 1.119721207419439e-15 - 1)).toBeLessThan(1e-12)
    expect(normalMass(3, 0.4)).toBe(normalMass(-3, 0.4))
  })
})

describe('drawInBall', () => {
  it.each([1, 1.5, 2, 3, Number.POSITIVE_INFINITY])('is uniform in the ball of p = %s', (p) => {
    const [n, d] = [20_000, 3]
    const rng = random(5)
    const x = new Float64Array(d)
    let within = 0
    const means = new Float64Array(d)
    const norms: number[] = []
    for (let k = 0; k < n; k++) {
      drawInBall(rng, p, x, 0, d)
      norms.push(lpNorm(x, p))
      if (lpNorm(x, p) < 0.7) within++
      for (let i = 0; i < d; i++) means[i] = means[i]! + x[i]! / n
    }
    expect(Math.max(...norms)).toBeLessThanOrEqual(1)
    // P(|x| < 0.7) = 0.7^3 with a standard error of 0.0034; means are 0 with one below 0.005.
    expect(Math.abs(within / n - 0.7 ** d)).toBeLessThan(0.0136)
    for (const mean of means) expect(Math.abs(mean)).toBeLessThan(0.02)
  })

  it('has the marginal of its ball: E x² of a coordinate', () => {
    // Of the uniform law in the unit ball: d = 2: p = 2 has 1/4, p = 1 has 1/6, the square has 1/3.
    for (const [p, want] of [
      [2, 1 / 4],
      [1, 1 / 6],
      [Number.POSITIVE_INFINITY, 1 / 3],
    ] as const) {
      const rng = random(9)
      const x = new Float64Array(2)
      let sum = 0
      for (let k = 0; k < 40_000; k++) {
        drawInBall(rng, p, x, 0, 2)
        sum += x[0]! ** 2
      }
      expect(Math.abs(sum / 40_000 - want)).toBeLessThan(0.006)
    }
  })
})

describe('lpNorm', () => {
  it('is the norm, of numbers of any size', () => {
    expect(lpNorm([3, -4], 2)).toBe(5)
    expect(lpNorm([3, -4], 1)).toBeCloseTo(7, 12)
    expect(lpNorm([3, -4], Number.POSITIVE_INFINITY)).toBe(4)
    expect(lpNorm([], 2)).toBe(0)
    expect(lpNorm([3e200, 4e200], 2)).toBeCloseTo(5e200, -187)
    expect(lpNorm([Number.NaN, 1], 2)).toBeNaN()
    expect(lpNorm([Number.POSITIVE_INFINITY, 1], 2)).toBe(Number.POSITIVE_INFINITY)
  })

  it('falls with p and keeps the triangle inequality', () => {
    const numbers = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(numbers, fc.double({ min: 1, max: 8, noNaN: true }), (x, p) => {
        const norm = lpNorm(x, p)
        expect(norm).toBeLessThanOrEqual(lpNorm(x, 1) * (1 + 1e-9))
        expect(norm).toBeGreaterThanOrEqual(lpNorm(x, Number.POSITIVE_INFINITY) * (1 - 1e-9))
        const y = x.map((value, i) => value * Math.cos(i))
        const sum = x.map((value, i) => value + y[i]!)
        expect(lpNorm(sum, p)).toBeLessThanOrEqual((norm + lpNorm(y, p)) * (1 + 1e-9) + 1e-12)
      }),
    )
  })
})
