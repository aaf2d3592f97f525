// Factors: primal-sized multipliers of tangents, and the little algebra on them that runs once for all K directions.
import { int, ints } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { elementNumber } from '../proto.ts'
import { count, plainNumbers } from '../tensors.ts'
import type { Dim, ElementType } from '../types.ts'

/**
 * `scale * value`, broadcast from the right; without a value just the number.
 * Derivatives of elementwise operators are factors, and products and sums of them cost 1/K of the same work on tangents.
 */
export interface Factor {
  readonly type: ElementType
  readonly scale: number
  readonly value?: string | undefined
  /** Zero where a mask or an unchosen branch makes it so. */
  readonly masked?: boolean | undefined
  /** May be infinite or NaN at single points (1/x, log, sqrt). */
  readonly singular?: boolean | undefined
}

/** Axes of a reshape's operand that hold the same elements as some axes of its result. */
export interface ReshapeGroup {
  readonly ins: readonly number[]
  readonly outs: readonly number[]
}

/** The algebra. Axes are counted from the right (-1 is the last), because factors may lack leading axes. */
export interface Factors {
  mul(a: Factor, b: Factor): Factor
  add(a: Factor, b: Factor): Factor
  /** a where the condition holds, b elsewhere; undefined is 0. */
  where(condition: string, a: Factor | undefined, b: Factor | undefined): Factor
  /** Sum over one axis of size n of the space the factor is broadcast over; the axis stays with size 1. */
  sum(f: Factor, axis: number, n: number): Factor
  /** Drops leading axes (all of size 1) beyond `rank`. */
  trim(f: Factor, rank: number): Factor
  /** Zeros before and after along an axis of size n. */
  pad(f: Factor, axis: number, n: number, before: number, after: number): Factor
  slice(f: Factor, axis: number, start: number, length: number): Factor
  cumSum(f: Factor, axis: number, n: number, exclusive: boolean, reverse: boolean): Factor
  /** Reorders the axes of a space of rank `perm.length`: new axis i is old axis perm[i]. */
  permute(f: Factor, perm: readonly number[]): Factor
  /** Inserts axes of size 1, given in the larger space, from the right. */
  insert(f: Factor, axes: readonly number[]): Factor
  /** From the space `outer` to the space `inner` of a reshape, group by group; at most one inner size is symbolic. */
  reshape(f: Factor, groups: readonly ReshapeGroup[], outer: readonly Dim[], inner: readonly Dim[]): Factor
  cast(f: Factor, type: ElementType): Factor
}

/** The number 1, -1 ... as a factor. */
export function scalar(type: ElementType, scale: number): Factor {
  return { type, scale }
}

/** True when applying the factor costs nothing but perhaps a sign. */
export function isTrivial(f: Factor): boolean {
  return f.value === undefined && Math.abs(f.scale) === 1
}

/** A value of the graph as a factor; constants of one element become plain numbers. */
export function factorOf(g: GraphBuilder, value: string, flags: { masked?: boolean; singular?: boolean } = {}): Factor {
  const { type } = g.info(value)
  const constant = g.constantTensor(value)
  if (constant && count(constant.shape) === 1 && isFloating(type)) return { type, scale: plainNumbers(constant)[0]! }
  return { type, scale: 1, value, ...flags }
}

const isFloating = (type: ElementType): boolean => type.startsWith('float') || type === 'bfloat16'

/** The factor as one value of the graph, its scale applied. */
export function materialize(g: GraphBuilder, f: Factor): string {
  if (f.value === undefined) return g.scalar(f.type, f.scale)
  if (f.scale === 1) return f.value
  return f.scale === -1 ? g.op('Neg', [f.value]) : g.op('Mul', [f.value, g.scalar(f.type, f.scale)])
}

/**
 * The algebra on a graph under construction; without a graph a dry run that only tracks which factors are plain
 * numbers, for planning.
 */
export function factors(g: GraphBuilder | undefined): Factors {
  const op = (name: string, inputs: readonly string[], attributes = {}): string =>
    g ? g.op(name, inputs, attributes) : 'dry'
  const whole = (f: Factor): string => (g ? materialize(g, f) : 'dry')
  const list = (values: readonly number[]): string => (g ? g.int64(values) : 'dry')
  const number = (type: ElementType, value: number): string => (g ? g.scalar(type, value) : 'dry')
  /** Size the value itself has along an axis from the right; 1 where it lacks it. */
  const own = (f: Factor, axis: number): number | string => {
    if (f.value === undefined) return 1
    if (!g) return Number.NaN
    return g.info(f.value).shape?.at(axis) ?? 1
  }
  const rankOf = (f: Factor): number => (g && f.value !== undefined ? (g.info(f.value).shape?.length ?? 0) : 0)
  const withValue = (f: Factor, value: string): Factor => ({ ...f, value })
  /** The factor with an axis of size n made explicit. */
  const spread = (f: Factor, axis: number, n: number): Factor => {
    if (own(f, axis) !== 1) return f
    const target = list([n, ...new Array<number>(-axis - 1).fill(1)])
    return withValue({ ...f, scale: 1 }, op('Expand', [whole(f), target]))
  }

  const algebra: Factors = {
    mul(a, b) {
      const flags = { masked: a.masked || b.masked, singular: a.singular || b.singular } as const
      const scale = a.scale * b.scale
      if (a.value === undefined || b.value === undefined)
        return { type: a.type, scale, value: a.value ?? b.value, ...flags }
      const value = op('Mul', [a.value, b.value])
      // 0 times an infinite derivative of a branch that was not taken must stay 0.
      const mask = a.masked && b.singular ? a : b.masked && a.singular ? b : undefined
      if (!mask?.value) return { type: a.type, scale, value, ...flags }
      const zero = number(a.type, 0)
      const safe = op('Where', [op('Equal', [mask.value, zero]), zero, value])
      return { type: a.type, scale, value: safe, masked: true, singular: flags.singular }
    },
    add(a, b) {
      const flags = { masked: a.masked || b.masked, singular: a.singular || b.singular } as const
      const { type } = a
      if (a.value === b.value) return { type, scale: a.scale + b.scale, value: a.value, ...flags }
      if (a.value !== undefined && b.value !== undefined) {
        if (a.scale === b.scale) return { type, scale: a.scale, value: op('Add', [a.value, b.value]), ...flags }
        if (a.scale === -b.scale) return { type, scale: a.scale, value: op('Sub', [a.value, b.value]), ...flags }
      }
      if (a.value === undefined && a.scale === 0) return b
      if (b.value === undefined && b.scale === 0) return a
      return { type, scale: 1, value: op('Add', [whole(a), whole(b)]), ...flags }
    },
    where(condition, a, b) {
      const { type } = (a ?? b)!
      const singular = a?.singular || b?.singular
      const part = (f: Factor | undefined): string => (f ? whole(f) : number(type, 0))
      const masked = !a || !b || a.masked || b.masked
      if (isOne(a) && !b) return { type, scale: 1, value: castTo(condition, type), masked }
      return { type, scale: 1, value: op('Where', [condition, part(a), part(b)]), masked, singular }
    },
    sum(f, axis, n) {
      if (own(f, axis) === 1) return { ...f, scale: f.scale * n }
      return withValue(f, op('ReduceSum', [f.value!, list([axis + rankOf(f)])], { keepdims: int(1) }))
    },
    trim(f, rank) {
      const extra = rankOf(f) - rank
      if (extra <= 0) return f
      return withValue(f, op('Squeeze', [f.value!, list(Array.from({ length: extra }, (_, axis) => axis))]))
    },
    pad(f, axis, n, before, after) {
      const full = spread(f, axis, n)
      const rank = g ? rankOf(full) : -axis
      const pads = new Array<number>(2 * rank).fill(0)
      pads[rank + axis] = before
      pads[2 * rank + axis] = after
      return { ...withValue(full, op('Pad', [full.value!, list(pads)])), masked: true }
    },
    slice(f, axis, start, length) {
      if (own(f, axis) === 1) return f
      return withValue(f, op('Slice', [f.value!, list([start]), list([start + length]), list([axis])]))
    },
    cumSum(f, axis, n, exclusive, reverse) {
      const full = spread(f, axis, n)
      const attributes = { exclusive: int(exclusive ? 1 : 0), reverse: int(reverse ? 1 : 0) }
      const where = g ? g.scalar('int64', axis) : 'dry'
      return withValue(full, op('CumSum', [full.value!, where], attributes))
    },
    permute(f, perm) {
      if (f.value === undefined) return f
      const rank = rankOf(f)
      const missing = perm.length - rank
      const full = g && missing > 0 ? op('Unsqueeze', [f.value, list([...Array(missing).keys()])]) : f.value
      return withValue(f, op('Transpose', [full], { perm: ints(perm) }))
    },
    insert(f, axes) {
      let rank = rankOf(f)
      let value = f.value
      for (const axis of [...axes].sort((a, b) => b - a)) {
        if (value === undefined || rank < -axis) continue
        value = op('Unsqueeze', [value, list([axis])])
        rank++
      }
      return { ...f, value }
    },
    reshape(f, groups, outer, inner) {
      if (f.value === undefined) return f
      let full = f
      const target: number[] = []
      for (const { ins, outs } of groups) {
        const one = ins.length === 1 && outs.length === 1
        if (ins.length > 0 && outs.length > 0 && !one)
          for (const axis of outs) full = spread(full, axis - outer.length, outer[axis] as number)
        for (const axis of ins) {
          const size = one ? own(full, outs[0]! - outer.length) : outs.length === 0 ? 1 : inner[axis]!
          target[axis] = typeof size === 'number' ? size : -1
        }
      }
      return withValue(full, op('Reshape', [full.value!, list(target)]))
    },
    cast: (f, type) => ({ ...f, type, value: f.value === undefined ? undefined : castTo(f.value, type) }),
  }
  function castTo(value: string, type: ElementType): string {
    return op('Cast', [value], { to: int(elementNumber(type)) })
  }
  return algebra
}

function isOne(f: Factor | undefined): boolean {
  return f !== undefined && f.value === undefined && f.scale === 1
}
