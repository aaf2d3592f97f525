// The only file that imports generated ONNX messages; should the message package fall behind, only this one changes.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import type { Attribute, ElementType, Graph, Model, Node, Tensor, ValueInfo } from './types.ts'

export type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto }
export {
  AttributeProto_AttributeType as AttributeKind,
  AttributeProtoSchema,
  create,
  GraphProtoSchema,
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

/** Encodes a whole file. */
export function encodeModel(message: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, message)
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
  /** The message of the model a model was derived from: functions, model version and the like are taken over. */
  readonly base: WeakMap<Model, ModelProto>
  readonly model: WeakMap<Model, ModelProto>
  readonly graph: WeakMap<Graph, GraphProto>
  readonly node: WeakMap<Node, NodeProto>
  readonly tensor: WeakMap<Tensor, TensorProto>
  readonly value: WeakMap<ValueInfo, ValueInfoProto>
  readonly attribute: WeakMap<Attribute, AttributeProto>
} = {
  base: new WeakMap(),
  model: new WeakMap(),
  graph: new WeakMap(),
  node: new WeakMap(),
  tensor: new WeakMap(),
  value: new WeakMap(),
  attribute: new WeakMap(),
}
