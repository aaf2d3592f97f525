// Gradient and Hessian of log p: against a Gaussian's closed form, against differences, and PyTorch's numbers by parity.
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { differenceDensity, flatData, type NdArray, normals, random, sliceRows, tensor } from '@ood/core'
import { type Flow, openFlow } from '@ood/models-flow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { linear, linearFlow } from './linear-flow.ts'

const tiny = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const rowsOf = (n: number, shape: number[], seed = 1): NdArray<Float32Array> =>
  tensor(Float32Array.from(normals(random(seed), n * shape.reduce((a, b) => a * b, 1))), [n, ...shape])

describe('density of a linear flow x = A z + b, a Gaussian', () => {
  const A = [
    [2, 0.3, -0.5],
    [0, 0.5, 0.2],
    [0.1, -0.4, 1.5],
  ]
  const map = linear(A, [1, -2, 0.5])
  /** Precision matrix (A Aᵀ)⁻¹ = A⁻ᵀ A⁻¹. */
  const precision = A.map((_, i) =>
    A.map((__, j) => A.reduce((sum, ___, k) => sum + map.inverse[k]![i]! * map.inverse[k]![j]!, 0)),
  )
  let folder: string
  let flow: Flow
  beforeAll(async () => {
    folder = await linearFlow(map)
    flow = await openFlow(folder, { workers: 0 })
  })
  afterAll(async () => {
    await flow.release()
    rmSync(folder, { recursive: true })
  })

  it('has gradient -P (x - b) and Hessian -P', async () => {
    const x = rowsOf(4, [3])
    const { logProb, gradient } = await flow.density.gradient(x)
    expect(logProb).toEqual((await flow.logProb(x, { input: 'model' })).instance)
    const units = tensor(
      Float32Array.from({ length: 3 * 4 * 3 }, (_, i) => (Math.floor(i / 12) === i % 3 ? 1 : 0)),
      [3, 4, 3],
    )
    const H = await flow.density.hessianProduct(x, units)
    for (let row = 0; row < 4; row++)
      for (let i = 0; i < 3; i++) {
        const want = -precision[i]!.reduce((sum, p, j) => sum + p * (x.get(row, j) - map.b[j]!), 0)
        // float32 of numbers up to 10.
        expect(Math.abs(gradient.get(row, i) - want)).toBeLessThan(1e-5)
        for (let k = 0; k < 3; k++) expect(Math.abs(H.get(k, row, i) + precision[i]![k]!)).toBeLessThan(1e-5)
      }
  })
})

describe.each(['tiny-affine', 'tiny-rqs'])('density of %s', (name) => {
  let flow: Flow
  beforeAll(async () => {
    flow = await openFlow(tiny(name), { workers: 0 })
  })
  afterAll(() => flow.release())

  it('has the gradient that differences of log p have', async () => {
    const x = rowsOf(3, [1, 8, 8])
    const { logProb, gradient } = await flow.density.gradient(x)
    // The same sums in another graph: 1e-5 of a log p of order 100.
    const alone = (await flow.density.logProb(x)).instance
    for (const [i, value] of logProb.entries()) expect(Math.abs(value - alone[i]!)).toBeLessThan(1e-3)
    const slow = flatData((await differenceDensity(flow.density, [1, 8, 8], { step: 1e-2 }).gradient(x)).gradient)
    // float32 log p of order 100: 1e-5 / 1e-2, and kinks of ReLUs and splines that a step crosses. In the mean, relative
    // to the mean size; the linear flow above and the tests of `vjp` against PyTorch are the sharp ones.
    const g = flatData(gradient)
    let gap = 0
    let size = 0
    for (let i = 0; i < g.length; i++) {
      gap += Math.abs(g[i]! - slow[i]!)
      size += Math.abs(g[i]!)
    }
    expect(gap / size).toBeLessThan(5e-2)
  })

  if (name === 'tiny-affine')
    it('has a symmetric Hessian, whose products are those of differences of the gradient', async () => {
      const x = rowsOf(2, [1, 8, 8], 5)
      const v = rowsOf(3 * 2, [1, 8, 8], 6)
      const directions = tensor(flatData(v), [3, 2, 1, 8, 8])
      const product = await flow.density.hessianProduct(x, directions)
      expect(product.shape).toEqual([3, 2, 1, 8, 8])
      const [Hv, V] = [flatData(product), flatData(directions)]
      const form = (a: number, b: number, row: number): number => {
        let sum = 0
        for (let i = 0; i < 64; i++) sum += V[(a * 2 + row) * 64 + i]! * Hv[(b * 2 + row) * 64 + i]!
        return sum
      }
      for (let row = 0; row < 2; row++)
        for (const [a, b] of [
          [0, 1],
          [0, 2],
          [1, 2],
        ] as const)
          expect(Math.abs(form(a, b, row) - form(b, a, row))).toBeLessThan(
            1e-4 * (Math.abs(form(a, a, row)) + Math.abs(form(b, b, row))),
          )
      const h = 1e-3
      let gap = 0
      let size = 0
      for (let k = 0; k < 3; k++) {
        const moved = (sign: number) =>
          tensor(
            flatData(x).map((value, i) => value + sign * h * V[k * 128 + i]!),
            x.shape,
          )
        const [up, down] = [moved(1), moved(-1)]
        const ends = [
          flatData((await flow.density.gradient(up)).gradient),
          flatData((await flow.density.gradient(down)).gradient),
        ]
        for (let i = 0; i < 128; i++) {
          const slow = (ends[0]![i]! - ends[1]![i]!) / (2 * h)
          gap += Math.abs(slow - Hv[k * 128 + i]!)
          size += Math.abs(slow)
        }
      }
      // Steps of 1e-3 cross few of the ReLUs' kinks and knots; where they do, the difference is off by order 1.
      expect(gap / size).toBeLessThan(3e-2)
    })

  it('gives a row the same whatever is beside it and in any batch', async () => {
    const x = rowsOf(5, [1, 8, 8], 7)
    const one = flatData((await flow.density.gradient(sliceRows(x, 3, 4))).gradient)
    const all = flatData((await flow.density.gradient(x, { batchSize: 2 })).gradient).subarray(3 * 64, 4 * 64)
    // The engine may block products of other sizes differently.
    for (let i = 0; i < 64; i++) expect(Math.abs(one[i]! - all[i]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(one[i]!)))
  })

  if (name === 'tiny-affine')
    it('gives the same bits with any workers', async () => {
      const x = rowsOf(5, [1, 8, 8], 7)
      const pool = await openFlow(tiny(name), { workers: 2 })
      const v = rowsOf(70 * 2, [1, 8, 8], 8)
      const directions = tensor(flatData(v), [70, 2, 1, 8, 8])
      const two = sliceRows(x, 0, 2)
      const [a, b] = [
        await pool.density.hessianProduct(two, directions),
        await flow.density.hessianProduct(two, directions),
      ]
      expect(flatData(a)).toEqual(flatData(b))
      await pool.release()
    })

  if (name === 'tiny-rqs')
    it('says that a second derivative is too long, and what gives it', async () => {
      const x = rowsOf(1, [1, 8, 8])
      const v = tensor(flatData(rowsOf(1, [1, 8, 8], 2)), [1, 1, 1, 8, 8])
      await expect(flow.density.hessianProduct(x, v)).rejects.toMatchObject({
        code: 'E_UNSUPPORTED',
        message: expect.stringMatching(/differenceDensity.*got \d+ nodes$/),
      })
      const slow = await differenceDensity(flow.density, [1, 8, 8], { step: 1e-3 }).hessianProduct!(x, v)
      expect(flatData(slow).some((value) => value !== 0)).toBe(true)
    })

  if (name === 'tiny-affine')
    it('says what does not fit', async () => {
      const x = rowsOf(2, [1, 8, 8])
      await expect(flow.density.gradient(rowsOf(2, [64]))).rejects.toMatchObject({ code: 'E_SHAPE' })
      await expect(flow.density.hessianProduct(x, x)).rejects.toThrow(
        'hessianProduct directions: expected shape [K, 2, 1, 8, 8]',
      )
      x.set(1, 0, 0, 5, Number.NaN)
      await expect(flow.density.gradient(x)).rejects.toThrow(
        'gradient: expected finite numbers, got NaN in row 1 at position 5',
      )
      const none = await flow.density.hessianProduct(rowsOf(1, [1, 8, 8]), tensor(new Float32Array(0), [0, 1, 1, 8, 8]))
      expect(none.shape).toEqual([0, 1, 1, 8, 8])
    })
})
