// Dead-code elimination: what no output needs is dropped.
import type { Graph, Node } from './types.ts'

/** Every value a node reads, those its subgraphs take from around them included. */
export function usedValues(node: Node): string[] {
  const used = node.inputs.filter((name) => name !== '')
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.kind !== 'graph') continue
    for (const inner of attribute.value.nodes) for (const name of usedValues(inner)) used.push(name)
    for (const output of attribute.value.outputs) used.push(output.name)
  }
  return used
}

/** The graph without nodes and initializers that do not reach an output. Inputs stay. */
export function prune(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((output) => output.name))
  const nodes: Node[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue
    for (const name of usedValues(node)) needed.add(name)
    nodes.push(node)
  }
  return {
    ...graph,
    nodes: nodes.reverse(),
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
    valueInfo: new Map([...graph.valueInfo].filter(([name]) => needed.has(name))),
  }
}
