// The only file that imports generated ONNX messages; should the message package fall behind, only this one changes.
import { create, type DescMessage, fromBinary, type MessageShape, ScalarType, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type SparseTensorProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import type { Attribute, ElementType, Graph, LocalFunction, Model, Node, Tensor, ValueInfo } from './types.ts'

export type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
  ValueInfoProto,
}
export {
  AttributeProto_AttributeType as AttributeKind,
  AttributeProtoSchema,
  create,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
}

/** Element types by their number in the file. */
const names: Readonly<Record<number, ElementType>> = {
  [TensorProto_DataType.FLOAT]: 'float32',
  [TensorProto_DataType.DOUBLE]: 'float64',
  [TensorProto_DataType.FLOAT16]: 'float16',
  [TensorProto_DataType.BFLOAT16]: 'bfloat16',
  [TensorProto_DataType.INT8]: 'int8',
  [TensorProto_DataType.INT16]: 'int16',
  [TensorProto_DataType.INT32]: 'int32',
  [TensorProto_DataType.INT64]: 'int64',
  [TensorProto_DataType.UINT8]: 'uint8',
  [TensorProto_DataType.UINT16]: 'uint16',
  [TensorProto_DataType.UINT32]: 'uint32',
  [TensorProto_DataType.UINT64]: 'uint64',
  [TensorProto_DataType.BOOL]: 'bool',
  [TensorProto_DataType.STRING]: 'string',
  [TensorProto_DataType.FLOAT8E4M3FN]: 'float8e4m3fn',
  [TensorProto_DataType.FLOAT8E4M3FNUZ]: 'float8e4m3fnuz',
  [TensorProto_DataType.FLOAT8E5M2]: 'float8e5m2',
  [TensorProto_DataType.FLOAT8E5M2FNUZ]: 'float8e5m2fnuz',
  [TensorProto_DataType.UINT4]: 'uint4',
  [TensorProto_DataType.INT4]: 'int4',
  [TensorProto_DataType.FLOAT4E2M1]: 'float4e2m1',
  [TensorProto_DataType.FLOAT8E8M0]: 'float8e8m0',
  [TensorProto_DataType.INT2]: 'int2',
  [TensorProto_DataType.UINT2]: 'uint2',
}
const numbers = new Map(Object.entries(names).map(([number, name]) => [name, Number(number)]))

/** Name of an element type number; kinds without a JavaScript array are 'other'. */
export function elementType(number: number): ElementType {
  return names[number] ?? 'other'
}

/** Number of an element type in the file; 0 (undefined) for 'other'. */
export function elementNumber(type: ElementType): number {
  return numbers.get(type) ?? 0
}

/** Decodes a whole file; throws whatever the wire reader throws. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return fromBinary(ModelProtoSchema, bytes)
}

/** Encodes one message of any kind. */
export function encodeMessage<S extends DescMessage>(schema: S, message: MessageShape<S>): Uint8Array {
  return toBinary(schema, message)
}

/** A copy of a message with some fields changed. Not a spread: defaults live in a message's prototype. */
export function withFields<M extends object>(message: M, fields: Partial<M>): M {
  return Object.assign(Object.create(Object.getPrototypeOf(message) as object) as M, message, fields)
}

/** A message type, as far as the check of a file's structure needs it. */
export interface Descriptor {
  readonly fields: readonly DescriptorField[]
}
interface DescriptorField {
  readonly number: number
  /** Type of the message the field holds, if it holds messages. */
  readonly message: Descriptor | undefined
  /** Bytes of a number in the file; undefined for text and bytes. */
  readonly itemBytes: number | 'varint' | undefined
  /** Decoded to a bigint? */
  readonly wide: boolean
  readonly list: boolean
}

/** Type of a whole file. */
export const modelDescriptor: Descriptor = describeMessage(ModelProtoSchema, new Map())

function describeMessage(schema: DescMessage, known: Map<DescMessage, Descriptor>): Descriptor {
  const found = known.get(schema)
  if (found) return found
  const fields: DescriptorField[] = []
  known.set(schema, { fields })
  for (const field of schema.fields) {
    const scalar = field.fieldKind === 'scalar' || field.fieldKind === 'list' ? field.scalar : undefined
    const message = field.fieldKind === 'message' || field.fieldKind === 'list' ? field.message : undefined
    fields.push({
      number: field.number,
      message: message && describeMessage(message, known),
      itemBytes: itemBytes(scalar),
      wide: scalar === ScalarType.INT64 || scalar === ScalarType.UINT64,
      list: field.fieldKind === 'list',
    })
  }
  return known.get(schema)!
}

function itemBytes(scalar: ScalarType | undefined): number | 'varint' | undefined {
  if (scalar === ScalarType.STRING || scalar === ScalarType.BYTES) return undefined
  if (scalar === ScalarType.FLOAT) return 4
  if (scalar === ScalarType.DOUBLE) return 8
  return 'varint'
}

/** A new model message. */
export function createModel(init: Partial<ModelProto>): ModelProto {
  return create(ModelProtoSchema, init as Omit<ModelProto, '$typeName'>)
}

/**
 * The message each view object was read from. Views are read-only, so writing reuses the message: weights are not
 * copied, and fields this package does not know survive.
 */
export const sources: {
  /** The message of the model a model was derived from: model version, unknown fields and the like are taken over. */
  readonly base: WeakMap<Model, ModelProto>
  /** The message of the graph a graph was derived from. */
  readonly graphBase: WeakMap<Graph, GraphProto>
  readonly model: WeakMap<Model, ModelProto>
  readonly graph: WeakMap<Graph, GraphProto>
  readonly fn: WeakMap<LocalFunction, FunctionProto>
  readonly node: WeakMap<Node, NodeProto>
  readonly tensor: WeakMap<Tensor, TensorProto>
  readonly value: WeakMap<ValueInfo, ValueInfoProto>
  readonly attribute: WeakMap<Attribute, AttributeProto>
} = {
  base: new WeakMap(),
  graphBase: new WeakMap(),
  model: new WeakMap(),
  graph: new WeakMap(),
  fn: new WeakMap(),
  node: new WeakMap(),
  tensor: new WeakMap(),
  value: new WeakMap(),
  attribute: new WeakMap(),
}
