// Messages -> file, as a list of pieces in which weights are views: nothing large is copied until someone joins them.
import { mismatch } from '@ood/core'
import {
  encodeMessage,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from './proto.ts'

/** Largest protobuf message: sizes are 32-bit signed in every other implementation. */
const LARGEST_FILE = 2 ** 31 - 1

/** Raw data of at least this size is passed on as a view. */
const VIEW_FROM = 1024

const GRAPH = 7
const INITIALIZER = 5
const RAW_DATA = 9

/** A file, or a part of one, as consecutive pieces. */
export interface Pieces {
  readonly chunks: readonly Uint8Array[]
  /** Bytes of all pieces together. */
  readonly size: number
}

interface Growing extends Pieces {
  readonly chunks: Uint8Array[]
  size: number
}

/**
 * The bytes of a model file, in order, in pieces.
 *
 * @throws OodError `E_UNSUPPORTED` for more than 2 GB, which no protobuf reader takes
 */
export function encodePieces(model: ModelProto): Pieces {
  const graph = modelGraph(model)
  const out: Growing = { chunks: [], size: 0 }
  // Fields are written in the order of their numbers, as every encoder does.
  add(
    out,
    encodeMessage(ModelProtoSchema, { ...blank(model, ModelProtoSchema.fields, (n) => n < GRAPH), $unknown: [] }),
  )
  if (graph) append(out, GRAPH, graph)
  add(
    out,
    encodeMessage(
      ModelProtoSchema,
      blank(model, ModelProtoSchema.fields, (n) => n > GRAPH),
    ),
  )
  if (out.size > LARGEST_FILE)
    throw mismatch(
      'E_UNSUPPORTED',
      'ONNX file',
      'at most 2 GB, the limit of the format (write weights to an external file: writeExternal, or saveModel with ' +
        'externalThreshold)',
      `${out.size} bytes`,
    )
  return out
}

/** One buffer of all pieces: the only copy of the weights. */
export function join({ chunks, size }: Pieces): Uint8Array {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

function modelGraph({ graph }: ModelProto): Pieces | undefined {
  if (!graph) return undefined
  const out: Growing = { chunks: [], size: 0 }
  const { fields } = GraphProtoSchema
  add(out, encodeMessage(GraphProtoSchema, { ...blank(graph, fields, (n) => n < INITIALIZER), $unknown: [] }))
  for (const tensor of graph.initializer) append(out, INITIALIZER, tensorPieces(tensor))
  add(
    out,
    encodeMessage(
      GraphProtoSchema,
      blank<GraphProto>(graph, fields, (n) => n > INITIALIZER),
    ),
  )
  return out
}

function tensorPieces(tensor: TensorProto): Pieces {
  const out: Growing = { chunks: [], size: 0 }
  if (tensor.rawData.length < VIEW_FROM) {
    add(out, encodeMessage(TensorProtoSchema, tensor))
    return out
  }
  const { fields } = TensorProtoSchema
  add(out, encodeMessage(TensorProtoSchema, { ...blank(tensor, fields, (n) => n < RAW_DATA), $unknown: [] }))
  append(out, RAW_DATA, { chunks: [tensor.rawData], size: tensor.rawData.length })
  add(
    out,
    encodeMessage(
      TensorProtoSchema,
      blank(tensor, fields, (n) => n > RAW_DATA),
    ),
  )
  return out
}

/** A message with only the fields whose number is wanted; the others are as if never set. */
function blank<M extends object>(
  message: M,
  fields: readonly { readonly number: number; readonly localName: string; readonly fieldKind: string }[],
  wanted: (number: number) => boolean,
): M {
  const copy = Object.create(Object.getPrototypeOf(message) as object) as Record<string, unknown>
  Object.assign(copy, message)
  for (const { number, localName, fieldKind } of fields) {
    if (wanted(number)) continue
    if (fieldKind === 'list') copy[localName] = []
    else delete copy[localName]
  }
  return copy as M
}

function add(out: Growing, chunk: Uint8Array): void {
  if (chunk.length === 0) return
  out.chunks.push(chunk)
  out.size += chunk.length
}

/** Adds a length-delimited field. */
function append(out: Growing, number: number, field: Pieces): void {
  add(out, new Uint8Array([(number << 3) | 2, ...varint(field.size)]))
  for (const chunk of field.chunks) out.chunks.push(chunk)
  out.size += field.size
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return bytes
}
