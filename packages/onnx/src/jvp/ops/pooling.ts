// Means over windows, and their transpose.
import { int } from '../../attributes.ts'
import type { GraphBuilder } from '../../builder.ts'
import { times } from '../../infer/dims.ts'
import { count } from '../../tensors.ts'
import type { Dim, Node } from '../../types.ts'
import { factorOf, scalar } from '../factor.ts'
import type { Tangent, Tape, Transposer } from '../tangent.ts'
import { batched, type Out } from './apply.ts'
import { convolveBack, writeConvolution } from './convolution.ts'
import { reshape } from './movement.ts'
import { padZeros } from './padding.ts'
import { sumOf } from './sum.ts'
import { reach, type Window } from './window.ts'

/** AveragePool on tangents. */
export function averagePool(tape: Tape, t: Tangent, node: Node, w: Window, out: Out): Tangent {
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent => {
    const kernel = w.kernel as number[]
    const share = scalar(ct.type, 1 / count(kernel))
    const each = { kind: 'combine', terms: [{ of: ct, by: sharesOf(c.g, node, w, x, ct) ?? share }] } as const
    const weighted = c.tape.make(each, ct.shape, ct.type, ct.like)
    return isTiling(w, x.shape, ct.shape) ? repeat(c.tape, weighted, kernel, x) : spread(c, weighted, wide(w, x, ct), x)
  }
  return batched(tape, 'AveragePool', t, { ...out, transpose }, (e, x) => e.g.op('AveragePool', [x], node.attributes))
}

/** Do windows lie side by side and cover everything but perhaps a rest at the end? */
function isTiling(w: Window, big: readonly Dim[], small: readonly Dim[]): boolean {
  return w.kernel.every((k, i) => {
    const [n, o] = [big[i + 2]!, small[i + 2]!]
    const known = typeof n === 'number' && typeof o === 'number' && typeof k === 'number' && o * k <= n
    return known && k === w.strides[i] && w.dilations[i] === 1 && w.before[i] === 0
  })
}

/** Every element k times along each spatial axis, zeros where no window reaches. */
function repeat(tape: Tape, t: Tangent, kernel: readonly number[], x: Tangent): Tangent {
  const head = t.shape.slice(0, 2)
  const spatial = t.shape.slice(2) as number[]
  const apart = reshape(tape, t, [...head, ...spatial.flatMap((n) => [n, 1])], undefined)
  const filled = sumOf(tape, [apart], [...head, ...spatial.flatMap((n, i) => [n, kernel[i]!])], undefined)
  const covered = spatial.map((n, i) => n * kernel[i]!)
  const joined = reshape(tape, filled, [...head, ...covered], undefined)
  const rest = (x.shape.slice(2) as number[]).map((n, i) => n - covered[i]!)
  return rest.every((n) => n === 0) ? joined : padZeros(tape, joined, [0, 0, ...rest.map(() => 0), 0, 0, ...rest], x)
}

/** The transpose of sums over windows: a transposed convolution with ones, each channel for itself. */
function spread({ tape, g }: Transposer, t: Tangent, w: Window, x: Tangent): Tangent {
  const single = (shape: readonly Dim[]): Dim[] => [times(shape[0]!, shape[1]!), 1, ...shape.slice(2)]
  const ones = g.op('Expand', [g.scalar(t.type, 1), g.int64([1, 1, ...(w.kernel as number[])])])
  const alone = reshape(tape, t, single(t.shape), undefined)
  const sum = convolveBack(tape, alone, ones, w, { shape: single(x.shape), like: undefined })
  return reshape(tape, sum, x.shape, x.like)
}

/** The window with its end padded as far as positions reach, which rounding sizes up needs. */
function wide(w: Window, x: Tangent, ct: Tangent): Window {
  const after = w.after.map((pad, i) => {
    const [n, o] = [x.shape[i + 2]!, ct.shape[i + 2]!]
    if (typeof n !== 'number' || typeof o !== 'number') return pad
    return Math.max(pad, w.strides[i]! * (o - 1) + reach(w, i)! - n - w.before[i]!)
  })
  return { ...w, after }
}

/**
 * What each element of a window adds to its mean, where that differs from window to window: the pool of ones, over the
 * number of ones in the window.
 */
function sharesOf(
  g: GraphBuilder,
  node: Node,
  w: Window,
  x: Tangent,
  ct: Tangent,
): ReturnType<typeof factorOf> | undefined {
  const padded = [...w.before, ...w.after].some((n) => n > 0)
  const roundsUp = node.attributes.ceil_mode?.kind === 'int' && node.attributes.ceil_mode.value === 1
  if (!padded && !roundsUp) return undefined
  const spatial = x.shape.slice(2)
  const numbers = spatial.every((n) => typeof n === 'number')
  const sizes = numbers
    ? g.int64(spatial as number[])
    : g.op('Slice', [g.op('Shape', [x.like!]), g.int64([2]), g.int64([x.shape.length])])
  const one = g.scalar(x.type, 1)
  const field = g.op('Expand', [one, g.op('Concat', [g.int64([1, 1]), sizes], { axis: int(0) })])
  const ones = g.op('Expand', [one, g.int64([1, 1, ...(w.kernel as number[])])])
  const total = writeConvolution(g, field, ones, wide(w, x, ct))
  const share = g.op('Div', [g.op('AveragePool', [field], node.attributes), total])
  // One row and channel stand for all.
  return factorOf(g, share)
}
