// Fixtures and golden vectors as arrays.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type NdArray, tensor } from '@ood/core'

/** Nested lists of numbers as JSON holds them. */
export type Nested = number | Nested[]

export const flat = (value: Nested): number[] => (Array.isArray(value) ? value.flatMap(flat) : [value])
export const shapeOf = (value: Nested): number[] =>
  Array.isArray(value) ? [value.length, ...shapeOf(value[0] ?? 0)] : []

/** Nested lists as a float64 batch. */
export const batch = (value: Nested): NdArray<Float64Array> => tensor(Float64Array.from(flat(value)), shapeOf(value))

/** The same batch with its axes in another order. */
export function permuted(x: NdArray<Float64Array>, ...axes: number[]): NdArray<Float64Array> {
  const view = x.transpose(...axes) as NdArray<Float64Array>
  const shape = axes.map((axis) => x.shape[axis]!)
  const out = new Float64Array(x.data.length)
  const index = new Array<number>(shape.length).fill(0)
  for (let i = 0; i < out.length; i++) {
    out[i] = view.get(...index)
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = index[axis]! + 1
      if (index[axis]! < shape[axis]!) break
      index[axis] = 0
    }
  }
  return tensor(out, shape)
}

export const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
export const json = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T

/** Largest absolute difference; both must be finite and equally long. */
export function gap(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs(got[i]! - want[i]!)
    if (!(difference <= worst)) worst = difference
  }
  return worst
}
