// Cases of elementwise operators.
import { float, int, tensorOf, text } from '../../src/index.ts'
import { awayFromZero, type Case, inUnit, one, positive, type Shapes, unary, X } from './case.ts'

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

const bounds: Case[] = [
  {
    name: 'Clip with bounds that vary',
    op: 'Clip',
    inputs: { x: [3, 4], low: [], high: [] },
    map: (v, i) => (i === 0 ? 0.3 * v : v),
    build: (g, [x, low, high], type) =>
      g.op('Clip', [x!, g.op('Sub', [low!, g.scalar(type, 2)]), g.op('Add', [high!, g.scalar(type, 1)])]),
  },
  unary(
    'Shrink',
    { type: 'float32', map: (_v, i) => [-1.4, -0.9, -0.3, 0.1, 0.45, 0.9, 2][i % 7]! },
    { lambd: float(0.6), bias: float(0.2) },
  ),
  {
    name: 'Mod of floats',
    op: 'Mod',
    inputs: { a: [2, 3], b: [3] },
    map: (_v, i) => [0.3, 5.1, -4.4, 2.7, -1.2, 3.3][i]!,
    build: (g, [a, b], type) => g.op('Mod', [a!, g.op('Add', [b!, g.scalar(type, 0.4)])], { fmod: int(1) }),
  },
  {
    name: 'DequantizeLinear by its scale',
    op: 'DequantizeLinear',
    type: 'float32',
    inputs: { s: [] },
    map: positive,
    build: (g, [s]) => {
      const x = g.constant('x', tensorOf('int8', [4], [-3, 0, 5, 100]))
      return g.op('DequantizeLinear', [x, s!, g.constant('zero', tensorOf('int8', [], [2]))])
    },
  },
]

export const elementwiseCases: Case[] = [
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
  ...bounds,
]
