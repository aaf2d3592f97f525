// Knees of diffusion LID curves on curves whose answer is known: analytic manifolds, with and without noise.
import { normals, random, rowCount, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffusionKneeScale, flipd, kneeLid, linspace, type ScaleCurves, trainingLid } from '../../src/index.ts'
import { gaussian, vp } from './models.ts'

/** Points of N(0, diag(variances)). */
function draw(variances: readonly number[], n: number, seed: number) {
  const z = normals(random(seed), n * variances.length)
  return tensor(
    z.map((value, i) => Math.sqrt(variances[i % variances.length]!) * value),
    [n, variances.length],
  )
}

/** k directions of variance 1 among D, the others of variance `noise`. */
const directions = (k: number, D: number, noise: number): number[] =>
  Array.from({ length: D }, (_, i) => (i < k ? 1 : noise))

describe('diffusionKneeScale', () => {
  it.each([
    { k: 1, D: 4, noise: 0 },
    { k: 2, D: 4, noise: 0 },
    { k: 3, D: 40, noise: 0 },
    { k: 2, D: 40, noise: 1e-4 },
    { k: 10, D: 40, noise: 1e-4 },
  ])('finds k = $k of D = $D with noise variance $noise', async ({ k, D, noise }) => {
    const variances = directions(k, D, noise)
    const estimator = flipd(gaussian(vp(), new Float64Array(D), variances))
    const artifact = await estimator.prepare(draw(variances, 30, 1))
    const choice = diffusionKneeScale(trainingLid(estimator, artifact, D).curve(estimator.scales))
    expect(choice.rule).toBe('diffusionKnee')
    expect(choice.diagnostics.kneeless).toBe(0)
    // Noise left at a knee is D / (2 · 7) on a fine grid (doc comment); a grid step of e^0.5 in tau changes it by e^1.
    const left = noise === 0 ? 0.05 * k : (D / 14) * Math.E
    expect(choice.meanLid!).toBeGreaterThan(0.9 * k)
    expect(choice.meanLid!).toBeLessThan(k + left)
    expect([...estimator.scales]).toContain(choice.scale)
    const { lid, kneeless } = kneeLid(artifact, D)
    expect(kneeless.every((value) => value === 0)).toBe(true)
    const average = lid.reduce((sum, value) => sum + value, 0) / lid.length
    expect(average).toBeGreaterThan(0.9 * k)
    expect(average).toBeLessThan(k + left)
  })

  it('says so where nothing bends, and takes the first scale', () => {
    const scales = linspace(-3, 1, 9)
    for (const meanLid of [scales.map(() => 5), scales.map((_, i) => 5 - 0.5 * i * i), scales.map((s) => 5 + s)]) {
      const choice = diffusionKneeScale({ scales, meanLid, dimension: 5 })
      expect(choice.scale).toBe(-3)
      expect(choice.diagnostics.kneeless).toBe(1)
    }
    expect(() => diffusionKneeScale({ scales, meanLid: scales.map(() => Number.NaN), dimension: 5 })).toThrow(
      'expected finite numbers',
    )
    expect(() => diffusionKneeScale({ scales, meanLid: scales, dimension: 5 }, { trim: 2 })).toThrow('kneeScale trim')
  })

  it('takes the foot of an exact staircase, and does not move when everything is measured in other units', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 8 }),
        fc.integer({ min: 1, max: 30 }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        (foot, k, shift) => {
          // D = 100 to the left of the foot, k after it, falling to 0 at the end.
          const scales = linspace(-5 + shift, 2 + shift, 15)
          const meanLid = scales.map((_, i) => (i < foot ? 100 : i < 14 ? k : 0))
          const choice = diffusionKneeScale({ scales, meanLid, dimension: 100 })
          expect(choice.scale).toBe(scales[foot])
          expect(choice.meanLid).toBe(k)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('gives every point its own knee', () => {
    const scales = linspace(-5, 2, 15)
    const values = Float64Array.from({ length: 30 }, (_, at) => {
      const [row, j] = [Math.floor(at / 15), at % 15]
      return j < (row === 0 ? 3 : 7) ? 50 : 4
    })
    const curves: ScaleCurves = {
      scales,
      lid: tensor(values, [2, 15]),
      standardError: tensor(new Float64Array(30), [2, 15]),
    }
    const knees = kneeLid(curves, 50)
    expect([...knees.scale]).toEqual([scales[3], scales[7]])
    expect([...knees.lid]).toEqual([4, 4])
    expect(rowCount(curves.lid)).toBe(2)
  })
})
