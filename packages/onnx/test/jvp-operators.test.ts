// Every differentiable operator against central differences, in float64 wherever the engine has float64 kernels.
import { describe, expect, it } from 'vitest'
import {
  type Attribute,
  constantTensor,
  differentiableOperators,
  float,
  type GraphBuilder,
  graphBuilder,
  int,
  ints,
  tensorOf,
  text,
} from '../src/index.ts'
import { checkJvp } from './finite-difference.ts'
import { type FloatType, floats, gaussian, type Values } from './run-graph.ts'

type Shapes = Record<string, readonly number[]>
interface Case {
  name: string
  op: string
  inputs: Shapes
  build: (g: GraphBuilder, x: string[], type: FloatType) => string | string[]
  type?: FloatType
  /** Moves standard normals into the operator's domain, away from its kinks. */
  map?: (v: number, i: number) => number
  opset?: number
  wrt?: string[]
}

// float64 central differences with h = 1e-5 are good to about 1e-9 here (third derivatives of order 10).
const TOLERANCE: Record<FloatType, number> = { float64: 1e-7, float32: 2e-3 }

const positive = (v: number): number => 0.5 + Math.abs(v)
const awayFromZero = (v: number): number => v + Math.sign(v) * 0.1
/** Distinct numbers 0.05 apart, so that no step changes which is largest. */
const spread = (_v: number, i: number): number => ((i * 97) % 241) / 20
/** Within (-0.9, 0.9). */
const inUnit = (v: number): number => 0.9 * Math.tanh(v)
const X: Shapes = { x: [2, 3, 4] }

const one =
  (op: string, attributes: Record<string, Attribute> = {}): Case['build'] =>
  (g, x) =>
    g.op(op, x, attributes)
const unary = (op: string, rest: Partial<Case> = {}, attributes: Record<string, Attribute> = {}): Case => ({
  name: [op, ...Object.keys(attributes)].join(' '),
  op,
  inputs: X,
  build: one(op, attributes),
  ...rest,
})

const smooth = 'Sigmoid Tanh Exp Sin Cos Identity Neg'.split(' ').map((op) => unary(op))
const kinked = 'Relu Abs'.split(' ').map((op) => unary(op, { map: awayFromZero }))
const inDomain = 'Log Sqrt Reciprocal'.split(' ').map((op) => unary(op, { map: positive }))
// No float64 kernels for these in the engine.
const single = 'Softplus Softsign Erf Gelu Atan Sinh Cosh Asinh Mish'
  .split(' ')
  .map((op) => unary(op, { type: 'float32' }))
const singleKinked = 'Elu Selu Celu LeakyRelu ThresholdedRelu HardSigmoid HardSwish'
  .split(' ')
  .map((op) => unary(op, { type: 'float32', map: awayFromZero }))
const singleInDomain = [
  unary('Asin', { type: 'float32', map: inUnit }),
  unary('Acos', { type: 'float32', map: inUnit }),
  unary('Atanh', { type: 'float32', map: inUnit }),
  unary('Tan', { type: 'float32', map: inUnit }),
  unary('Acosh', { type: 'float32', map: (v) => 2 + Math.abs(v) }),
]
const withAttributes = [
  unary('Elu', { type: 'float32', map: awayFromZero }, { alpha: float(0.7) }),
  unary('LeakyRelu', { type: 'float32', map: awayFromZero }, { alpha: float(0.3) }),
  unary('Gelu', { type: 'float32' }, { approximate: text('tanh') }),
  unary('HardSigmoid', { type: 'float32' }, { alpha: float(0.3), beta: float(0.4) }),
]

/** Broadcasting of every kind: equal, missing axes, size-1 axes, scalars, either side larger. */
const pairs: [string, Shapes][] = [
  ['equal', { a: [2, 3, 4], b: [2, 3, 4] }],
  ['row', { a: [2, 3, 4], b: [4] }],
  ['column', { a: [2, 3, 4], b: [3, 1] }],
  ['left smaller', { a: [3, 4], b: [5, 2, 3, 4] }],
  ['both', { a: [2, 1, 4], b: [3, 1] }],
  ['scalar', { a: [], b: [2, 3] }],
]
const binary = 'Add Sub Mul Div Max Min Pow'.split(' ').flatMap((op) =>
  pairs.map(
    ([how, inputs]): Case => ({
      name: `${op} ${how}`,
      op,
      inputs,
      build: one(op),
      ...((op === 'Div' || op === 'Pow') && { map: positive }),
    }),
  ),
)

const constants: Case[] = [2, 1, 0.5, -1, 3].map((exponent) => ({
  name: `Pow ${exponent}`,
  op: 'Pow',
  inputs: X,
  map: positive,
  build: (g, [x], type) => g.op('Pow', [x!, g.scalar(type, exponent)]),
}))

const elementwise: Case[] = [
  { name: 'Sum of three', op: 'Sum', inputs: { a: [2, 3], b: [3], c: [2, 1] }, build: one('Sum') },
  { name: 'Mean of two', op: 'Mean', type: 'float32', inputs: { a: [2, 3], b: [3] }, build: one('Mean') },
  { name: 'Max of three', op: 'Max', inputs: { a: [2, 3], b: [3], c: [2, 1] }, build: one('Max') },
  {
    name: 'PRelu',
    op: 'PRelu',
    type: 'float32',
    inputs: { x: [2, 3, 4], slope: [3, 1] },
    build: one('PRelu'),
    map: awayFromZero,
  },
  {
    name: 'Clip',
    op: 'Clip',
    inputs: X,
    build: (g, [x], type) => g.op('Clip', [x!, g.scalar(type, -0.5), g.scalar(type, 0.5)]),
  },
  { name: 'Clip below only', op: 'Clip', inputs: X, build: (g, [x], type) => g.op('Clip', [x!, g.scalar(type, 0)]) },
  {
    name: 'Where of two',
    op: 'Where',
    inputs: { a: [2, 3, 4], b: [3, 1] },
    build: (g, [a, b], type) => g.op('Where', [g.op('Greater', [a!, g.scalar(type, 0)]), a!, b!]),
  },
  {
    name: 'Where with one branch constant',
    op: 'Where',
    inputs: X,
    build: (g, [x], type) =>
      g.op('Where', [g.op('Less', [x!, g.scalar(type, 0)]), g.scalar(type, 2), g.op('Exp', [x!])]),
  },
  {
    name: 'Cast to float32 and back',
    op: 'Cast',
    type: 'float32',
    inputs: X,
    build: (g, [x]) => {
      const wide = g.op('Cast', [g.op('Sin', [x!])], { to: int(11) })
      return g.op('Cast', [g.op('Mul', [wide, wide])], { to: int(1) })
    },
  },
  {
    name: 'CastLike',
    op: 'CastLike',
    inputs: X,
    build: (g, [x], type) => g.op('CastLike', [g.op('Exp', [x!]), g.scalar(type, 0)]),
  },
  { name: 'Dropout', op: 'Dropout', inputs: X, build: one('Dropout') },
  { name: 'x * x', op: 'Mul', inputs: X, build: (g, [x]) => g.op('Mul', [x!, x!]) },
]

const reductions: Case[] = 'Sum Mean Max Min L1 L2 SumSquare LogSum LogSumExp'.split(' ').flatMap((kind) =>
  [
    { how: 'last kept', axes: [-1], keep: 1 },
    { how: 'middle', axes: [1], keep: 0 },
    { how: 'two', axes: [0, 2], keep: 0 },
    { how: 'all', axes: undefined, keep: 0 },
  ].map(
    ({ how, axes, keep }): Case => ({
      name: `Reduce${kind} ${how}`,
      op: `Reduce${kind}`,
      inputs: X,
      // Kernels for LogSum exist in float32 only.
      ...(['LogSum', 'L1'].includes(kind) && { type: 'float32' as const }),
      map: positive,
      build: (g, [x]) => g.op(`Reduce${kind}`, axes ? [x!, g.int64(axes)] : [x!], { keepdims: int(keep) }),
    }),
  ),
)

const alongAxis: Case[] = [
  ...[-1, 1].flatMap((axis) =>
    ['Softmax', 'LogSoftmax'].map((op) => unary(op, { name: `${op} ${axis}` }, { axis: int(axis) })),
  ),
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map(
      (reverse): Case => ({
        name: `CumSum exclusive ${exclusive} reverse ${reverse}`,
        op: 'CumSum',
        inputs: X,
        build: (g, [x]) =>
          g.op('CumSum', [x!, g.scalar('int64', 1)], { exclusive: int(exclusive), reverse: int(reverse) }),
      }),
    ),
  ),
  {
    name: 'TopK',
    op: 'TopK',
    inputs: X,
    build: (g, [x]) => g.ops('TopK', [x!, g.int64([2])], { axis: int(1) }, 2)[0]!,
  },
]

const moves: Case[] = [
  ...[[24], [-1, 4], [0, -1], [2, 1, 3, 4], [0, 0, 2, 2]].map(
    (shape): Case => ({
      name: `Reshape [${shape}]`,
      op: 'Reshape',
      inputs: X,
      build: (g, [x]) => g.op('Reshape', [x!, g.int64(shape)]),
    }),
  ),
  {
    name: 'Reshape to a computed shape',
    op: 'Reshape',
    inputs: X,
    build: (g, [x]) => {
      const size = g.op('Gather', [g.op('Shape', [x!]), g.int64([0])])
      return g.op('Reshape', [x!, g.op('Concat', [size, g.int64([-1])], { axis: int(0) })])
    },
  },
  unary('Flatten', {}, { axis: int(2) }),
  unary('Transpose', {}, { perm: ints([2, 0, 1]) }),
  unary('Transpose'),
  {
    name: 'Squeeze and Unsqueeze',
    op: 'Squeeze',
    inputs: { x: [2, 1, 3] },
    build: (g, [x]) => g.op('Unsqueeze', [g.op('Squeeze', [x!, g.int64([1])]), g.int64([0, -1])]),
  },
  { name: 'Unsqueeze', op: 'Unsqueeze', inputs: X, build: (g, [x]) => g.op('Unsqueeze', [x!, g.int64([1])]) },
  { name: 'Concat', op: 'Concat', inputs: { a: [2, 3], b: [2, 1], c: [2, 2] }, build: one('Concat', { axis: int(1) }) },
  {
    name: 'Concat with a constant part',
    op: 'Concat',
    inputs: { a: [2, 3], b: [2, 1] },
    build: (g, [a, b], type) =>
      g.op('Concat', [a!, g.constant('c', tensorOf(type, [2, 2], [1, 2, 3, 4])), b!], { axis: int(-1) }),
  },
  {
    name: 'Concat with one part that varies',
    op: 'Concat',
    inputs: { a: [2, 3] },
    build: (g, [a], type) => {
      const c = g.constant('c', tensorOf(type, [2, 2], [1, 2, 3, 4]))
      return g.op('Concat', [c, a!, c], { axis: int(1) })
    },
  },
  {
    name: 'Split in sizes',
    op: 'Split',
    inputs: { x: [2, 6] },
    build: (g, [x]) => g.ops('Split', [x!, g.int64([1, 2, 3])], { axis: int(1) }, 3),
  },
  {
    name: 'Split even',
    op: 'Split',
    inputs: { x: [4, 3] },
    build: (g, [x]) => g.ops('Split', [x!], { num_outputs: int(2) }, 2),
  },
  {
    name: 'Slice of two axes',
    op: 'Slice',
    inputs: X,
    build: (g, [x]) => g.op('Slice', [x!, g.int64([1, 0]), g.int64([3, -1]), g.int64([1, -1])]),
  },
  {
    name: 'Slice backwards',
    op: 'Slice',
    inputs: X,
    build: (g, [x]) => g.op('Slice', [x!, g.int64([3]), g.int64([-10]), g.int64([2]), g.int64([-2])]),
  },
  {
    name: 'Slices of a Concat',
    op: 'Slice',
    inputs: { a: [2, 3], b: [2, 4] },
    build: (g, [a, b]) => {
      const all = g.op('Concat', [a!, b!, a!], { axis: int(1) })
      const cut = (from: number, to: number): string =>
        g.op('Slice', [all, g.int64([from]), g.int64([to]), g.int64([1])])
      return [cut(0, 3), cut(4, 6), cut(3, 10), cut(2, 5)]
    },
  },
  {
    name: 'Gather rows',
    op: 'Gather',
    inputs: X,
    build: (g, [x]) =>
      g.op('Gather', [x!, g.constant('i', tensorOf('int64', [2, 2], [2, 0, -1, 1]))], { axis: int(1) }),
  },
  {
    name: 'Gather one',
    op: 'Gather',
    inputs: X,
    build: (g, [x]) => g.op('Gather', [x!, g.scalar('int64', -1)], { axis: int(2) }),
  },
  {
    name: 'GatherElements',
    op: 'GatherElements',
    inputs: { x: [2, 3] },
    build: (g, [x]) =>
      g.op('GatherElements', [x!, g.constant('i', tensorOf('int64', [2, 2], [2, 0, 1, 1]))], { axis: int(1) }),
  },
  { name: 'Expand', op: 'Expand', inputs: { x: [3, 1] }, build: (g, [x]) => g.op('Expand', [x!, g.int64([2, 1, 4])]) },
  { name: 'Tile', op: 'Tile', inputs: { x: [2, 3] }, build: (g, [x]) => g.op('Tile', [x!, g.int64([2, 3])]) },
  {
    name: 'Pad with a constant',
    op: 'Pad',
    inputs: X,
    build: (g, [x], type) => g.op('Pad', [x!, g.int64([0, 1, 0, 0, 0, 2]), g.scalar(type, 5)]),
  },
  {
    name: 'Pad reflecting',
    op: 'Pad',
    inputs: X,
    build: (g, [x]) => g.op('Pad', [x!, g.int64([0, 1, 2, 0, 1, 1])], { mode: text('reflect') }),
  },
  {
    name: 'Pad on some axes',
    op: 'Pad',
    inputs: X,
    build: (g, [x]) => g.op('Pad', [x!, g.int64([1, 2]), '', g.int64([-1])]),
  },
  ...['DCR', 'CRD'].map(
    (mode): Case => unary('DepthToSpace', { inputs: { x: [2, 8, 2, 3] } }, { blocksize: int(2), mode: text(mode) }),
  ),
  unary('SpaceToDepth', { inputs: { x: [2, 3, 4, 2] } }, { blocksize: int(2) }),
  {
    name: 'squeeze and unsqueeze of a flow',
    op: 'Transpose',
    inputs: { x: [2, 3, 4, 6] },
    build: (g, [x]) => {
      const six = g.op('Reshape', [x!, g.int64([-1, 3, 2, 2, 3, 2])])
      const deep = g.op('Reshape', [
        g.op('Transpose', [six], { perm: ints([0, 1, 3, 5, 2, 4]) }),
        g.int64([-1, 12, 2, 3]),
      ])
      const back = g.op('Reshape', [g.op('Exp', [deep]), g.int64([-1, 3, 2, 2, 2, 3])])
      return [
        deep,
        g.op('Reshape', [g.op('Transpose', [back], { perm: ints([0, 1, 4, 2, 5, 3]) }), g.int64([-1, 3, 4, 6])]),
      ]
    },
  },
  { name: 'Trilu', op: 'Trilu', inputs: { x: [2, 3, 3] }, build: one('Trilu', { upper: int(0) }) },
  {
    name: 'Resize by scales',
    op: 'Resize',
    type: 'float32',
    inputs: { x: [2, 1, 3, 2] },
    build: (g, [x]) =>
      g.op('Resize', [x!, '', g.constant('s', constantTensor('float32', [4], new Float32Array([1, 1, 2, 2])))], {
        mode: text('nearest'),
      }),
  },
  {
    name: 'Resize to sizes',
    op: 'Resize',
    type: 'float32',
    inputs: { x: [2, 1, 3, 2] },
    build: (g, [x]) => g.op('Resize', [x!, '', '', g.int64([2, 1, 5, 4])], { mode: text('linear') }),
  },
]

const products: Case[] = [
  ...(
    [
      ['matrices', { a: [2, 3], b: [3, 4] }],
      ['batch times matrix', { a: [5, 2, 3], b: [3, 4] }],
      ['matrix times batch', { a: [2, 3], b: [5, 3, 4] }],
      ['batches', { a: [5, 1, 2, 3], b: [4, 3, 2] }],
      ['vector times matrix', { a: [3], b: [3, 4] }],
      ['matrix times vector', { a: [2, 3], b: [3] }],
      ['vector times batch', { a: [3], b: [2, 3, 4] }],
      ['batch times vector', { a: [2, 4, 3], b: [3] }],
      ['vectors', { a: [3], b: [3] }],
    ] as [string, Shapes][]
  ).map(([how, inputs]): Case => ({ name: `MatMul ${how}`, op: 'MatMul', inputs, build: one('MatMul') })),
  ...[0, 1].flatMap((transA) =>
    [0, 1].map(
      (transB): Case => ({
        name: `Gemm transA ${transA} transB ${transB}`,
        op: 'Gemm',
        inputs: { a: transA ? [3, 2] : [2, 3], b: transB ? [4, 3] : [3, 4], c: [4] },
        build: one('Gemm', { alpha: float(0.5), beta: float(2), transA: int(transA), transB: int(transB) }),
      }),
    ),
  ),
  {
    name: 'Einsum',
    op: 'Einsum',
    inputs: { a: [2, 3, 4], b: [2, 4, 5] },
    build: one('Einsum', { equation: text('bik,bkj->bij') }),
  },
]

const image = { x: [2, 4, 6, 5] }
const weights = (g: GraphBuilder, name: string, shape: readonly number[]): string =>
  g.constant(name, constantTensor('float32', shape, gaussian('float32', shape, 5).data as Float32Array))
const layerCases: Case[] = [
  {
    name: 'Conv with constant weights',
    op: 'Conv',
    inputs: image,
    build: (g, [x]) =>
      g.op('Conv', [x!, weights(g, 'w', [3, 4, 3, 3]), weights(g, 'b', [3])], { pads: ints([1, 1, 1, 1]) }),
  },
  {
    name: 'Conv strided, dilated, in groups',
    op: 'Conv',
    inputs: image,
    build: (g, [x]) =>
      g.op('Conv', [x!, weights(g, 'w', [6, 2, 3, 2])], {
        strides: ints([2, 1]),
        dilations: ints([1, 2]),
        group: int(2),
      }),
  },
  {
    name: 'Conv of one spatial axis',
    op: 'Conv',
    inputs: { x: [2, 3, 7] },
    build: (g, [x]) => g.op('Conv', [x!, weights(g, 'w', [2, 3, 3])], { auto_pad: text('SAME_UPPER') }),
  },
  {
    name: 'Conv with varying weights and bias',
    op: 'Conv',
    inputs: { x: [2, 2, 4, 4], w: [3, 2, 2, 2], b: [3] },
    build: one('Conv'),
  },
  {
    name: 'ConvTranspose',
    op: 'ConvTranspose',
    inputs: { x: [2, 3, 3, 4] },
    build: (g, [x]) =>
      g.op('ConvTranspose', [x!, weights(g, 'w', [3, 2, 3, 3]), weights(g, 'b', [2])], {
        strides: ints([2, 2]),
        output_padding: ints([1, 0]),
      }),
  },
  {
    name: 'AveragePool',
    op: 'AveragePool',
    inputs: image,
    build: one('AveragePool', { kernel_shape: ints([2, 2]), strides: ints([2, 1]) }),
  },
  {
    name: 'MaxPool',
    op: 'MaxPool',
    inputs: image,
    map: spread,
    build: (g, x) => g.ops('MaxPool', x, { kernel_shape: ints([2, 2]), pads: ints([1, 0, 0, 0]) }, 1)[0]!,
  },
  { name: 'GlobalAveragePool', op: 'GlobalAveragePool', inputs: image, build: one('GlobalAveragePool') },
  { name: 'GlobalMaxPool', op: 'GlobalMaxPool', inputs: image, map: spread, build: one('GlobalMaxPool') },
  {
    name: 'BatchNormalization',
    op: 'BatchNormalization',
    inputs: image,
    build: (g, [x]) => {
      const parameters = ['scale', 'bias', 'mean'].map((name) => weights(g, name, [4]))
      const variance = g.constant('variance', constantTensor('float32', [4], new Float32Array([0.5, 1, 2, 3])))
      return g.op('BatchNormalization', [x!, ...parameters, variance])
    },
  },
  {
    name: 'LayerNormalization',
    op: 'LayerNormalization',
    inputs: { x: [2, 3, 4], s: [4], b: [4] },
    build: one('LayerNormalization'),
  },
  {
    name: 'LayerNormalization over two axes',
    op: 'LayerNormalization',
    inputs: { x: [2, 3, 4], s: [3, 4] },
    build: one('LayerNormalization', { axis: int(1) }),
  },
  {
    name: 'InstanceNormalization',
    op: 'InstanceNormalization',
    inputs: { x: [2, 3, 4, 2], s: [3], b: [3] },
    build: one('InstanceNormalization'),
  },
  {
    name: 'GroupNormalization',
    op: 'GroupNormalization',
    opset: 21,
    inputs: image,
    build: (g, [x]) =>
      g.op('GroupNormalization', [x!, weights(g, 's', [4]), weights(g, 'b', [4])], { num_groups: int(2) }),
  },
]
const layers = layerCases.map((c): Case => ({ type: 'float32', ...c }))

const cases: Case[] = [
  ...smooth,
  ...kinked,
  ...inDomain,
  ...single,
  ...singleKinked,
  ...singleInDomain,
  ...withAttributes,
  ...binary,
  ...constants,
  ...elementwise,
  ...reductions,
  ...alongAxis,
  ...moves,
  ...products,
  ...layers,
]

describe('jvp of each operator equals central differences', () => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const type = c.type ?? 'float64'
    const g = graphBuilder(c.opset ? { opset: c.opset } : {})
    const feeds: Values = {}
    const names = Object.entries(c.inputs).map(([name, shape], i) => {
      const raw = gaussian(type, shape, 11 + i)
      feeds[name] = floats(type, shape, Array.from(raw.data as ArrayLike<number>, c.map ?? ((v) => v)))
      // The first axis is symbolic in half of the cases, so that both ways of writing shapes are exercised.
      const symbolic = c.name.length % 2 === 0 && Object.keys(c.inputs).length === 1 && shape.length > 1
      return g.input(name, type, symbolic ? ['N', ...shape.slice(1)] : shape)
    })
    const outputs = [c.build(g, names, type)].flat()
    outputs.forEach((value, i) => {
      g.output(`y${i}`, value)
    })
    const { error } = await checkJvp(g.model(), feeds, { wrt: names, type })
    expect(error).toBeLessThan(TOLERANCE[type])
  })
})

it('tests every operator that has a rule and a derivative', () => {
  const constant =
    'ArgMax ArgMin And Bernoulli Ceil ConstantOfShape Equal EyeLike Floor Greater GreaterOrEqual IsInf IsNaN Less ' +
    'LessOrEqual Not Or RandomNormalLike RandomUniformLike Round Shape Sign Size Xor'
  // Newer than the operator sets whose kernels the engine's float tests cover here.
  const elsewhere = ['RMSNormalization', 'Swish']
  const tested = new Set([...cases.map((c) => c.op), ...constant.split(' '), ...elsewhere])
  expect(differentiableOperators.filter((op) => !tested.has(op))).toEqual([])
})
