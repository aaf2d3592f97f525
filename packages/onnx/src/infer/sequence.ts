// Shapes of recurrent layers and attention.
import { attribute } from '../attributes.ts'
import type { Dim } from '../types.ts'
import { over, plus, times, unknownDim } from './dims.ts'
import { type InferNode, type InferRule, type InferTable, type Info, likeFirst } from './shape-rule.ts'

/** Y of all steps, and the last hidden state (and cell state of an LSTM). */
const recurrent: InferRule = (n) => {
  const x = n.inputs[0]
  const type = x?.type ?? 'other'
  const weights = n.inputs[2]?.shape
  const hidden = weights?.[2] ?? attribute(n.node, 'hidden_size', 'int', undefined) ?? unknownDim()
  const directions = attribute(n.node, 'direction', 'string', 'forward') === 'bidirectional' ? 2 : 1
  const batchFirst = attribute(n.node, 'layout', 'int', 0) === 1
  const [steps, batch] = batchFirst ? [x?.shape?.[1], x?.shape?.[0]] : [x?.shape?.[0], x?.shape?.[1]]
  if (steps === undefined || batch === undefined) return n.node.outputs.map(() => ({ type, shape: undefined }))
  const state: Info = { type, shape: batchFirst ? [batch, directions, hidden] : [directions, batch, hidden] }
  const all: Dim[] = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
  return [{ type, shape: all }, state, state]
}

const headsOf = (n: InferNode, name: string): number => attribute(n.node, name, 'int', 1)

const attention: InferRule = (n) => {
  const [q, k, v, , past, pastValue] = n.inputs
  const type = q?.type ?? 'other'
  const nothing: Info = { type, shape: undefined }
  if (!q?.shape || !k?.shape || !v?.shape) return [nothing, nothing, nothing, nothing]
  const flat = q.shape.length === 3
  const [qHeads, kvHeads] = flat ? [headsOf(n, 'q_num_heads'), headsOf(n, 'kv_num_heads')] : [q.shape[1]!, k.shape[1]!]
  const [batch, rows] = [q.shape[0]!, q.shape.at(-2)!]
  const [size, valueSize] = flat ? [over(q.shape[2]!, qHeads), over(v.shape[2]!, kvHeads)] : [q.shape[3]!, v.shape[3]!]
  const total = past?.shape ? plus(past.shape[2]!, k.shape.at(-2)!) : k.shape.at(-2)!
  return [
    { type, shape: flat ? [batch, rows, times(qHeads, valueSize)] : [batch, qHeads, rows, valueSize] },
    { type, shape: [batch, kvHeads, total, size] },
    { type: pastValue?.type ?? type, shape: [batch, kvHeads, total, valueSize] },
    { type, shape: [batch, qHeads, rows, total] },
  ]
}

const linearAttention: InferRule = (n) => {
  const [q, , v, past] = n.inputs
  const type = q?.type ?? 'other'
  if (!q?.shape || !v?.shape) return [{ type, shape: undefined }]
  const [qHeads, kvHeads] = [headsOf(n, 'q_num_heads'), headsOf(n, 'kv_num_heads')]
  const [batch, rows, packed] = q.shape as [Dim, Dim, Dim]
  const valueSize = over(v.shape[2]!, kvHeads)
  return [
    { type, shape: [batch, rows, times(qHeads, valueSize)] },
    { type: past?.type ?? type, shape: [batch, kvHeads, over(packed, qHeads), valueSize] },
  ]
}

const causalConvolution: InferRule = (n) => {
  const [x, weight] = n.inputs
  const type = x?.type ?? 'other'
  const k = weight?.shape?.[2]
  const state = x?.shape && typeof k === 'number' ? [x.shape[0]!, x.shape[1]!, k - 1] : undefined
  return [
    { type, shape: x?.shape },
    { type, shape: state },
  ]
}

export const sequence: InferTable = {
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  Attention: attention,
  LinearAttention: linearAttention,
  CausalConvWithState: causalConvolution,
  TensorScatter: likeFirst,
  CumProd: likeFirst,
  SwiGLU: likeFirst,
}
