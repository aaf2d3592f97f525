// What is in a model, for people and for checks: versions, inputs, outputs, operators, size.
import { atModel } from './at-node.ts'
import { count } from './tensors.ts'
import type { ElementType, Graph, Model, ValueInfo } from './types.ts'

/** Summary of a model. */
export interface ModelSummary {
  /** Version of the standard operator set. */
  opset: number
  producer: string
  inputs: readonly ValueInfo[]
  outputs: readonly ValueInfo[]
  /** How often each operator occurs, subgraphs included, most frequent first. */
  operators: Record<string, number>
  nodes: number
  /** Numbers in floating-point initializers. */
  parameters: number
}

const floating: readonly ElementType[] = ['float32', 'float64', 'float16', 'bfloat16']

/**
 * Summarises a model: operator set, inputs and outputs with shapes, how often each operator occurs, parameter count.
 *
 * @example
 * inspect(readModel(bytes)).operators // { Conv: 18, Add: 18, Relu: 16, ... }
 */
export function inspect(model: Model): ModelSummary {
  return atModel('inspect', () => summarised(model))
}

function summarised(model: Model): ModelSummary {
  const counts = new Map<string, number>()
  countOperators(model.graph, counts)
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  let parameters = 0
  for (const tensor of model.graph.initializers.values())
    if (floating.includes(tensor.type)) parameters += count(tensor.shape)
  return {
    opset: model.opsets[''] ?? 0,
    producer: model.producer,
    inputs: model.graph.inputs,
    outputs: model.graph.outputs,
    operators: Object.fromEntries(sorted),
    nodes: sorted.reduce((sum, [, n]) => sum + n, 0),
    parameters,
  }
}

function countOperators(graph: Graph, counts: Map<string, number>): void {
  for (const node of graph.nodes) {
    const name = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
    for (const attribute of Object.values(node.attributes))
      if (attribute.kind === 'graph') countOperators(attribute.value, counts)
  }
}
