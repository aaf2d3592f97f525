// A model with numbers in place of symbolic sizes and constants in place of inputs.

import { mismatch, unknownName } from '@ood/core'
import { atModel } from './at-node.ts'
import { inferModel } from './infer/infer.ts'
import { prune } from './prune.ts'
import type { Attribute, Dim, Graph, Model, Node, Tensor, ValueInfo } from './types.ts'
import { keepBase, withGraph } from './write.ts'

/** Sizes by name (`{ batch: 1 }`), or the whole shape of an input by its name (`{ x: [1, 3, 224, 224] }`). */
export type Sizes = Readonly<Record<string, number | readonly number[]>>

/** What else is bound. */
export interface BindOptions {
  /** Inputs that are not to be fed any more, with what they hold: sequence lengths, a sampling rate, states at the start. */
  readonly constants?: Readonly<Record<string, Tensor>> | undefined
}

/**
 * The same model for known sizes, and with some inputs held constant.
 *
 * What derivatives and float64 forms must know when they are written - the length of a sequence that is unrolled, the
 * number of rounds of a loop, axes, target shapes - is often left open by exporters. An axis without a name has the name
 * `<input>#<axis>`; `readModel(bytes).graph.inputs` shows all of them.
 *
 * Inputs, outputs and recorded shapes are rewritten, in subgraphs too; outputs get the sizes that follow. Nodes stay as
 * they are: `jvp`, `vjp` and `simplify` compute what has become constant. Cost: one pass over the graph.
 *
 * @param sizes - numbers for symbolic sizes, or whole shapes of inputs; the rest stays open
 * @param options - `constants`: inputs by name that become constants of the model
 * @throws OodError `E_UNKNOWN_NAME` for a name the model does not have, `E_ARGUMENT` for what is no size, `E_SHAPE` for a
 *   shape or constant that does not fit its input
 * @example
 * const vad = bindSizes(readModel(bytes), { batch: 1, sequence: 512 }, {
 *   constants: { sr: constantTensor('int64', [], BigInt64Array.of(16000n)) },
 * })
 * const derivative = jvp(vad, { wrt: ['input'] })
 */
export function bindSizes(model: Model, sizes: Sizes, options: BindOptions = {}): Model {
  return atModel('bindSizes', () => boundModel(model, sizes, options))
}

function boundModel(model: Model, sizes: Sizes, options: BindOptions): Model {
  const constants = new Map(Object.entries(options.constants ?? {}))
  const numbers = bindings(model, sizes, constants)
  const bound = boundGraph(model.graph, numbers)
  const inputs = bound.inputs.filter((input) => !constants.has(input.name))
  const graph: Graph = { ...bound, inputs, initializers: new Map([...bound.initializers, ...constants]) }
  // Nothing may still hold values of sizes that were open.
  const infos = inferModel({ ...model, graph })
  const outputs = graph.outputs.map((output) => followed(output, infos.get(output.name)?.shape))
  const whole = { ...graph, outputs }
  keepBase(whole, model.graph)
  return withGraph(model, prune(whole))
}

/** The number of each symbolic size, checked. */
function bindings(model: Model, sizes: Sizes, constants: ReadonlyMap<string, Tensor>): Map<string, number> {
  const { inputs } = model.graph
  const ports = new Map(inputs.map((input) => [input.name, input]))
  const open = new Set<string>()
  for (const { shape } of inputs) for (const dim of shape ?? []) if (typeof dim === 'string') open.add(dim)
  const numbers = new Map<string, number>()
  const bind = (name: string, value: number): void => {
    if (!(Number.isSafeInteger(value) && value >= 0))
      throw mismatch('E_ARGUMENT', `bindSizes ${name}`, 'a whole number from 0', value)
    const known = numbers.get(name)
    if (known !== undefined && known !== value)
      throw mismatch('E_SHAPE', `bindSizes ${name}`, 'one size', `${known} and ${value}`)
    numbers.set(name, value)
  }
  const fit = (port: ValueInfo, shape: readonly number[]): void => {
    const what = `bindSizes ${port.name}`
    if (port.shape && port.shape.length !== shape.length)
      throw mismatch('E_SHAPE', what, `${port.shape.length} axes`, [...shape])
    port.shape?.forEach((dim, axis) => {
      if (typeof dim === 'string') bind(dim, shape[axis]!)
      else if (dim !== shape[axis]) throw mismatch('E_SHAPE', what, `shape [${port.shape!.join(', ')}]`, [...shape])
    })
  }
  for (const [name, value] of Object.entries(sizes)) {
    const port = ports.get(name)
    if (typeof value === 'number' && open.has(name)) bind(name, value)
    else if (Array.isArray(value) && port) fit(port, value)
    else throw unknownName('bindSizes', name, typeof value === 'number' ? [...open] : [...ports.keys()])
  }
  for (const [name, tensor] of constants) {
    const port = ports.get(name)
    if (!port) throw unknownName('bindSizes constants', name, [...ports.keys()])
    if (port.type !== 'other' && port.type !== tensor.type)
      throw mismatch('E_ARGUMENT', `bindSizes constants ${name}`, port.type, tensor.type)
    fit(port, tensor.shape)
  }
  return numbers
}

function boundGraph(graph: Graph, numbers: ReadonlyMap<string, number>): Graph {
  const port = (info: ValueInfo): ValueInfo => {
    const shape = info.shape?.map((dim) => boundDim(dim, numbers))
    return shape?.some((dim, axis) => dim !== info.shape![axis]) ? { name: info.name, type: info.type, shape } : info
  }
  const bound: Graph = {
    ...graph,
    inputs: graph.inputs.map(port),
    outputs: graph.outputs.map(port),
    nodes: graph.nodes.map((node) => boundNode(node, numbers)),
    valueInfo: new Map([...graph.valueInfo].map(([name, info]) => [name, port(info)])),
  }
  keepBase(bound, graph)
  return bound
}

const boundDim = (dim: Dim, numbers: ReadonlyMap<string, number>): Dim =>
  typeof dim === 'string' ? (numbers.get(dim) ?? dim) : dim

function boundNode(node: Node, numbers: ReadonlyMap<string, number>): Node {
  if (!Object.values(node.attributes).some((a) => a.kind === 'graph')) return node
  const attributes = Object.entries(node.attributes).map(([name, a]): [string, Attribute] => [
    name,
    a.kind === 'graph' ? { kind: 'graph', value: boundGraph(a.value, numbers) } : a,
  ])
  return { ...node, attributes: Object.fromEntries(attributes) }
}

/** A declaration with the sizes that follow from the inputs'. */
function followed(declared: ValueInfo, found: readonly Dim[] | undefined): ValueInfo {
  const { shape } = declared
  if (!found || (shape && shape.length !== found.length)) return declared
  const sizes = found.map((dim, axis) => (typeof dim === 'number' ? dim : (shape?.[axis] ?? dim)))
  const known = sizes.every((dim) => typeof dim === 'number' || shape?.includes(dim))
  if (!known || sizes.every((dim, axis) => dim === shape?.[axis])) return declared
  return { name: declared.name, type: declared.type, shape: sizes }
}
