// Shapes of convolutions, pooling, resizing and normalization layers.
import { attribute } from '../attributes.ts'
import { plainNumbers } from '../tensors.ts'
import type { Dim } from '../types.ts'
import { over, positiveAxis, times, unknownDim } from './dims.ts'
import {
  axisOf,
  type InferNode,
  type InferRule,
  type InferTable,
  type Info,
  likeFirst,
  partialInts,
} from './shape-rule.ts'

interface Slide {
  readonly k: number
  readonly s: number
  readonly before: number
  readonly pad: number
}

/** Stride, dilation, padding of a window operator over the spatial axes. */
function windowOf(n: InferNode, kernel: readonly number[]): { axis: (i: number) => Slide } {
  const d = attribute(n.node, 'dilations', 'ints', undefined)
  const s = attribute(n.node, 'strides', 'ints', undefined)
  const p = attribute(n.node, 'pads', 'ints', undefined)
  return {
    axis: (i) => ({
      k: (kernel[i]! - 1) * (d?.[i] ?? 1) + 1,
      s: s?.[i] ?? 1,
      before: p?.[i] ?? 0,
      pad: (p?.[i] ?? 0) + (p?.[i + kernel.length] ?? 0),
    }),
  }
}

/** Size of one spatial axis after a strided window. */
function slide(n: InferNode, size: Dim, { k, s, before, pad }: Slide): Dim {
  const auto = attribute(n.node, 'auto_pad', 'string', 'NOTSET')
  if (auto.startsWith('SAME')) return typeof size === 'number' ? Math.ceil(size / s) : s === 1 ? size : unknownDim()
  if (typeof size !== 'number') return s === 1 && pad === k - 1 ? size : unknownDim()
  const room = size + (auto === 'VALID' ? 0 : pad) - k
  if (attribute(n.node, 'ceil_mode', 'int', 0) !== 1) return Math.floor(room / s) + 1
  // A window that would start in the padding behind the input does not count.
  const windows = Math.ceil(room / s) + 1
  return (windows - 1) * s >= size + (auto === 'VALID' ? 0 : before) ? windows - 1 : windows
}

const conv: InferRule = (n) => {
  const x = n.inputs[0]
  const w = n.inputs[1]?.shape
  const type = x?.type ?? 'other'
  if (!x?.shape || !w) return [{ type, shape: undefined }]
  const kernel = attribute(n.node, 'kernel_shape', 'ints', undefined) ?? (w.slice(2) as number[])
  const { axis } = windowOf(n, kernel)
  const spatial = x.shape.slice(2).map((size, i) => slide(n, size, axis(i)))
  return [{ type, shape: [x.shape[0]!, w[0]!, ...spatial] }]
}

/** A convolution of quantized numbers: where its weights are, and which input (or type) says what comes out. */
const quantizedConv =
  (weights: number, type: (n: InferNode) => Info['type']): InferRule =>
  (n) => {
    const [info] = conv({ ...n, inputs: [n.inputs[0], n.inputs[weights]] })
    return [{ type: type(n), shape: info!.shape }]
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
    return a < 2 ? size : slide(n, size, axis(a - 2))
  })
  const out = { type: x?.type ?? ('other' as const), shape }
  return [out, { type: 'int64', shape }]
}

const globalPool: InferRule = (n) => [
  { type: n.inputs[0]?.type ?? 'other', shape: n.inputs[0]?.shape?.map((size, axis) => (axis < 2 ? size : 1)) },
]

const resize: InferRule = (n) => {
  const x = n.inputs[0]
  const upsample = n.node.opType === 'Upsample'
  const asked = !upsample && n.inputs[3] ? partialInts(n, 3) : undefined
  // Either list may be there and empty, which is as good as left out.
  const sizes = asked?.length === 0 ? undefined : asked
  // Up to operator set 10 scales came second, in the first Upsample as an attribute.
  const constant = n.constant(upsample || n.opset < 11 ? 1 : 2)
  const scales = attribute(n.node, 'scales', 'floats', undefined) ?? (constant && plainNumbers(constant))
  const rank = x?.shape?.length ?? 0
  const axes = attribute(n.node, 'axes', 'ints', undefined)?.map((axis) => positiveAxis(axis, rank))
  const policy = attribute(n.node, 'keep_aspect_ratio_policy', 'string', 'stretch')
  const shape = x?.shape?.map((size, axis) => {
    const i = axes ? axes.indexOf(axis) : axis
    if (i < 0) return size
    if (sizes) return policy === 'stretch' ? sizes[i]! : keptAspect(x.shape!, sizes, axes, policy, size)
    const scale = scales?.[i]
    if (scale === undefined) return unknownDim()
    if (typeof size === 'number') return Math.floor(size * scale)
    if (Number.isInteger(scale)) return times(size, scale)
    return Number.isInteger(1 / scale) ? over(size, 1 / scale) : unknownDim()
  })
  return [{ type: x?.type ?? 'other', shape }]
}

/** One scale for all resized axes: the smallest or the largest that was asked for. */
function keptAspect(
  shape: readonly Dim[],
  sizes: readonly Dim[],
  axes: readonly number[] | undefined,
  policy: string,
  size: Dim,
): Dim {
  const ratios = sizes.map((wanted, i) => {
    const from = shape[axes?.[i] ?? i]
    return typeof wanted === 'number' && typeof from === 'number' ? wanted / from : Number.NaN
  })
  const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios)
  return Number.isFinite(scale) && typeof size === 'number' ? Math.round(size * scale) : unknownDim()
}

/** Back to the positions the indices of a MaxPool speak of. */
const maxUnpool: InferRule = (n) => {
  const x = n.inputs[0]
  const kernel = attribute(n.node, 'kernel_shape', 'ints', [] as readonly number[])
  const { axis } = windowOf(n, kernel)
  const given = n.inputs[2] ? partialInts(n, 2) : undefined
  const shape = x?.shape?.map((size, a): Dim => {
    if (given) return given[a]!
    if (a < 2) return size
    const { k, s, pad } = axis(a - 2)
    return typeof size === 'number' ? (size - 1) * s - pad + k : unknownDim()
  })
  return [{ type: x?.type ?? 'other', shape }]
}

/** Columns [N, C * kernel, positions] put back into images. */
const col2Im: InferRule = (n) => {
  const x = n.inputs[0]
  const image = partialInts(n, 1)
  const block = partialInts(n, 2)
  const channels = block?.reduce<Dim>((left, k) => over(left, k), x?.shape?.[1] ?? unknownDim())
  const shape = image && channels !== undefined && x?.shape ? [x.shape[0]!, channels, ...image] : undefined
  return [{ type: x?.type ?? 'other', shape }]
}

const gridSample: InferRule = (n) => {
  const [x, grid] = [n.inputs[0], n.inputs[1]?.shape]
  const shape = x?.shape && grid ? [x.shape[0]!, x.shape[1]!, ...grid.slice(1, -1)] : undefined
  return [{ type: x?.type ?? 'other', shape }]
}

/** theta [N, 2, 3] and size (N, C, H, W) give a grid [N, H, W, 2]; one axis more in 3D. */
const affineGrid: InferRule = (n) => {
  const sizes = partialInts(n, 1)
  const shape = sizes && [sizes[0]!, ...sizes.slice(2), sizes.length - 2]
  return [{ type: n.inputs[0]?.type ?? 'other', shape }]
}

/** In training mode the running statistics come out as well. */
const batchNormalization: InferRule = (n) => [...likeFirst(n), ...[3, 4].map((i) => n.inputs[i] ?? nothing)]

/** The mean and inverse deviation have the normalized axes kept at size 1. */
const layerNormalization: InferRule = (n) => {
  const [y] = likeFirst(n)
  const rank = y!.shape?.length ?? 0
  const first = axisOf(n, rank, -1)
  const statistic: Info = { type: 'float32', shape: y!.shape?.map((dim, axis) => (axis < first ? dim : 1)) }
  return [y!, statistic, statistic]
}

const nothing: Info = { type: 'other', shape: undefined }

export const convolution: InferTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  ConvInteger: quantizedConv(1, () => 'int32'),
  QLinearConv: quantizedConv(3, (n) => n.inputs[7]?.type ?? 'other'),
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  MaxUnpool: maxUnpool,
  Col2Im: col2Im,
  GridSample: gridSample,
  AffineGrid: affineGrid,
  Resize: resize,
  Upsample: resize,
  BatchNormalization: batchNormalization,
  InstanceNormalization: likeFirst,
  LayerNormalization: layerNormalization,
  GroupNormalization: likeFirst,
  // The result has the scale's type.
  RMSNormalization: (n) => [{ type: n.inputs[1]?.type ?? 'other', shape: n.inputs[0]?.shape }],
  LpNormalization: likeFirst,
  MeanVarianceNormalization: likeFirst,
  LRN: likeFirst,
}
