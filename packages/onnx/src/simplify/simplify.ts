// The same model with less in it.
import { atModel } from '../at-node.ts'
import { constantInfo, constantOf, inferNode } from '../infer/infer.ts'
import type { Info } from '../infer/shape-rule.ts'
import { renameInputs } from '../lower/body.ts'
import { prune, usedValues } from '../prune.ts'
import { count, tensorOf } from '../tensors.ts'
import type { Attribute, Graph, Model, Node, Tensor, ValueInfo } from '../types.ts'
import { checkPassOpset } from '../versions.ts'
import { keepBase, withGraph } from '../write.ts'
import { fuseBatchNorms } from './batch-norm.ts'
import { type Names, namesOf, takenBranch } from './branch.ts'
import { equalConstants, nodeKey } from './duplicates.ts'
import { fold } from './fold.ts'
import { type Facts, merged, sameAs } from './noop.ts'

/** What else may be done. */
export interface SimplifyOptions {
  /** Makes one Conv of Conv and BatchNormalization (default false): the one step that rounds differently. */
  readonly fuseBatchNorm?: boolean | undefined
}

/**
 * The same model with fewer nodes. Outputs are equal bit for bit, whatever the inputs (with `fuseBatchNorm`, to rounding).
 *
 * - Constants are folded: shapes and their arithmetic, selections, comparisons and correctly rounded arithmetic
 *   (+ - * / and rearrangements) on up to 4096 numbers; other shapes of constants of any size, without copies.
 * - Nodes that give what they get go: Identity, casts to the same type, identity Transpose and Reshape, Slice of
 *   everything, Pad by nothing, Concat and Sum of one, Dropout, x * 1, x / 1, x - 0.
 * - Transpose of Transpose and Reshape of Reshape become one.
 * - An `If` of a constant condition becomes the branch it takes.
 * - Equal nodes and equal constants are kept once; what no output needs goes.
 *
 * Subgraphs are treated likewise; local functions and operators of other domains (`ai.onnx.ml` ...) stay as they are. Idempotent: simplifying twice changes nothing more.
 * Names of inputs, outputs and of every value that stays are kept.
 *
 * Cost: a few passes over the nodes; a read of all constants, to find equal ones (those in external files stay unread).
 *
 * @throws OodError `E_UNSUPPORTED` for operator sets before 7 or beyond the newest known
 * @example
 * const small = simplify(readModel(bytes), { fuseBatchNorm: true })
 */
export function simplify(model: Model, options: SimplifyOptions = {}): Model {
  return atModel('simplify', () => simplerModel(model, options))
}

function simplerModel(model: Model, options: SimplifyOptions): Model {
  const opset = checkPassOpset('simplify', model.opsets)
  let graph = model.graph
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    const next = onePass(graph, opset, options)
    if (sameNodes(next, graph)) break
    graph = next
  }
  return graph === model.graph ? model : withGraph(model, graph)
}

/** Each pass removes something or is the last; chains of chains need a few. */
const MOST_PASSES = 50

function onePass(graph: Graph, opset: number, options: SimplifyOptions): Graph {
  const simple = prune(simplifyGraph(graph, opset, undefined, namesOf(graph)))
  return options.fuseBatchNorm ? prune(fuseBatchNorms(simple)) : simple
}

/** Compares what a pass can change. */
function sameNodes(a: Graph, b: Graph): boolean {
  return (
    a.initializers.size === b.initializers.size &&
    a.nodes.length === b.nodes.length &&
    a.nodes.every((n, i) => n === b.nodes[i])
  )
}

function simplifyGraph(graph: Graph, opset: number, outer: Facts | undefined, names: Names): Graph {
  const constants = new Map(graph.initializers)
  const infos = new Map<string, Info>()
  const alias = equalConstants(graph.initializers)
  const outputs = new Set(graph.outputs.map((output) => output.name))
  for (const name of alias.keys()) if (outputs.has(name)) alias.delete(name)
  const resolve = (name: string): string => alias.get(name) ?? name
  const nodes: Node[] = []
  const makers = new Map<string, Node>()
  const made = new Map<string, Node>()
  const facts: Facts = {
    info: (name) => infos.get(name) ?? outer?.info(name),
    constant: (name) => constants.get(name) ?? (infos.has(name) ? undefined : outer?.constant(name)),
  }
  for (const { name, type, shape } of graph.inputs) infos.set(name, { type, shape })
  for (const [name, tensor] of constants) infos.set(name, constantInfo(tensor))

  const hold = (name: string, tensor: Tensor): void => {
    constants.set(name, tensor)
    infos.set(name, constantInfo(tensor))
  }
  const waiting = graph.nodes.toReversed()
  for (let given = waiting.pop(); given; given = waiting.pop()) {
    const stale = usedValues(given).some((name) => alias.has(name))
    const current = stale ? renameInputs(given, resolve) : given
    const branch = takenBranch(current, facts.constant, names)
    if (branch) {
      for (const [name, tensor] of branch.initializers) hold(name, tensor)
      for (const inner of branch.nodes.toReversed()) waiting.push(inner)
      continue
    }
    let node = withSubgraphs(current, (inner) => simplifyGraph(inner, opset, facts, names))
    const held = constantOf(node)
    if (held) {
      hold(node.outputs[0]!, held)
      continue
    }
    node = merged(node, (name) => makers.get(name), facts) ?? node
    const found = inferNode(node, opset, facts.info, facts.constant)
    const folded = foldNode(node, found, facts)
    if (folded) {
      node.outputs.forEach((name, i) => {
        if (name !== '') hold(name, folded[i]!)
      })
      continue
    }
    const same = sameAs(node, facts)
    if (same !== undefined && node.outputs[0] !== '' && !outputs.has(node.outputs[0]!)) {
      alias.set(node.outputs[0]!, same)
      continue
    }
    const key = nodeKey(node)
    const twin = key === undefined ? undefined : made.get(key)
    if (twin && !node.outputs.some((name) => outputs.has(name))) {
      node.outputs.forEach((name, i) => {
        if (name !== '') alias.set(name, twin.outputs[i]!)
      })
      continue
    }
    if (key !== undefined && !twin) made.set(key, node)
    nodes.push(node)
    node.outputs.forEach((name, i) => {
      if (name === '') return
      infos.set(name, found[i]!)
      makers.set(name, node)
    })
  }
  // A branch says no types where a node makes its outputs; of a constant they have to be said.
  const typed = graph.outputs.map((output): ValueInfo => {
    const tensor = output.type === 'other' ? constants.get(output.name) : undefined
    return tensor ? { name: output.name, type: tensor.type, shape: tensor.shape } : output
  })
  const ports = typed.every((output, i) => output === graph.outputs[i]) ? graph.outputs : typed
  const simple: Graph = {
    ...graph,
    outputs: ports,
    nodes: publicNames(nodes, graph, constants),
    initializers: constants,
  }
  keepBase(simple, graph)
  return simple
}

/** A value made for an output through Identity takes the output's name itself. */
function publicNames(nodes: readonly Node[], graph: Graph, constants: ReadonlyMap<string, Tensor>): Node[] {
  const outputs = new Set(graph.outputs.map((output) => output.name))
  const own = new Set(nodes.flatMap((node) => node.outputs))
  const names = new Map<string, string>()
  const gone = new Set<Node>()
  for (const node of nodes) {
    if (node.opType !== 'Identity' || node.domain !== '' || !outputs.has(node.outputs[0]!)) continue
    const from = node.inputs[0]!
    if (!own.has(from) || outputs.has(from) || names.has(from) || constants.has(from)) continue
    names.set(from, node.outputs[0]!)
    gone.add(node)
  }
  if (gone.size === 0) return [...nodes]
  const to = (name: string): string => names.get(name) ?? name
  return nodes
    .filter((node) => !gone.has(node))
    .map((node) => {
      const renamed = usedValues(node).some((name) => names.has(name)) ? renameInputs(node, to) : node
      return node.outputs.some((name) => names.has(name)) ? { ...renamed, outputs: node.outputs.map(to) } : renamed
    })
}

function withSubgraphs(node: Node, change: (graph: Graph) => Graph): Node {
  let changed = false
  const attributes = Object.entries(node.attributes).map(([name, a]): [string, Attribute] => {
    if (a.kind !== 'graph') return [name, a]
    const value = prune(change(a.value))
    if (sameNodes(value, a.value)) return [name, a]
    changed = true
    return [name, { kind: 'graph', value }]
  })
  return changed ? { ...node, attributes: Object.fromEntries(attributes) } : node
}

/** Constants a node gives: computed from constants, or a shape that is known. */
function foldNode(node: Node, found: readonly Info[], f: Facts): readonly Tensor[] | undefined {
  const [info] = found
  if (node.outputs.length === 1 && info?.type === 'int64' && info.ints?.every(Number.isSafeInteger)) {
    const shape = info.shape?.every((v) => typeof v === 'number') ? (info.shape as number[]) : undefined
    if (shape && count(shape) === info.ints.length) return [tensorOf('int64', shape, info.ints as number[])]
  }
  const inputs = node.inputs.map((name) => (name === '' ? undefined : f.constant(name)))
  if (node.inputs.length === 0 || inputs.some((tensor, i) => !tensor && node.inputs[i] !== '')) return undefined
  return fold(node, inputs)
}
