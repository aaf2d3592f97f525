// Types and shapes of what branches, loops and scans give, from their bodies.
import { attribute } from '../attributes.ts'
import type { Dim, Graph, Node, Tensor } from '../types.ts'
import { positiveAxis, unknownDim } from './dims.ts'
import type { Info } from './shape-rule.ts'

/** Infers one node; passed in, because bodies hold nodes of any kind. */
export type InferNode = (
  node: Node,
  opset: number,
  info: (name: string) => Info | undefined,
  constant: (name: string) => Tensor | undefined,
) => readonly Info[]

/** What is known around a node. */
export interface Around {
  readonly opset: number
  readonly info: (name: string) => Info | undefined
  readonly constant: (name: string) => Tensor | undefined
  readonly infer: InferNode
}

const nothing: Info = { type: 'other', shape: undefined }

/** Infos of the outputs of an If, Loop or Scan; undefined for other operators. */
export function controlInfos(node: Node, around: Around): readonly Info[] | undefined {
  if (node.domain !== '') return undefined
  if (node.opType === 'If') {
    const [yes, no] = ['then_branch', 'else_branch'].map((name) => bodyInfos(graphOf(node, name), [], around))
    return yes && no && yes.map((info, i) => either(info, no[i] ?? nothing))
  }
  if (node.opType === 'Loop') return loop(node, around)
  if (node.opType === 'Scan' && around.opset >= 9) return scan(node, around)
  return undefined
}

const graphOf = (node: Node, name: string): Graph | undefined => {
  const found = node.attributes[name]
  return found?.kind === 'graph' ? found.value : undefined
}

/** Infos of a body's outputs, its inputs being as given; what it declares counts where inference finds nothing. */
function bodyInfos(graph: Graph | undefined, inputs: readonly Info[], around: Around): Info[] | undefined {
  if (!graph) return undefined
  const infos = new Map<string, Info>()
  for (const [name, { type, shape }] of graph.initializers) infos.set(name, { type, shape })
  graph.inputs.forEach(({ name, type, shape }, i) => {
    infos.set(name, completed(inputs[i] ?? nothing, { type, shape }))
  })
  const recorded = new Map([...graph.valueInfo.values(), ...graph.outputs].map((v) => [v.name, v]))
  const info = (name: string): Info | undefined => infos.get(name) ?? around.info(name)
  const constant = (name: string): Tensor | undefined =>
    graph.initializers.get(name) ?? (infos.has(name) ? undefined : around.constant(name))
  for (const node of graph.nodes) {
    const found = around.infer(node, around.opset, info, constant)
    node.outputs.forEach((name, i) => {
      if (name !== '') infos.set(name, completed(found[i]!, recorded.get(name)))
    })
  }
  return graph.outputs.map(({ name }) => info(name) ?? nothing)
}

function completed(own: Info, said: { type: Info['type']; shape: Info['shape'] } | undefined): Info {
  return { type: own.type === 'other' ? (said?.type ?? 'other') : own.type, shape: own.shape ?? said?.shape }
}

/** What two values have in common. */
function either(a: Info, b: Info): Info {
  const type = a.type === b.type ? a.type : 'other'
  if (a.shape?.length !== b.shape?.length) return { type, shape: undefined }
  return { type, shape: a.shape?.map((dim, axis): Dim => (dim === b.shape![axis] ? dim : unknownDim())) }
}

/** Values a loop carries may change their sizes from round to round, not their type. */
function loop(node: Node, around: Around): readonly Info[] | undefined {
  const start = node.inputs.slice(2).map((name): Info => {
    const { type, shape } = around.info(name) ?? nothing
    return { type, shape: shape?.map(unknownDim) }
  })
  const scalar = (type: Info['type']): Info => ({ type, shape: [] })
  const found = bodyInfos(graphOf(node, 'body'), [scalar('int64'), scalar('bool'), ...start], around)
  return found?.slice(1).map((info, i) => (i < start.length ? either(info, start[i]!) : stacked(info, 0)))
}

const stacked = ({ type, shape }: Info, axis: number): Info => ({
  type,
  shape: shape && [...shape.slice(0, axis), unknownDim(), ...shape.slice(axis)],
})

/** States keep their shapes; what each step gives is joined along a new axis. */
function scan(node: Node, around: Around): readonly Info[] | undefined {
  const sequences = attribute(node, 'num_scan_inputs', 'int', 0)
  const states = node.inputs.length - sequences
  const axes = (name: string): readonly number[] => attribute(node, name, 'ints', [])
  const inputs = node.inputs.map((name, i): Info => {
    const { type, shape } = around.info(name) ?? nothing
    if (i < states || !shape) return { type, shape }
    const axis = positiveAxis(axes('scan_input_axes')[i - states] ?? 0, shape.length)
    return { type, shape: shape.filter((_, a) => a !== axis) }
  })
  const found = bodyInfos(graphOf(node, 'body'), inputs, around)
  return found?.map((info, i) => {
    if (i < states) return info
    const rank = (info.shape?.length ?? 0) + 1
    return stacked(info, positiveAxis(axes('scan_output_axes')[i - states] ?? 0, rank))
  })
}
