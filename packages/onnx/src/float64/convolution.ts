// Convolutions in float64: pad, one strided slice for each place of the kernel, one matrix product.
//
// Memory: the slices together are the input times the number of places; time is that of the product, about four times
// the float32 kernel's on a 3 x 3 layer.
import { attribute, int, ints } from '../attributes.ts'
import { toBind } from '../hints.ts'
import type { Lowered, Lowering, LoweringTable } from '../lower/lowering-rule.ts'
import { axesFrom, reshape, type Size, sizeAt, sizesOf, unsupported } from './float64-rule.ts'
import { pad, places, type Window, windowOf } from './window.ts'

/** x [N, C, ...], weights [M, C / group, ...kernel] of known sizes. */
function convolve(l: Lowered, x: string, weights: string, sizes: readonly number[], w: Window, group: number): string {
  const { g } = l
  const [m, perGroup] = sizes as [number, number]
  const n = w.kernel.length
  const seen = places(l, pad(l, x, w.before, w.after), w)
  const first = seen[0]!
  const columns =
    seen.length === 1
      ? first
      : g.op(
          'Concat',
          seen.map((part) => g.op('Unsqueeze', [part, g.int64([2])])),
          { axis: int(2) },
        )
  const depth = perGroup * seen.length
  const grouped = group > 1
  const flat = g.op('Reshape', [columns, g.int64(grouped ? [0, group, depth, -1] : [0, depth, -1])])
  const matrix = g.op('Reshape', [weights, g.int64(grouped ? [group, m / group, depth] : [m, depth])])
  const product = g.op('MatMul', [matrix, flat])
  const spatial = axesFrom(2, n + 2).map((axis) => sizeAt(l, first, axis))
  // 0 takes the batch over from the product.
  return reshape(l, product, [0, m, ...spatial])
}

/** Adds a bias along axis 1. */
function withBias(l: Lowered, y: string, bias: string | undefined, n: number): string {
  if (!bias) return y
  return l.p.add(y, l.g.op('Reshape', [bias, l.g.int64([-1, ...new Array<number>(n).fill(1)])]))
}

const conv: Lowering = (l) => {
  const sizes = sizesOf(l, l.x[1]!)
  const kernel = sizes.slice(2)
  const group = attribute(l.node, 'group', 'int', 1)
  const y = convolve(l, l.x[0]!, l.x[1]!, sizes, windowOf(l, kernel), group)
  return [withBias(l, y, l.x[2], kernel.length)]
}

/** Zeros between the elements of the spatial axes: stride - 1 after each but the last. */
function spread(l: Lowered, x: string, strides: readonly number[]): string {
  const { g } = l
  const rank = strides.length + 2
  let y = x
  for (const [i, stride] of [...strides.entries()].reverse()) {
    if (stride === 1) continue
    const axis = i + 2
    const apart = g.op('Unsqueeze', [y, g.int64([axis + 1])])
    const pads = new Array<number>(2 * (rank + 1)).fill(0)
    pads[rank + 1 + axis + 1] = stride - 1
    const padded = g.op('Pad', [apart, g.int64(pads), g.scalar('float64', 0)])
    const sizes = axesFrom(0, rank).map((a): Size => sizeAt(l, y, a, a === axis ? stride : 1))
    const merged = reshape(l, padded, sizes)
    y = g.op('Slice', [merged, g.int64([0]), g.int64([1 - stride]), g.int64([axis])])
  }
  return y
}

/** The convolution of the spread input with the turned kernel, inputs and outputs of each group exchanged. */
const convTranspose: Lowering = (l) => {
  const { g } = l
  const x = l.x[0]!
  const sizes = sizesOf(l, l.x[1]!)
  const [c, perGroup, ...kernel] = sizes as [number, number, ...number[]]
  const n = kernel.length
  const group = attribute(l.node, 'group', 'int', 1)
  const ones = kernel.map(() => 1)
  const strides = attribute(l.node, 'strides', 'ints', ones)
  const dilations = attribute(l.node, 'dilations', 'ints', ones)
  const extra = attribute(l.node, 'output_padding', 'ints', undefined) ?? ones.map(() => 0)
  const { before, after } = transposedPads(l, kernel, strides, dilations, extra)
  const m = perGroup * group
  const flip = g.op('Slice', [
    l.x[1]!,
    g.int64(kernel.map(() => -1)),
    g.int64(kernel.map(() => -(2 ** 40))),
    g.int64(axesFrom(2, n + 2)),
    g.int64(kernel.map(() => -1)),
  ])
  const split = g.op('Reshape', [flip, g.int64([group, c / group, perGroup, ...kernel])])
  const turned = g.op('Transpose', [split], { perm: ints([0, 2, 1, ...axesFrom(3, n + 3)]) })
  const weights = g.op('Reshape', [turned, g.int64([m, c / group, ...kernel])])
  const reach = kernel.map((k, i) => (k - 1) * dilations[i]!)
  const window: Window = {
    kernel,
    strides: ones,
    dilations,
    before: reach.map((r, i) => r - before[i]!),
    after: reach.map((r, i) => r - after[i]! + extra[i]!),
  }
  const y = convolve(l, spread(l, x, strides), weights, [m, c / group, ...kernel], window, group)
  return [withBias(l, y, l.x[2], n)]
}

function transposedPads(
  l: Lowered,
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
  extra: readonly number[],
): { before: number[]; after: number[] } {
  const n = kernel.length
  const auto = attribute(l.node, 'auto_pad', 'string', 'NOTSET')
  const given = attribute(l.node, 'output_shape', 'ints', undefined)
  const pads = attribute(l.node, 'pads', 'ints', undefined) ?? new Array<number>(2 * n).fill(0)
  if (!given && (auto === 'NOTSET' || auto === 'VALID')) return { before: pads.slice(0, n), after: pads.slice(n) }
  const totals = kernel.map((k, i) => {
    const extent = (k - 1) * dilations[i]! + 1
    if (!given) return Math.max(0, extent + extra[i]! - strides[i]!)
    const size = l.g.info(l.x[0]!).shape?.[i + 2]
    if (typeof size !== 'number') throw unsupported(l, toBind('output_shape for a known input size'))
    return strides[i]! * (size - 1) + extra[i]! + extent - given.slice(-n)[i]!
  })
  const lower = totals.map((t) => (auto === 'SAME_UPPER' ? Math.floor(t / 2) : Math.ceil(t / 2)))
  const upper = totals.map((t, i) => t - lower[i]!)
  // The standard puts the larger half last for SAME_UPPER and first otherwise.
  return { before: lower, after: upper }
}

export const convolutionForms: LoweringTable = { Conv: conv, ConvTranspose: convTranspose }
