// Finds the logits of a classifier's graph and the linear layer that makes them, by structure or by name.
import { mismatch, OodError, unknownName } from '@ood/core'
import {
  type Attribute,
  type Dim,
  type GraphBuilder,
  graphBuilder,
  type Model,
  type Node,
  type Tensor,
  tensorNumbers,
} from '@ood/onnx'

/** Where logits and features are in a graph. */
export interface Head {
  /** Name of the input that takes rows. */
  readonly input: string
  readonly logits: string
  readonly features: string
  readonly classes: number
  readonly dimension: number
  /** W [classes, dimension] row-major and b, where the logits are linear in the features. */
  readonly linear?: { readonly weight: Float64Array; readonly bias: Float64Array }
}

/** What a caller knows. */
export interface HeadNames {
  input?: string | undefined
  logits?: string | undefined
  features?: string | undefined
}

/** Operators that pass every number on, or turn logits into probabilities: the logits are what they are given. */
const PASSES = new Set([
  'Softmax',
  'LogSoftmax',
  'Identity',
  'Cast',
  'Dropout',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
])

/**
 * Finds logits and features. The logits are the output named, the output called `logits`, or the only output that can be
 * [N, classes]; a softmax at the end is stepped over. The features are the value named, an output called `features`, or
 * what the linear layer before the logits (Gemm, or MatMul by a constant with or without a bias) is given.
 *
 * @throws OodError `E_UNSUPPORTED` naming what was found and which option says where to look
 */
export function findHead(what: string, model: Model, names: HeadNames): Head {
  const g = graphBuilder({ from: model })
  const makers = new Map(model.graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const values = new Set([...makers.keys(), ...model.graph.inputs.map(({ name }) => name)])
  for (const [option, name] of Object.entries(names))
    if (name !== undefined && option !== 'input' && !values.has(name))
      throw unknownName(`${what} ${option}`, name, [...values])
  const input = inputOf(what, model, names.input)
  const output = names.logits ?? outputOf(what, model, g, names.features)
  const logits = names.logits ?? beforeSoftmax(output, makers, g)
  const linear = linearLayer(logits, makers, g)
  const given = names.features ?? (model.graph.outputs.some(({ name }) => name === 'features') ? 'features' : undefined)
  const features = given ?? linear?.features
  if (features === undefined) {
    const last = makers.get(logits)
    throw new OodError(
      'E_UNSUPPORTED',
      `${what}: expected a linear layer (Gemm, or MatMul by a constant) that gives ${logits}, got ${last?.opType ?? 'an input'} (pass features: a value of the graph, or logits: another output)`,
    )
  }
  const classes = width(what, g, logits, 'logits')
  const dimension = width(what, g, features, 'features')
  const isHead = linear !== undefined && sameValue(linear.features, features, makers)
  return { input, logits, features, classes, dimension, ...(isHead ? { linear } : {}) }
}

function inputOf(what: string, model: Model, name: string | undefined): string {
  const inputs = model.graph.inputs.map((port) => port.name)
  if (name !== undefined && !inputs.includes(name)) throw unknownName(`${what} input`, name, inputs)
  if (inputs.length !== 1)
    throw mismatch(
      'E_UNSUPPORTED',
      `${what} inputs`,
      'one',
      `${inputs.join(', ') || 'none'} (bindSizes of @ood/onnx makes the others constants)`,
    )
  return inputs[0]!
}

function outputOf(what: string, model: Model, g: GraphBuilder, features: string | undefined): string {
  const names = model.graph.outputs.map(({ name }) => name).filter((name) => name !== features && name !== 'features')
  if (names.includes('logits')) return 'logits'
  const possible = names.filter((name) => {
    const { type, shape } = g.info(name)
    return type.startsWith('float') && (shape === undefined || shape.length === 2)
  })
  if (possible.length === 1) return possible[0]!
  const got = possible.length === 0 ? names.join(', ') || 'none' : possible.join(', ')
  const expected = possible.length === 0 ? 'an output [N, classes]' : 'one output [N, classes]'
  throw mismatch('E_UNSUPPORTED', `${what} outputs`, expected, `${got} (pass logits: the name of one)`)
}

/** Through a softmax, and what stands between it and the output, to what it is given. */
function beforeSoftmax(output: string, makers: ReadonlyMap<string, Node>, g: GraphBuilder): string {
  let at = output
  let found = output
  for (let node = makers.get(at); node && PASSES.has(node.opType); node = makers.get(at)) {
    at = node.inputs[0]!
    if (node.opType.endsWith('oftmax') && g.info(at).shape?.length === 2) found = at
  }
  return found
}

/** Back through what passes numbers on. */
function source(name: string, makers: ReadonlyMap<string, Node>, through: (node: Node) => boolean): string {
  let at = name
  for (let node = makers.get(at); node && through(node); node = makers.get(at)) at = node.inputs[0]!
  return at
}

const moves = (node: Node): boolean => PASSES.has(node.opType) && !node.opType.endsWith('oftmax')

function sameValue(a: string, b: string, makers: ReadonlyMap<string, Node>): boolean {
  return source(a, makers, moves) === source(b, makers, moves)
}

interface Linear {
  features: string
  weight: Float64Array
  bias: Float64Array
}

/** The linear layer whose result `logits` is. */
function linearLayer(logits: string, makers: ReadonlyMap<string, Node>, g: GraphBuilder): Linear | undefined {
  const node = makers.get(source(logits, makers, moves))
  if (!node) return undefined
  if (node.opType === 'Gemm') return gemm(node, makers, g)
  if (node.opType === 'MatMul') return matMul(node, makers, g, undefined)
  if (node.opType !== 'Add') return undefined
  for (const [product, other] of [
    [node.inputs[0]!, node.inputs[1]!],
    [node.inputs[1]!, node.inputs[0]!],
  ] as const) {
    const maker = makers.get(source(product, makers, moves))
    const bias = constant(other, makers, g)
    if (maker?.opType === 'MatMul' && bias) return matMul(maker, makers, g, bias)
  }
  return undefined
}

function gemm(node: Node, makers: ReadonlyMap<string, Node>, g: GraphBuilder): Linear | undefined {
  const number = (name: string, otherwise: number): number => {
    const a: Attribute | undefined = node.attributes[name]
    return a?.kind === 'float' || a?.kind === 'int' ? a.value : otherwise
  }
  const weight = constant(node.inputs[1]!, makers, g)
  if (!weight || number('transA', 0) === 1) return undefined
  const c = node.inputs[2] ? constant(node.inputs[2], makers, g) : undefined
  if (node.inputs[2] && !c) return undefined
  const [alpha, beta] = [number('alpha', 1), number('beta', 1)]
  const rows = matrix(weight, number('transB', 0) === 1)
  return (
    rows &&
    layer(
      node.inputs[0]!,
      rows.map((value) => alpha * value),
      c,
      beta,
    )
  )
}

function matMul(
  node: Node,
  makers: ReadonlyMap<string, Node>,
  g: GraphBuilder,
  bias: Tensor | undefined,
): Linear | undefined {
  const weight = constant(node.inputs[1]!, makers, g)
  const rows = weight && matrix(weight, false)
  return rows && layer(node.inputs[0]!, rows, bias, 1)
}

interface Matrix {
  data: Float64Array
  classes: number
  map(f: (value: number) => number): Matrix
}

/** W as [classes, dimension]; ONNX has it transposed unless `transposed` says not. */
function matrix(weight: Tensor, transposed: boolean): Matrix | undefined {
  if (weight.shape.length !== 2) return undefined
  const values = Float64Array.from(tensorNumbers(weight) as ArrayLike<number>)
  const [a, b] = weight.shape as [number, number]
  const data = transposed ? values : new Float64Array(values.length)
  if (!transposed) for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) data[j * a + i] = values[i * b + j]!
  const made = (numbers: Float64Array): Matrix => ({
    data: numbers,
    classes: transposed ? a : b,
    map: (f) => made(numbers.map(f)),
  })
  return made(data)
}

function layer(features: string, weight: Matrix, bias: Tensor | undefined, beta: number): Linear | undefined {
  const values = bias ? Array.from(tensorNumbers(bias) as ArrayLike<number>) : [0]
  if (values.length !== 1 && values.length !== weight.classes) return undefined
  const b = Float64Array.from({ length: weight.classes }, (_, c) => beta * values[values.length === 1 ? 0 : c]!)
  return { features, weight: weight.data, bias: b }
}

/** The constant that a value is, through a transposition and what passes numbers on. */
function constant(name: string, makers: ReadonlyMap<string, Node>, g: GraphBuilder): Tensor | undefined {
  const direct = g.constantTensor(name)
  if (direct) return direct.type.startsWith('float') ? direct : undefined
  const node = makers.get(name)
  if (node?.opType === 'Identity' || node?.opType === 'Cast') return constant(node.inputs[0]!, makers, g)
  if (node?.opType !== 'Transpose') return undefined
  const inner = constant(node.inputs[0]!, makers, g)
  if (inner?.shape.length !== 2) return undefined
  const turned = matrix(inner, false)!
  return { type: 'float64', shape: [inner.shape[1]!, inner.shape[0]!], data: turned.data }
}

/** Numbers of a row of a value that must be [N, width]. */
function width(what: string, g: GraphBuilder, name: string, role: string): number {
  const { shape } = g.info(name)
  const size: Dim | undefined = shape?.length === 2 ? shape[1] : undefined
  if (typeof size === 'number') return size
  const got = shape ? `[${shape.join(', ')}]` : 'a value of unknown rank'
  throw mismatch(
    'E_UNSUPPORTED',
    `${what} ${role} ${name}`,
    '[N, width]',
    `${got} (pass ${role}: another value of the graph)`,
  )
}
