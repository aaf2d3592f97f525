// Bodies of functions, branches and loops: written into the graph around them under fresh names.
import { mismatch } from '@ood/core'
import { describe } from '../attributes.ts'
import { sources, withFields } from '../proto.ts'
import type { Attribute, Graph, LocalFunction, Node, Tensor, ValueInfo } from '../types.ts'
import { keepBase } from '../write.ts'
import type { Rewriter } from './rewriter.ts'

/** Nodes with named results, as a function, a branch or a loop's body has them. */
export interface Body {
  readonly nodes: readonly Node[]
  readonly initializers: ReadonlyMap<string, Tensor>
  readonly outputs: readonly string[]
}

export const bodyOf = (graph: Graph): Body => ({ ...graph, outputs: graph.outputs.map((output) => output.name) })

/**
 * Writes a body once and returns the values of its outputs.
 *
 * @param bindings - values of the body's inputs; names it does not bind are those of the graph around
 */
export function inline(
  w: Rewriter,
  body: Body,
  bindings: ReadonlyMap<string, string>,
  emit: (node: Node) => void,
): string[] {
  const names = new Map(bindings)
  for (const [name, tensor] of body.initializers) names.set(name, w.constant(name, tensor))
  for (const node of body.nodes) {
    const outputs = node.outputs.map((name) => (name === '' ? '' : w.fresh(name)))
    const renamed = renameInputs(node, (name) => names.get(name) ?? w.resolve(name))
    emit({ ...renamed, name: outputs.find((name) => name !== '') ?? '', outputs })
    node.outputs.forEach((name, i) => {
      if (name !== '') names.set(name, w.resolve(outputs[i]!))
    })
  }
  return body.outputs.map((name) => names.get(name) ?? w.resolve(name))
}

/** The node reading other values, within its subgraphs too. */
export function renameInputs(node: Node, to: (name: string) => string): Node {
  const inputs = node.inputs.map((name) => (name === '' ? '' : to(name)))
  const attributes = mapGraphs(node.attributes, (graph) => renameFree(graph, to))
  const same = attributes === node.attributes && inputs.every((name, i) => name === node.inputs[i])
  return same ? node : { ...node, inputs, attributes }
}

/** A subgraph whose captured values have other names. */
function renameFree(graph: Graph, to: (name: string) => string): Graph {
  const own = new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ])
  const inner = (name: string): string => (own.has(name) ? name : to(name))
  const nodes = graph.nodes.map((node) => renameInputs(node, inner))
  // A branch may hand on a value from around it: an output keeps its own name and gets it through Identity.
  const outputs = graph.outputs.map((output) => renamedPort(output, inner(output.name)))
  const renamed = { ...graph, nodes, outputs }
  keepBase(renamed, graph)
  return renamed
}

/** The declaration under another name; types the view does not show (sequences, optionals) stay. */
function renamedPort(port: ValueInfo, name: string): ValueInfo {
  if (name === port.name) return port
  const renamed: ValueInfo = { ...port, name }
  const message = sources.value.get(port)
  if (message) sources.value.set(renamed, withFields(message, { name }))
  return renamed
}

function mapGraphs(attributes: Node['attributes'], change: (graph: Graph) => Graph): Node['attributes'] {
  if (!Object.values(attributes).some((a) => a.kind === 'graph')) return attributes
  return Object.fromEntries(
    Object.entries(attributes).map(([name, a]): [string, Attribute] => [
      name,
      a.kind === 'graph' ? { kind: 'graph', value: change(a.value) } : a,
    ]),
  )
}

/** Writes the nodes of a local function in place of a call. */
export function inlineFunction(w: Rewriter, f: LocalFunction, call: Node, emit: (node: Node) => void): string[] {
  if (call.inputs.length > f.inputs.length)
    throw mismatch('E_FILE', describe(call), `at most ${f.inputs.length} inputs`, call.inputs.length)
  const bindings = new Map(f.inputs.map((name, i) => [name, call.inputs[i] ?? '']))
  const given = (name: string): Attribute | undefined => call.attributes[name] ?? f.defaults[name]
  const nodes = f.nodes.map((node) => bindAttributes(node, given))
  return inline(w, { nodes, initializers: new Map(), outputs: f.outputs }, bindings, emit)
}

/** Attributes that refer to the function's own get the call's value, or are left out with it. */
function bindAttributes(node: Node, given: (name: string) => Attribute | undefined): Node {
  const bound = Object.entries(node.attributes).flatMap(([name, a]): [string, Attribute][] => {
    if (a.kind === 'reference') {
      const value = given(a.value)
      return value ? [[name, value]] : []
    }
    if (a.kind !== 'graph') return [[name, a]]
    const nodes = a.value.nodes.map((inner) => bindAttributes(inner, given))
    return [[name, { kind: 'graph', value: { ...a.value, nodes } }]]
  })
  return { ...node, attributes: Object.fromEntries(bound) }
}
