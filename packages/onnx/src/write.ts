// Typed view -> ONNX bytes. Whatever was read from a file and not changed is written back as it was.

import { encodePieces, join, type Pieces } from './encode.ts'
import { checkLocation } from './external.ts'
import {
  AttributeKind,
  type AttributeProto,
  AttributeProtoSchema,
  create,
  createModel,
  DataLocation,
  elementNumber,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  sources,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
  withFields,
} from './proto.ts'
import { bytesOf, isExternal, writeInline, writeTensor } from './storage.ts'
import { toInt64 } from './tensors.ts'
import type { Attribute, Graph, LocalFunction, Model, Node, Tensor, ValueInfo } from './types.ts'

/** How a model is written. */
export interface WriteOptions {
  /** Brings weights of external files into the file (default: they stay where they are, named as before). */
  readonly inline?: boolean | undefined
}

/**
 * Writes a model as an ONNX file.
 *
 * A model straight from `readModel` gives the bytes of any encoder that writes fields in order, unknown fields
 * included. Weights are copied once, into the result.
 *
 * @throws OodError `E_UNSUPPORTED` for more than 2 GB, the limit of the format: see `writeExternal`
 * @example
 * await writeFile('decode_jvp.onnx', writeModel(jvp(readModel(bytes), { wrt: ['z'] })))
 */
export function writeModel(model: Model, options: WriteOptions = {}): Uint8Array {
  return join(modelPieces(model, options))
}

/** The bytes of a model file as a list of pieces in which weights are views. */
export function modelPieces(model: Model, options: WriteOptions): Pieces {
  const source = sources.model.get(model)
  const inline =
    options.inline === true && (hasOutside(model.graph) || model.functions.some((f) => f.nodes.some(nodeHasOutside)))
  if (source && !inline) return encodePieces(source)
  return encodePieces(modelMessage(model, inline ? writeInline : writeTensor))
}

/** A model in two files. */
export interface ExternalFiles {
  /** The model file, in order; weights are views. */
  readonly model: Pieces
  /** The weights file, in order, padding included; weights are views. */
  readonly data: Pieces
}

/** Offsets of weights: a page, so that runtimes can map the file; small ones a cache line. */
const PAGE = 4096
const LINE = 64

/**
 * A model with its large weights in a second file, as the format has it for models over 2 GB. Nothing is copied: the
 * result is lists of pieces to be written one after another. Weights already external are brought along.
 *
 * @param options - `location`: name of the second file, relative to the first. `threshold`: smallest tensor, in bytes,
 *   that goes there (default 1024)
 * @throws OodError `E_FILE` for a location outside the model's folder, `E_UNSUPPORTED` when what stays exceeds 2 GB
 * @example
 * const { model, data } = writeExternal(big, { location: 'big.onnx.data' })
 * for (const chunk of data.chunks) stream.write(chunk)
 */
export function writeExternal(model: Model, options: { location: string; threshold?: number }): ExternalFiles {
  const location = checkLocation(options.location, 'writeExternal')
  const threshold = options.threshold ?? 1024
  const chunks: Uint8Array[] = []
  let size = 0
  const put = (name: string, tensor: Tensor): TensorProto => {
    const inline = writeInline(name, tensor)
    const raw =
      inline.rawData.length > 0 || tensor.type === 'string' || tensor.type === 'other'
        ? inline.rawData
        : bytesOf(tensor.data)
    if (raw.length < Math.max(threshold, 1)) return inline
    const align = raw.length >= 2 ** 20 ? PAGE : LINE
    const padding = (align - (size % align)) % align
    if (padding > 0) chunks.push(new Uint8Array(padding))
    const offset = size + padding
    chunks.push(raw)
    size = offset + raw.length
    return withFields(inline, {
      rawData: new Uint8Array(0),
      floatData: [],
      doubleData: [],
      int32Data: [],
      int64Data: [],
      uint64Data: [],
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries({ location, offset, length: raw.length }).map(([key, value]) => ({
        $typeName: 'onnx.StringStringEntryProto' as const,
        key,
        value: String(value),
      })),
    })
  }
  return { model: encodePieces(modelMessage(model, put)), data: { chunks, size } }
}

/** A model with another graph that keeps everything else of `model`. */
export function withGraph(model: Model, graph: Graph): Model {
  const derived: Model = { ...model, graph }
  const base = sources.model.get(model) ?? sources.base.get(model)
  if (base) sources.base.set(derived, base)
  keepBase(graph, model.graph)
  return derived
}

/** Lets a changed graph keep the parts of the file's graph that the view does not show: notes, unknown fields. */
export function keepBase(graph: Graph, from: Graph): void {
  const base = sources.graph.get(from) ?? sources.graphBase.get(from)
  if (base && !sources.graph.has(graph)) sources.graphBase.set(graph, base)
}

/** Does a graph use weights of other files? */
function hasOutside(graph: Graph): boolean {
  return [...graph.initializers.values()].some(isExternal) || graph.nodes.some(nodeHasOutside)
}

function nodeHasOutside(node: Node): boolean {
  return Object.values(node.attributes).some((a) => {
    if (a.kind === 'tensor') return isExternal(a.value)
    return a.kind === 'graph' && hasOutside(a.value)
  })
}

type TensorWriter = (name: string, tensor: Tensor) => TensorProto

function modelMessage(model: Model, tensor: TensorWriter): ModelProto {
  const base = sources.model.get(model) ?? sources.base.get(model)
  const functions = model.functions.map((f) => functionMessage(f, tensor))
  if (sources.model.has(model)) return withFields(base!, { functions, graph: graphMessage(model.graph, tensor) })
  const [producerName = '', ...version] = model.producer.split(' ')
  const message = createModel({
    ...(base && { domain: base.domain, modelVersion: base.modelVersion, docString: base.docString }),
    ...(base && { trainingInfo: base.trainingInfo, configuration: base.configuration }),
    functions,
    irVersion: BigInt(model.irVersion),
    opsetImport: opsetMessages(model.opsets),
    producerName,
    producerVersion: version.join(' '),
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({
      $typeName: 'onnx.StringStringEntryProto',
      key,
      value,
    })),
    graph: graphMessage(model.graph, tensor),
  })
  if (base?.$unknown) message.$unknown = base.$unknown
  return message
}

function opsetMessages(opsets: Readonly<Record<string, number>>): ModelProto['opsetImport'] {
  return Object.entries(opsets).map(([domain, version]) => ({
    $typeName: 'onnx.OperatorSetIdProto',
    domain,
    version: BigInt(version),
  }))
}

/** `tensor` writes the graph's own initializers; subgraphs and attributes keep theirs, external ones brought in. */
function graphMessage(graph: Graph, tensor: TensorWriter): GraphProto {
  const source = sources.graph.get(graph)
  if (source && tensor === writeTensor) return source
  const base = source ?? sources.graphBase.get(graph)
  const names = new Set(graph.initializers.keys())
  const message = create(GraphProtoSchema, {
    ...(base && { docString: base.docString, metadataProps: base.metadataProps }),
    ...(base && { quantizationAnnotation: base.quantizationAnnotation.filter((q) => names.has(q.tensorName)) }),
    name: graph.name,
    node: graph.nodes.map((node) => nodeMessage(node, tensor)),
    initializer: [...graph.initializers].map(([name, value]) => tensor(name, value)),
    input: source ? source.input : graph.inputs.map(valueMessage),
    output: graph.outputs.map(valueMessage),
    valueInfo: [...graph.valueInfo.values()].map(valueMessage),
  })
  if (base?.$unknown) message.$unknown = base.$unknown
  return message
}

function functionMessage(f: LocalFunction, tensor: TensorWriter): FunctionProto {
  const source = sources.fn.get(f)
  if (source && !(tensor !== writeTensor && f.nodes.some(nodeHasOutside))) return source
  return create(FunctionProtoSchema, {
    ...(source && { docString: source.docString, metadataProps: source.metadataProps, valueInfo: source.valueInfo }),
    name: f.name,
    domain: f.domain,
    overload: f.overload,
    input: [...f.inputs],
    output: [...f.outputs],
    attribute: [...f.attributes],
    attributeProto: Object.entries(f.defaults).map(([name, value]) => attributeMessage(name, value, tensor)),
    opsetImport: opsetMessages(f.opsets),
    node: f.nodes.map((node) => nodeMessage(node, tensor)),
  })
}

function nodeMessage(node: Node, tensor: TensorWriter): NodeProto {
  const source = sources.node.get(node)
  const outside = tensor !== writeTensor && nodeHasOutside(node)
  if (source && !outside) return source
  const message = create(NodeProtoSchema, {
    ...(source && { docString: source.docString, metadataProps: source.metadataProps }),
    ...(source && { deviceConfigurations: source.deviceConfigurations }),
    opType: node.opType,
    domain: node.domain,
    name: node.name,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, value]) => attributeMessage(name, value, tensor)),
    ...(node.overload && { overload: node.overload }),
  })
  if (source?.$unknown) message.$unknown = source.$unknown
  return message
}

function attributeMessage(name: string, a: Attribute, tensor: TensorWriter): AttributeProto {
  const source = sources.attribute.get(a)
  const outside =
    tensor !== writeTensor &&
    ((a.kind === 'tensor' && isExternal(a.value)) || (a.kind === 'graph' && hasOutside(a.value)))
  if (source && !outside) return source.name === name ? source : withFields(source, { name })
  const encode = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value)
  const inner = outside ? writeInline : writeTensor
  switch (a.kind) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: AttributeKind.INT, i: toInt64(a.value) })
    case 'float':
      return create(AttributeProtoSchema, { name, type: AttributeKind.FLOAT, f: a.value })
    case 'string':
      return create(AttributeProtoSchema, { name, type: AttributeKind.STRING, s: encode(a.value) })
    case 'ints':
      return create(AttributeProtoSchema, { name, type: AttributeKind.INTS, ints: a.value.map(toInt64) })
    case 'floats':
      return create(AttributeProtoSchema, { name, type: AttributeKind.FLOATS, floats: [...a.value] })
    case 'strings':
      return create(AttributeProtoSchema, { name, type: AttributeKind.STRINGS, strings: a.value.map(encode) })
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: AttributeKind.TENSOR, t: inner('', a.value) })
    case 'graph':
      return create(AttributeProtoSchema, { name, type: AttributeKind.GRAPH, g: graphMessage(a.value, inner) })
    case 'reference':
      return create(AttributeProtoSchema, { name, refAttrName: a.value })
    case 'other':
      return create(AttributeProtoSchema, { name })
  }
}

/** One size of a shape. A size inferred from damaged constants that is no whole number is left unknown. */
function dimension(dim: number | string) {
  if (typeof dim === 'string') return { case: 'dimParam' as const, value: dim }
  if (!Number.isSafeInteger(dim)) return { case: undefined }
  return { case: 'dimValue' as const, value: BigInt(dim) }
}

function valueMessage(info: ValueInfo): ValueInfoProto {
  const source = sources.value.get(info)
  if (source) return source
  if (info.type === 'other') return create(ValueInfoProtoSchema, { name: info.name })
  return create(ValueInfoProtoSchema, {
    name: info.name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: elementNumber(info.type),
          ...(info.shape && {
            shape: {
              dim: info.shape.map((dim) => ({
                value: dimension(dim),
              })),
            },
          }),
        },
      },
    },
  })
}
