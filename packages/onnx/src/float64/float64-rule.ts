// What the float64 form of an operator is written with.
import { mismatch, type OodError } from '@ood/core'
import { attribute, describe } from '../attributes.ts'
import { toBind } from '../hints.ts'
import type { Lowered } from '../lower/lowering-rule.ts'
import type { Dim } from '../types.ts'

/** Error for a form that is not known: names operator and node. */
export function unsupported(l: Lowered, expected: string): OodError {
  return mismatch('E_UNSUPPORTED', `toFloat64 of ${describe(l.node)}`, expected, 'otherwise')
}

/**
 * A float attribute in double precision: the shortest decimal number with the same float32, which is what was meant
 * (0.01, where widening gives 0.00999999977648258).
 */
export function decimal(l: Lowered, name: string, fallback: number): number {
  const value = attribute(l.node, name, 'float', fallback)
  if (Math.fround(value) !== value) return value
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

/** Shape of an input, whose rank has to be known. */
export function shapeOf(l: Lowered, value: string): readonly Dim[] {
  const { shape } = l.g.info(value)
  if (!shape) throw unsupported(l, `a known rank of ${value}`)
  return shape
}

/** Sizes of an input that all have to be known. */
export function sizesOf(l: Lowered, value: string): number[] {
  const shape = shapeOf(l, value)
  if (!shape.every((dim) => typeof dim === 'number')) throw unsupported(l, toBind(`known sizes of ${value}`))
  return shape as number[]
}

/** An axis of a reshaped value: a number, or the size of an axis of another value times a number. */
export type Size = number | { readonly of: string; readonly axis: number; readonly times?: number }

/** Size of an axis: a number where it is known. */
export function sizeAt(l: Lowered, of: string, axis: number, times = 1): Size {
  const dim = l.g.info(of).shape?.[axis]
  return typeof dim === 'number' ? dim * times : { of, axis, times }
}

/** Reshape to sizes of which any number may only be known at run time. */
export function reshape(l: Lowered, value: string, sizes: readonly Size[]): string {
  const { g } = l
  const open = sizes.filter((size) => typeof size !== 'number').length
  if (open <= 1) return g.op('Reshape', [value, g.int64(sizes.map((size) => (typeof size === 'number' ? size : -1)))])
  const parts = sizes.map((size) => {
    if (typeof size === 'number') return g.int64([size])
    const from = g.op('Slice', [g.op('Shape', [size.of]), g.int64([size.axis]), g.int64([size.axis + 1])])
    return size.times === undefined || size.times === 1 ? from : g.op('Mul', [from, g.int64([size.times])])
  })
  return g.op('Reshape', [value, g.op('Concat', parts, { axis: { kind: 'int', value: 0 } })])
}

/** Axes from `first` to the last of a rank. */
export function axesFrom(first: number, rank: number): number[] {
  return Array.from({ length: rank - first }, (_, i) => i + first)
}
