// Writes tangents as ONNX nodes with a leading K axis.
import { OodError } from '@ood/core'
import { int } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { broadcast, sameShape } from '../infer/dims.ts'
import type { Dim } from '../types.ts'
import { type Factor, factors, materialize } from './factor.ts'
import { type Contribution, pullBack } from './pull.ts'
import { SUMMED, type Tangent, type Written } from './tangent.ts'

/** What linear operators write with. */
export interface Emitter {
  readonly g: GraphBuilder
  /** The tangent as [K, ...shape]. */
  stacked(t: Tangent): string
  /** The tangent with K folded into its first axis, [K * shape[0], ...]: what batch operators take. */
  folded(t: Tangent): string
  /** K as an int64 list of length 1. */
  k(): string
  /** [K, ...shape] as an int64 list; `like` is a primal value of that shape for sizes not known before run time. */
  sizes(shape: readonly Dim[], like: string | undefined): string
  /** Zeros of [K, ...shape]. */
  zeros(t: { shape: readonly Dim[]; type: Tangent['type']; like: string | undefined }): string
  /** The elements of a value in a shape given as numbers, one of them -1. */
  view(value: string, shape: readonly number[]): string
  /** Gives a value whose leading axis is K, or K folded into the next, the shape [K, ...shape]. */
  reshape(value: string, shape: readonly Dim[], like: string | undefined, leadsWithK: boolean): string
}

/** Writes all of `list` (in order of id) and returns the value [K, ...shape] of each. */
export function emitTangents(g: GraphBuilder, list: readonly Tangent[]): (t: Tangent) => string {
  const writing = new Set(list)
  const algebra = factors(g)
  const values = new Map<Tangent, Written>()
  const other = new Map<Tangent, string>()
  const firstSeed = list.find((t) => t.def.kind === 'seed')

  /** What a reshaped value was before: a reshape to sizes of its own can start from there. */
  const before = new Map<string, string>()
  const reshaped = (value: string, target: string, attributes = {}): string => {
    const result = g.op('Reshape', [value, target], attributes)
    before.set(result, before.get(value) ?? value)
    return result
  }
  const origin = (value: string): string => before.get(value) ?? value

  const e: Emitter = {
    g,
    stacked(t) {
      const written = values.get(t)
      if (!written) throw new OodError('E_RUNTIME', 'jvp: expected operands to be written before results, got none')
      if ('stacked' in written) return written.stacked
      const made = other.get(t) ?? e.reshape(written.folded, t.shape, t.like, false)
      other.set(t, made)
      return made
    },
    folded(t) {
      const written = values.get(t)
      if (written && 'folded' in written) return written.folded
      const made = other.get(t) ?? reshaped(origin(e.stacked(t)), foldedSizes(g, t))
      other.set(t, made)
      return made
    },
    k() {
      const input = firstSeed?.def.kind === 'seed' ? firstSeed.def.input : ''
      if (g.opset >= 15) return g.op('Shape', [input], { start: int(0), end: int(1) })
      return g.op('Gather', [g.op('Shape', [input]), g.int64([0])])
    },
    sizes(shape, like) {
      const numbers = staticSizes(shape)
      const rest = numbers ? g.int64(numbers) : g.op('Shape', [primalShape(like)])
      return shape.length === 0 ? e.k() : g.op('Concat', [e.k(), rest], { axis: int(0) })
    },
    zeros: ({ shape, type, like }) => g.op('Expand', [g.scalar(type, 0), e.sizes(shape, like)]),
    view: (value, shape) => reshaped(origin(value), g.int64(shape)),
    reshape(value, shape, like, leadsWithK) {
      const open = shape.filter((dim) => typeof dim !== 'number').length
      const target = shape.map((dim) => (typeof dim === 'number' ? dim : -1))
      if (open > 1 || shape.includes(0)) {
        return reshaped(origin(value), e.sizes(shape, like), g.opset >= 14 ? { allowzero: int(1) } : {})
      }
      if (open === 0) return reshaped(origin(value), g.int64([-1, ...target]))
      if (leadsWithK) return reshaped(value, g.int64([0, ...target]))
      return reshaped(origin(value), g.op('Concat', [e.k(), g.int64(target)], { axis: int(0) }))
    },
  }

  for (const t of list) values.set(t, write(t))
  return e.stacked

  function write(t: Tangent): Written {
    const { def } = t
    if (def.kind === 'seed') return { stacked: def.input }
    if (def.kind === 'select' && def.yes && def.no && writing.has(def.yes) && writing.has(def.no)) {
      const branches = [def.yes, def.no].map((b) => align(e, e.stacked(b), b.shape, t.shape.length))
      return { stacked: grow(e, g.op('Where', [def.condition, ...branches]), t, [def.yes.shape, def.no.shape]) }
    }
    const terms = pullBack(t, (v) => writing.has(v), algebra)
    if (terms) return { stacked: sum(e, t, terms) }
    if (def.kind !== 'apply')
      throw new OodError('E_RUNTIME', 'jvp: expected a linear operator, got a sum without terms')
    return def.op.emit(e, t, def.operands)
  }
}

/** Adds up the terms of a pulled tangent. */
function sum(e: Emitter, t: Tangent, terms: readonly Contribution[]): string {
  const { g } = e
  let total: { value: string; negative: boolean } | undefined
  // A plus sign first lets the others be added or subtracted without a negation.
  const ordered = [...terms].sort((a, b) => Number(isNegative(a.factor)) - Number(isNegative(b.factor)))
  const shapes: (readonly Dim[])[] = []
  for (const term of ordered) {
    const { value, shape, negative } = product(e, term, t.shape.length)
    shapes.push(shape)
    if (!total) total = { value, negative }
    else if (total.negative) total = { value: g.op('Add', [total.value, value]), negative: true }
    else total = { value: g.op(negative ? 'Sub' : 'Add', [total.value, value]), negative: false }
  }
  if (!total) return e.zeros(t)
  return grow(e, total.negative ? g.op('Neg', [total.value]) : total.value, t, shapes)
}

function isNegative(f: Factor): boolean {
  return f.value === undefined && f.scale === -1
}

/** One term: the product, summed over its SUMMED axes, with the axes of the result (some perhaps of size 1). */
function product(
  e: Emitter,
  term: Contribution,
  rank: number,
): { value: string; shape: readonly Dim[]; negative: boolean } {
  const { g } = e
  const { of, labels, factor } = term
  const negative = isNegative(factor)
  let value = align(e, e.stacked(of), of.shape, labels.length)
  let shape = of.shape
  if (factor.value !== undefined || (factor.scale !== 1 && !negative)) {
    value = g.op('Mul', [value, materialize(g, factor)])
    if (factor.value !== undefined) shape = broadcast([shape, g.info(factor.value).shape])!
  }
  shape = [...new Array<Dim>(labels.length - shape.length).fill(1), ...shape]
  const summed = labels.flatMap((label, axis) => (label === SUMMED ? [axis] : []))
  if (summed.length > 0) {
    const axes = g.int64(summed.map((axis) => axis - labels.length))
    const flat = summed.every((axis) => shape[axis] === 1)
    value = flat ? g.op('Squeeze', [value, axes]) : g.op('ReduceSum', [value, axes], { keepdims: int(0) })
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

/** Target of the reshape [K, n, ...rest] -> [K * n, ...rest]. */
function foldedSizes(g: GraphBuilder, t: Tangent): string {
  const rest = t.shape.slice(1)
  const numbers = staticSizes(rest)
  if (numbers && !numbers.includes(0)) return g.int64([-1, ...numbers])
  const sizes = g.op('Shape', [primalShape(t.like)])
  const tail = g.op('Slice', [sizes, g.int64([1]), g.int64([rest.length + 1])])
  return g.op('Concat', [g.int64([-1]), tail], { axis: int(0) })
}

function staticSizes(shape: readonly Dim[]): number[] | undefined {
  return shape.every((dim) => typeof dim === 'number') ? (shape as number[]) : undefined
}

function primalShape(like: string | undefined): string {
  if (like === undefined)
    throw new OodError('E_UNSUPPORTED', 'jvp: expected a size known before run time, got a symbolic one')
  return like
}
