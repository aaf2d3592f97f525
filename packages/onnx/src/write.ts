// Typed view -> ONNX bytes. Whatever was read from a file and not changed is written back as it was.
import {
  AttributeKind,
  type AttributeProto,
  AttributeProtoSchema,
  create,
  createModel,
  elementNumber,
  encodeModel,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  sources,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './proto.ts'
import { writeTensor } from './tensors.ts'
import type { Attribute, Graph, Model, Node, ValueInfo } from './types.ts'

/**
 * Writes a model as an ONNX file.
 *
 * A model straight from `readModel` gives the bytes of any encoder that writes fields in order, unknown fields
 * included. Weights that came from a file are not copied before the final buffer.
 *
 * @example
 * await writeFile('decode_jvp.onnx', writeModel(jvp(readModel(bytes), { wrt: ['z'] })))
 */
export function writeModel(model: Model): Uint8Array {
  return encodeModel(modelMessage(model))
}

/** A model with another graph that keeps everything else of `model`. */
export function withGraph(model: Model, graph: Graph): Model {
  const derived: Model = { ...model, graph }
  const base = sources.model.get(model) ?? sources.base.get(model)
  if (base) sources.base.set(derived, base)
  return derived
}

function modelMessage(model: Model): ModelProto {
  const source = sources.model.get(model)
  if (source) return source
  const base = sources.base.get(model)
  const [producerName = '', ...version] = model.producer.split(' ')
  return createModel({
    ...(base && { domain: base.domain, modelVersion: base.modelVersion, docString: base.docString }),
    ...(base && { functions: base.functions }),
    irVersion: BigInt(model.irVersion),
    opsetImport: Object.entries(model.opsets).map(([domain, version]) => ({
      $typeName: 'onnx.OperatorSetIdProto',
      domain,
      version: BigInt(version),
    })),
    producerName,
    producerVersion: version.join(' '),
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({
      $typeName: 'onnx.StringStringEntryProto',
      key,
      value,
    })),
    graph: graphMessage(model.graph),
  })
}

function graphMessage(graph: Graph): GraphProto {
  const source = sources.graph.get(graph)
  if (source) return source
  return create(GraphProtoSchema, {
    name: graph.name,
    node: graph.nodes.map(nodeMessage),
    initializer: [...graph.initializers].map(([name, tensor]) => writeTensor(name, tensor)),
    input: graph.inputs.map(valueMessage),
    output: graph.outputs.map(valueMessage),
    valueInfo: [...graph.valueInfo.values()].map(valueMessage),
  })
}

function nodeMessage(node: Node): NodeProto {
  return (
    sources.node.get(node) ??
    create(NodeProtoSchema, {
      opType: node.opType,
      domain: node.domain,
      name: node.name,
      input: [...node.inputs],
      output: [...node.outputs],
      attribute: Object.entries(node.attributes).map(([name, value]) => attributeMessage(name, value)),
    })
  )
}

function attributeMessage(name: string, a: Attribute): AttributeProto {
  const source = sources.attribute.get(a)
  if (source) return source.name === name ? source : { ...source, name }
  const encode = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value)
  switch (a.kind) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: AttributeKind.INT, i: BigInt(a.value) })
    case 'float':
      return create(AttributeProtoSchema, { name, type: AttributeKind.FLOAT, f: a.value })
    case 'string':
      return create(AttributeProtoSchema, { name, type: AttributeKind.STRING, s: encode(a.value) })
    case 'ints':
      return create(AttributeProtoSchema, { name, type: AttributeKind.INTS, ints: a.value.map(BigInt) })
    case 'floats':
      return create(AttributeProtoSchema, { name, type: AttributeKind.FLOATS, floats: [...a.value] })
    case 'strings':
      return create(AttributeProtoSchema, { name, type: AttributeKind.STRINGS, strings: a.value.map(encode) })
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: AttributeKind.TENSOR, t: writeTensor('', a.value) })
    case 'graph':
      return create(AttributeProtoSchema, { name, type: AttributeKind.GRAPH, g: graphMessage(a.value) })
    case 'other':
      return create(AttributeProtoSchema, { name })
  }
}

function valueMessage(info: ValueInfo): ValueInfoProto {
  const source = sources.value.get(info)
  if (source) return source
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
                value:
                  typeof dim === 'number'
                    ? { case: 'dimValue' as const, value: BigInt(dim) }
                    : { case: 'dimParam' as const, value: dim },
              })),
            },
          }),
        },
      },
    },
  })
}
