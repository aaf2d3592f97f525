// Cases of matrix products, convolutions, pooling and normalization.
import { constantTensor, float, int, ints, text } from '../../src/index.ts'
import { type Case, one, type Shapes, spread, weights } from './case.ts'

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
const singleLayers: Case[] = [
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
    build: one('Conv', { kernel_shape: ints([2, 2]) }),
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
const layers = singleLayers.map((c): Case => ({ type: 'float32', ...c }))

export const layerCases: Case[] = [...products, ...layers]
