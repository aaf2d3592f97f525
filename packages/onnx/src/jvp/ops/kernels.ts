// Convolutions in their weights, for data that is held, and the correlation that is their transpose.
import { ints } from '../../attributes.ts'
import type { Tangent, Tape, Transposer } from '../tangent.ts'
import type { Emitter } from '../writer.ts'
import { custom, type Out } from './apply.ts'
import { writeConvolution, writeTransposed } from './convolution.ts'
import { type Extent, extent, extents, joined, overExtent, timesExtent } from './extent.ts'
import type { Window } from './window.ts'

/** The primal values around weights that vary. */
export interface Layer {
  /** The data, which is held: on the big side for Conv, on the small one for ConvTranspose. */
  readonly data: string
  readonly weights: string
  readonly result: string
  readonly side: 'big' | 'small'
  readonly window: Window
}

/**
 * The layer with weights that vary: K weights act as K times as many channels of the result.
 */
export function convolveWeights(tape: Tape, t: Tangent, layer: Layer, out: Out): Tangent {
  const { data, result, side, window: w } = layer
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent =>
    correlate(c.tape, ct, layer, { shape: x.shape, like: layer.weights, cost: out.cost })
  return custom(tape, side === 'big' ? 'Conv' : 'ConvTranspose', t, { ...out, transpose }, (e, x) => {
    const spatial = e.g.info(data).shape!.slice(2)
    const weights = side === 'big' ? moreRows(e, x, layer) : moreColumns(e, x, layer)
    const all =
      side === 'big'
        ? writeConvolution(e.g, data, weights, w)
        : writeTransposed(e, data, weights, w, { small: spatial, big: out.shape, like: result })
    // [N, groups * K * c, n...] to [K, N, groups * c, n...].
    const each = overExtent(e.g, extent(e.g, result, 1), w.group)
    const split = e.g.op('Reshape', [all, joined(e.g, [0, w.group, kOf(e), each, -1])])
    const moved = e.g.op('Transpose', [split], { perm: ints([2, 0, 1, 3, 4]) })
    return e.reshape(moved, out.shape, result, true)
  })
}

/** Weights [K, M, c, k...] as [groups * K * m, c, k...]. */
function moreRows(e: Emitter, x: string, { weights, window }: Layer): string {
  const { g } = e
  const rest = extents(g, weights, 1)
  if (window.group === 1) return g.op('Reshape', [x, joined(g, [-1, ...rest])])
  const each = overExtent(g, extent(g, weights, 0), window.group)
  const split = g.op('Reshape', [x, joined(g, [-1, window.group, each, ...rest])])
  const perm = [1, 0, ...rest.map((_, i) => i + 2), rest.length + 2]
  return g.op('Reshape', [g.op('Transpose', [split], { perm: ints(perm) }), joined(g, [-1, ...rest])])
}

/** Weights [K, M, c, k...] as [M, K * c, k...]. */
function moreColumns(e: Emitter, x: string, { weights, window }: Layer): string {
  const { g } = e
  const moved = g.op('Transpose', [x], { perm: ints([1, 0, 2, ...after(window, 3)]) })
  return g.op('Reshape', [moved, joined(g, [extent(g, weights, 0), -1, ...extents(g, weights, 2)])])
}

/**
 * The cotangent of each weight: the sum, over rows and positions, of what it multiplied times the cotangent there. That is
 * a convolution with rows and channels exchanged, strides and dilations too, and the small side as its kernel.
 */
function correlate(tape: Tape, ct: Tangent, layer: Layer, out: Out): Tangent {
  const { data, weights, result, side, window: w } = layer
  return custom(tape, 'Conv', ct, out, (e, x) => {
    const { g } = e
    const [big, small] =
      side === 'big'
        ? [bigData(e, data, w), smallVarying(e, x, result, w)]
        : [bigVarying(e, x, result, w), swapFirst(e, data, w)]
    const exchanged = {
      strides: ints(w.dilations),
      dilations: ints(w.strides),
      group: { kind: 'int', value: w.group } as const,
    }
    const all = g.op('Conv', [big, small], { ...exchanged, pads: ints([...w.before, ...w.after]) })
    const kernel = extents(g, weights, 2)
    const axes = g.int64(after(w, 2))
    const cut = g.op('Slice', [all, g.int64(kernel.map(() => 0)), joined(g, kernel), axes])
    const [rows, columns] = [extent(g, weights, 0), extent(g, weights, 1)]
    // [c, groups * K * m, k...] or [K * c, M, k...] to [K, M, c, k...].
    const [sizes, head] =
      side === 'big'
        ? [
            [columns, w.group, kOf(e), overExtent(g, rows, w.group)],
            [2, 1, 3, 0],
          ]
        : [
            [-1, columns, rows],
            [0, 2, 1],
          ]
    const split = g.op('Reshape', [cut, joined(g, [...(sizes as Extent[]), ...kernel])])
    const ordered = g.op('Transpose', [split], { perm: ints([...(head as number[]), ...after(w, head!.length)]) })
    return e.reshape(ordered, out.shape, out.like, true)
  })
}

/** Data [N, groups * c, n...] as [c, groups * N, n...]. */
function bigData(e: Emitter, value: string, w: Window): string {
  if (w.group === 1) return swapFirst(e, value, w)
  const { g } = e
  const [n, channels, ...sizes] = extents(g, value, 0)
  const each = overExtent(g, channels!, w.group)
  const split = g.op('Reshape', [value, joined(g, [n!, w.group, each, ...sizes])])
  const moved = g.op('Transpose', [split], { perm: ints([2, 1, 0, ...after(w, 3)]) })
  return g.op('Reshape', [moved, joined(g, [each, timesExtent(g, n!, w.group), ...sizes])])
}

/** Cotangents [K, N, groups * c, n...] as [K * c, groups * N, n...]. */
function bigVarying(e: Emitter, value: string, like: string, w: Window): string {
  const { g } = e
  const [n, channels, ...sizes] = extents(g, like, 0)
  const each = overExtent(g, channels!, w.group)
  const split = g.op('Reshape', [value, joined(g, [kOf(e), n!, w.group, each, ...sizes])])
  const moved = g.op('Transpose', [split], { perm: ints([0, 3, 2, 1, ...after(w, 4)]) })
  return g.op('Reshape', [moved, joined(g, [-1, timesExtent(g, n!, w.group), ...sizes])])
}

/** Cotangents [K, N, groups * m, o...] as [groups * K * m, N, o...]. */
function smallVarying(e: Emitter, value: string, like: string, w: Window): string {
  const { g } = e
  const [n, rows, ...sizes] = extents(g, like, 0)
  const split = g.op('Reshape', [value, joined(g, [kOf(e), n!, w.group, overExtent(g, rows!, w.group), ...sizes])])
  const moved = g.op('Transpose', [split], { perm: ints([2, 0, 3, 1, ...after(w, 4)]) })
  return g.op('Reshape', [moved, joined(g, [-1, n!, ...sizes])])
}

/** [N, C, ...] as [C, N, ...]. */
function swapFirst(e: Emitter, value: string, w: Window): string {
  return e.g.op('Transpose', [value], { perm: ints([1, 0, ...after(w, 2)]) })
}

/** The numbers of the spatial axes when the first of them is axis `from`. */
function after(w: Window, from: number): number[] {
  return w.kernel.map((_, i) => i + from)
}

/** K as an int64 list. */
function kOf(e: Emitter): string {
  return e.sizes([], undefined)
}
