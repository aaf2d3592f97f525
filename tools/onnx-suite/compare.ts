// Numbers against numbers: equality to the bit, to a tolerance, and random directions.
import { normals, random } from '@ood/core'
import type { Tensor, Value } from './suite.ts'

export type Tensors = ReadonlyMap<string, Tensor>

/** What differs between two tensors beyond `rtol` of the number and `atol`; undefined when nothing does. */
export function difference(got: Value | undefined, expected: Value, rtol: number, atol: number): string | undefined {
  if (!got || !('data' in got) || !('data' in expected)) return 'no such output'
  if (got.shape.join() !== expected.shape.join()) return `shape [${got.shape}] for [${expected.shape}]`
  let worst = 0
  let at = -1
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(got.data[i]), Number(expected.data[i])]
    if (Object.is(a, b) || a === b) continue
    const error = Math.abs(a - b) / (atol + rtol * Math.abs(b))
    if (error <= 1 || error <= worst) continue
    worst = error
    at = i
    if (Number.isNaN(error)) break
  }
  return at < 0 ? undefined : `${Number(got.data[at])} for ${Number(expected.data[at])} at ${at}`
}

/** Whether two results are the same to the bit. */
export function identical(got: Tensors, expected: Tensors): string | undefined {
  for (const [name, value] of expected) {
    const found = got.get(name)
    if (found?.shape.join() !== value.shape.join()) return `${name}: shape [${found?.shape}] for [${value.shape}]`
    const i = value.data.findIndex((v: number | bigint, at: number) => !Object.is(v, found.data[at]))
    if (i >= 0) return `${name}: ${found.data[i]} for ${value.data[i]} at ${i}`
  }
  return undefined
}

/** Seeded standard normals. */
export function gaussian(shape: readonly number[], seed: number): Tensor {
  const size = shape.reduce((product, n) => product * n, 1)
  return { kind: 'float64', shape, data: Float64Array.from(normals(random(seed), size)) }
}

/** x + h v, where v is direction k of a stack. */
export function moved(x: Tensor, stack: Tensor, k: number, h: number): Tensor {
  const n = x.data.length
  return {
    ...x,
    data: Float64Array.from(x.data as Float64Array, (value, i) => value + h * Number(stack.data[k * n + i])),
  }
}

/** Direction k of a stack of `count`, as numbers. */
export function direction(stack: Tensor, k: number, count: number): Float64Array {
  const n = stack.data.length / count
  return (stack.data as Float64Array).subarray(k * n, (k + 1) * n)
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

export function norm(a: ArrayLike<number>): number {
  return Math.sqrt(dot(a, a))
}

/** Numbers as a type of less precision holds them. */
export function rounded(x: Tensor, type: string): Tensor {
  return type === 'float64' ? x : { ...x, data: Float64Array.from(x.data as Float64Array, Math.fround) }
}
