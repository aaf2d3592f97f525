// Central differences against derivatives known in closed form.
import {
  centralDifferences,
  differenceDensity,
  flatData,
  jacobian,
  mismatch,
  type NdArray,
  normals,
  random,
  tensor,
} from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** f(x, y) = (sin x, x y, e^y). */
const map = {
  inputShape: [2],
  outputShape: [3],
  async evaluate(points: NdArray) {
    const x = flatData(points)
    const n = x.length / 2
    const out = new Float64Array(3 * n)
    for (let i = 0; i < n; i++)
      out.set([Math.sin(x[2 * i]!), x[2 * i]! * x[2 * i + 1]!, Math.exp(x[2 * i + 1]!)], 3 * i)
    return tensor(out, [n, 3])
  },
}

describe('centralDifferences', () => {
  it("has the Jacobian to h² f'''/6", async () => {
    const x = tensor(Float64Array.of(0.7, -0.4), [1, 2])
    const J = flatData(await jacobian(centralDifferences(map, { step: 1e-4 }), x))
    const exact = [Math.cos(0.7), 0, -0.4, 0.7, 0, Math.exp(-0.4)]
    // 1e-8 / 6 of third derivatives of order 1, and rounding 1e-16 / 1e-4.
    for (const [i, value] of exact.entries()) expect(Math.abs(J[i]! - value)).toBeLessThan(1e-8)
  })

  it('gives several directions of several rows, whatever their length', async () => {
    const rng = random(3)
    const x = tensor(normals(rng, 10), [5, 2])
    const v = tensor(normals(rng, 30), [3, 5, 2])
    v.set(1, 2, 0, 0)
    v.set(1, 2, 1, 0)
    const long = tensor(
      flatData(v).map((value) => 1e6 * value),
      [3, 5, 2],
    )
    const slow = centralDifferences(map, { step: 1e-4 })
    const { value, tangent } = await slow.jvp(x, v)
    expect(flatData(value)).toEqual(flatData(await map.evaluate(x)))
    const far = (await slow.jvp(x, long)).tangent
    for (let k = 0; k < 3; k++)
      for (let i = 0; i < 5; i++) {
        const [a, b] = [x.get(i, 0), x.get(i, 1)]
        const [u, w] = [v.get(k, i, 0), v.get(k, i, 1)]
        const exact = [Math.cos(a) * u, b * u + a * w, Math.exp(b) * w]
        for (const [o, want] of exact.entries()) {
          expect(Math.abs(tangent.get(k, i, o) - want)).toBeLessThan(1e-6)
          expect(Math.abs(far.get(k, i, o) - 1e6 * want)).toBeLessThan(1)
        }
      }
  })

  it('says what does not fit', async () => {
    expect(() => centralDifferences(map, { step: 0 })).toThrow(
      'centralDifferences step: expected a positive number, got 0',
    )
    expect(() => centralDifferences(map, { stepp: 1 } as object)).toThrow('stepp (step?)')
    const f = centralDifferences(map)
    await expect(f.jvp(tensor(new Float64Array(2), [1, 2]), tensor(new Float64Array(2), [1, 2]))).rejects.toMatchObject(
      {
        code: 'E_SHAPE',
        message: 'jvp tangents: expected shape [K, 1, 2], got [1, 2]',
      },
    )
  })
})

describe('differenceDensity', () => {
  it('has gradient and Hessian of a Gaussian of any precision matrix', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 1000 }), async (d, seed) => {
        const rng = random(seed)
        const B = normals(rng, d * d)
        const P = new Float64Array(d * d)
        for (let i = 0; i < d; i++)
          for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) P[i * d + j]! += B[i * d + k]! * B[j * d + k]!
        const times = (v: ArrayLike<number>, at: number): Float64Array =>
          Float64Array.from({ length: d }, (_, i) => {
            let sum = 0
            for (let j = 0; j < d; j++) sum += P[i * d + j]! * v[at + j]!
            return sum
          })
        const density = differenceDensity(
          {
            async logProb(x) {
              const rows = flatData(x)
              if (rows.length % d !== 0) throw mismatch('E_SHAPE', 'rows', String(d), rows.length)
              return {
                instance: Float64Array.from({ length: rows.length / d }, (_, i) => {
                  const Px = times(rows, i * d)
                  return -0.5 * Px.reduce((sum, value, j) => sum + value * rows[i * d + j]!, 0)
                }),
              }
            },
          },
          [d],
          { step: 1e-3 },
        )
        const n = 3
        const x = tensor(normals(rng, n * d), [n, d])
        const { gradient } = await density.gradient(x)
        const v = tensor(normals(rng, 2 * n * d), [2, n, d])
        const Hv = flatData(await density.hessianProduct!(x, v))
        const g = flatData(gradient)
        for (let i = 0; i < n; i++) {
          const want = times(flatData(x), i * d)
          // A quadratic has no third derivative: what is left is rounding, eps |log p| / h, once and twice.
          for (let j = 0; j < d; j++) expect(Math.abs(g[i * d + j]! + want[j]!)).toBeLessThan(1e-9)
          for (let k = 0; k < 2; k++) {
            const Pv = times(flatData(v), (k * n + i) * d)
            for (let j = 0; j < d; j++) expect(Math.abs(Hv[(k * n + i) * d + j]! + Pv[j]!)).toBeLessThan(1e-5)
          }
        }
      }),
      { numRuns: 20 },
    )
  })
})
