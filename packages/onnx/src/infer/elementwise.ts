// Shapes of elementwise operators: broadcasting, comparisons, casts, and arithmetic on shapes being computed.

import { attribute } from '../attributes.ts'
import { elementType } from '../proto.ts'
import type { Dim, ElementType } from '../types.ts'
import { broadcast, over, plus, times, unknownDim } from './dims.ts'
import { type InferNode, type InferRule, type InferTable, type Info, likeFirst, partialInts } from './shape-rule.ts'

/** Broadcast of every input; the type is the first input's. */
const broadcasting: InferRule = (n) => [
  { type: n.inputs[0]?.type ?? 'other', shape: broadcast(n.inputs.map((i) => i?.shape)) },
]

const comparison: InferRule = (n) => [{ type: 'bool', shape: broadcast(n.inputs.map((i) => i?.shape)) }]

/** Broadcasting arithmetic that also follows the contents of integer shapes. */
function arithmetic(compute: (a: Dim, b: Dim) => Dim): InferRule {
  return (n) => {
    const [info] = broadcasting(n)
    const ints = info!.type.startsWith('int') ? combine(n, compute) : undefined
    return [{ ...info!, ints }]
  }
}

function combine(n: InferNode, compute: (a: Dim, b: Dim) => Dim): Dim[] | undefined {
  const a = partialInts(n, 0)
  const b = partialInts(n, 1)
  if (!a || !b || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return undefined
  const length = Math.max(a.length, b.length)
  return Array.from({ length }, (_, i) => compute(a[a.length === 1 ? 0 : i]!, b[b.length === 1 ? 0 : i]!))
}

const cast: InferRule = (n) => [
  {
    type: elementType(attribute(n.node, 'to', 'int', 0)),
    shape: n.inputs[0]?.shape,
    ints: partialInts(n, 0),
  },
]

/** Also follows choices between sizes: exporters write "-1 keeps the axis" that way. */
const where: InferRule = (n) => {
  const type = n.inputs[1]?.type ?? 'other'
  const [condition, yes, no] = [0, 1, 2].map((i) => partialInts(n, i))
  const ints =
    type.startsWith('int') && condition && yes && no && yes.length === no.length && condition.length === yes.length
      ? condition.map((c, i) => (c === 1 ? yes[i]! : c === 0 ? no[i]! : yes[i] === no[i] ? yes[i]! : unknownDim()))
      : undefined
  return [{ type, shape: broadcast(n.inputs.map((i) => i?.shape)), ints }]
}

/** Comparison of sizes: 1, 0, or unknown. A size is never negative. */
const equal: InferRule = (n) => {
  const [info] = comparison(n)
  const same = (a: Dim, b: Dim): Dim => {
    if (a === b) return 1
    const [number, other] = typeof a === 'number' ? [a, b] : [b, a]
    return typeof number === 'number' && (typeof other === 'number' || number < 0) ? 0 : unknownDim()
  }
  return [{ ...info!, ints: n.inputs[0]?.type.startsWith('int') ? combine(n, same) : undefined }]
}

const unary =
  'Relu Sigmoid Tanh Exp Log Sqrt Softplus Softsign Neg Abs Reciprocal Elu Selu Celu LeakyRelu ThresholdedRelu Gelu Erf ' +
  'Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Sign Floor Ceil Round HardSigmoid HardSwish Swish Mish Not ' +
  'Clip PRelu Softmax LogSoftmax Hardmax CumSum Trilu ScatterElements ScatterND Scatter BitwiseNot Shrink ' +
  'ReverseSequence RotaryEmbedding TensorScatter CumProd'

/** uint8 numbers, and the scale and zero point that were found. */
const dynamicQuantize: InferRule = (n) => [
  { type: 'uint8', shape: n.inputs[0]?.shape },
  { type: n.inputs[0]?.type ?? 'other', shape: [] },
  { type: 'uint8', shape: [] },
]

/** Random numbers of the input's shape, and of its type unless another is named. */
function drawnLike(n: InferNode): readonly Info[] {
  const named = attribute(n.node, 'dtype', 'int', 0)
  return [{ type: named !== 0 ? elementType(named) : (n.inputs[0]?.type ?? 'other'), shape: n.inputs[0]?.shape }]
}

export const elementwise: InferTable = {
  ...Object.fromEntries(unary.split(' ').map((op) => [op, likeFirst])),
  Add: arithmetic(plus),
  Sub: arithmetic((a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : a === b ? 0 : unknownDim())),
  Mul: arithmetic((a, b) => times(a, b)),
  Div: arithmetic(over),
  ...Object.fromEntries(
    'Pow Mod Max Min Sum Mean And Or Xor BitShift BitwiseAnd BitwiseOr BitwiseXor'
      .split(' ')
      .map((op) => [op, broadcasting]),
  ),
  ...Object.fromEntries('Greater GreaterOrEqual Less LessOrEqual'.split(' ').map((op) => [op, comparison])),
  Equal: equal,
  IsNaN: comparison,
  IsInf: comparison,
  Cast: cast,
  CastLike: (n) => [{ type: n.inputs[1]?.type ?? 'other', shape: n.inputs[0]?.shape }],
  RandomUniformLike: drawnLike,
  RandomNormalLike: drawnLike,
  Bernoulli: drawnLike,
  Dropout: (n) => [
    { type: n.inputs[0]?.type ?? 'other', shape: n.inputs[0]?.shape },
    { type: 'bool', shape: n.inputs[0]?.shape },
  ],
  Identity: (n) => [n.inputs[0] ?? { type: 'other', shape: undefined }],
  Where: where,
  DynamicQuantizeLinear: dynamicQuantize,
  QuantizeLinear: (n) => [{ type: quantized(n), shape: n.inputs[0]?.shape }],
  DequantizeLinear: (n) => [{ type: n.inputs[1]?.type ?? 'other', shape: n.inputs[0]?.shape }],
}

function quantized(n: InferNode): ElementType {
  const named = attribute(n.node, 'output_dtype', 'int', 0)
  return named !== 0 ? elementType(named) : (n.inputs[2]?.type ?? 'uint8')
}
