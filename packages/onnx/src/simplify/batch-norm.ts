// Conv followed by BatchNormalization as one Conv. Rounds differently: not bit for bit.
import { attribute } from '../attributes.ts'
import { usedValues } from '../prune.ts'
import { constantTensor, tensorNumbers } from '../tensors.ts'
import type { Graph, Node, Tensor } from '../types.ts'

/**
 * w' = w s / sqrt(v + eps), b' = (b - m) s / sqrt(v + eps) + beta, computed in float64, for every Conv of constant
 * float32 or float64 weights whose result only a BatchNormalization with constant parameters reads.
 */
export function fuseBatchNorms(graph: Graph): Graph {
  const readers = new Map<string, number>()
  const seen = [...graph.nodes.flatMap(usedValues), ...graph.outputs.map((output) => output.name)]
  for (const name of seen) readers.set(name, (readers.get(name) ?? 0) + 1)
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name): [string, Node] => [name, node])))
  const initializers = new Map(graph.initializers)
  const replaced = new Map<Node, Node | undefined>()
  for (const node of graph.nodes) {
    const conv = isNode(node, 'BatchNormalization') ? makers.get(node.inputs[0]!) : undefined
    if (!conv || !isNode(conv, 'Conv') || readers.get(conv.outputs[0]!) !== 1) continue
    if (attribute(node, 'training_mode', 'int', 0) === 1 || node.outputs.slice(1).some((name) => name !== '')) continue
    if (attribute(node, 'spatial', 'int', 1) === 0) continue
    const held = [...conv.inputs.slice(1), ...node.inputs.slice(1)].map((name) => initializers.get(name))
    if (held.some((tensor) => !tensor)) continue
    const parameters = node.inputs.slice(1).map((name) => initializers.get(name)!)
    const fused = combine(conv, initializers, parameters, attribute(node, 'epsilon', 'float', 1e-5))
    if (!fused) continue
    const [w, b] = ['weight', 'bias'].map((kind) => unused(`${node.outputs[0]}_${kind}`, initializers, makers)) as [
      string,
      string,
    ]
    initializers.set(w, fused.weight)
    initializers.set(b, fused.bias)
    replaced.set(conv, undefined)
    replaced.set(node, { ...conv, inputs: [conv.inputs[0]!, w, b], outputs: [node.outputs[0]!] })
  }
  const nodes = graph.nodes.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : node))
  return replaced.size === 0 ? graph : { ...graph, nodes, initializers }
}

const isNode = (node: Node, opType: string): boolean => node.domain === '' && node.opType === opType

function unused(stem: string, initializers: ReadonlyMap<string, Tensor>, makers: ReadonlyMap<string, Node>): string {
  let name = stem
  while (initializers.has(name) || makers.has(name)) name += '_'
  return name
}

function combine(
  conv: Node,
  initializers: ReadonlyMap<string, Tensor>,
  parameters: readonly Tensor[],
  epsilon: number,
): { weight: Tensor; bias: Tensor } | undefined {
  const weight = initializers.get(conv.inputs[1]!)!
  const { type } = weight
  if ((type !== 'float32' && type !== 'float64') || parameters.some((p) => p.type !== type)) return undefined
  const [scale, beta, mean, variance] = parameters.map(tensorNumbers) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  const given = conv.inputs[2] ? tensorNumbers(initializers.get(conv.inputs[2])!) : undefined
  const w = tensorNumbers(weight)
  const channels = weight.shape[0]!
  const each = w.length / Math.max(1, channels)
  const factor = Float64Array.from(scale, (s, i) => s / Math.sqrt(variance[i]! + epsilon))
  const bias = Float64Array.from(factor, (f, i) => ((given?.[i] ?? 0) - mean[i]!) * f + beta[i]!)
  const scaled = w.map((v, i) => v * factor[Math.floor(i / each)]!)
  const store = (shape: readonly number[], values: Float64Array): Tensor =>
    constantTensor(type, shape, type === 'float32' ? Float32Array.from(values) : values)
  return { weight: store(weight.shape, scaled), bias: store([channels], bias) }
}
