// Sizes of primal values as numbers where they are known and as nodes where they are not.
import { int } from '../../attributes.ts'
import type { GraphBuilder } from '../../builder.ts'

/** A number, or the name of an int64 list. */
export type Extent = number | string

/** Size of one axis of a value. */
export function extent(g: GraphBuilder, value: string, axis: number): Extent {
  const size = g.info(value).shape?.at(axis)
  return typeof size === 'number' ? size : g.op('Gather', [g.op('Shape', [value]), g.int64([axis])])
}

/** Sizes of the axes from `start` on. */
export function extents(g: GraphBuilder, value: string, start: number): Extent[] {
  const rank = g.info(value).shape?.length ?? 0
  return Array.from({ length: Math.max(0, rank - start) }, (_, i) => extent(g, value, start + i))
}

/** One int64 list of several parts, a constant when all are numbers. */
export function joined(g: GraphBuilder, parts: readonly Extent[]): string {
  const lists: string[] = []
  let numbers: number[] = []
  const flush = (): void => {
    if (numbers.length > 0) lists.push(g.int64(numbers))
    numbers = []
  }
  for (const part of parts) {
    if (typeof part === 'number') numbers.push(part)
    else {
      flush()
      lists.push(part)
    }
  }
  flush()
  if (lists.length === 0) return g.int64([])
  return lists.length === 1 ? lists[0]! : g.op('Concat', lists, { axis: int(0) })
}

const arithmetic =
  (opType: string, compute: (a: number, b: number) => number) =>
  (g: GraphBuilder, a: Extent, b: Extent): Extent => {
    if (typeof a === 'number' && typeof b === 'number') return compute(a, b)
    return g.op(opType, [joined(g, [a]), joined(g, [b])])
  }

export const overExtent: (g: GraphBuilder, a: Extent, b: Extent) => Extent = arithmetic('Div', (a, b) =>
  Math.trunc(a / b),
)
export const timesExtent: (g: GraphBuilder, a: Extent, b: Extent) => Extent = arithmetic('Mul', (a, b) => a * b)
export const plusExtent: (g: GraphBuilder, a: Extent, b: Extent) => Extent = arithmetic('Add', (a, b) => a + b)
export const minusExtent: (g: GraphBuilder, a: Extent, b: Extent) => Extent = arithmetic('Sub', (a, b) => a - b)
