// The typed view of an ONNX file: plain read-only objects that every other part of the package works on.

/** Element type of a tensor, by its usual name. */
export type ElementType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float8e8m0'
  | 'float4e2m1'
  | 'int4'
  | 'uint4'
  | 'int2'
  | 'uint2'
  | 'other'

/**
 * Storage of a tensor's numbers: float16 and bfloat16 as raw 16-bit words, bool as 0/1 bytes, 8-bit floats as raw bytes,
 * 4-bit and 2-bit types as bytes of two and four numbers (the first in the lowest bits). `tensorNumbers` decodes all of them.
 */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array

/** One axis: a size, or the name of a size that is only known at run time. */
export type Dim = number | string

/** A constant tensor. `data` is decoded on first use and shares the file's memory where alignment allows. */
export interface Tensor {
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly data: TypedArray
}

/** A node attribute. `other` stands for kinds the package passes on untouched. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  /** In the body of a local function: the value of the function's attribute of that name. */
  | { readonly kind: 'reference'; readonly value: string }
  | { readonly kind: 'other' }

/** One operator application. An empty input or output name means "left out". */
export interface Node {
  readonly opType: string
  /** '' is the standard ONNX domain. */
  readonly domain: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
  /** Which of several local functions of one name is called; absent for the unnamed one. */
  readonly overload?: string
}

/** Name, element type and shape of a value; `shape` is undefined when not even the rank is known. */
export interface ValueInfo {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly Dim[] | undefined
}

/** A graph: nodes in an order where every value is made before it is used. */
export interface Graph {
  readonly name: string
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly nodes: readonly Node[]
  readonly initializers: ReadonlyMap<string, Tensor>
  /** Shapes the exporter recorded for inner values; may be empty. */
  readonly valueInfo: ReadonlyMap<string, ValueInfo>
}

/** A function stored in the model: an operator given by nodes. */
export interface LocalFunction {
  readonly name: string
  readonly domain: string
  /** Tells functions of one name apart; usually ''. */
  readonly overload: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Attributes a call must give. */
  readonly attributes: readonly string[]
  /** Attributes a call may leave out, with their values then. */
  readonly defaults: Readonly<Record<string, Attribute>>
  readonly opsets: Readonly<Record<string, number>>
  readonly nodes: readonly Node[]
}

/** An ONNX model. */
export interface Model {
  readonly irVersion: number
  /** Operator-set version per domain; '' is the standard one. */
  readonly opsets: Readonly<Record<string, number>>
  readonly producer: string
  readonly metadata: Readonly<Record<string, string>>
  readonly graph: Graph
  /** Local functions: operators that nodes call by domain and name. */
  readonly functions: readonly LocalFunction[]
}
