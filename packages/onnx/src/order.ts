// Nodes in an order where every value is made before it is used; common converters write them in another.
import { mismatch, type OodError } from '@ood/core'
import type { GraphProto, NodeProto } from './proto.ts'

/** Names a node reads: its inputs, and what its subgraphs take from around them. */
export type Reads = (node: NodeProto) => readonly string[]

/** Finds what nodes read. Each subgraph is walked once, however deep it lies. */
export function readsOf(): Reads {
  const known = new WeakMap<GraphProto, readonly string[]>()
  const free = (graph: GraphProto): readonly string[] => {
    const found = known.get(graph)
    if (found) return found
    const own = new Set<string>()
    for (const { name } of [...graph.input, ...graph.initializer]) own.add(name)
    for (const { values } of graph.sparseInitializer) if (values) own.add(values.name)
    for (const node of graph.node) for (const name of node.output) own.add(name)
    const used = new Set<string>()
    for (const node of graph.node) for (const name of reads(node)) if (!own.has(name)) used.add(name)
    for (const { name } of graph.output) if (!own.has(name)) used.add(name)
    const list = [...used]
    known.set(graph, list)
    return list
  }
  const reads: Reads = (node) => {
    const inner = node.attribute.flatMap((a) => [...(a.g ? [a.g] : []), ...a.graphs])
    return inner.length === 0 ? node.input : [...node.input, ...inner.flatMap((graph) => [...free(graph)])]
  }
  return reads
}

/**
 * The nodes sorted so that each follows the nodes it reads from, otherwise in the order given; the list itself when that is
 * the order it has. Linear in nodes and inputs.
 *
 * @param given - inputs and constants, which no node makes
 * @throws OodError `E_FILE` for nodes that read each other's results in a circle
 */
export function inOrder(nodes: readonly NodeProto[], given: ReadonlySet<string>, reads: Reads): readonly NodeProto[] {
  const makers = new Map<string, number>()
  nodes.forEach((node, i) => {
    for (const name of node.output) if (name !== '' && !given.has(name) && !makers.has(name)) makers.set(name, i)
  })
  const needs = nodes.map((node) => reads(node).flatMap((name) => makers.get(name) ?? []))
  if (needs.every((list, i) => list.every((maker) => maker < i))) return nodes
  const sorted: NodeProto[] = []
  const state = new Array<'new' | 'open' | 'done'>(nodes.length).fill('new')
  for (let root = 0; root < nodes.length; root++) {
    const path = [{ at: root, next: 0 }]
    while (path.length > 0) {
      const top = path.at(-1)!
      const need = needs[top.at]![top.next++]
      if (state[top.at] === 'done') path.pop()
      else if (need === undefined) {
        state[top.at] = 'done'
        sorted.push(nodes[top.at]!)
      } else if (state[need] === 'open' || need === top.at) throw circle(nodes[need]!)
      else if (state[need] === 'new') {
        state[top.at] = 'open'
        path.push({ at: need, next: 0 })
      }
    }
  }
  return sorted
}

function circle({ opType, name, output }: NodeProto): OodError {
  const made = output.find((value) => value !== '') ?? ''
  return mismatch('E_FILE', `node ${opType} "${name}"`, 'nodes that can be put in an order', `a circle through ${made}`)
}
