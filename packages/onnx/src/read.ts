// ONNX bytes -> typed view, refusing anything that is not a complete, well-ordered model.
import { mismatch, OodError } from '@ood/core'
import type { ExternalData } from './external.ts'
import { checkFunctions } from './functions.ts'
import { inOrder, type Reads, readsOf } from './order.ts'
import {
  AttributeKind,
  type AttributeProto,
  decodeModel,
  elementType,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  sources,
  type ValueInfoProto,
} from './proto.ts'
import { readSparse, readTensor } from './storage.ts'
import type { Attribute, Dim, Graph, LocalFunction, Model, Node, Tensor, ValueInfo } from './types.ts'
import { checkIrVersion, readOpsets, standardDomain } from './versions.ts'
import { checkWire, WireError } from './wire.ts'

/** How a file is read. */
export interface ReadOptions {
  /** Gives the bytes of weights stored beside the model; without it, using such weights is an error. */
  readonly external?: ExternalData | undefined
}

/** What reading a part of a model needs to know of the whole. */
interface Context {
  readonly external: ExternalData | undefined
  readonly opsets: Readonly<Record<string, number>>
  readonly reads: Reads
}

/** Values made so far in a graph, within those of the graphs around it. */
interface Scope {
  readonly names: Set<string>
  readonly outer: Scope | undefined
}

/**
 * Reads an ONNX file.
 *
 * Weights stay where they are in `bytes` (do not change it afterwards), so a file of any size opens in about a
 * millisecond. The file may come from anybody: its structure is checked before anything is decoded, nothing is
 * allocated on the word of a size field, memory is bounded by 64 MB and 40 times the file (weights cost nothing), time
 * is linear in the file. Nodes may come in any order, as some converters write them; the model has them sorted.
 *
 * @param bytes - the whole file
 * @param options - `external`: where weights outside the file come from; it is called when such a tensor is first used
 * @throws OodError `E_FILE` for anything that is not a complete ONNX model: other formats, truncated or damaged files,
 *   unknown versions, nodes that use values nobody makes or each other's (circles), values made twice, tensors whose data
 *   does not fit their shape, external data outside the model's folder, recursive local functions
 * @example
 * const model = readModel(await readFile('decode.onnx'))
 * model.graph.inputs[0] // { name: 'z', type: 'float32', shape: ['N', 784] }
 */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): Model {
  const message = decode(bytes)
  if (!message.graph || message.opsetImport.length === 0 || message.irVersion <= 0n) {
    throw mismatch(
      'E_FILE',
      'ONNX file',
      'a complete ONNX model',
      `${bytes.length} bytes without ${message.graph ? 'an operator set version' : 'a graph'}`,
    )
  }
  const context: Context = {
    external: options.external,
    opsets: readOpsets('ONNX file', message.opsetImport),
    reads: readsOf(),
  }
  const model: Model = {
    irVersion: checkIrVersion(message.irVersion),
    opsets: context.opsets,
    producer: [message.producerName, message.producerVersion].filter(Boolean).join(' '),
    metadata: Object.fromEntries(message.metadataProps.map((p) => [p.key, p.value])),
    graph: readGraph(message.graph, undefined, context),
    functions: message.functions.map((f) => readFunction(f, context)),
  }
  checkFunctions(model)
  sources.model.set(model, message)
  return model
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    checkWire(bytes)
    return decodeModel(bytes)
  } catch (cause) {
    const why = cause instanceof WireError ? `with ${cause.message}` : 'that do not decode'
    throw new OodError('E_FILE', `ONNX file: expected a complete ONNX model, got ${bytes.length} bytes ${why}`, {
      cause,
    })
  }
}

/** View of a graph; a subgraph may use what the scopes around it hold. */
function readGraph(message: GraphProto, outer: Scope | undefined, context: Context): Graph {
  const scope: Scope = { names: new Set(), outer }
  const initializers = new Map<string, Tensor>()
  for (const t of message.initializer) {
    define(scope, t.name, 'initializer')
    initializers.set(t.name, readTensor(t, `initializer ${t.name}`, context.external))
  }
  for (const s of message.sparseInitializer) {
    const name = s.values?.name ?? ''
    define(scope, name, 'initializer')
    initializers.set(name, readSparse(s, `initializer ${name}`, context.external))
  }
  // Before IR version 4 initializers had to be listed among the inputs; those are not inputs to feed.
  const inputs = message.input.filter((v) => !initializers.has(v.name)).map(readValueInfo)
  for (const input of inputs) define(scope, input.name, 'graph input')
  const nodes = readNodes(message, scope, context)
  for (const output of message.output) {
    if (!isDefined(scope, output.name)) throw mismatch('E_FILE', 'graph output', 'a value some node makes', output.name)
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

function readFunction(message: FunctionProto, { external, reads }: Context): LocalFunction {
  const what = `function ${message.domain}.${message.name}`
  if (message.name === '') throw mismatch('E_FILE', 'function', 'a name', 'none')
  const scope: Scope = { names: new Set(), outer: undefined }
  for (const name of message.input) define(scope, name, `${what} input`)
  const context: Context = { external, reads, opsets: readOpsets(what, message.opsetImport) }
  const nodes = readNodes(message, scope, context)
  for (const name of message.output) {
    if (!isDefined(scope, name)) throw mismatch('E_FILE', `${what} output`, 'a value some node makes', name)
  }
  const fn: LocalFunction = {
    name: message.name,
    domain: standardDomain(message.domain),
    overload: message.overload,
    inputs: message.input,
    outputs: message.output,
    attributes: message.attribute,
    defaults: readAttributes(message.attributeProto, what, scope, context),
    opsets: context.opsets,
    nodes,
  }
  sources.fn.set(fn, message)
  return fn
}

function define(scope: Scope, name: string, what: string): void {
  if (name === '') throw mismatch('E_FILE', what, 'a name', 'none')
  if (scope.names.has(name)) throw mismatch('E_FILE', what, 'a name no other value has', name)
  scope.names.add(name)
}

function isDefined(scope: Scope, name: string): boolean {
  for (let s: Scope | undefined = scope; s; s = s.outer) if (s.names.has(name)) return true
  return false
}

function readNodes(holder: GraphProto | FunctionProto, scope: Scope, context: Context): Node[] {
  // In the message, too, so that what is written back is in order as well.
  const sorted = inOrder(holder.node, scope.names, context.reads)
  if (sorted !== holder.node) holder.node = [...sorted]
  return holder.node.map((n) => {
    const node = readNode(n, scope, context)
    for (const input of node.inputs) {
      if (input !== '' && !isDefined(scope, input))
        throw mismatch('E_FILE', `node ${n.opType} "${n.name}"`, 'inputs that some node makes', input)
    }
    for (const output of node.outputs) if (output !== '') define(scope, output, `node ${n.opType} "${n.name}" output`)
    return node
  })
}

function readNode(message: NodeProto, scope: Scope, context: Context): Node {
  if (message.opType === '') throw mismatch('E_FILE', `node "${message.name}"`, 'an operator name', 'none')
  const what = `${message.opType} "${message.name}"`
  const domain = standardDomain(message.domain)
  if (!Object.hasOwn(context.opsets, domain))
    throw mismatch('E_FILE', `node ${what}`, 'a domain with an operator set version', domain || 'ai.onnx')
  const node: Node = {
    opType: message.opType,
    domain,
    name: message.name,
    inputs: message.input,
    outputs: message.output,
    attributes: readAttributes(message.attribute, what, scope, context),
    ...(message.overload !== '' && { overload: message.overload }),
  }
  sources.node.set(node, message)
  return node
}

function readAttributes(
  messages: readonly AttributeProto[],
  what: string,
  scope: Scope,
  context: Context,
): Record<string, Attribute> {
  const entries = new Map<string, Attribute>()
  for (const a of messages) {
    if (entries.has(a.name)) throw mismatch('E_FILE', `${what} attribute`, 'each attribute once', a.name)
    const attribute = convert(a, what, scope, context)
    sources.attribute.set(attribute, a)
    entries.set(a.name, attribute)
  }
  return Object.fromEntries(entries)
}

function convert(a: AttributeProto, what: string, scope: Scope, context: Context): Attribute {
  if (a.refAttrName !== '') return { kind: 'reference', value: a.refAttrName }
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
      return a.t
        ? { kind: 'tensor', value: readTensor(a.t, `${what} attribute ${a.name}`, context.external) }
        : { kind: 'other' }
    case AttributeKind.GRAPH:
      return a.g ? { kind: 'graph', value: readGraph(a.g, scope, context) } : { kind: 'other' }
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
      const { value } = dim
      if (value.case === 'dimValue' && value.value > MAX_SIZE)
        throw mismatch('E_FILE', `shape of ${message.name}`, 'a size that exists', value.value)
      // Some exporters write -1 for a size that is only known at run time.
      if (value.case === 'dimValue' && value.value >= 0n) return Number(value.value)
      // A nameless axis gets a name of its own, unique to value and axis, so that equal names always mean equal sizes.
      return value.case === 'dimParam' && value.value !== '' ? value.value : `${message.name}#${axis}`
    }),
  }
  sources.value.set(info, message)
  return info
}

/** Larger axes cannot be counted exactly, let alone stored. */
const MAX_SIZE = 2n ** 53n
