// Damage of ONNX graphs that leaves the file readable: other operators, wires, attributes, shapes, types and constants.
import type { Random } from '@ood/core'
import type { Attribute, Dim, Graph, Model, Node, Tensor, ValueInfo } from '@ood/onnx'
import { pick } from './target.ts'

const SIZES = [-1, 0, 1, 2, 3, 7, 64, 1000, 2 ** 31, 2 ** 40, 2 ** 53 - 1]
const TYPES = ['float32', 'float64', 'float16', 'int64', 'int32', 'uint8', 'bool', 'string', 'int4', 'other'] as const
const OPERATORS = [
  'Add',
  'Mul',
  'MatMul',
  'Gemm',
  'Conv',
  'ConvTranspose',
  'Reshape',
  'Transpose',
  'Slice',
  'Gather',
  'Concat',
  'Split',
  'Squeeze',
  'Unsqueeze',
  'Expand',
  'Tile',
  'Pad',
  'ReduceSum',
  'ReduceMax',
  'Softmax',
  'LayerNormalization',
  'Cast',
  'CastLike',
  'Shape',
  'ConstantOfShape',
  'Range',
  'Where',
  'ScatterND',
  'GatherND',
  'TopK',
  'CumSum',
  'Einsum',
  'Resize',
  'If',
  'Loop',
  'Scan',
  'LSTM',
  'GRU',
  'RNN',
  'Attention',
  'DequantizeLinear',
  'QuantizeLinear',
  'OneHot',
  'NoSuchThing',
] as const

/** A copy of the model with one to four changes. */
export function damagedModel(model: Model, rng: Random): Model {
  let graph = model.graph
  for (let i = 1 + rng.integer(4); i > 0; i--) graph = changedGraph(graph, rng)
  const version =
    rng.integer(12) === 0 ? { ...model.opsets, '': pick(rng, [0, 1, 5, 7, 9, 11, 13, 17, 21, 24, 99]) } : model.opsets
  return { ...model, opsets: version, graph }
}

function changedGraph(graph: Graph, rng: Random): Graph {
  const what = rng.integer(10)
  if (what === 0) return { ...graph, inputs: replaced(graph.inputs, rng, (port) => changedPort(port, rng)) }
  if (what === 1) return { ...graph, outputs: replaced(graph.outputs, rng, (port) => changedPort(port, rng)) }
  if (what === 2) return { ...graph, initializers: changedConstants(graph.initializers, rng) }
  if (what === 3 && graph.nodes.length > 0) {
    const gone = rng.integer(graph.nodes.length)
    return { ...graph, nodes: graph.nodes.filter((_, i) => i !== gone) }
  }
  if (what === 4) return { ...graph, nodes: [...graph.nodes].sort(() => rng.uniform() - 0.5) }
  return { ...graph, nodes: replaced(graph.nodes, rng, (node) => changedNode(node, graph, rng)) }
}

function changedNode(node: Node, graph: Graph, rng: Random): Node {
  const names = [
    '',
    ...graph.initializers.keys(),
    ...graph.inputs.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]
  const what = rng.integer(6)
  if (what === 0) return { ...node, opType: pick(rng, OPERATORS) }
  if (what === 1)
    return { ...node, inputs: replaced(node.inputs, rng, () => (rng.integer(4) === 0 ? '' : pick(rng, names))) }
  if (what === 2)
    return { ...node, inputs: rng.integer(2) === 0 ? node.inputs.slice(1) : [...node.inputs, pick(rng, names)] }
  if (what === 3) return { ...node, outputs: replaced(node.outputs, rng, () => pick(rng, names)) }
  const keys = Object.keys(node.attributes)
  const key = keys.length > 0 ? pick(rng, keys) : pick(rng, ['axis', 'axes', 'perm', 'to', 'pads', 'strides', 'group'])
  if (what === 4)
    return { ...node, attributes: Object.fromEntries(Object.entries(node.attributes).filter(([k]) => k !== key)) }
  return { ...node, attributes: { ...node.attributes, [key]: changedAttribute(node.attributes[key], rng) } }
}

function changedAttribute(attribute: Attribute | undefined, rng: Random): Attribute {
  if (attribute?.kind === 'ints')
    return { kind: 'ints', value: rng.integer(3) === 0 ? [] : replaced(attribute.value, rng, () => pick(rng, SIZES)) }
  if (attribute?.kind === 'tensor') return { kind: 'tensor', value: changedTensor(attribute.value, rng) }
  if (attribute?.kind === 'graph') return { kind: 'graph', value: changedGraph(attribute.value, rng) }
  const values: Attribute[] = [
    { kind: 'int', value: pick(rng, SIZES) },
    { kind: 'ints', value: [pick(rng, SIZES), pick(rng, SIZES)] },
    { kind: 'float', value: pick(rng, [0, -1, 1e30, Number.NaN, Number.POSITIVE_INFINITY]) },
    { kind: 'string', value: pick(rng, ['', 'SAME_UPPER', 'ij,jk->ik', 'linear', '...']) },
  ]
  return pick(rng, values)
}

function changedPort(port: ValueInfo, rng: Random): ValueInfo {
  if (rng.integer(3) === 0) return { ...port, type: pick(rng, TYPES) }
  if (rng.integer(4) === 0) return { ...port, shape: undefined }
  return {
    ...port,
    shape: replaced<Dim>(port.shape ?? ['N'], rng, () => pick<Dim>(rng, [...SIZES.filter((n) => n >= 0), 'N', 'M'])),
  }
}

function changedConstants(constants: ReadonlyMap<string, Tensor>, rng: Random): ReadonlyMap<string, Tensor> {
  const names = [...constants.keys()]
  if (names.length === 0) return constants
  const name = pick(rng, names)
  const out = new Map(constants)
  if (rng.integer(4) === 0) out.delete(name)
  else out.set(name, changedTensor(constants.get(name)!, rng))
  return out
}

/** Other numbers, or another shape of as many. */
function changedTensor(tensor: Tensor, rng: Random): Tensor {
  if (rng.integer(2) === 0)
    return { ...tensor, shape: rng.integer(2) === 0 ? [tensor.data.length] : [1, ...tensor.shape] }
  const data = tensor.data.slice() as Tensor['data']
  if (data.length > 0) {
    const value = pick(rng, SIZES)
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[rng.integer(data.length)] = BigInt(value)
    else data[rng.integer(data.length)] = value
  }
  return { ...tensor, data }
}

function replaced<T>(list: readonly T[], rng: Random, to: (value: T) => T): T[] {
  if (list.length === 0) return []
  const at = rng.integer(list.length)
  return list.map((value, i) => (i === at ? to(value) : value))
}
