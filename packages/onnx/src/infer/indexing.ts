// Shapes of operators that pick or place elements by index.
import { attribute } from '../attributes.ts'
import { elementType } from '../proto.ts'
import type { Dim } from '../types.ts'
import { positiveAxis, unknownDim } from './dims.ts'
import { axisOf, type InferRule, type InferTable, knownInts, partialInts } from './shape-rule.ts'

/** Batch axes, the indices' own axes, then what is left of the data. */
const gatherNd: InferRule = (n) => {
  const [data, indices] = [n.inputs[0], n.inputs[1]?.shape]
  const type = data?.type ?? 'other'
  const depth = indices?.at(-1)
  if (!data?.shape || !indices || typeof depth !== 'number') return [{ type, shape: undefined }]
  const batch = attribute(n.node, 'batch_dims', 'int', 0)
  return [{ type, shape: [...indices.slice(0, -1), ...data.shape.slice(batch + depth)] }]
}

/** How many elements are kept is only known for a constant condition. */
const compress: InferRule = (n) => {
  const { type, shape } = n.inputs[0] ?? { type: 'other' as const, shape: undefined }
  const condition = n.constant(1)
  const kept: Dim = condition ? Array.from(condition.data, Number).filter((v) => v !== 0).length : unknownDim()
  const axis = attribute(n.node, 'axis', 'int', undefined)
  if (axis === undefined) return [{ type, shape: [kept] }]
  return [{ type, shape: shape?.map((dim, a) => (a === positiveAxis(axis, shape.length) ? kept : dim)) }]
}

const oneHot: InferRule = (n) => {
  const shape = n.inputs[0]?.shape
  const type = n.inputs[2]?.type ?? 'other'
  if (!shape) return [{ type, shape }]
  const axis = axisOf(n, shape.length + 1, -1)
  const depth = partialInts(n, 1)?.[0] ?? unknownDim()
  return [{ type, shape: [...shape.slice(0, axis), depth, ...shape.slice(axis)] }]
}

const nonZero: InferRule = (n) => [{ type: 'int64', shape: [n.inputs[0]?.shape?.length ?? unknownDim(), unknownDim()] }]

/** Cuts or pads axes to the sizes asked for. */
const centerCropPad: InferRule = (n) => {
  const { type, shape } = n.inputs[0] ?? { type: 'other' as const, shape: undefined }
  const sizes = partialInts(n, 1)
  const axes = attribute(n.node, 'axes', 'ints', undefined) ?? shape?.map((_, axis) => axis)
  if (!shape || !sizes || !axes) return [{ type, shape: shape?.map(unknownDim) }]
  const out = [...shape]
  axes.forEach((axis, i) => {
    out[positiveAxis(axis, shape.length)] = sizes[i]!
  })
  return [{ type, shape: out }]
}

/** Determinants of the last two axes. */
const det: InferRule = (n) => [{ type: n.inputs[0]?.type ?? 'other', shape: n.inputs[0]?.shape?.slice(0, -2) }]

/** Spectra in [..., 2]: one axis may be cut to half (onesided) or changed in length. */
const dft: InferRule = (n) => {
  const { type, shape } = n.inputs[0] ?? { type: 'other' as const, shape: undefined }
  if (!shape) return [{ type, shape }]
  const given = n.opset >= 20 ? (n.inputs[2] ? knownInts(n, 2)?.[0] : -2) : attribute(n.node, 'axis', 'int', 1)
  if (given === undefined) return [{ type, shape: shape.map(unknownDim) }]
  const axis = positiveAxis(given, shape.length)
  const length = n.inputs[1] ? (partialInts(n, 1)?.[0] ?? unknownDim()) : shape[axis]!
  const half = attribute(n.node, 'onesided', 'int', 0) === 1
  const back = half && attribute(n.node, 'inverse', 'int', 0) === 1
  const size: Dim = half && !back ? (typeof length === 'number' ? Math.floor(length / 2) + 1 : unknownDim()) : length
  return [{ type, shape: shape.map((dim, a) => (a === shape.length - 1 ? (back ? 1 : 2) : a === axis ? size : dim)) }]
}

const random: InferRule = (n) => {
  const shape = attribute(n.node, 'shape', 'ints', undefined)
  return [{ type: elementType(attribute(n.node, 'dtype', 'int', 1)), shape }]
}

/** As many as there are different ones: of elements, or of slices along an axis. */
const unique: InferRule = (n) => {
  const x = n.inputs[0]
  const found = unknownDim()
  const axis = attribute(n.node, 'axis', 'int', undefined)
  const shape =
    axis === undefined ? [found] : x?.shape?.map((d, a) => (a === axisOf(n, x.shape!.length, 0) ? found : d))
  const list = { type: 'int64' as const, shape: [found] }
  return [{ type: x?.type ?? 'other', shape }, list, { type: 'int64', shape: [unknownDim()] }, list]
}

export const indexing: InferTable = {
  Unique: unique,
  GatherND: gatherNd,
  Compress: compress,
  OneHot: oneHot,
  NonZero: nonZero,
  CenterCropPad: centerCropPad,
  Det: det,
  DFT: dft,
  RandomNormal: random,
  RandomUniform: random,
}
