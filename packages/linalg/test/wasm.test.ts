// The WebAssembly module: built from the sources that are checked in, optional, and usable in worker threads.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test, vi } from 'vitest'
import { sourceHash } from '../src/internal/kernels-wasm.ts'
import { workspace } from '../src/internal/wasm.ts'
import { draw, maxDifference, numbers, randomSymmetric } from './support.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

test('the committed module was built from the committed C (run wasm/build.sh after an edit)', () => {
  const hash = createHash('sha256')
  for (const file of [
    'simd.h',
    'distances.h',
    'distances.c',
    'eigen.c',
    'factor.c',
    'products.c',
    'search.c',
    'tridiagonal.c',
  ])
    hash.update(readFileSync(new URL(`../wasm/${file}`, import.meta.url)))
  expect(hash.digest('hex')).toBe(sourceHash)
})

test('memory is reused and only grows when a larger problem comes', () => {
  workspace([1e6])
  const before = workspace([10])!.kernels.memory.buffer.byteLength
  for (let i = 0; i < 20; i++) workspace([9e5, 10, 3])
  expect(workspace([1])!.kernels.memory.buffer.byteLength).toBe(before)
  const at = workspace([5, 9, 1])!.at
  expect(at.map((offset) => offset % 64)).toEqual([0, 0, 0])
  expect([at[1]! - at[0]!, at[2]! - at[1]!]).toEqual([64, 128])
})

test('a problem beyond the address space is refused, not attempted', () => {
  expect(workspace([2 ** 28])).toBeUndefined()
})

test.each([
  ['is missing', undefined],
  [
    'lacks SIMD or is forbidden',
    {
      Module: class {
        constructor() {
          throw new Error('no')
        }
      },
    },
  ],
])('everything works the same when WebAssembly %s', async (_, replacement) => {
  const fast = await import('@ood/linalg')
  vi.resetModules()
  vi.stubGlobal('WebAssembly', replacement)
  const plain = await import('@ood/linalg')
  const internal = await import('../src/internal/wasm.ts')
  expect(internal.workspace([1])).toBeUndefined()
  const [rows, cols] = [45, 33]
  const J = draw(numbers(1), rows * cols)
  const z = draw(numbers(2), cols)
  const both = [fast, plain].map((linalg) => {
    const G = linalg.gram(J, rows, cols)
    const T = linalg.gramTridiagonal(J, rows, cols, z)
    const resolvent = linalg.tridiagonalResolvent(T.diagonal, T.offDiagonal, 0.1, T.rotated)
    return [
      ...G,
      ...linalg.symmetricEigenvalues(G, cols),
      ...linalg.tridiagonalEigenvalues(T.diagonal, T.offDiagonal),
      ...Object.values(resolvent),
      ...linalg.matmul(J, G, rows, cols, cols),
      linalg.luLogDet(randomSymmetric(cols, 3), cols).logAbsDet,
      ...linalg.cholesky(linalg.gram(draw(numbers(4), 60 * 20), 60, 20), 20),
    ]
  })
  // Different order of summation only.
  expect(maxDifference(both[0]!, both[1]!)).toBeLessThan(1e-11)
})

test('each worker thread has its own module and gets the same result', async () => {
  const { tridiagonalize } = await import('@ood/linalg')
  const n = 90
  const M = randomSymmetric(n, 7)
  const expected = tridiagonalize(M, n).diagonal
  const run = (): Promise<Float64Array> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./fixtures/worker.mjs', import.meta.url), {
        workerData: { M, n },
        execArgv: ['--conditions=@ood/source'],
      })
      worker.once('message', resolve).once('error', reject)
    })
  for (const got of await Promise.all([run(), run()])) expect(got).toEqual(expected)
})
