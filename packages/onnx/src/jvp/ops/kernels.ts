// Convolutions in their weights, for data that is held, and the correlation that is their transpose.
import { int, ints } from '../../attributes.ts'
import type { Emitter, Tangent, Tape, Transposer } from '../tangent.ts'
import { custom, type Out } from './apply.ts'
import { writeConvolution, writeTransposed } from './convolution.ts'
import { extent, extents, joined, minusExtent, overExtent, plusExtent, timesExtent } from './extent.ts'
import { flip } from './product.ts'
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
 * The cotangent of each weight: the sum, over rows and positions, of what it multiplied times the cotangent there. For
 * each tap of the kernel what it saw is cut out of the big side; all taps times the small side is one matrix product.
 * (A convolution with rows and channels exchanged does the same with less memory, but has the small side for its kernel,
 * which took the engine ten times as long.)
 */
function correlate(tape: Tape, ct: Tangent, layer: Layer, out: Out): Tangent {
  const { data, result, side, window: w } = layer
  return custom(tape, 'MatMul', ct, out, (e, x) => {
    const { g } = e
    const varying = { value: x, like: result, stacked: true }
    const held = { value: data, like: data, stacked: false }
    const [big, small] = side === 'big' ? [held, varying] : [varying, held]
    // The engine multiplies by the transposed matrix without transposing it.
    const product = g.op('MatMul', [rowsOfPositions(e, small, w), flip(g, seenByTaps(e, big, small, w))])
    return e.reshape(product, out.shape, out.like, true)
  })
}

/** One side of a layer while its weights are transposed: a primal value, or cotangents [K, ...] of its shape. */
interface Side {
  readonly value: string
  readonly like: string
  readonly stacked: boolean
}

/** Every position in the kernel. */
function taps(w: Window): number[][] {
  return (w.kernel as number[]).reduce<number[][]>(
    (list, size) => list.flatMap((tap) => Array.from({ length: size }, (_, i) => [...tap, i])),
    [[]],
  )
}

/** The big side [N, groups * c, n...] as [groups, c * taps, N * positions]. */
function seenByTaps(e: Emitter, big: Side, small: Side, w: Window): string {
  const { g } = e
  const k = big.stacked ? 1 : 0
  const head = big.stacked ? [kOf(e)] : []
  const channelsFirst = g.op('Transpose', [big.value], {
    perm: ints([...head.map(() => 0), k + 1, k, ...after(w, k + 2)]),
  })
  const none = new Array<number>(k + 2).fill(0)
  const pads = [...none, ...w.before, ...none, ...w.after]
  const padded = pads.some((n) => n > 0) ? g.op('Pad', [channelsFirst, g.int64(pads)]) : channelsFirst
  const axes = g.int64(after(w, -w.kernel.length))
  const steps = g.int64(w.strides)
  // The last position's window starts here.
  const last = w.strides.map((s, i) => timesExtent(g, minusExtent(g, extent(g, small.like, i + 2), 1), s))
  const channels = overExtent(g, extent(g, big.like, 1), w.group)
  const sizes = taps(w).length === 1 ? [channels, -1] : [channels, 1, -1]
  const rows = joined(g, [...head, w.group, ...sizes])
  const cuts = taps(w).map((tap) => {
    const start = tap.map((t, i) => t * w.dilations[i]!)
    const end = start.map((from, i) => plusExtent(g, last[i]!, from + 1))
    return g.op('Reshape', [g.op('Slice', [padded, g.int64(start), joined(g, end), axes, steps]), rows])
  })
  if (cuts.length === 1) return cuts[0]!
  const all = g.op('Concat', cuts, { axis: int(-2) })
  return g.op('Reshape', [all, joined(g, [...head, w.group, timesExtent(g, channels, cuts.length), -1])])
}

/** The small side [N, groups * m, o...] as [groups, m, N * positions]. */
function rowsOfPositions(e: Emitter, small: Side, w: Window): string {
  const { g } = e
  const head = small.stacked ? [kOf(e)] : []
  const [n, rows] = [extent(g, small.like, 0), overExtent(g, extent(g, small.like, 1), w.group)]
  const split = g.op('Reshape', [small.value, joined(g, [...head, n, w.group, rows, -1])])
  const perm = small.stacked ? [0, 2, 3, 1, 4] : [1, 2, 0, 3]
  return g.op('Reshape', [g.op('Transpose', [split], { perm: ints(perm) }), joined(g, [...head, w.group, rows, -1])])
}

/** The numbers of the spatial axes when the first of them is axis `from`. */
function after(w: Window, from: number): number[] {
  return w.kernel.map((_, i) => i + from)
}

/** K as an int64 list. */
function kOf(e: Emitter): string {
  return e.sizes([], undefined)
}
