// DANCo on samples of known dimension: lines, circles, flat and curved surfaces, solids, balls.
import type { NdArray } from '@ood/core'
import { normals, random, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { danco, dancoRule, findNeighbours, globalDimension } from '../../src/index.ts'
import { concentration } from '../../src/model-free/internal/danco-laws.ts'
import { measureDanco } from '../../src/model-free/internal/danco-statistics.ts'
import { ball, cube, framed, sphere, swissRoll } from './shapes.ts'

/** The whole number must be right; the real one within `off` of it. */
async function expectDimension(x: NdArray, d: number, off: number, options: object = {}): Promise<void> {
  expect(await danco(x, { fractal: false, ...options })).toBe(d)
  expect(Math.abs((await danco(x, options)) - d)).toBeLessThan(off)
}

describe('DANCo', () => {
  it('line, surface and solid cube of 2000 points in R5', async () => {
    await expectDimension(cube(1, 2000, 1, 5), 1, 0.02)
    await expectDimension(cube(2, 2000, 2, 5), 2, 0.05)
    await expectDimension(cube(3, 2000, 3, 5), 3, 0.1)
  })

  // Spread over samples is about 0.02 at n = 2000 and 0.1 at n = 200; curvature shows at 100 points a sphere or fewer.
  it.each([200, 500, 1000])('lines and circles, %i points', async (n) => {
    for (const ambient of [2, 3, 5, 10]) await expectDimension(cube(ambient, n, 1, ambient), 1, 0.1)
    for (const ambient of [2, 3, 10]) await expectDimension(sphere(ambient, n, 1, ambient), 1, 0.1)
    const normal = framed(4, n, 1, 5, (rng) => [rng.normal()])
    await expectDimension(normal, 1, 0.1)
  })

  it.each([200, 500, 1000])('flat and curved surfaces and solids, %i points', async (n) => {
    for (const ambient of [3, 5, 10]) {
      await expectDimension(cube(ambient, n, 2, ambient), 2, 0.2)
      await expectDimension(sphere(ambient, n, 2, ambient), 2, 0.2)
      await expectDimension(swissRoll(ambient, n, ambient), 2, 0.25)
      await expectDimension(cube(ambient, n, 3, ambient), 3, 0.25)
    }
  })

  it.each([3, 5, 7, 10, 15, 20])('k = %i', async (k) => {
    await expectDimension(cube(1, 500, 1, 5), 1, 0.05, { k })
    await expectDimension(sphere(2, 500, 1, 5), 1, 0.05, { k })
    await expectDimension(cube(3, 500, 2, 5), 2, 0.15, { k })
    await expectDimension(sphere(4, 500, 2, 5), 2, 0.15, { k })
    await expectDimension(cube(5, 500, 3, 5), 3, 0.2, { k })
  })

  // 100 points of a 10-ball see little of it: the spread there is 0.3, so one sample in several rounds to a neighbour.
  it.each([2, 3, 4, 5, 6, 7, 8, 9, 10])('100 points of a %i-ball', async (d) => {
    const found: number[] = []
    for (let seed = 1; seed <= 5; seed++) found.push(await danco(ball(seed, 100, d, d + 5), { maxDimension: d + 4 }))
    expect(Math.abs(found.reduce((sum, value) => sum + value, 0) / 5 - d)).toBeLessThan(0.45)
    for (const value of found) expect(Math.abs(value - d)).toBeLessThan(1.3)
  })

  it('the estimate of balls has no bias: the mean over samples', async () => {
    // Standard error of ten estimates at n = 500: below 0.03 each.
    for (const d of [2, 3, 5]) {
      let sum = 0
      for (let seed = 11; seed <= 20; seed++) sum += (await danco(ball(seed, 500, d, d + 2))) / 10
      expect(Math.abs(sum - d)).toBeLessThan(0.12)
    }
  })

  it('is 1 in one ambient dimension, and the same as a rule', async () => {
    expect(await danco(tensor(normals(random(1), 100), [100, 1]))).toBe(1)
    for (const x of [cube(1, 150, 1, 4), cube(2, 150, 2, 4), sphere(3, 150, 1, 4)])
      expect(globalDimension(x, dancoRule())).toBeCloseTo(await danco(x), 6)
  })

  it('the concentration of a line is a small number however many points have all neighbours on one side', async () => {
    // 25 clusters of 4 along a line, far apart: with k = 3 the two outer points of each see one side only.
    const at = Float64Array.from({ length: 100 }, (_, i) => 1000 * Math.floor(i / 4) + (i % 4) * (1 + (i % 3) / 10))
    const x = tensor(
      Float64Array.from({ length: 300 }, (_, i) => at[Math.floor(i / 3)]! * [0.6, 0.8, 0][i % 3]!),
      [100, 3],
    )
    const { tau } = measureDanco(await findNeighbours(x, 4), 3, 11)!
    expect(tau).toBeLessThan(concentration(0.9))
  })
})
