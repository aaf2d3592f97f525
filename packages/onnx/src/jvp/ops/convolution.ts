// Convolution and its transpose in their data, for weights that are held: each is the other's transpose.
import { int, ints } from '../../attributes.ts'
import type { GraphBuilder } from '../../builder.ts'
import type { Attribute, Dim } from '../../types.ts'
import type { Emitter, Tangent, Tape } from '../tangent.ts'
import { batched, type Out } from './apply.ts'
import { extent, extents, joined, overExtent } from './extent.ts'
import { outputPadding, reach, type Window } from './window.ts'

/** From the big side to the small one: [N, C, n...] to [N, M, o...] with weights [M, C / group, k...]. */
export function convolve(tape: Tape, t: Tangent, weights: string, w: Window, out: Out): Tangent {
  const transposed = (ct: Tangent, x: Tangent, c: { tape: Tape }): Tangent =>
    convolveBack(c.tape, ct, weights, w, { shape: x.shape, like: x.like, cost: out.cost })
  return batched(tape, 'Conv', t, { ...out, transpose: transposed }, (e, x) => {
    return writeConvolution(e.g, x, weights, w)
  })
}

/** From the small side to the big one: [N, M, o...] to [N, C, n...] with the same weights. */
export function convolveBack(tape: Tape, t: Tangent, weights: string, w: Window, out: Out): Tangent {
  const transposed = (ct: Tangent, x: Tangent, c: { tape: Tape }): Tangent =>
    convolve(c.tape, ct, weights, w, { shape: x.shape, like: x.like, cost: out.cost })
  return batched(tape, 'ConvTranspose', t, { ...out, transpose: transposed }, (e, x) => {
    return writeTransposed(e, x, weights, w, { small: t.shape.slice(2), big: out.shape, like: out.like })
  })
}

/** A Conv node. */
export function writeConvolution(g: GraphBuilder, x: string, weights: string, w: Window): string {
  return g.op('Conv', [x, weights], { ...common(w), pads: ints([...w.before, ...w.after]) })
}

/**
 * With unit strides a transposed convolution is a convolution with the kernel turned round, which the engine computes up
 * to five times as fast. Otherwise ConvTranspose, padded or cut to sizes known only at run time.
 */
export function writeTransposed(
  e: Emitter,
  x: string,
  weights: string,
  w: Window,
  sides: { small: readonly Dim[]; big: readonly Dim[]; like: string | undefined },
): string {
  const { g } = e
  const turned = turnedWindow(w)
  if (turned)
    return g.op('Conv', [x, turnKernel(g, weights, w)], {
      ...common(turned),
      pads: ints([...turned.before, ...turned.after]),
    })
  const spatial = sides.big.slice(2)
  const extra = spatial.map((n, i) => outputPadding(w, i, n, sides.small[i]!))
  if (extra.every((n) => n !== undefined && n >= 0)) {
    const attributes = { ...common(w), pads: ints([...w.before, ...w.after]), output_padding: ints(extra as number[]) }
    return g.op('ConvTranspose', [x, weights], attributes)
  }
  const full = g.op('ConvTranspose', [x, weights], common(w))
  const rank = sides.big.length
  const wanted = g.op('Slice', [e.sizes(sides.big, sides.like), g.int64([3]), g.int64([rank + 1])])
  const reached = g.op('Slice', [g.op('Shape', [full]), g.int64([2]), g.int64([rank])])
  const after = g.op('Sub', [g.op('Add', [wanted, g.int64(w.before)]), reached])
  return g.op('Pad', [full, joined(g, [0, 0, ...w.before.map((n) => -n), 0, 0, after])])
}

function common(w: Window): Record<string, Attribute> {
  const base = { strides: ints(w.strides), dilations: ints(w.dilations), group: int(w.group) }
  const known = w.kernel.every((n) => typeof n === 'number')
  return known ? { ...base, kernel_shape: ints(w.kernel as number[]) } : base
}

/** The window of the equivalent convolution from the small side to the big one; needs unit strides. */
function turnedWindow(w: Window): Window | undefined {
  if (w.strides.some((s) => s !== 1)) return undefined
  const edge = w.kernel.map((_, axis) => (reach(w, axis) ?? 0) - 1)
  const before = edge.map((n, axis) => n - w.before[axis]!)
  const after = edge.map((n, axis) => n - w.after[axis]!)
  return [...before, ...after].every((n) => n >= 0) ? { ...w, before, after } : undefined
}

/** [M, C / group, k...] as [C, M / group, k...], every spatial axis reversed. */
function turnKernel(g: GraphBuilder, weights: string, w: Window): string {
  const rank = w.kernel.length
  const axes = w.kernel.flatMap((k, i) => (k === 1 ? [] : [i + 2]))
  const all = (value: number): string => g.int64(axes.map(() => value))
  const turned = axes.length > 0 ? g.op('Slice', [weights, all(-1), all(-(2 ** 31)), g.int64(axes), all(-1)]) : weights
  const spatial = Array.from({ length: rank }, (_, i) => i)
  if (w.group === 1) return g.op('Transpose', [turned], { perm: ints([1, 0, ...spatial.map((i) => i + 2)]) })
  const [columns, ...kernel] = extents(g, weights, 1)
  const split = g.op('Reshape', [turned, joined(g, [w.group, -1, columns!, ...kernel])])
  const swapped = g.op('Transpose', [split], { perm: ints([0, 2, 1, ...spatial.map((i) => i + 3)]) })
  const perGroup = overExtent(g, extent(g, weights, 0), w.group)
  return g.op('Reshape', [swapped, joined(g, [-1, perGroup, ...kernel])])
}
