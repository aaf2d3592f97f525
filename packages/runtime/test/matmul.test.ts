// onnxruntime's matrix product: the same numbers as a plain one, in both precisions, at any size.
import { random } from '@ood/core'
import { openMatmul } from '@ood/runtime'
import { afterAll, describe, expect, test } from 'vitest'

function plain(A: Float64Array, B: Float64Array, rows: number, inner: number, cols: number): Float64Array {
  const out = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++)
      for (let l = 0; l < inner; l++) out[i * cols + j] = out[i * cols + j]! + A[i * inner + l]! * B[j * inner + l]!
  return out
}

describe.each(['float64', 'float32'] as const)('openMatmul in %s', (type) => {
  const opened = openMatmul({ type, threads: 1 })
  afterAll(async () => (await opened).release())

  test.each([
    [1, 1, 1],
    [3, 17, 5],
    [40, 784, 33],
  ])('%i x %i times %i rows', async (rows, inner, cols) => {
    const backend = await opened
    const rng = random(rows)
    const A = Float64Array.from({ length: rows * inner }, () => rng.normal())
    const B = Float64Array.from({ length: cols * inner }, () => rng.normal())
    const got = await backend.multiplyTransposed(A, B, rows, inner, cols)
    const want = plain(A, B, rows, inner, cols)
    expect(got.length).toBe(want.length)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++) {
        // |error| <= (inner + 2) u Σ |a b|: the sum in any order, and rounding of both factors.
        let sizes = 0
        for (let l = 0; l < inner; l++) sizes += Math.abs(A[i * inner + l]! * B[j * inner + l]!)
        const bound = (inner + 4) * backend.unitRoundoff * sizes * 2
        expect(Math.abs(got[i * cols + j]! - want[i * cols + j]!)).toBeLessThanOrEqual(bound)
      }
  })

  test('nothing times nothing, and shared memory', async () => {
    const backend = await opened
    expect((await backend.multiplyTransposed(new Float64Array(0), Float64Array.of(1, 2), 0, 2, 1)).length).toBe(0)
    const shared = new Float64Array(new SharedArrayBuffer(16)).fill(3)
    expect([...(await backend.multiplyTransposed(shared, shared, 1, 2, 1))]).toEqual([18])
  })
})

test('unknown types are named', async () => {
  await expect(openMatmul({ type: 'float16' as 'float32' })).rejects.toThrow(
    'matmul type: expected one of float32, float64, got float16',
  )
})
