// Shapes of operators that move, cut, join or make tensors.
import { attribute } from '../attributes.ts'
import { plainNumbers } from '../tensors.ts'
import type { Dim } from '../types.ts'
import { broadcast, isUnknown, over, plus, positiveAxis, times, unknownDim, unknownShape } from './dims.ts'
import { axesOf, axisOf, type InferRule, type InferTable, type Info, knownInts, partialInts } from './shape-rule.ts'

const unknown: Info = { type: 'other', shape: undefined }

const reshape: InferRule = (n) => {
  const input = n.inputs[0] ?? unknown
  const target = partialInts(n, 1)
  const rank = n.inputs[1]?.shape?.[0]
  if (!target) return [{ type: input.type, shape: unknownShape(rank) }]
  const allowZero = attribute(n.node, 'allowzero', 'int', 0) === 1
  const shape = target.map((dim, axis) => (dim === 0 && !allowZero ? (input.shape?.[axis] ?? unknownDim()) : dim))
  const open = shape.indexOf(-1)
  if (open >= 0) {
    const rest = times(...shape.filter((_, axis) => axis !== open))
    shape[open] = input.shape && !input.shape.some(isUnknown) ? over(times(...input.shape), rest) : unknownDim()
  }
  return [{ type: input.type, shape, ints: shape.length <= 1 ? input.ints : undefined }]
}

const flatten: InferRule = (n) => {
  const { type, shape } = n.inputs[0] ?? unknown
  if (!shape) return [{ type, shape: [unknownDim(), unknownDim()] }]
  const axis = axisOf(n, shape.length, 1)
  return [{ type, shape: [times(...shape.slice(0, axis)), times(...shape.slice(axis))] }]
}

const transpose: InferRule = (n) => {
  const { type, shape } = n.inputs[0] ?? unknown
  if (!shape) return [{ type, shape }]
  const perm = attribute(n.node, 'perm', 'ints', undefined) ?? shape.map((_, axis) => shape.length - 1 - axis)
  return [{ type, shape: perm.map((axis) => shape[axis]!) }]
}

const squeeze: InferRule = (n) => {
  const input = n.inputs[0] ?? unknown
  const axes = n.inputs[1] || n.node.attributes.axes ? axesOf(n) : []
  if (!input.shape || !axes) return [{ type: input.type, shape: undefined }]
  const rank = input.shape.length
  const drop = axes.map((axis) => positiveAxis(axis, rank))
  const shape = input.shape.filter((dim, axis) => (drop.length > 0 ? !drop.includes(axis) : dim !== 1))
  return [{ type: input.type, shape, ints: input.ints }]
}

const unsqueeze: InferRule = (n) => {
  const input = n.inputs[0] ?? unknown
  const axes = axesOf(n)
  if (!input.shape || !axes) return [{ type: input.type, shape: undefined }]
  const rank = input.shape.length + axes.length
  const ones = new Set(axes.map((axis) => positiveAxis(axis, rank)))
  const rest = [...input.shape]
  const shape = Array.from({ length: rank }, (_, axis) => (ones.has(axis) ? 1 : rest.shift()!))
  return [{ type: input.type, shape, ints: rank <= 1 ? input.ints : undefined }]
}

const concat: InferRule = (n) => {
  const shapes = n.inputs.map((i) => i?.shape)
  const first = shapes.find((shape) => shape !== undefined)
  const type = n.inputs[0]?.type ?? 'other'
  if (!first) return [{ type, shape: undefined }]
  const axis = axisOf(n, first.length, 0)
  const shape: Dim[] = first.map((dim, i) => {
    if (i !== axis) return shapes.map((s) => s?.[i]).find((d) => typeof d === 'number') ?? dim
    return shapes.map((s) => s?.[i] ?? unknownDim()).reduce(plus)
  })
  const parts = n.inputs.map((_, i) => partialInts(n, i))
  const ints = first.length === 1 && parts.every((p) => p) ? (parts as Dim[][]).flat() : undefined
  return [{ type, shape, ints }]
}

const split: InferRule = (n) => {
  const { type, shape } = n.inputs[0] ?? unknown
  const parts = n.node.outputs.length
  if (!shape) return n.node.outputs.map(() => ({ type, shape }))
  const axis = axisOf(n, shape.length, 0)
  const sizes = attribute(n.node, 'split', 'ints', undefined) ?? knownInts(n, 1)
  const total = shape[axis]!
  return n.node.outputs.map((_, i) => {
    const chunk = typeof total === 'number' ? Math.ceil(total / parts) : over(total, parts)
    const even =
      typeof total === 'number' ? Math.max(0, Math.min(chunk as number, total - i * (chunk as number))) : chunk
    return {
      type,
      shape: shape.map((dim, a) => (a === axis ? (sizes?.[i] ?? (n.inputs[1] ? unknownDim() : even)) : dim)),
    }
  })
}

/** Start, end and step of a slice on each sliced axis, clamped the way the operator does, where static. */
export function sliceRange(size: number, start: number, end: number, step: number): { start: number; length: number } {
  const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v < 0 ? v + size : v, low), high)
  if (step > 0) {
    const from = clamp(start, 0, size)
    const to = clamp(end, 0, size)
    return { start: from, length: Math.max(0, Math.ceil((to - from) / step)) }
  }
  const from = clamp(start, 0, size - 1)
  const to = end < -size ? -1 : clamp(end, -1, size - 1)
  return { start: from, length: Math.max(0, Math.ceil((to - from) / step)) }
}

/** Exporters say "to the end" with the largest int32 or int64, and "to the front" with the smallest. */
const TO_THE_END = 2 ** 31 - 1

const slice: InferRule = (n) => {
  const input = n.inputs[0] ?? unknown
  const { shape } = input
  if (!shape) return [{ type: input.type, shape }]
  // Before operator set 10 the bounds were attributes.
  const listed = (name: string): readonly number[] | undefined => attribute(n.node, name, 'ints', undefined)
  const starts = listed('starts') ?? knownInts(n, 1)
  const ends = listed('ends') ?? knownInts(n, 2)
  const axes = listed('axes') ?? (n.inputs[3] ? knownInts(n, 3) : starts?.map((_, i) => i))
  const steps = n.inputs[4] ? knownInts(n, 4) : starts?.map(() => 1)
  if (!axes) return [{ type: input.type, shape: shape.map(unknownDim) }]
  const out = [...shape]
  for (const [i, axis] of axes.map((a) => positiveAxis(a, shape.length)).entries()) {
    const size = shape[axis]!
    const start = starts?.[i]
    const end = ends?.[i]
    const step = steps?.[i]
    if (start === 0 && end !== undefined && end >= TO_THE_END && step === 1) out[axis] = size
    else if (step === -1 && end !== undefined && end <= -TO_THE_END && (start === -1 || (start ?? 0) >= TO_THE_END))
      out[axis] = size
    else if (typeof size === 'number' && start !== undefined && end !== undefined && step !== undefined)
      out[axis] = sliceRange(size, start, end, step).length
    else out[axis] = unknownDim()
  }
  const whole = input.ints && starts && ends && steps && axes.length === 1
  const range = whole ? sliceRange(input.ints.length, starts[0]!, ends[0]!, steps[0]!) : undefined
  const ints = range && Array.from({ length: range.length }, (_, i) => input.ints![range.start + i * steps![0]!]!)
  return [{ type: input.type, shape: out, ints }]
}

const gather: InferRule = (n) => {
  const input = n.inputs[0] ?? unknown
  const indices = n.inputs[1]?.shape
  if (!input.shape || !indices) return [{ type: input.type, shape: undefined }]
  const axis = axisOf(n, input.shape.length, 0)
  const at = knownInts(n, 1)
  const from = partialInts(n, 0)
  const ints = from && at && input.shape.length === 1 ? at.map((i) => from.at(i) ?? unknownDim()) : undefined
  return [
    { type: input.type, shape: [...input.shape.slice(0, axis), ...indices, ...input.shape.slice(axis + 1)], ints },
  ]
}

/** Shape given by the contents of an integer input. */
const shapeFrom = (index: number, type: (n: Parameters<InferRule>[0]) => Info['type']): InferRule => {
  return (n) => {
    const sizes = partialInts(n, index)
    const rank = n.inputs[index]?.shape?.[0]
    const shape = sizes ?? unknownShape(rank)
    return [{ type: type(n), shape }]
  }
}

const expand: InferRule = (n) => {
  const [target] = shapeFrom(1, () => 'other')(n)
  return [{ type: n.inputs[0]?.type ?? 'other', shape: broadcast([n.inputs[0]?.shape, target!.shape]) }]
}

const tile: InferRule = (n) => {
  const { type, shape } = n.inputs[0] ?? unknown
  const repeats = partialInts(n, 1)
  return [{ type, shape: shape?.map((dim, axis) => (repeats ? times(dim, repeats[axis]!) : unknownDim())) }]
}

const pad: InferRule = (n) => {
  const { type, shape } = n.inputs[0] ?? unknown
  if (!shape) return [{ type, shape }]
  const pads = attribute(n.node, 'pads', 'ints', undefined) ?? knownInts(n, 1)
  const axes = n.inputs[3] ? knownInts(n, 3) : shape.map((_, axis) => axis)
  if (!pads || !axes) return [{ type, shape: shape.map(unknownDim) }]
  const out = [...shape]
  for (const [i, axis] of axes.map((a) => positiveAxis(a, shape.length)).entries())
    out[axis] = plus(out[axis]!, pads[i]! + pads[i + axes.length]!)
  return [{ type, shape: out }]
}

/** Depth to space multiplies both edges by the block size, space to depth divides them. */
const blocks = (toSpace: boolean): InferRule => {
  return (n) => {
    const { type, shape } = n.inputs[0] ?? unknown
    const b = attribute(n.node, 'blocksize', 'int', 1)
    if (shape?.length !== 4) return [{ type, shape }]
    const [batch, c, h, w] = shape as [Dim, Dim, Dim, Dim]
    const edge = (dim: Dim): Dim => (toSpace ? times(dim, b) : over(dim, b))
    return [{ type, shape: [batch, toSpace ? over(c, b * b) : times(c, b * b), edge(h), edge(w)] }]
  }
}

const shapeOf: InferRule = (n) => {
  const shape = n.inputs[0]?.shape
  const start = attribute(n.node, 'start', 'int', 0)
  const end = attribute(n.node, 'end', 'int', undefined)
  const ints = shape?.slice(start, end)
  return [{ type: 'int64', shape: [ints?.length ?? unknownDim()], ints }]
}

const constant: InferRule = (n) => {
  const { value, value_int, value_ints, value_float, value_floats } = n.node.attributes
  if (value?.kind === 'tensor') return [{ type: value.value.type, shape: value.value.shape }]
  if (value_int?.kind === 'int') return [{ type: 'int64', shape: [], ints: [value_int.value] }]
  if (value_ints?.kind === 'ints') return [{ type: 'int64', shape: [value_ints.value.length], ints: value_ints.value }]
  if (value_float) return [{ type: 'float32', shape: [] }]
  if (value_floats?.kind === 'floats') return [{ type: 'float32', shape: [value_floats.value.length] }]
  return [unknown]
}

const constantOfShape: InferRule = (n) => {
  const value = attribute(n.node, 'value', 'tensor', undefined)
  const [info] = shapeFrom(0, () => value?.type ?? 'float32')(n)
  const length = info!.shape?.length === 1 ? info!.shape[0] : undefined
  const isList = value?.type === 'int64' && typeof length === 'number' && length <= 64
  return [{ ...info!, ints: isList ? new Array<number>(length).fill(plainNumbers(value)[0]!) : undefined }]
}

const range: InferRule = (n) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => knownInts(n, i)?.[0])
  const known = start !== undefined && limit !== undefined && delta !== undefined
  const length = known ? Math.max(0, Math.ceil((limit - start) / delta)) : unknownDim()
  return [{ type: n.inputs[0]?.type ?? 'other', shape: [length] }]
}

export const movement: InferTable = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  GatherElements: (n) => [{ type: n.inputs[0]?.type ?? 'other', shape: n.inputs[1]?.shape }],
  Expand: expand,
  Tile: tile,
  Pad: pad,
  DepthToSpace: blocks(true),
  SpaceToDepth: blocks(false),
  Shape: shapeOf,
  Size: () => [{ type: 'int64', shape: [] }],
  Constant: constant,
  ConstantOfShape: constantOfShape,
  EyeLike: (n) => [{ type: n.inputs[0]?.type ?? 'other', shape: n.inputs[0]?.shape }],
  Range: range,
}
