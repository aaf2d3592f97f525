// ONNX bytes -> typed view, refusing anything that is not a complete, well-ordered model.
import { mismatch, OodError } from '@ood/core'
import {
  AttributeKind,
  type AttributeProto,
  decodeModel,
  elementType,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  sources,
  type ValueInfoProto,
} from './proto.ts'
import { readTensor } from './tensors.ts'
import type { Attribute, Dim, Graph, Model, Node, Tensor, ValueInfo } from './types.ts'

/**
 * Reads an ONNX file.
 *
 * Weights stay where they are in `bytes` (do not change it afterwards), so a file of any size opens in about a
 * millisecond. Nothing is allocated on the word of a size field.
 *
 * @param bytes - the whole file
 * @throws OodError `E_FILE` for anything that is not a complete ONNX model: other formats, truncated or damaged files,
 *   nodes that use values nobody makes
 * @example
 * const model = readModel(await readFile('decode.onnx'))
 * model.graph.inputs[0] // { name: 'z', type: 'float32', shape: ['N', 784] }
 */
export function readModel(bytes: Uint8Array): Model {
  let message: ModelProto
  try {
    message = decodeModel(bytes)
  } catch (cause) {
    throw new OodError(
      'E_FILE',
      `ONNX file: expected a complete ONNX model, got ${bytes.length} bytes that do not decode`,
      {
        cause,
      },
    )
  }
  if (!message.graph || message.opsetImport.length === 0 || message.irVersion <= 0n) {
    throw mismatch(
      'E_FILE',
      'ONNX file',
      'a complete ONNX model',
      `${bytes.length} bytes without ${message.graph ? 'an operator set version' : 'a graph'}`,
    )
  }
  const model: Model = {
    irVersion: Number(message.irVersion),
    opsets: Object.fromEntries(message.opsetImport.map((o) => [standardDomain(o.domain), Number(o.version)])),
    producer: [message.producerName, message.producerVersion].filter(Boolean).join(' '),
    metadata: Object.fromEntries(message.metadataProps.map((p) => [p.key, p.value])),
    graph: readGraph(message.graph, new Set()),
  }
  sources.model.set(model, message)
  return model
}

/** View of a graph. `outer` holds the values a subgraph may use from around it. */
function readGraph(message: GraphProto, outer: ReadonlySet<string>): Graph {
  const defined = new Set(outer)
  const initializers = new Map<string, Tensor>()
  for (const t of message.initializer) {
    initializers.set(t.name, readTensor(t, `initializer ${t.name}`))
    defined.add(t.name)
  }
  for (const s of message.sparseInitializer) if (s.values) defined.add(s.values.name)
  // Before IR version 4 initializers had to be listed among the inputs; those are not inputs to feed.
  const inputs = message.input.filter((v) => !initializers.has(v.name)).map(readValueInfo)
  for (const input of inputs) defined.add(input.name)
  const nodes: Node[] = []
  for (const n of message.node) {
    const node = readNode(n, defined)
    for (const input of node.inputs) {
      if (input !== '' && !defined.has(input))
        throw mismatch('E_FILE', `node ${n.opType} "${n.name}"`, 'inputs made by earlier nodes', input)
    }
    for (const output of node.outputs) if (output !== '') defined.add(output)
    nodes.push(node)
  }
  for (const output of message.output) {
    if (!defined.has(output.name)) throw mismatch('E_FILE', 'graph output', 'a value some node makes', output.name)
  }
  const graph: Graph = {
    name: message.name,
    inputs,
    outputs: message.output.map(readValueInfo),
    nodes,
    initializers,
    valueInfo: new Map(message.valueInfo.map((v) => [v.name, readValueInfo(v)])),
  }
  sources.graph.set(graph, message)
  return graph
}

function readNode(message: NodeProto, defined: ReadonlySet<string>): Node {
  if (message.opType === '') throw mismatch('E_FILE', `node "${message.name}"`, 'an operator name', 'none')
  const node: Node = {
    opType: message.opType,
    domain: standardDomain(message.domain),
    name: message.name,
    inputs: message.input,
    outputs: message.output,
    attributes: Object.fromEntries(
      message.attribute.map((a) => [a.name, readAttribute(a, `${message.opType} "${message.name}"`, defined)]),
    ),
  }
  sources.node.set(node, message)
  return node
}

function readAttribute(a: AttributeProto, what: string, defined: ReadonlySet<string>): Attribute {
  const attribute = convert(a, what, defined)
  sources.attribute.set(attribute, a)
  return attribute
}

function convert(a: AttributeProto, what: string, defined: ReadonlySet<string>): Attribute {
  const decoder = new TextDecoder()
  switch (a.type) {
    case AttributeKind.INT:
      return { kind: 'int', value: Number(a.i) }
    case AttributeKind.FLOAT:
      return { kind: 'float', value: a.f }
    case AttributeKind.STRING:
      return { kind: 'string', value: decoder.decode(a.s) }
    case AttributeKind.INTS:
      return { kind: 'ints', value: a.ints.map(Number) }
    case AttributeKind.FLOATS:
      return { kind: 'floats', value: a.floats }
    case AttributeKind.STRINGS:
      return { kind: 'strings', value: a.strings.map((s) => decoder.decode(s)) }
    case AttributeKind.TENSOR:
      return a.t ? { kind: 'tensor', value: readTensor(a.t, `${what} attribute ${a.name}`) } : { kind: 'other' }
    case AttributeKind.GRAPH:
      return a.g ? { kind: 'graph', value: readGraph(a.g, defined) } : { kind: 'other' }
    default:
      return { kind: 'other' }
  }
}

function readValueInfo(message: ValueInfoProto): ValueInfo {
  const type = message.type?.value
  const tensor = type?.case === 'tensorType' ? type.value : undefined
  const info: ValueInfo = {
    name: message.name,
    type: tensor ? elementType(tensor.elemType) : 'other',
    shape: tensor?.shape?.dim.map((dim, axis): Dim => {
      if (dim.value.case === 'dimValue') return Number(dim.value.value)
      // A nameless axis gets a name of its own, unique to value and axis, so that equal names always mean equal sizes.
      return dim.value.case === 'dimParam' && dim.value.value !== '' ? dim.value.value : `${message.name}#${axis}`
    }),
  }
  sources.value.set(info, message)
  return info
}

function standardDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain
}
