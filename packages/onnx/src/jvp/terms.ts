// Writes a pulled tangent: the sum of its factors times tangents.
import { mismatch } from '@ood/core'
import { broadcast, sameShape } from '../infer/dims.ts'
import type { Dim } from '../types.ts'
import { type Factor, materialize } from './factor.ts'
import { sumOver } from './ops/reduction.ts'
import type { Contribution } from './pull.ts'
import { type Emitter, SUMMED, type Tangent } from './tangent.ts'

/** A summand made elsewhere: a value [K', ...shape of the sum] with the directions of a tangent. */
export interface Part {
  readonly value: string
  readonly directions: Tangent
}

interface Product {
  readonly value: string
  readonly shape: readonly Dim[]
  readonly negative: boolean
}

/** Adds up the terms of a pulled tangent, and further parts of the same shape. */
export function sumOfTerms(e: Emitter, t: Tangent, terms: readonly Contribution[], parts: readonly Part[]): string {
  const { g } = e
  // A plus sign first lets the others be added or subtracted without a negation.
  const ordered = [...terms].sort((a, b) => Number(isNegative(a.factor)) - Number(isNegative(b.factor)))
  const products: Product[] = [
    ...parts.map((part) => ({ value: e.aligned(part.value, part.directions), shape: t.shape, negative: false })),
    ...ordered.map((term) => {
      const made = product(e, term, t.shape.length)
      return { ...made, value: made.value }
    }),
  ]
  const [first, ...others] = products
  if (!first) return e.zeros(t)
  let { value } = first
  for (const other of others) value = g.op(other.negative && !first.negative ? 'Sub' : 'Add', [value, other.value])
  if (first.negative) value = g.op('Neg', [value])
  return grow(
    e,
    value,
    t,
    products.map((p) => p.shape),
  )
}

/** One tangent where the condition holds, another elsewhere. */
export function branches(e: Emitter, t: Tangent, condition: string, yes: Tangent, no: Tangent): string {
  const values = [yes, no].map((b) => align(e, e.stacked(b), b.shape, t.shape.length))
  return grow(e, e.g.op('Where', [condition, ...values]), t, [yes.shape, no.shape])
}

function isNegative(f: Factor): boolean {
  return f.value === undefined && f.scale === -1
}

/** One term: the product, summed over its SUMMED axes, with the axes of the result (some perhaps of size 1). */
function product(e: Emitter, term: Contribution, rank: number): Product {
  const { g } = e
  const { of, labels, factor } = term
  const negative = isNegative(factor)
  let value = align(e, e.stacked(of), of.shape, labels.length)
  let shape = of.shape
  if (factor.value !== undefined || (factor.scale !== 1 && !negative)) {
    value = g.op('Mul', [value, materialize(g, factor)])
    if (factor.value !== undefined) shape = together(shape, g.info(factor.value).shape)
  }
  shape = [...new Array<Dim>(labels.length - shape.length).fill(1), ...shape]
  const summed = labels.flatMap((label, axis) => (label === SUMMED ? [axis] : []))
  if (summed.length > 0) {
    // The directions come first.
    const axes = summed.map((axis) => axis + 1)
    const flat = summed.every((axis) => shape[axis] === 1)
    value = flat ? g.op('Squeeze', [value, g.int64(axes)]) : sumOver(g, value, axes, false)
  }
  const kept = labels.flatMap((label, axis) => (label === SUMMED ? [] : [{ label, size: shape[axis]! }]))
  const absent = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => kept.every((k) => k.label !== axis))
  if (absent.length > 0) value = g.op('Unsqueeze', [value, g.int64(absent.map((axis) => axis - rank))])
  const out = Array.from({ length: rank }, (_, axis): Dim => kept.find((k) => k.label === axis)?.size ?? 1)
  return { value, shape: out, negative }
}

/** Puts ones between K and a tangent of lower rank, so that it broadcasts like its primal. */
function align(e: Emitter, value: string, shape: readonly Dim[], rank: number): string {
  const missing = rank - shape.length
  if (missing <= 0) return value
  return e.g.op('Unsqueeze', [value, e.g.int64(Array.from({ length: missing }, (_, axis) => axis + 1))])
}

/** Expands a value that broadcasting left smaller than its tangent. */
function grow(e: Emitter, value: string, t: Tangent, shapes: readonly (readonly Dim[])[]): string {
  const reached = broadcast(shapes)
  if (reached && sameShape(reached, t.shape)) return value
  return e.g.op('Expand', [value, e.sizes(t.shape, t.like)])
}

/** Shape of a product; that of a graph whose shapes do not fit is an error of the file. */
function together(a: readonly Dim[], b: readonly Dim[] | undefined): readonly Dim[] {
  const shape = broadcast([a, b])
  if (shape) return shape
  throw mismatch('E_SHAPE', 'derivative', 'shapes that broadcast', `[${a}] and ${b ? `[${b}]` : 'an unknown one'}`)
}
