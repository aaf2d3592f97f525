// Rebuilds a graph node by node while some nodes become others: names, constants and shapes are followed on the way.

import type { GraphBuilder } from '../builder.ts'
import { freshName, type Names } from '../fresh-name.ts'
import { constantInfo, constantOf, inferNode } from '../infer/infer.ts'
import type { Info } from '../infer/shape-rule.ts'
import { usedValues } from '../prune.ts'
import { isExternal } from '../storage.ts'
import { count, tensorOf } from '../tensors.ts'
import type { ElementType, Model, Node, Tensor, ValueInfo } from '../types.ts'
import { evaluate } from './evaluate.ts'

/** What a lowering writes nodes with. */
export type NodeWriter = Pick<
  GraphBuilder,
  'opset' | 'constant' | 'int64' | 'scalar' | 'op' | 'ops' | 'info' | 'constantTensor'
>

/** A graph being rebuilt. */
export interface Rewriter extends NodeWriter {
  /** Adds a node under its own output names, folded to constants where its inputs are small constants. */
  append(node: Node): void
  /** Another name for a value: what reads `name` from now on reads `value`. */
  alias(name: string, value: string): void
  /** The value a name stands for. */
  resolve(name: string): string
  /** A name not yet used. */
  fresh(stem: string): string
  /** True where a derivative may reach the value. */
  isActive(value: string): boolean
  activate(value: string): void
  /** Nodes so far, and every constant. */
  readonly nodes: readonly Node[]
  readonly initializers: ReadonlyMap<string, Tensor>
}

/** Constants of more numbers than this are not computed here but left to the runtime. */
const LARGEST_FOLD = 4096

/**
 * Starts a rebuilt graph with the inputs and constants of `model`.
 *
 * @param opset - operator set of what is written
 * @param varying - values that are not to be taken for constants although the file holds them
 * @param varies - may an output of a node that something active reaches vary?
 * @param emit - what happens to every node written through `op` and `ops`: itself lowered, or appended
 */
export function rewriter(
  model: Model,
  opset: number,
  varying: readonly string[],
  emit: (node: Node) => void,
  varies: (node: Node, type: ElementType) => boolean = (_node, type) => mayVary(type),
): Rewriter {
  const nodes: Node[] = []
  const initializers = new Map(model.graph.initializers)
  const constants = new Map(initializers)
  const infos = new Map<string, Info>()
  const aliases = new Map<string, string>()
  const active = new Set<string>()
  const made = new Map<string, string>()
  const taken = new Set(allNames(model))
  const recorded = new Map<string, ValueInfo>(model.graph.valueInfo)
  for (const output of model.graph.outputs) recorded.set(output.name, output)
  for (const { name, type, shape } of model.graph.inputs) infos.set(name, { type, shape })
  for (const [name, tensor] of constants) infos.set(name, constantInfo(tensor))
  for (const name of varying) {
    constants.delete(name)
    active.add(name)
  }

  const names: Names = { taken, serial: 0 }
  const fresh = (stem: string): string => freshName(names, `lower/${stem}`)
  const resolve = (name: string): string => aliases.get(name) ?? name
  const setConstant = (name: string, tensor: Tensor): string => {
    initializers.set(name, tensor)
    constants.set(name, tensor)
    infos.set(name, constantInfo(tensor))
    return name
  }
  const once = (key: string, make: () => string): string => {
    const found = made.get(key) ?? make()
    made.set(key, found)
    return found
  }
  const ops: NodeWriter['ops'] = (opType, operands, attributes, n, domain = '') => {
    const outputs = Array.from({ length: n }, () => fresh(opType))
    emit({ opType, domain, name: outputs[0]!, inputs: operands, outputs, attributes })
    return outputs.map(resolve)
  }
  const scalar = (type: ElementType, value: number): string =>
    once(`scalar ${type} ${Object.is(value, -0) ? '-0' : value}`, () =>
      setConstant(fresh('scalar'), tensorOf(type, [], [value])),
    )

  return {
    opset,
    nodes,
    initializers,
    constant: (name, tensor) => setConstant(taken.has(name) ? fresh(name) : name, tensor),
    int64: (values) =>
      once(`list ${values}`, () => setConstant(fresh('ints'), tensorOf('int64', [values.length], values))),
    scalar,
    op: (opType, operands, attributes = {}) => ops(opType, operands, attributes, 1)[0]!,
    ops,
    info: (value) => infos.get(resolve(value)) ?? { type: 'other', shape: undefined },
    constantTensor: (value) => constants.get(resolve(value)),
    append(node) {
      const held = constantOf(node)
      // Numbers written as attributes are constants like any other; tensors stay in their node, whose memory they share.
      if (held && !node.attributes.value && !varying.includes(node.outputs[0]!)) {
        setConstant(node.outputs[0]!, held)
        return
      }
      if (held) constants.set(node.outputs[0]!, held)
      const found = held
        ? [constantInfo(held)]
        : inferNode(
            node,
            opset,
            (name) => infos.get(name),
            (name) => constants.get(name),
          )
      const folded =
        held || node.outputs.some((name) => varying.includes(name))
          ? undefined
          : foldedOutputs(node, found, (name) => constants.get(name))
      if (folded) {
        node.outputs.forEach((name, i) => {
          if (name !== '') setConstant(name, folded[i]!)
        })
        return
      }
      nodes.push(node)
      const reached = usedValues(node).some((name) => active.has(name))
      node.outputs.forEach((name, i) => {
        if (name === '') return
        const info = completed(found[i]!, recorded.get(name))
        infos.set(name, info)
        if (reached && varies(node, info.type)) active.add(name)
      })
    },
    alias: (name, value) => void aliases.set(name, resolve(value)),
    resolve,
    fresh,
    isActive: (value) => active.has(resolve(value)),
    activate: (value) => void active.add(value),
  }
}

/** Integers, booleans and texts do not vary; unknown types (sequences) may. */
export function mayVary(type: ElementType): boolean {
  return type.startsWith('float') || type === 'bfloat16' || type === 'other'
}

/** The constants a node gives: computed from constants, or a shape already known in full. */
function foldedOutputs(
  node: Node,
  found: readonly Info[],
  constant: (name: string) => Tensor | undefined,
): readonly Tensor[] | undefined {
  const [info] = found
  if (node.outputs.length === 1 && info?.type === 'int64' && info.ints?.every((v) => typeof v === 'number')) {
    const shape = info.shape?.every((v) => typeof v === 'number') ? (info.shape as number[]) : undefined
    if (shape && count(shape) === info.ints.length) return [tensorOf('int64', shape, info.ints as number[])]
  }
  const inputs = node.inputs.map((name) => (name === '' ? undefined : constant(name)))
  if (node.inputs.length === 0 || inputs.some((tensor, i) => !tensor && node.inputs[i] !== '')) return undefined
  if (inputs.some((tensor) => tensor && (count(tensor.shape) > LARGEST_FOLD || isExternal(tensor)))) return undefined
  return evaluate(node, inputs)
}

/** Own findings, completed by what the file says. */
function completed(own: Info, file: ValueInfo | undefined): Info {
  if (!file) return own
  return { ...own, type: own.type === 'other' ? file.type : own.type, shape: own.shape ?? file.shape }
}

function* allNames(model: Model): Iterable<string> {
  yield* model.graph.initializers.keys()
  for (const { name } of model.graph.inputs) yield name
  for (const node of model.graph.nodes) yield* node.outputs
}
