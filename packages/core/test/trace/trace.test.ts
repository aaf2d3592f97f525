// Traces: golden vectors, estimators against exact values, their variances, and independence of the batch.
import { jacobianTrace, type NdArray, normals, random, type Tangents, type TraceMethod, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../../tools/vectors.ts'
import { traceRows } from '../../src/trace/trace-rows.ts'

/** f(x) = A x for every row; J = A. */
function linear(A: Float64Array, d: number): Tangents {
  return {
    async jvp(x, v) {
      const apply = (source: NdArray): Float64Array => {
        const out = new Float64Array(source.data.length)
        for (let row = 0; row * d < out.length; row++)
          for (let i = 0; i < d; i++)
            for (let j = 0; j < d; j++) out[row * d + i]! += A[i * d + j]! * source.data[row * d + j]!
        return out
      }
      return { value: tensor(apply(x), x.shape), tangent: tensor(apply(v), v.shape) }
    },
  }
}
const traceOf = (A: Float64Array, d: number) =>
  Array.from({ length: d }, (_, i) => A[i * d + i]!).reduce((a, b) => a + b, 0)

interface TraceVectors {
  x: number[][]
  trace: number[]
  rademacher: number[][][]
  quadratic_forms: number[][]
  hutchinson_mean: number[]
}
const golden = vector<TraceVectors>('dgm/trace')

/** f_i = x_i x_{i-1}² x_{i-2}³, indices mod 3. */
const cubic: Tangents = {
  async jvp(x, v) {
    const n = x.shape[0]!
    const k = v.shape[0]!
    const value = new Float64Array(3 * n)
    const tangent = new Float64Array(3 * n * k)
    for (let row = 0; row < n; row++) {
      for (let i = 0; i < 3; i++) {
        const [a, b, c] = [i, (i + 2) % 3, (i + 1) % 3]
        const at = (j: number) => x.data[row * 3 + j]!
        value[row * 3 + i] = at(a) * at(b) ** 2 * at(c) ** 3
        for (let m = 0; m < k; m++) {
          const dot = (j: number) => v.data[(m * n + row) * 3 + j]!
          tangent[(m * n + row) * 3 + i] =
            dot(a) * at(b) ** 2 * at(c) ** 3 +
            2 * at(a) * at(b) * dot(b) * at(c) ** 3 +
            3 * at(a) * at(b) ** 2 * at(c) ** 2 * dot(c)
        }
      }
    }
    return { value: tensor(value, x.shape), tangent: tensor(tangent, v.shape) }
  },
}

describe('trace vectors', () => {
  const x = () => tensor(Float64Array.from(golden.x.flat()), [3, 3])

  it('exact trace', async () => {
    // Integers below 2^53: exact.
    expect([...(await jacobianTrace(cubic, x(), { method: 'exact' }))]).toEqual(golden.trace)
  })

  it('quadratic forms of given probes, and their mean', async () => {
    for (const [row, probes] of golden.rademacher.entries()) {
      const point = tensor(Float64Array.from(golden.x[row]!), [1, 3])
      const forms = await Promise.all(
        probes.map(async (probe) => {
          const { tangent } = await cubic.jvp(point, tensor(Float64Array.from(probe), [1, 1, 3]))
          return probe.reduce((sum, value, i) => sum + value * tangent.data[i]!, 0)
        }),
      )
      expect(forms).toEqual(golden.quadratic_forms[row])
      expect((forms[0]! + forms[1]!) / 2).toBe(golden.hutchinson_mean[row])
    }
  })
})

describe('jacobianTrace', () => {
  const d = 12
  const A = normals(random(3), d * d)
  const f = linear(A, d)
  const x = tensor(normals(random(4), 5 * d), [5, d])
  const sym = (i: number, j: number) => (A[i * d + j]! + A[j * d + i]!) / 2
  const frobenius = () =>
    Array.from({ length: d * d }, (_, k) => sym(Math.floor(k / d), k % d) ** 2).reduce((a, b) => a + b, 0)

  it('is exact with unit vectors, whatever the chunks', async () => {
    for (const most of [1, 5, 7, 60, 1000]) {
      const products = async (v: Float64Array, k: number) => (await f.jvp(x, tensor(v, [k, 5, d]))).tangent.data
      const got = await traceRows(products, 5, d, { method: 'exact', probes: 1, seed: 0, keys: undefined, most })
      // d additions of numbers of size 1.
      for (const value of got.trace) expect(Math.abs(value - traceOf(A, d))).toBeLessThan(1e-13)
      expect([...got.standardError]).toEqual([0, 0, 0, 0, 0])
    }
    expect((await jacobianTrace(f, x)).length).toBe(5)
    expect((await jacobianTrace(f, tensor(new Float64Array(0), [0, d]))).length).toBe(0)
  })

  it.each([
    ['gaussian', () => 2 * frobenius()],
    [
      'rademacher',
      () => 2 * (frobenius() - Array.from({ length: d }, (_, i) => A[i * d + i]! ** 2).reduce((a, b) => a + b, 0)),
    ],
  ] as const)('%s probes are unbiased with the textbook variance', async (method, variance) => {
    const n = 20000
    const point = tensor(new Float64Array(n * d), [n, d])
    const estimates = await jacobianTrace(f, point, { method, probes: 1, seed: 9 })
    const mean = estimates.reduce((a, b) => a + b, 0) / n
    const spread = estimates.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n
    // Four standard errors of the mean; the variance of a quadratic form's variance is within 5 % at this n.
    expect(Math.abs(mean - traceOf(A, d))).toBeLessThan(4 * Math.sqrt(variance() / n))
    expect(Math.abs(spread / variance() - 1)).toBeLessThan(0.06)
  })

  it('Rademacher probes are exact for a diagonal Jacobian, one is enough', async () => {
    const D = Float64Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? i + 1 : 0))
    const got = await jacobianTrace(linear(D, 3), tensor(new Float64Array(3), [1, 3]), {
      method: 'rademacher',
      probes: 1,
    })
    expect(got[0]).toBe(15)
  })

  it('Hutch++ is exact once its sketch spans the range, and unbiased before', async () => {
    const low = new Float64Array(d * d)
    const u = normals(random(1), 2 * d)
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) low[i * d + j] = u[i]! * u[j]! + 3 * u[d + i]! * u[d + j]!
    const exact = traceOf(low, d)
    const got = await jacobianTrace(linear(low, d), x, { method: 'hutch++', probes: 6 })
    for (const value of got) expect(Math.abs(value - exact)).toBeLessThan(1e-10 * exact)
    const n = 4000
    const many = await jacobianTrace(f, tensor(new Float64Array(n * d), [n, d]), {
      method: 'hutch++',
      probes: 9,
      seed: 5,
    })
    const mean = many.reduce((a, b) => a + b, 0) / n
    const deviation = Math.sqrt(many.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n)
    expect(Math.abs(mean - traceOf(A, d))).toBeLessThan((4 * deviation) / Math.sqrt(n))
    // More vectors than dimensions: the basis is complete and the rest of it is zero.
    const all = await jacobianTrace(f, x, { method: 'hutch++', probes: 3 * d + 3 })
    for (const value of all) expect(Math.abs(value - traceOf(A, d))).toBeLessThan(1e-10)
  })

  it('does not depend on the batch: a row keeps its probes with its key', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<TraceMethod>('rademacher', 'gaussian', 'hutch++'),
        fc.integer({ min: 3, max: 40 }),
        fc.integer({ min: 0, max: 4 }),
        async (method, probes, row) => {
          const all = await jacobianTrace(f, x, { method, probes, seed: 2 })
          const one = tensor(Float64Array.from(x.data.subarray(row * d, (row + 1) * d)), [1, d])
          const alone = await jacobianTrace(f, one, { method, probes, seed: 2, rows: [row], batchSize: 1 })
          expect(alone[0]).toBe(all[row])
        },
      ),
      { numRuns: 30 },
    )
    const other = await jacobianTrace(f, x, { method: 'gaussian', probes: 4, seed: 3 })
    expect(other[0]).not.toBe((await jacobianTrace(f, x, { method: 'gaussian', probes: 4, seed: 2 }))[0])
  })

  it('tells its standard error', async () => {
    const products = async (v: Float64Array, k: number) => (await f.jvp(x, tensor(v, [k, 5, d]))).tangent.data
    const plan = { method: 'gaussian', probes: 4000, seed: 1, keys: [0, 1, 2, 3, 4], most: 500 } as const
    const { trace, standardError } = await traceRows(products, 5, d, { ...plan, keys: [...plan.keys] })
    for (let row = 0; row < 5; row++) {
      // Standard error sqrt(2 |sym A|² / probes), known to 1 / sqrt(2 probes) = 1 %, taken four times.
      expect(Math.abs(standardError[row]! / Math.sqrt((2 * frobenius()) / 4000) - 1)).toBeLessThan(0.05)
      expect(Math.abs(trace[row]! - traceOf(A, d))).toBeLessThan(4 * standardError[row]!)
    }
    const one = await traceRows(products, 5, d, { ...plan, keys: [...plan.keys], probes: 1 })
    for (const error of one.standardError) expect(error).toBeNaN()
  })

  it('shares probes between rows when asked', async () => {
    const shared = await jacobianTrace(f, x, { method: 'gaussian', probes: 3, sharing: 'shared' })
    expect(new Set(shared).size).toBe(1)
    expect(new Set(await jacobianTrace(f, x, { method: 'gaussian', probes: 3 })).size).toBe(5)
  })

  it('pushes a bounded number of vectors through, however many probes', async () => {
    let most = 0
    const counted: Tangents = {
      jvp: (at, v) => {
        most = Math.max(most, v.shape[0]! * v.shape[1]!)
        return f.jvp(at, v)
      },
    }
    await jacobianTrace(counted, x, { method: 'rademacher', probes: 1000 })
    expect(most).toBe(128)
  })

  it('checks options, reports progress and stops', async () => {
    await expect(jacobianTrace(f, x, { method: 'magic' as 'exact' })).rejects.toMatchObject({ code: 'E_UNKNOWN_NAME' })
    await expect(jacobianTrace(f, x, { method: 'gaussian', probes: 0 })).rejects.toThrow(
      'probes: expected a positive integer',
    )
    await expect(jacobianTrace(f, x, { method: 'hutch++', probes: 2 })).rejects.toThrow('at least 3, got 2')
    await expect(jacobianTrace(f, x, { rows: [1] })).rejects.toThrow('5 keys, one a row, got 1')
    await expect(jacobianTrace(f, x, { sharing: 'all' as 'fresh' })).rejects.toThrow('fresh or shared')
    const seen: number[] = []
    await jacobianTrace(f, x, { batchSize: 2, onProgress: ({ done }) => seen.push(done) })
    expect(seen).toEqual([2, 4, 5])
    await expect(jacobianTrace(f, x, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'E_ABORTED' })
  })
})

it('no more than a chunk of products at a time, and no product after the signal', async () => {
  const d = 5
  const stop = new AbortController()
  let largest = 0
  let calls = 0
  const counted: Tangents = {
    async jvp(x, v) {
      calls++
      largest = Math.max(largest, v.shape[0]! * v.shape[1]!)
      if (calls === 40) stop.abort()
      return { value: x, tangent: v }
    },
  }
  const x = tensor(new Float64Array(4 * d), [4, d])
  const whole = await jacobianTrace(counted, x, { method: 'exact', chunkSize: 3 })
  expect([...whole]).toEqual([5, 5, 5, 5])
  expect(largest).toBe(3)
  calls = 39
  const stopped = jacobianTrace(counted, x, { method: 'exact', chunkSize: 1, signal: stop.signal })
  await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' })
  expect(calls).toBe(40)
  await expect(jacobianTrace(counted, x, { chunkSize: 0 })).rejects.toThrow('chunkSize: expected a positive integer')
})
