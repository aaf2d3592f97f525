// Nodes of older operator sets in the words of set 18, where attributes have become inputs.
import { mismatch } from '@ood/core'
import { attribute, describe, int, text } from '../attributes.ts'
import { toBind } from '../hints.ts'
import { tensorOf } from '../tensors.ts'
import type { Attribute, Node } from '../types.ts'
import type { Rewriter } from './rewriter.ts'

/** Operator set that derivatives are written in at least: the first with all scatter reductions. */
export const WRITTEN_OPSET = 18

type Upgrade = (node: Node, w: Rewriter, opset: number) => Node | readonly Node[]

/** The node, or the nodes, that mean in operator set 18 what this one means in `opset`. */
export function upgrade(node: Node, opset: number, w: Rewriter): readonly Node[] {
  if (opset >= WRITTEN_OPSET || node.domain !== '') return [node]
  const rule = Object.hasOwn(rules, node.opType) ? rules[node.opType] : undefined
  const found = rule ? rule(withGraphs(node, opset, w), w, opset) : withGraphs(node, opset, w)
  return Array.isArray(found) ? (found as readonly Node[]) : [found as Node]
}

function withGraphs(node: Node, opset: number, w: Rewriter): Node {
  if (!Object.values(node.attributes).some((a) => a.kind === 'graph')) return node
  const attributes = Object.entries(node.attributes).map(([name, a]): [string, Attribute] => {
    if (a.kind !== 'graph') return [name, a]
    const nodes = a.value.nodes.flatMap((inner) => upgrade(inner, opset, w))
    return [name, { kind: 'graph', value: { ...a.value, nodes } }]
  })
  return { ...node, attributes: Object.fromEntries(attributes) }
}

function without(node: Node, names: readonly string[]): Node['attributes'] {
  return Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name)))
}

/** An integer-list attribute as input number `at`. */
function listToInput(name: string, at: number): Upgrade {
  return (node, w) => {
    const list = attribute(node, name, 'ints', undefined)
    if (!list) return node
    const inputs = [...node.inputs]
    while (inputs.length < at) inputs.push('')
    inputs[at] = w.int64(list)
    return { ...node, inputs, attributes: without(node, [name]) }
  }
}

const axes = listToInput('axes', 1)

const split: Upgrade = (node, w) => {
  const sized = listToInput('split', 1)(node, w, 0) as Node
  if (sized.inputs[1]) return sized
  return { ...sized, attributes: { ...sized.attributes, num_outputs: int(node.outputs.length) } }
}

const slice: Upgrade = (node, w) => {
  const starts = attribute(node, 'starts', 'ints', undefined)
  if (!starts) return node
  const ends = attribute(node, 'ends', 'ints', [])
  const over = attribute(node, 'axes', 'ints', undefined) ?? starts.map((_, axis) => axis)
  const inputs = [node.inputs[0]!, w.int64(starts), w.int64(ends), w.int64(over)]
  return { ...node, inputs, attributes: without(node, ['starts', 'ends', 'axes']) }
}

/** A scalar of the type of the node's first input. */
const scalarLike = (node: Node, w: Rewriter, value: number): string => {
  const { type } = w.info(node.inputs[0]!)
  return w.scalar(type === 'other' ? 'float32' : type, value)
}

const clip: Upgrade = (node, w, opset) => {
  if (opset >= 11) return node
  const [low, high] = ['min', 'max'].map((name) => attribute(node, name, 'float', undefined))
  const bound = (value: number | undefined): string => (value === undefined ? '' : scalarLike(node, w, value))
  return { ...node, inputs: [node.inputs[0]!, bound(low), bound(high)], attributes: {} }
}

const pad: Upgrade = (node, w, opset) => {
  if (opset >= 11) return node
  const pads = attribute(node, 'pads', 'ints', [])
  const value = attribute(node, 'value', 'float', 0)
  const inputs = [node.inputs[0]!, w.int64(pads), scalarLike(node, w, value)]
  return { ...node, inputs, attributes: without(node, ['pads', 'value']) }
}

const topK: Upgrade = (node, w, opset) => {
  if (opset >= 10) return node
  const inputs = [node.inputs[0]!, w.int64([attribute(node, 'k', 'int', 1)])]
  return { ...node, inputs, attributes: without(node, ['k']) }
}

const dropout: Upgrade = (node, w, opset) => {
  if (opset >= 12) return node
  const ratio = w.constant('ratio', tensorOf('float32', [], [attribute(node, 'ratio', 'float', 0.5)]))
  return { ...node, inputs: [node.inputs[0]!, ratio], attributes: {} }
}

/** Softmax and its kin took every axis from `axis` on as one. */
const flattened: Upgrade = (node, w, opset) => {
  if (opset >= 13) return node
  const axis = attribute(node, 'axis', 'int', 1)
  const [x, y] = [node.inputs[0]!, node.outputs[0]!]
  const { shape } = w.info(x)
  if (shape && (axis === shape.length - 1 || axis === -1)) return { ...node, attributes: { axis: int(-1) } }
  const [flat, soft, sizes] = [w.fresh(`${y}_flat`), w.fresh(`${y}_rows`), w.fresh(`${y}_shape`)]
  return [
    plainNode('Flatten', [x], flat, { axis: int(axis) }),
    plainNode(node.opType, [flat], soft, { axis: int(-1) }),
    plainNode('Shape', [x], sizes, {}),
    plainNode('Reshape', [soft, sizes], y, {}),
  ]
}

/** Before operator set 11 output positions were divided by the scale and rounded down. */
const resize: Upgrade = (node, w, opset) => {
  const scales = attribute(node, 'scales', 'floats', undefined)
  if (opset >= 11 && node.opType === 'Resize') return node
  const factors = scales ? w.constant('scales', tensorOf('float32', [scales.length], scales)) : node.inputs[1]!
  const attributes = {
    mode: text(attribute(node, 'mode', 'string', 'nearest')),
    coordinate_transformation_mode: text('asymmetric'),
    nearest_mode: text('floor'),
  }
  return { ...node, opType: 'Resize', inputs: [node.inputs[0]!, '', factors], attributes }
}

const batch: Upgrade = (node) => {
  if (node.outputs.filter((name) => name !== '').length > 1)
    throw mismatch('E_UNSUPPORTED', describe(node), 'inference mode', 'training outputs')
  if (attribute(node, 'spatial', 'int', 1) === 0)
    throw mismatch('E_UNSUPPORTED', describe(node), 'statistics per channel', 'spatial 0')
  return { ...node, outputs: node.outputs.slice(0, 1), attributes: without(node, ['spatial', 'momentum']) }
}

const plainNode = (opType: string, inputs: string[], output: string, attributes: Node['attributes']): Node => {
  return { opType, domain: '', name: output, inputs, outputs: [output], attributes }
}

/**
 * Up to operator set 8 a Scan ran over a batch: [batch, steps, ...], states [batch, ...]. One Scan of today for each row,
 * and their results joined.
 */
const scan: Upgrade = (node, w, opset) => {
  if (opset >= 9) return node
  const what = `${describe(node)} of operator set ${opset}`
  const [lengths, ...inputs] = node.inputs
  if (lengths) throw mismatch('E_UNSUPPORTED', what, 'sequences of one length', 'an input sequence_lens')
  const rows = inputs.map((name) => w.info(name).shape?.[0]).find((dim) => typeof dim === 'number')
  if (rows === undefined || rows === 0 || rows > MOST_ROWS)
    throw mismatch('E_UNSUPPORTED', what, toBind(`a known batch of 1 to ${MOST_ROWS} rows`), rows ?? 'an open one')
  const { body, num_scan_inputs, directions } = node.attributes
  const attributes = {
    ...(body && { body }),
    ...(num_scan_inputs && { num_scan_inputs }),
    ...(directions && { scan_input_directions: directions }),
  }
  const nodes: Node[] = []
  const parts: string[][] = node.outputs.map(() => [])
  for (let row = 0; row < rows; row++) {
    const at = w.scalar('int64', row)
    const own = inputs.map((name) => {
      const part = w.fresh(`${name}_row`)
      nodes.push(plainNode('Gather', [name, at], part, { axis: int(0) }))
      return part
    })
    const outputs = node.outputs.map((name) => (name === '' ? '' : w.fresh(`${name}_row`)))
    nodes.push({ opType: 'Scan', domain: '', name: outputs.find(Boolean) ?? '', inputs: own, outputs, attributes })
    outputs.forEach((output, i) => {
      if (output === '') return
      const full = w.fresh(output)
      nodes.push(plainNode('Unsqueeze', [output, w.int64([0])], full, {}))
      parts[i]!.push(full)
    })
  }
  node.outputs.forEach((name, i) => {
    if (name !== '') nodes.push(plainNode('Concat', parts[i]!, name, { axis: int(0) }))
  })
  return nodes
}

/** Most rows a batch is taken apart to. */
const MOST_ROWS = 1024

/** Before operator set 16 the corners of a region were not moved by half a pixel. */
const roiAlign: Upgrade = (node, _w, opset) => {
  if (opset >= 16) return node
  const mode = { coordinate_transformation_mode: text('output_half_pixel') }
  return { ...node, attributes: { ...mode, ...node.attributes } }
}

const reductions = 'Mean Max Min Prod L1 L2 SumSquare LogSum LogSumExp Sum'

const rules: Readonly<Record<string, Upgrade>> = {
  ...Object.fromEntries(reductions.split(' ').map((kind) => [`Reduce${kind}`, axes])),
  Squeeze: axes,
  Unsqueeze: axes,
  Split: split,
  Slice: slice,
  Clip: clip,
  Pad: pad,
  TopK: topK,
  Dropout: dropout,
  Softmax: flattened,
  LogSoftmax: flattened,
  Hardmax: flattened,
  Resize: resize,
  Upsample: resize,
  Scan: scan,
  RoiAlign: roiAlign,
  Scatter: (node) => ({ ...node, opType: 'ScatterElements' }),
  BatchNormalization: (node, w, opset) => (opset < 14 ? batch(node, w, opset) : node),
}
