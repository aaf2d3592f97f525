// Pieces of tangents along an axis whose sizes or bounds are known only at run time, and what puts them back.
import { int } from '../../attributes.ts'
import type { GraphBuilder } from '../../builder.ts'
import type { Tangent, Tape, Transposer } from '../tangent.ts'
import { custom, type Out } from './apply.ts'
import { type Extent, extent, joined, minusExtent, plusExtent } from './extent.ts'
import { scatter } from './indexing.ts'
import { padZeros } from './padding.ts'

/** `length` elements along an axis from `start` on. */
export function piece(tape: Tape, t: Tangent, axis: number, start: Extent, length: Extent, out: Out): Tangent {
  const rank = t.shape.length
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent => place(c, ct, axis, start, length, x)
  return custom(tape, 'Slice', t, { ...out, transpose }, (e, x) => {
    const { g } = e
    return g.op('Slice', [x, joined(g, [start]), joined(g, [plusExtent(g, start, length)]), g.int64([axis - rank])])
  })
}

/** A tangent of `length` elements along an axis as the part of x from `start` on, zeros elsewhere. */
export function place(c: Transposer, t: Tangent, axis: number, start: Extent, length: Extent, x: Tangent): Tangent {
  const n = typeof x.shape[axis] === 'number' ? x.shape[axis] : extent(c.g, x.like!, axis)
  const after = minusExtent(c.g, minusExtent(c.g, n, start), length)
  const pads: Extent[] = new Array<number>(2 * x.shape.length).fill(0)
  pads[axis] = start
  pads[axis + x.shape.length] = after
  return padZeros(c.tape, t, pads.every((n) => typeof n === 'number') ? (pads as number[]) : joined(c.g, pads), x)
}

/** One axis of a Slice: its bounds as int64 lists of one number. */
export interface Cut {
  readonly axis: number
  readonly start: string
  readonly end: string
  readonly step: string
  /** Is the step known to be 1? */
  readonly plain: boolean
}

/** A Slice of any bounds and steps. `from` is the primal value that is cut. */
export function cutAxes(tape: Tape, t: Tangent, cuts: readonly Cut[], from: string, out: Out): Tangent {
  const rank = t.shape.length
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent => {
    let part = ct
    cuts.forEach((cut, i) => {
      // Axes already put back have their full size.
      const full = new Set(cuts.slice(0, i + 1).map((done) => done.axis))
      const shape = ct.shape.map((n, axis) => (full.has(axis) ? x.shape[axis]! : n))
      const last = i === cuts.length - 1
      const whole = { ...x, shape, like: last ? x.like : undefined }
      part = putBack(c, part, cut, from, out.like!, whole)
    })
    return part
  }
  return custom(tape, 'Slice', t, { ...out, transpose }, (e, x) => {
    const all = (list: readonly string[]): string => joined(e.g, list)
    const axes = e.g.int64(cuts.map((cut) => cut.axis - rank))
    const bounds = [all(cuts.map((cut) => cut.start)), all(cuts.map((cut) => cut.end)), axes]
    const steps = cuts.every((cut) => cut.plain) ? [] : [all(cuts.map((cut) => cut.step))]
    return e.g.op('Slice', [x, ...bounds, ...steps])
  })
}

/** Puts one axis back: with unit steps between zeros, else element by element to where it came from. */
function putBack(c: Transposer, t: Tangent, cut: Cut, from: string, result: string, whole: Tangent): Tangent {
  const { g, tape } = c
  const { axis, start, end, step } = cut
  const n = joined(g, [extent(g, from, axis)])
  if (cut.plain) {
    const positive = g.op('Where', [g.op('Less', [start, g.int64([0])]), g.op('Add', [start, n]), start])
    const first = g.op('Min', [g.op('Max', [positive, g.int64([0])]), n])
    const length = joined(g, [extent(g, result, axis)])
    const after = g.op('Sub', [g.op('Sub', [n, first]), length])
    const rank = whole.shape.length
    const pads: Extent[] = new Array<number>(2 * rank).fill(0)
    pads[axis] = first
    pads[axis + rank] = after
    return padZeros(tape, t, joined(g, pads), whole)
  }
  const numbers = countTo(g, n)
  const places = g.op('Slice', [numbers, start, end, g.int64([0]), step])
  return scatter(tape, t, axis, places, whole.shape, whole.like)
}

/** 0, 1 ... n - 1 for an int64 list of one number. */
export function countTo(g: GraphBuilder, n: string): string {
  const limit = g.op('Squeeze', [n, g.int64([0])])
  return g.op('Range', [g.scalar('int64', 0), limit, g.scalar('int64', 1)])
}

/** The elements along an axis in the opposite order. */
export function reverse(tape: Tape, t: Tangent, axis: number): Tangent {
  const rank = t.shape.length
  const transpose = (ct: Tangent, _x: Tangent, c: Transposer): Tangent => reverse(c.tape, ct, axis)
  return custom(tape, 'Slice', t, { shape: t.shape, like: t.like, transpose }, (e, x) => {
    const [from, to, at, step] = [-1, -(2 ** 31), axis - rank, -1].map((v) => e.g.int64([v]))
    return e.g.op('Slice', [x, from!, to!, at!, step!])
  })
}

/** Tangents joined along an axis of symbolic size: every part is written, zeros included. */
export function concatAtRunTime(
  tape: Tape,
  parts: readonly (Tangent | undefined)[],
  values: readonly string[],
  axis: number,
  out: Out & { readonly type: Tangent['type'] },
): Tangent {
  const { shape, type, like } = out
  const op: Tangent['def'] = {
    kind: 'apply',
    op: {
      name: 'Concat',
      emit(e, _self, operands) {
        const all = operands.map((t, i) => {
          if (t) return e.stacked(t)
          return e.zeros({ shape: e.g.info(values[i]!).shape!, type, like: values[i] })
        })
        return { stacked: e.g.op('Concat', all, { axis: int(axis - shape.length) }) }
      },
      transpose(ct, _self, operands, c) {
        let start: Extent = 0
        return operands.map((x, i) => {
          const from = start
          const length = extent(c.g, values[i]!, axis)
          start = plusExtent(c.g, from, length)
          return x && piece(c.tape, ct, axis, from, length, { shape: x.shape, like: x.like ?? values[i] })
        })
      },
    },
    operands: parts,
  }
  return tape.make(op, shape, type, like)
}
