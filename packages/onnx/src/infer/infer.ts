// Type and shape inference: one table of rules keyed by operator, and the walk over a graph.

import { atNode } from '../at-node.ts'
import { count, plainNumbers, tensorOf } from '../tensors.ts'
import type { Graph, Model, Node, Tensor } from '../types.ts'
import { controlInfos } from './control.ts'
import { convolution } from './convolution.ts'
import { isUnknown } from './dims.ts'
import { elementwise } from './elementwise.ts'
import { indexing } from './indexing.ts'
import { linalg } from './linalg.ts'
import { movement } from './movement.ts'
import { reduction } from './reduction.ts'
import { sequence } from './sequence.ts'
import type { InferTable, Info } from './shape-rule.ts'

const rules: InferTable = {
  ...elementwise,
  ...movement,
  ...reduction,
  ...linalg,
  ...convolution,
  ...indexing,
  ...sequence,
}

/** Longest integer constant whose contents are followed: shapes, axes, splits. */
const LONGEST_SHAPE = 64

/** What a constant tells about itself. */
export function constantInfo(tensor: Tensor): Info {
  const small = (tensor.type === 'int64' || tensor.type === 'int32') && count(tensor.shape) <= LONGEST_SHAPE
  const ints = small && tensor.shape.length <= 1 ? plainNumbers(tensor) : undefined
  return { type: tensor.type, shape: tensor.shape, ints }
}

/** Infos of one node's outputs; unknown where there is no rule. */
export function inferNode(
  node: Node,
  opset: number,
  info: (name: string) => Info | undefined,
  constant: (name: string) => Tensor | undefined,
): readonly Info[] {
  const unknown = node.outputs.map((): Info => ({ type: 'other', shape: undefined }))
  const rule = node.domain === '' && Object.hasOwn(rules, node.opType) ? rules[node.opType] : undefined
  if (!rule) {
    const inner = controlInfos(node, { opset, info, constant, infer: inferNode })
    return inner ? unknown.map((nothing, i) => inner[i] ?? nothing) : unknown
  }
  const inputs = node.inputs.map((name) => (name === '' ? undefined : info(name)))
  const given = {
    node,
    opset,
    inputs,
    constant: (i: number) => (node.inputs[i] ? constant(node.inputs[i]) : undefined),
  }
  const found = atNode(node, () => rule(given))
  return unknown.map((nothing, i) => found[i] ?? nothing)
}

/** The tensor a Constant node holds, if it holds one, however it is written. */
export function constantOf(node: Node): Tensor | undefined {
  if (node.opType !== 'Constant' || node.domain !== '') return undefined
  const { value, value_int, value_ints, value_float, value_floats } = node.attributes
  if (value?.kind === 'tensor') return value.value
  if (value_float?.kind === 'float') return tensorOf('float32', [], [value_float.value])
  if (value_floats?.kind === 'floats') return tensorOf('float32', [value_floats.value.length], value_floats.value)
  const list =
    value_ints?.kind === 'ints' ? value_ints.value : value_int?.kind === 'int' ? [value_int.value] : undefined
  // Larger ones are not held exactly by the attribute.
  if (!list?.every((v) => Number.isSafeInteger(v) || Math.abs(v) === 2 ** 63)) return undefined
  return tensorOf('int64', value_ints ? [list.length] : [], list)
}

/** Infos of every value of a model's main graph, from its own rules first and the file's records where they know more. */
export function inferModel(model: Model): Map<string, Info> {
  const { graph } = model
  const infos = new Map<string, Info>()
  const constants = new Map(graph.initializers)
  for (const input of graph.inputs) infos.set(input.name, { type: input.type, shape: input.shape })
  for (const [name, tensor] of constants) infos.set(name, constantInfo(tensor))
  const recorded = recordedInfos(graph)
  for (const node of graph.nodes) {
    const held = constantOf(node)
    if (held) constants.set(node.outputs[0]!, held)
    const found = held
      ? [constantInfo(held)]
      : inferNode(
          node,
          model.opsets[''] ?? 0,
          (name) => infos.get(name),
          (name) => constants.get(name),
        )
    node.outputs.forEach((name, i) => {
      if (name !== '') infos.set(name, merge(found[i]!, recorded.get(name)))
    })
  }
  return infos
}

function recordedInfos(graph: Graph): Map<string, Info> {
  const recorded = new Map<string, Info>()
  for (const [name, { type, shape }] of graph.valueInfo) recorded.set(name, { type, shape })
  for (const { name, type, shape } of graph.outputs) recorded.set(name, { type, shape })
  return recorded
}

/** Own findings, completed by what the file says. */
function merge(own: Info, file: Info | undefined): Info {
  if (!file) return own
  const type = own.type === 'other' ? file.type : own.type
  if (!own.shape) return { ...own, type, shape: file.shape }
  if (file.shape?.length !== own.shape.length) return { ...own, type }
  const shape = own.shape.map((dim, axis) => {
    const said = file.shape![axis]!
    if (typeof dim === 'number') return dim
    return typeof said === 'number' || isUnknown(dim) ? said : dim
  })
  return { ...own, type, shape }
}
