// The full Jacobian from JVPs: an analytic map, every batch size, the provider's own, abort and wrong providers.
import { type Differentiable, flatData, jacobian, type NdArray, type Progress, rowCount, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** f(x)_i = sin(x_i) x_{i+1} for i < n - 1, shapes [n] -> [n - 1]; the JVP is exact. */
function map(n: number, calls: number[] = []): Differentiable {
  const value = (x: ArrayLike<number>): number[] => Array.from({ length: n - 1 }, (_, i) => Math.sin(x[i]!) * x[i + 1]!)
  return {
    inputShape: [n],
    outputShape: [n - 1],
    evaluate: async (x) => tensor(Float64Array.from(value(flatData(x))), [1, n - 1]),
    jvp: async (x, v) => {
      const [point, tangents, k] = [flatData(x), flatData(v), rowCount(v)]
      calls.push(k)
      const out = new Float64Array(k * (n - 1))
      for (let d = 0; d < k; d++)
        for (let i = 0; i < n - 1; i++)
          out[d * (n - 1) + i] =
            Math.cos(point[i]!) * point[i + 1]! * tangents[d * n + i]! + Math.sin(point[i]!) * tangents[d * n + i + 1]!
      return { value: tensor(Float64Array.from(value(point)), [1, n - 1]), tangent: tensor(out, [k, 1, n - 1]) }
    },
  }
}

/** The derivative by hand, row-major [n - 1, n]. */
function expected(x: Float64Array): Float64Array {
  const n = x.length
  const J = new Float64Array((n - 1) * n)
  for (let i = 0; i < n - 1; i++) {
    J[i * n + i] = Math.cos(x[i]!) * x[i + 1]!
    J[i * n + i + 1] = Math.sin(x[i]!)
  }
  return J
}

describe('jacobian', () => {
  test('rows are outputs and columns inputs, for every batch size', async () => {
    const numbers = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 2, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(numbers, fc.integer({ min: 1, max: 14 }), async (values, batchSize) => {
        const x = Float64Array.from(values)
        const calls: number[] = []
        const J = await jacobian(map(x.length, calls), tensor(x, [1, x.length]), { batchSize })
        expect(J.shape).toEqual([x.length - 1, x.length])
        expect(flatData(J).map((value) => value + 0)).toEqual(expected(x).map((value) => value + 0))
        expect(calls.length).toBe(Math.ceil(x.length / batchSize))
      }),
    )
  })

  test('central differences agree', async () => {
    const x = Float64Array.of(0.3, -1.2, 2.1, 0.7)
    const f = map(4)
    const J = await jacobian(f, tensor(x, [1, 4]))
    const h = 1e-5
    for (let j = 0; j < 4; j++) {
      const at = (step: number): Promise<NdArray> =>
        f.evaluate(
          tensor(
            x.map((value, i) => (i === j ? value + step : value)),
            [1, 4],
          ),
        )
      const [up, down] = [flatData(await at(h)), flatData(await at(-h))]
      // Truncation h² / 6 and rounding eps / h, both below 1e-10.
      for (let i = 0; i < 3; i++) expect(J.get(i, j)).toBeCloseTo((up[i]! - down[i]!) / (2 * h), 9)
    }
  })

  test("the provider's own Jacobian is taken, as float64", async () => {
    const own = tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])
    const f: Differentiable = { ...map(3), jacobian: async () => own }
    const J = await jacobian(f, tensor(new Float32Array(3), [1, 3]))
    expect(flatData(J)).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6))
  })

  test('one progress event a call, the provider is not told to report too; abort between calls', async () => {
    const events: Progress[] = []
    const controller = new AbortController()
    const seen: unknown[] = []
    const f = map(5)
    const spy: Differentiable = {
      ...f,
      jvp: (x, v, options) => {
        seen.push(options)
        return f.jvp(x, v)
      },
    }
    const x = tensor(new Float64Array(5), [1, 5])
    const { signal } = controller
    await jacobian(spy, x, { batchSize: 2, seed: 3, signal, onProgress: (event) => events.push(event) })
    expect(events.map((event) => event.done)).toEqual([2, 4, 5])
    expect(seen).toEqual([
      { seed: 3, signal },
      { seed: 3, signal },
      { seed: 3, signal },
    ])
    controller.abort()
    await expect(jacobian(f, x, { signal })).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  test('bad arguments and bad providers are named', async () => {
    const f = map(3)
    const x = tensor(new Float64Array(3), [1, 3])
    await expect(jacobian(f, tensor(new Float64Array(6), [2, 3]))).rejects.toThrow('jacobian: expected one row, got 2')
    await expect(jacobian(f, tensor(new Float64Array(4), [1, 4]))).rejects.toThrow('expected shape [N, 3], got [1, 4]')
    // A batch of no directions would never end, a NaN one would end at once with zeroes.
    for (const batchSize of [0, -2, Number.NaN])
      await expect(jacobian(f, x, { batchSize })).rejects.toThrow(`jacobian batchSize: expected a positive integer`)
    const short: Differentiable = { ...f, jvp: async () => ({ value: x, tangent: x }) }
    await expect(jacobian(short, x)).rejects.toThrow('jacobian tangents: expected 6 numbers, got 3')
  })
})
