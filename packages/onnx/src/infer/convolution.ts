// Shapes of convolutions, pooling, resizing and normalization layers.
import { attribute } from '../attributes.ts'
import type { Dim } from '../types.ts'
import { over, times, unknownDim } from './dims.ts'
import { type InferNode, type InferRule, type InferTable, likeFirst, partialInts } from './rule.ts'

/** Stride, dilation, padding of a window operator over the spatial axes. */
function windowOf(
  n: InferNode,
  kernel: readonly number[],
): { axis: (i: number) => { k: number; s: number; pad: number } } {
  const d = attribute(n.node, 'dilations', 'ints', undefined)
  const s = attribute(n.node, 'strides', 'ints', undefined)
  const p = attribute(n.node, 'pads', 'ints', undefined)
  return {
    axis: (i) => ({
      k: (kernel[i]! - 1) * (d?.[i] ?? 1) + 1,
      s: s?.[i] ?? 1,
      pad: (p?.[i] ?? 0) + (p?.[i + kernel.length] ?? 0),
    }),
  }
}

/** Size of one spatial axis after a strided window. */
function slide(n: InferNode, size: Dim, k: number, s: number, pad: number): Dim {
  const auto = attribute(n.node, 'auto_pad', 'string', 'NOTSET')
  if (auto.startsWith('SAME')) return typeof size === 'number' ? Math.ceil(size / s) : s === 1 ? size : unknownDim()
  if (typeof size !== 'number') return s === 1 && pad === k - 1 ? size : unknownDim()
  const room = size + (auto === 'VALID' ? 0 : pad) - k
  return (attribute(n.node, 'ceil_mode', 'int', 0) === 1 ? Math.ceil(room / s) : Math.floor(room / s)) + 1
}

const conv: InferRule = (n) => {
  const x = n.inputs[0]
  const w = n.inputs[1]?.shape
  const type = x?.type ?? 'other'
  if (!x?.shape || !w) return [{ type, shape: undefined }]
  const kernel = attribute(n.node, 'kernel_shape', 'ints', undefined) ?? (w.slice(2) as number[])
  const { axis } = windowOf(n, kernel)
  const spatial = x.shape.slice(2).map((size, i) => {
    const { k, s, pad } = axis(i)
    return slide(n, size, k, s, pad)
  })
  return [{ type, shape: [x.shape[0]!, w[0]!, ...spatial] }]
}

const convTranspose: InferRule = (n) => {
  const x = n.inputs[0]
  const w = n.inputs[1]?.shape
  const type = x?.type ?? 'other'
  if (!x?.shape || !w) return [{ type, shape: undefined }]
  const kernel = attribute(n.node, 'kernel_shape', 'ints', undefined) ?? (w.slice(2) as number[])
  const extra = attribute(n.node, 'output_padding', 'ints', undefined)
  const given = attribute(n.node, 'output_shape', 'ints', undefined)
  const auto = attribute(n.node, 'auto_pad', 'string', 'NOTSET')
  const { axis } = windowOf(n, kernel)
  const spatial = x.shape.slice(2).map((size, i): Dim => {
    const { k, s, pad } = axis(i)
    if (given) return given[i]!
    if (auto.startsWith('SAME')) return times(size, s)
    return typeof size === 'number' ? s * (size - 1) + (extra?.[i] ?? 0) + k - pad : unknownDim()
  })
  const group = attribute(n.node, 'group', 'int', 1)
  return [{ type, shape: [x.shape[0]!, times(w[1]!, group), ...spatial] }]
}

const pool: InferRule = (n) => {
  const x = n.inputs[0]
  const kernel = attribute(n.node, 'kernel_shape', 'ints', [] as readonly number[])
  const { axis } = windowOf(n, kernel)
  const shape = x?.shape?.map((size, a) => {
    if (a < 2) return size
    const { k, s, pad } = axis(a - 2)
    return slide(n, size, k, s, pad)
  })
  const out = { type: x?.type ?? ('other' as const), shape }
  return [out, { type: 'int64', shape }]
}

const globalPool: InferRule = (n) => [
  { type: n.inputs[0]?.type ?? 'other', shape: n.inputs[0]?.shape?.map((size, axis) => (axis < 2 ? size : 1)) },
]

const resize: InferRule = (n) => {
  const x = n.inputs[0]
  const sizes = n.inputs[3] ? partialInts(n, 3) : undefined
  const scales = n.constant(2)
  const plain = n.node.attributes.axes === undefined
  const shape = x?.shape?.map((size, axis) => {
    if (plain && sizes) return sizes[axis]!
    if (plain && scales && scales.data.length === x.shape!.length) {
      const scale = Number(scales.data[axis])
      if (typeof size === 'number') return Math.floor(size * scale)
      if (Number.isInteger(scale)) return times(size, scale)
      if (Number.isInteger(1 / scale)) return over(size, 1 / scale)
    }
    return unknownDim()
  })
  return [{ type: x?.type ?? 'other', shape }]
}

export const convolution: InferTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  Resize: resize,
  BatchNormalization: likeFirst,
  InstanceNormalization: likeFirst,
  LayerNormalization: likeFirst,
  GroupNormalization: likeFirst,
  RMSNormalization: likeFirst,
  LpNormalization: likeFirst,
}
