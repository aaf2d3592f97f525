// Derivatives of the decoder: against finite differences, against each other, and the same bits however they are run.
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { flatData, jacobian, type NdArray, normals, random, sliceRows, type TridiagonalMetric, tensor } from '@ood/core'
import { gram, symmetricEigenvalues, tridiagonalEigenvalues } from '@ood/linalg'
import { type Flow, openFlow } from '@ood/models-flow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { linear, linearFlow } from './linear-flow.ts'

const tiny = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const D = 64
const latents = (n: number, seed = 1): NdArray<Float32Array> =>
  tensor(Float32Array.from(normals(random(seed), n * D)), [n, D])

describe.each(['tiny-affine', 'tiny-rqs', 'tiny-realnvp', 'tiny-glow', 'tiny-cycle'])('decoder of %s', (name) => {
  let flow: Flow
  const z = latents(3)
  beforeAll(async () => {
    flow = await openFlow(tiny(name), { workers: 0 })
  })
  afterAll(() => flow.release())

  it('jacobian is the one that jvp with unit vectors gives', async () => {
    const { decoder } = flow
    const one = sliceRows(z, 0, 1)
    const J = await decoder.jacobian(one)
    expect(J.shape).toEqual([D, D])
    const { inputShape, outputShape, evaluate, jvp } = decoder
    const slow = await jacobian({ inputShape, outputShape, evaluate, jvp }, one)
    // Same arithmetic in another order (block by block, other chunks): float32 rounding of numbers of order 1 to 10.
    const gap = Float64Array.from(flatData(J)).reduce(
      (worst, v, i) => Math.max(worst, Math.abs(v - flatData(slow)[i]!)),
      0,
    )
    expect(gap).toBeLessThan(1e-4)
  })

  it('jacobian is the same in chunks', async () => {
    const one = sliceRows(z, 0, 1)
    const J = flatData(await flow.decoder.jacobian(one))
    const chunked = await openFlow(tiny(name), { workers: 0, chunk: 10 })
    const other = flatData(await chunked.decoder.jacobian(one))
    J.forEach((value, i) => {
      expect(Math.abs(value - other[i]!)).toBeLessThan(1e-4)
    })
    await chunked.release()
  })

  it('jvp agrees with central differences', async () => {
    const v = latents(3, 2)
    const { tangent } = await flow.decoder.jvp(z, tensor(v.data, [1, 3, D]))
    // float32: rounding leaves 1e-6 / h = 5e-4. ReLUs and the spline's knots make the derivative jump, and a step across
    // a kink is off by order 1, which happens to a share of the points that falls with h: compare in the mean.
    const h = 2e-3
    const at = (sign: number) =>
      flow.decode(
        tensor(
          z.data.map((value, i) => value + sign * h * v.data[i]!),
          [3, D],
        ),
        { space: 'model' },
      )
    const [up, down] = [flatData(await at(1)), flatData(await at(-1))]
    let gap = 0
    let size = 0
    flatData(tangent).forEach((t, i) => {
      gap += Math.abs((up[i]! - down[i]!) / (2 * h) - t)
      size += Math.abs(t)
    })
    expect(gap / size).toBeLessThan(5e-3)
  })

  it('jvp takes any number of rows and directions', async () => {
    for (const [k, n] of [
      [1, 3],
      [13, 1],
      [4, 3],
      [0, 2],
    ] as const) {
      const rows = sliceRows(z, 0, n)
      const v = tensor(Float32Array.from(normals(random(k), k * n * D)), [k, n, D])
      const { value, tangent } = await flow.decoder.jvp(rows, v)
      expect(value.shape).toEqual([n, 1, 8, 8])
      expect(tangent.shape).toEqual([k, n, 1, 8, 8])
      for (let i = 0; i < k; i++) {
        for (let r = 0; r < n; r++) {
          const direction = tensor(v.data.slice((i * n + r) * D, (i * n + r + 1) * D), [1, 1, D])
          const single = flatData((await flow.decoder.jvp(sliceRows(rows, r, r + 1), direction)).tangent)
          const together = flatData(tangent).subarray((i * n + r) * D, (i * n + r + 1) * D)
          // The engine may block matrix products differently for other sizes.
          single.forEach((s, at) => {
            expect(Math.abs(s - together[at]!)).toBeLessThan(1e-4)
          })
        }
      }
    }
  })

  it('log |det J| is minus the encoder log-determinant at the decoded point', async () => {
    const one = sliceRows(z, 0, 1)
    const J = flatData(await flow.decoder.jacobian(one))
    const eigenvalues = symmetricEigenvalues(gram(J, D, D), D)
    const logDetJ = eigenvalues.reduce((sum, value) => sum + 0.5 * Math.log(value), 0)
    const x = await flow.decode(one, { space: 'model' })
    const back = await flow.encode(x, { input: 'model' })
    const logP = (await flow.logProb(x, { input: 'model' })).instance[0]!
    const square = Float64Array.from(flatData(back)).reduce((sum, value) => sum + value * value, 0)
    const logDet = logP + 0.5 * square + (D / 2) * Math.log(2 * Math.PI)
    expect(Math.abs(logDetJ + logDet)).toBeLessThan(1e-3)
  })

  it('tridiagonalMetric has the eigenvalues of JᵀJ and keeps |z| and |Jz|', async () => {
    const metric = await flow.decoder.tridiagonalMetric(z)
    for (let row = 0; row < 3; row++) {
      const one = sliceRows(z, row, row + 1)
      const J = flatData(await flow.decoder.jacobian(one))
      const expected = symmetricEigenvalues(gram(J, D, D), D)
      const T = rowOf(metric, row)
      const got = tridiagonalEigenvalues(T.diagonal, T.offDiagonal)
      // Two float64 routes over the same float32 Jacobian: 1e-13 of the largest eigenvalue.
      const largest = Math.max(...expected)
      got.forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-11 * largest)
      })
      const Jz = new Float64Array(D)
      for (let i = 0; i < D; i++) for (let j = 0; j < D; j++) Jz[i] = Jz[i]! + J[i * D + j]! * z.get(row, j)
      let form = 0
      for (let i = 0; i < D; i++) {
        form += T.diagonal[i]! * T.rotated[i]! ** 2
        if (i + 1 < D) form += 2 * T.offDiagonal[i]! * T.rotated[i]! * T.rotated[i + 1]!
      }
      const norm = (v: Float64Array | Float32Array): number =>
        Float64Array.from(v).reduce((s, value) => s + value * value, 0)
      expect(form / norm(Jz)).toBeCloseTo(1, 10)
      expect(norm(T.rotated) / norm(flatData(one))).toBeCloseTo(1, 10)
    }
  })

  it('reports progress per latent, stops when told, takes no latents', async () => {
    const seen: string[] = []
    await flow.decoder.tridiagonalMetric(z, { onProgress: ({ done, total }) => seen.push(`${done}/${total}`) })
    expect(seen).toEqual(['1/3', '2/3', '3/3'])
    const stop = new AbortController()
    const running = flow.decoder.tridiagonalMetric(z, { signal: stop.signal, onProgress: () => stop.abort() })
    await expect(running).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect((await flow.decoder.tridiagonalMetric(latents(0))).offDiagonal.shape).toEqual([0, D - 1])
  })

  it('names what is wrong with its input', async () => {
    const bad = latents(3)
    bad.set(1, 5, Number.NaN)
    await expect(flow.decoder.tridiagonalMetric(bad)).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
      message: 'tridiagonalMetric: expected finite numbers, got NaN in row 1 at position 5',
    })
    await expect(flow.decoder.jacobian(z)).rejects.toThrow('jacobian: expected one row, got 3')
    await expect(flow.decoder.jvp(z, latents(3))).rejects.toThrow('jvp tangents: expected shape [K, 3, 64]')
    await expect(flow.decoder.tridiagonalMetric(tensor(new Float32Array(6), [2, 3]))).rejects.toMatchObject({
      code: 'E_SHAPE',
    })
  })

  it('gives an error for a Jacobian that overflows, naming the row', async () => {
    const far = latents(2)
    far.data.fill(3e38, D, 2 * D)
    await expect(flow.decoder.tridiagonalMetric(far)).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
      message: expect.stringMatching(/^tridiagonalMetric row 1: decoder Jacobian: expected finite numbers, got /),
    })
  })
})

describe('workers', () => {
  it('give the same bits as none, for any number of them and any batch size', async () => {
    const z = latents(5, 4)
    const x = tensor(
      Float32Array.from({ length: 5 * D }, (_, i) => (i * 37) % 256),
      [5, 1, 8, 8],
    )
    const results: unknown[] = []
    for (const [workers, batchSize] of [
      [0, 64],
      [1, 2],
      [2, 1],
    ] as const) {
      const flow = await openFlow(tiny('tiny-affine'), { workers, batchSize })
      const metric = await flow.decoder.tridiagonalMetric(z)
      const alone = await flow.decoder.tridiagonalMetric(sliceRows(z, 1, 2))
      expect(flatData(alone.diagonal)).toEqual(flatData(sliceRows(metric.diagonal, 1, 2)))
      expect(flatData(alone.rotated)).toEqual(flatData(sliceRows(metric.rotated, 1, 2)))
      results.push([
        (await flow.logProb(x, { seed: 1 })).instance,
        flatData(await flow.encode(x)),
        flatData(await flow.sample(5, { seed: 2 })),
        flatData(metric.diagonal),
        flatData(metric.rotated),
        flatData(await flow.decoder.jacobian(sliceRows(z, 0, 1))),
        flatData((await flow.decoder.jvp(z, tensor(z.data, [1, 5, D]))).tangent),
        await flow.invertibilityReport(x),
      ])
      await flow.release()
    }
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  it('pass errors on with code and row', async () => {
    const flow = await openFlow(tiny('tiny-affine'), { workers: 1 })
    const far = latents(2)
    far.data.fill(3e38, D, 2 * D)
    await expect(flow.decoder.tridiagonalMetric(far)).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
      message: expect.stringMatching(/^tridiagonalMetric row 1: decoder Jacobian/),
    })
    await flow.release()
  })
})

const dist = new URL('../dist/index.js', import.meta.url)
describe('built files', () => {
  it.skipIf(!existsSync(dist))(
    'run in workers under plain node and let it end (skipped before `npm run build`)',
    () => {
      const script = `import { openFlow } from ${JSON.stringify(dist.href)}
const flow = await openFlow(${JSON.stringify(tiny('tiny-affine'))}, { workers: 2 })
const z = await flow.sample(3, { seed: 1, space: 'model' })
console.log((await flow.logProb(z, { input: 'model' })).instance.length)
// No release(): idle workers must not keep the process alive.`
      const args = ['--input-type=module', '--eval', script]
      expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 }).trim()).toBe('3')
    },
  )
})

describe('golden vector flow_linear', () => {
  it('eigenvalues and rotated latent', async () => {
    const golden = vector<{
      A: number[][]
      b: number[]
      z0: number[]
      x0: number[]
      eigenvalues_ascending: number[]
      log_prob_x0: number
    }>('dgm/flow_linear')
    const folder = await linearFlow(linear(golden.A, golden.b))
    const flow = await openFlow(folder, { workers: 0 })
    const z = tensor(Float32Array.from(golden.z0), [1, 3])
    const T = rowOf(await flow.decoder.tridiagonalMetric(z), 0)
    const eigenvalues = Array.from(tridiagonalEigenvalues(T.diagonal, T.offDiagonal)).sort((a, b) => a - b)
    // A passes through float32: 6e-8 relative in entries, so 1e-6 of the largest eigenvalue.
    golden.eigenvalues_ascending.forEach((value, i) => {
      expect(Math.abs(eigenvalues[i]! - value)).toBeLessThan(1e-6 * golden.eigenvalues_ascending[2]!)
    })
    const { instance } = await flow.logProb(tensor(Float32Array.from(golden.x0), [1, 3]))
    expect(instance[0]).toBeCloseTo(golden.log_prob_x0, 4)
    await flow.release()
    rmSync(folder, { recursive: true })
  })
})

function rowOf({ diagonal, offDiagonal, rotated }: TridiagonalMetric, row: number) {
  const pick = (a: NdArray<Float64Array>): Float64Array => flatData(sliceRows(a, row, row + 1))
  return { diagonal: pick(diagonal), offDiagonal: pick(offDiagonal), rotated: pick(rotated) }
}
