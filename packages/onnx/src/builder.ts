// Writes graphs node by node, with shapes inferred on the way and equal nodes made only once.
import { mismatch } from '@ood/core'
import { constantInfo, constantOf, inferModel, inferNode } from './infer/infer.ts'
import type { Info } from './infer/shape-rule.ts'
import { prune } from './prune.ts'
import { tensorOf } from './tensors.ts'
import type { Attribute, Dim, ElementType, Graph, Model, Node, Tensor, ValueInfo } from './types.ts'
import { withGraph } from './write.ts'

/** A graph under construction. Values are named by strings; '' as an input means "left out". */
export interface GraphBuilder {
  readonly opset: number
  /** Declares a graph input. */
  input(name: string, type: ElementType, shape: readonly Dim[]): string
  /** A constant under its own name. */
  constant(name: string, tensor: Tensor): string
  /** An int64 list, for shapes and axes; the same list is stored once. */
  int64(values: readonly number[]): string
  /** A number as a tensor of rank 0; the same number is stored once. */
  scalar(type: ElementType, value: number): string
  /** Applies an operator and returns its only or first output. */
  op(opType: string, inputs: readonly string[], attributes?: Readonly<Record<string, Attribute>>): string
  /** Applies an operator with several outputs. */
  ops(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: number,
    domain?: string,
  ): string[]
  /** Declares a graph output called `name` that gives `value`; its type and shape are inferred unless said. */
  output(name: string, value: string, declared?: { type: ElementType; shape: readonly Dim[] | undefined }): void
  /** Type and shape of a value. */
  info(value: string): Info
  /** The constant a value is, if it is one. */
  constantTensor(value: string): Tensor | undefined
  /** The finished model, without what no output needs. */
  model(): Model
}

/** IR version that goes with operator sets 20 and 21 and every runtime of the last years. */
const IR_VERSION = 9

/**
 * Starts a graph, empty or on top of a model whose nodes, constants and inputs are kept (its outputs are not).
 *
 * @param options - `opset` of an empty graph (default 20), or `from`, a model to build on
 * @example
 * const g = graphBuilder()
 * const x = g.input('x', 'float32', ['N', 4])
 * const w = g.constant('w', constantTensor('float32', [4, 2], new Float32Array(8)))
 * g.output('y', g.op('Relu', [g.op('MatMul', [x, w])]))
 * const bytes = writeModel(g.model())
 */
export function graphBuilder(options: { opset?: number; name?: string; from?: Model } = {}): GraphBuilder {
  const { from } = options
  const opset = from?.opsets[''] ?? options.opset ?? 20
  const inputs: ValueInfo[] = [...(from?.graph.inputs ?? [])]
  const outputs: { name: string; value: string; info: ValueInfo }[] = []
  const initializers = new Map<string, Tensor>(from?.graph.initializers)
  const nodes: Node[] = []
  const infos: Map<string, Info> = from ? inferModel(from) : new Map()
  const taken = new Set([...infos.keys(), ...(from?.graph.nodes.map((node) => node.name) ?? [])])
  const constants = new Map(initializers)
  for (const node of from?.graph.nodes ?? []) {
    const held = constantOf(node)
    if (held) constants.set(node.outputs[0]!, held)
  }
  const made = new Map<string, string[]>()
  const prefix = from ? 'jvp/' : ''
  const serials = new Map<string, number>()

  const fresh = (stem: string): string => {
    for (;;) {
      const serial = serials.get(stem) ?? 0
      serials.set(stem, serial + 1)
      const name = `${prefix}${stem}_${serial}`
      if (!taken.has(name)) return claim(name)
    }
  }
  const claim = (name: string): string => {
    if (taken.has(name)) throw mismatch('E_ARGUMENT', 'graph value name', 'a name not yet used', name)
    taken.add(name)
    return name
  }
  const addConstant = (name: string, tensor: Tensor): string => {
    initializers.set(name, tensor)
    constants.set(name, tensor)
    infos.set(name, constantInfo(tensor))
    return name
  }
  /** Makes a thing once per key. */
  const once = (key: string, make: () => string[]): string[] => {
    const found = made.get(key) ?? make()
    made.set(key, found)
    return found
  }
  const ops: GraphBuilder['ops'] = (opType, operands, attributes, n, domain = '') => {
    return once(JSON.stringify([opType, operands, attributes, n, domain], plainTensor), () => {
      const results = Array.from({ length: n }, () => fresh(opType))
      const node: Node = { opType, domain, name: results[0]!, inputs: operands, outputs: results, attributes }
      nodes.push(node)
      const found = inferNode(
        node,
        opset,
        (name) => infos.get(name),
        (name) => constants.get(name),
      )
      results.forEach((name, i) => {
        infos.set(name, found[i]!)
      })
      return results
    })
  }

  return {
    opset,
    input(name, type, shape) {
      claim(name)
      inputs.push({ name, type, shape: [...shape] })
      infos.set(name, { type, shape: [...shape] })
      return name
    },
    constant: (name, tensor) => addConstant(claim(name), tensor),
    int64: (values) =>
      once(`list ${values}`, () => [addConstant(fresh('ints'), tensorOf('int64', [values.length], values))])[0]!,
    scalar: (type, value) =>
      once(`scalar ${type} ${Object.is(value, -0) ? '-0' : value}`, () => [
        addConstant(fresh('scalar'), tensorOf(type, [], [value])),
      ])[0]!,
    op: (opType, operands, attributes = {}) => ops(opType, operands, attributes, 1)[0]!,
    ops,
    output(name, value, declared) {
      if (outputs.some((o) => o.name === name)) throw mismatch('E_ARGUMENT', 'graph output', 'a new name', name)
      const { type, shape } = declared ?? infos.get(value) ?? { type: 'other', shape: undefined }
      outputs.push({ name, value, info: { name, type, shape } })
    },
    info: (value) => infos.get(value) ?? { type: 'other', shape: undefined },
    constantTensor: (value) => constants.get(value),
    model() {
      const all = rename([...(from?.graph.nodes ?? [])], nodes, outputs, taken)
      const graph: Graph = prune({
        name: options.name ?? from?.graph.name ?? 'graph',
        inputs,
        outputs: outputs.map((o) => o.info),
        nodes: all,
        initializers,
        valueInfo: from?.graph.valueInfo ?? new Map(),
      })
      if (from) return withGraph(from, graph)
      return { irVersion: IR_VERSION, opsets: { '': opset }, producer: 'ood-onnx', metadata: {}, graph, functions: [] }
    },
  }
}

/** Gives output values their public names: new nodes are renamed for free, anything else goes through Identity. */
function rename(
  old: readonly Node[],
  added: readonly Node[],
  outputs: readonly { name: string; value: string }[],
  taken: ReadonlySet<string>,
): Node[] {
  const made = new Set(added.flatMap((node) => node.outputs))
  const names = new Map<string, string>()
  const copies: Node[] = []
  for (const { name, value } of outputs) {
    if (name === value) continue
    if (taken.has(name)) throw mismatch('E_ARGUMENT', 'graph output', 'a name no other value has', name)
    if (made.has(value) && !names.has(value)) names.set(value, name)
    else
      copies.push({
        opType: 'Identity',
        domain: '',
        name,
        inputs: [names.get(value) ?? value],
        outputs: [name],
        attributes: {},
      })
  }
  const renamed = (list: readonly string[]): string[] => list.map((name) => names.get(name) ?? name)
  const changed = added.map((node) => ({ ...node, inputs: renamed(node.inputs), outputs: renamed(node.outputs) }))
  return [...old, ...changed, ...copies]
}

/** Lets tensor attributes take part in the key that finds equal nodes. */
function plainTensor(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>, String)
  return value
}
