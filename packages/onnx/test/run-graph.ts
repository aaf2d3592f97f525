// Runs small models for the tests: typed arrays in, typed arrays out.
import { normals, random } from '@ood/core'
import { openSession, type TensorValue } from '@ood/runtime'
import { type Model, writeModel } from '../src/index.ts'

// The newest operator sets are tested before the engine calls them released.
process.env.ALLOW_RELEASED_ONNX_OPSET_ONLY = '0'

export type Values = Record<string, TensorValue>

/** Runs a model once, without graph rewrites unless asked, so that what is tested is the graph as written. */
export async function runGraph(model: Model, feeds: Values, optimization: 'basic' | 'all' = 'basic'): Promise<Values> {
  const session = await openSession(writeModel(model), { threads: 1, optimization })
  try {
    return await session.run(feeds)
  } finally {
    await session.release()
  }
}

/** Opens a model for many runs; the caller releases it. */
export async function openGraph(
  model: Model,
): Promise<{ run: (feeds: Values) => Promise<Values>; release: () => Promise<void> }> {
  const session = await openSession(writeModel(model), { threads: 1, optimization: 'basic' })
  return { run: (feeds) => session.run(feeds), release: () => session.release() }
}

export type FloatType = 'float32' | 'float64'

/** Floats of a shape as a feed. */
export function floats(type: FloatType, shape: readonly number[], values: ArrayLike<number>): TensorValue {
  const data = type === 'float64' ? Float64Array.from(values) : Float32Array.from(values)
  return { data, shape }
}

/** Seeded standard normals of a shape. */
export function gaussian(type: FloatType, shape: readonly number[], seed: number): TensorValue {
  return floats(
    type,
    shape,
    normals(
      random(seed),
      shape.reduce((p, n) => p * n, 1),
    ),
  )
}

/** Numbers of an output. */
export function numbersOf(value: TensorValue | undefined): number[] {
  if (!value) throw new Error('the graph has no such output')
  return Array.from(value.data as ArrayLike<number | bigint>, Number)
}

/** Largest absolute difference, relative to the largest number expected (at least 1). */
export function relativeError(got: readonly number[], expected: readonly number[]): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY
  const scale = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 1)
  let worst = 0
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs(got[i]! - expected[i]!) / scale
    if (!(error <= worst)) worst = error
  }
  return worst
}
