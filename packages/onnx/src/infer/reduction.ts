// Shapes of reductions, arg-reductions and TopK.
import { attribute } from '../attributes.ts'
import { positiveAxis, unknownDim } from './dims.ts'
import { axesOf, axisOf, type InferRule, type InferTable, knownInts } from './shape-rule.ts'

const reduce: InferRule = (n) => {
  const input = n.inputs[0]
  const type = input?.type ?? 'other'
  const keep = attribute(n.node, 'keepdims', 'int', 1) === 1
  if (!input?.shape) return [{ type, shape: undefined }]
  const given = n.inputs[1] !== undefined || n.node.attributes.axes !== undefined
  const axes = given ? axesOf(n) : []
  if (!axes) return [{ type, shape: keep ? input.shape.map(unknownDim) : undefined }]
  if (axes.length === 0 && attribute(n.node, 'noop_with_empty_axes', 'int', 0) === 1)
    return [{ type, shape: input.shape }]
  const rank = input.shape.length
  const gone = new Set(axes.length > 0 ? axes.map((a) => positiveAxis(a, rank)) : input.shape.map((_, axis) => axis))
  const shape = keep
    ? input.shape.map((dim, axis) => (gone.has(axis) ? 1 : dim))
    : input.shape.filter((_, axis) => !gone.has(axis))
  return [{ type, shape }]
}

const arg: InferRule = (n) => {
  const shape = n.inputs[0]?.shape
  if (!shape) return [{ type: 'int64', shape }]
  const axis = axisOf(n, shape.length, 0)
  const keep = attribute(n.node, 'keepdims', 'int', 1) === 1
  const out = keep ? shape.map((dim, a) => (a === axis ? 1 : dim)) : shape.filter((_, a) => a !== axis)
  return [{ type: 'int64', shape: out }]
}

const topK: InferRule = (n) => {
  const input = n.inputs[0]
  const axis = input?.shape ? axisOf(n, input.shape.length, -1) : 0
  const k = attribute(n.node, 'k', 'int', undefined) ?? knownInts(n, 1)?.[0] ?? unknownDim()
  const shape = input?.shape?.map((dim, a) => (a === axis ? k : dim))
  return [
    { type: input?.type ?? 'other', shape },
    { type: 'int64', shape },
  ]
}

const reductions = 'Sum Mean Max Min Prod L1 L2 SumSquare LogSum LogSumExp'

export const reduction: InferTable = {
  ...Object.fromEntries(reductions.split(' ').map((op) => [`Reduce${op}`, reduce])),
  ArgMax: arg,
  ArgMin: arg,
  TopK: topK,
}
