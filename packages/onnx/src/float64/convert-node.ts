// One node in float64: its attributes, its subgraphs, and another form where there is no kernel.

import { OodError } from '@ood/core'
import { atNode } from '../at-node.ts'
import { attribute, describe, int, tensorAttribute } from '../attributes.ts'
import { inferNode } from '../infer/infer.ts'
import { lowered } from '../lower/lowering-rule.ts'
import { lowerNode } from '../lower/table.ts'
import { tensorOf } from '../tensors.ts'
import type { Attribute, Graph, Node, Tensor } from '../types.ts'
import type { Converter } from './converter.ts'
import { quantizationForms } from './quantization.ts'
import type { Scope } from './scope.ts'
import { draws, float32Only, forms, throughLowering } from './table.ts'
import { widenedType } from './types.ts'

const FLOAT = 1
const DOUBLE = 11

/** A float32 tensor with its numbers in float64; others as they are. Widened when first used. */
export function wideTensor(tensor: Tensor): Tensor {
  if (tensor.type !== 'float32') return tensor
  let data: Float64Array | undefined
  return {
    type: 'float64',
    shape: tensor.shape,
    get data(): Float64Array {
      data ??= Float64Array.from(tensor.data as Float32Array)
      return data
    },
  }
}

/** Attributes that name an element type, with the type they stand for when left out. */
const typeAttributes: Readonly<Record<string, { name: string; float32ByDefault: boolean }>> = {
  Cast: { name: 'to', float32ByDefault: false },
  EyeLike: { name: 'dtype', float32ByDefault: false },
  SequenceEmpty: { name: 'dtype', float32ByDefault: true },
  HannWindow: { name: 'output_datatype', float32ByDefault: true },
  HammingWindow: { name: 'output_datatype', float32ByDefault: true },
  BlackmanWindow: { name: 'output_datatype', float32ByDefault: true },
}

/** The node with tensors, element types and subgraphs in float64. */
export function wideNode(node: Node, convert: (graph: Graph) => Graph): Node {
  const attributes: Record<string, Attribute> = {}
  let changed = false
  for (const [name, a] of Object.entries(node.attributes)) {
    attributes[name] = wideAttribute(node, name, a, convert)
    changed ||= attributes[name] !== a
  }
  if (node.domain === '') {
    const named = typeAttributes[node.opType]
    if (named?.float32ByDefault && !attributes[named.name]) attributes[named.name] = int(DOUBLE)
    if (node.opType === 'ConstantOfShape' && !attributes.value)
      attributes.value = tensorAttribute(tensorOf('float64', [1], [0]))
    const { value_float: one, value_floats: many } = attributes
    if (node.opType === 'Constant' && one?.kind === 'float') {
      delete attributes.value_float
      attributes.value = tensorAttribute(tensorOf('float64', [], [one.value]))
    }
    if (node.opType === 'Constant' && many?.kind === 'floats') {
      delete attributes.value_floats
      attributes.value = tensorAttribute(tensorOf('float64', [many.value.length], many.value))
    }
    changed ||= Object.keys(attributes).some((name) => attributes[name] !== node.attributes[name])
  }
  return changed ? { ...node, attributes } : node
}

function wideAttribute(node: Node, name: string, a: Attribute, convert: (graph: Graph) => Graph): Attribute {
  if (a.kind === 'tensor' && a.value.type === 'float32') return tensorAttribute(wideTensor(a.value))
  if (a.kind === 'graph') return { kind: 'graph', value: convert(a.value) }
  if (a.kind === 'other') return widenedType(a)
  const typed = node.domain === '' ? typeAttributes[node.opType] : undefined
  return typed?.name === name && a.kind === 'int' && a.value === FLOAT ? int(DOUBLE) : a
}

/** Writes a node whose attributes are already in float64: itself, or its other form. */
export function writeNode(node: Node, s: Scope, c: Converter): void {
  const values = atNode(node, () => otherForm(node, s, c))
  if (!values) {
    s.append(kept(node, s))
    return
  }
  node.outputs.forEach((name, i) => {
    if (name !== '' && values[i]) s.bind(name, values[i])
  })
}

function otherForm(node: Node, s: Scope, c: Converter): readonly (string | undefined)[] | undefined {
  const isDouble = (name: string | undefined): boolean => name !== undefined && s.info(name).type === 'float64'
  const standard = node.domain === ''
  if (standard && node.opType === 'BitCast') return bitCast(node, s)
  const form = standard && Object.hasOwn(forms, node.opType) ? forms[node.opType] : undefined
  if (form) {
    const anywhere = node.opType === 'OneHot' || Object.hasOwn(quantizationForms, node.opType)
    const index = anywhere ? Math.max(0, node.inputs.findIndex(isDouble)) : 0
    const { type } = s.info(node.inputs[index] ?? '')
    // A type nobody knows is taken for the one nearly every value has.
    if (type !== 'float64' && type !== 'other') return undefined
    const make = () => form({ ...lowered(node, s), type: 'float64' })
    if (c.fallback === 'error') return make()
    return whereKnown(make) ?? inFloat32(node, s)
  }
  if (!node.inputs.some(isDouble) && !makesFloats(node)) return undefined
  if (standard && draws.includes(node.opType)) return inFloat32(node, s)
  if (!standard || throughLowering.includes(node.opType)) {
    const make = () => lowering(node, s)
    const values = c.fallback === 'error' ? make() : whereKnown(make)
    if (values) return values
  }
  if (standard && node.opType === 'Attention') {
    if (!isMasked(node)) return undefined
    return c.fallback === 'error' ? lowering(node, s) : (whereKnown(() => lowering(node, s)) ?? inFloat32(node, s))
  }
  if (standard && node.opType === 'Mul') return unfused(node, s)
  if (standard && !float32Only.includes(node.opType) && !throughLowering.includes(node.opType)) return undefined
  if (c.fallback === 'float32') return inFloat32(node, s)
  throw new OodError(
    'E_UNSUPPORTED',
    `toFloat64: expected an operator with a float64 form, got ${describe(node)} (fallback: 'float32' computes it in float32)`,
  )
}

/** Element types of 32 bits other than float32, by number: what bits of float32 numbers can become. */
const wordTypes = [6, 12]

/** Bits are those of the float32 numbers that the model had. */
function bitCast(node: Node, s: Scope): readonly string[] | undefined {
  const to = attribute(node, 'to', 'int', 0)
  const x = node.inputs[0]!
  const word = s.info(x).type === 'float64' && (wordTypes.includes(to) || to === FLOAT)
  if (!word && to !== FLOAT) return undefined
  const result = s.fresh('BitCast')
  s.append({ ...node, inputs: [word ? s.op('Cast', [x], { to: int(FLOAT) }) : x], outputs: [result] })
  if (to !== FLOAT) {
    s.declare(result, { type: to === 6 ? 'int32' : 'uint32', shape: s.info(x).shape })
    return [result]
  }
  s.declare(result, { type: 'float32', shape: s.info(x).shape })
  return [s.op('Cast', [result], { to: int(DOUBLE) })]
}

/** Operators that make float32 numbers from nothing of the kind. */
function makesFloats(node: Node): boolean {
  return (
    node.domain === '' &&
    (node.opType.startsWith('Random') ||
      ['DequantizeLinear', 'MelWeightMatrix', 'TfIdfVectorizer'].includes(node.opType))
  )
}

/**
 * Does a mask, padding or a window hide keys? The engine's float64 kernel gives NaN for rows that see none, composes some
 * forms of float32 parts and does not know padding and windows.
 */
function isMasked(node: Node): boolean {
  const window = ['left_window_size', 'right_window_size'].some((name) => attribute(node, name, 'int', -1) >= 0)
  return window || Boolean(node.inputs[3]) || Boolean(node.inputs[6])
}

/** The lowering that derivatives use; what it cannot do is said of this pass. */
function lowering(node: Node, s: Scope): readonly (string | undefined)[] | undefined {
  try {
    return lowerNode(node, s)
  } catch (error) {
    if (!(error instanceof OodError)) throw error
    throw new OodError(error.code, error.message.replace(/^derivative of/, 'toFloat64 of'), { cause: error })
  }
}

/** A lowering's result, or nothing where it needs what is not known. */
function whereKnown<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof OodError && error.code === 'E_UNSUPPORTED') return undefined
    throw error
  }
}

/**
 * x sigmoid(a x) as -((-x) sigmoid(a x)): onnxruntime makes QuickGelu of the first whatever the type, and has no float64
 * kernel for it.
 */
function unfused(node: Node, s: Scope): readonly string[] | undefined {
  for (const [gate, x] of [node.inputs, node.inputs.toReversed()] as [string, string][]) {
    const sigmoid = s.producer(gate)
    if (sigmoid?.opType !== 'Sigmoid' || sigmoid.domain !== '') continue
    const inner = s.producer(sigmoid.inputs[0]!)
    const scaled = inner?.opType === 'Mul' && inner.domain === '' && inner.inputs.includes(x)
    if (sigmoid.inputs[0] === x || scaled) return [s.op('Neg', [s.op('Mul', [s.op('Neg', [x]), gate])])]
  }
  return undefined
}

/** Scales of Resize are float32 whatever the image is. */
function kept(node: Node, s: Scope): Node {
  const scales = node.inputs[2]
  if (node.opType !== 'Resize' || node.domain !== '' || !scales || s.info(scales).type !== 'float64') return node
  return { ...node, inputs: node.inputs.map((name, i) => (i === 2 ? s.op('Cast', [name], { to: int(FLOAT) }) : name)) }
}

/** The node between casts. */
function inFloat32(node: Node, s: Scope): readonly (string | undefined)[] {
  const inputs = node.inputs.map((name) =>
    name !== '' && s.info(name).type === 'float64' ? s.op('Cast', [name], { to: int(FLOAT) }) : name,
  )
  const outputs = node.outputs.map((name) => (name === '' ? '' : s.fresh(node.opType)))
  const found = inferNode({ ...node, inputs }, s.opset, s.find, s.tensor)
  s.append({ ...node, inputs, outputs })
  return outputs.map((name, i) => {
    if (name === '') return undefined
    const said = s.recorded(node.outputs[i]!)
    const type = found[i]!.type === 'other' ? said?.type : found[i]!.type
    if (type === undefined || type === 'other')
      throw new OodError(
        'E_UNSUPPORTED',
        `toFloat64: expected a known type of the outputs of ${describe(node)}, got none`,
      )
    s.declare(name, { type: type === 'float64' ? 'float32' : type, shape: found[i]!.shape ?? said?.shape })
    return type === 'float32' || type === 'float64' ? s.op('Cast', [name], { to: int(DOUBLE) }) : name
  })
}
