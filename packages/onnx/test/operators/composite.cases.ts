// Cases of normalization, Einstein sums, losses, transforms and operators of other domains that are lowered.
import { type Attribute, float, int, ints, tensorOf, text } from '../../src/index.ts'
import { awayFromZero, type Case, inUnit, one, X } from './case.ts'

const image = [2, 4, 3, 2]
const single = (
  name: string,
  op: string,
  inputs: Case['inputs'],
  build: Case['build'],
  rest: Partial<Case> = {},
): Case => ({
  name,
  op,
  type: 'float32',
  inputs,
  build,
  ...rest,
})

const normalization: Case[] = [
  ...[18, 21].map((opset) =>
    single(
      `GroupNormalization of set ${opset}, parameters varying`,
      'GroupNormalization',
      { x: image, s: [opset < 21 ? 2 : 4], b: [opset < 21 ? 2 : 4] },
      one('GroupNormalization', { num_groups: int(2) }),
      { opset },
    ),
  ),
  single(
    'BatchNormalization, parameters varying',
    'BatchNormalization',
    { x: image, s: [4], b: [4], m: [4], v: [4] },
    (g, [x, s, b, m, v], type) =>
      g.op('BatchNormalization', [x!, s!, b!, m!, g.op('Add', [g.op('Mul', [v!, v!]), g.scalar(type, 1)])]),
  ),
  single(
    'BatchNormalization in training',
    'BatchNormalization',
    { x: image, s: [4], b: [4], m: [4], v: [4] },
    (g, x) => g.ops('BatchNormalization', x, { training_mode: int(1), momentum: float(0.8) }, 3),
    { tolerance: 5e-3 },
  ),
  single('LayerNormalization with its statistics', 'LayerNormalization', { x: [2, 3, 4], s: [4], b: [4] }, (g, x) =>
    g.ops('LayerNormalization', x, {}, 3),
  ),
  single('RMSNormalization', 'RMSNormalization', { x: [2, 3, 4], s: [4] }, one('RMSNormalization'), { opset: 23 }),
  ...[1, 2].map((p) =>
    single(`LpNormalization ${p}`, 'LpNormalization', X, one('LpNormalization', { p: int(p), axis: int(1) }), {
      map: awayFromZero,
    }),
  ),
  single('MeanVarianceNormalization', 'MeanVarianceNormalization', { x: image }, one('MeanVarianceNormalization')),
  single(
    'LRN',
    'LRN',
    { x: image },
    one('LRN', { size: int(3), alpha: float(0.3), beta: float(0.6), bias: float(1.5) }),
    { fixed: true },
  ),
]

const einsum = (equation: string, inputs: Case['inputs']): Case => ({
  name: `Einsum ${equation}`,
  op: 'Einsum',
  inputs,
  fixed: true,
  build: one('Einsum', { equation: text(equation) }),
})

const einsums: Case[] = [
  einsum('...ij,...jk->...ik', { a: [2, 3, 2, 3], b: [2, 3, 3, 2] }),
  einsum('...i,...i', { a: [2, 3], b: [2, 3] }),
  einsum('ii->i', { a: [3, 3] }),
  einsum('bii,bi->b', { a: [2, 3, 3], b: [2, 3] }),
  einsum('ij,jk,kl->il', { a: [2, 3], b: [3, 2], c: [2, 4] }),
  einsum('i,j->ij', { a: [2], b: [3] }),
]

const moves: Case[] = [
  {
    name: 'Compress along an axis',
    op: 'Compress',
    inputs: X,
    build: (g, [x]) => g.op('Compress', [x!, g.constant('c', tensorOf('bool', [3], [1, 0, 1]))], { axis: int(1) }),
  },
  {
    name: 'Compress of all elements, by the data',
    op: 'Compress',
    inputs: { x: [6] },
    build: (g, [x], type) => g.op('Compress', [x!, g.op('Greater', [x!, g.scalar(type, -0.2)])]),
  },
  single('OneHot', 'OneHot', { values: [2] }, (g, [values]) =>
    g.op('OneHot', [g.constant('i', tensorOf('int64', [3], [0, 2, -1])), g.scalar('int64', 4), values!], {
      axis: int(0),
    }),
  ),
  ...[0, 1].map(
    (time): Case => ({
      name: `ReverseSequence along axis ${time}`,
      op: 'ReverseSequence',
      type: 'float32',
      inputs: { x: [4, 4, 2] },
      build: (g, [x]) =>
        g.op('ReverseSequence', [x!, g.constant('n', tensorOf('int64', [4], [3, 1, 4, 2]))], {
          time_axis: int(time),
          batch_axis: int(1 - time),
        }),
    }),
  ),
  single(
    'CenterCropPad',
    'CenterCropPad',
    { x: [5, 2, 4] },
    (g, [x]) => g.op('CenterCropPad', [x!, g.int64([3, 7])], { axes: ints([0, -1]) }),
    {
      fixed: true,
    },
  ),
  ...[1, 2, 3].map((n) => single(`Det ${n}`, 'Det', { x: [2, n, n] }, one('Det'), { fixed: true })),
  ...[0, 1].map((align) =>
    single(`AffineGrid ${align}`, 'AffineGrid', { t: [2, 2, 3] }, (g, [t]) =>
      g.op('AffineGrid', [t!, g.int64([2, 1, 3, 4])], { align_corners: int(align) }),
    ),
  ),
  single('AffineGrid of a volume', 'AffineGrid', { t: [1, 3, 4] }, (g, [t]) =>
    g.op('AffineGrid', [t!, g.int64([1, 1, 2, 3, 2])]),
  ),
]

const labels = [1, 3, 0, 2]
const losses: Case[] = ['mean', 'sum', 'none'].flatMap((reduction) =>
  ['NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss'].map((op) =>
    single(`${op} ${reduction}`, op, { x: [4, 5] }, (g, [x], type) => {
      const target = g.constant('t', tensorOf('int64', [4], labels))
      const weight = g.constant('w', tensorOf(type, [5], [1, 0.5, 2, 0.3, 1]))
      const attributes = { reduction: text(reduction), ignore_index: int(3) }
      return g.op(op, [x!, target, weight], attributes)
    }),
  ),
)

const transforms: Case[] = [
  { how: 'of a real signal', x: [2, 5, 1], attributes: {}, inputs: [] },
  { how: 'of one side', x: [2, 6, 1], attributes: { onesided: int(1) }, inputs: [] },
  { how: 'backwards', x: [2, 5, 2], attributes: { inverse: int(1) }, inputs: [] },
  { how: 'cut', x: [2, 6, 3, 2], attributes: {}, inputs: [4] },
].map(({ how, x, attributes, inputs }) =>
  single(
    `DFT ${how}`,
    'DFT',
    { x },
    (g, [value]) =>
      g.op(
        'DFT',
        [value!, ...inputs.map((n) => g.scalar('int64', n)), ...(inputs.length > 0 ? [g.scalar('int64', 1)] : [])],
        attributes as Record<string, Attribute>,
      ),
    { fixed: true },
  ),
)

const microsoft = (
  name: string,
  op: string,
  inputs: Case['inputs'],
  attributes: Record<string, Attribute> = {},
  rest: Partial<Case> = {},
): Case => ({
  name: `${op}${name}`,
  op,
  domain: 'com.microsoft',
  type: 'float32',
  inputs,
  build: (g, x) => g.ops(op, x, attributes, 1, 'com.microsoft'),
  ...rest,
})

const fused: Case[] = [
  microsoft(' of the runtime', 'Gelu', X),
  microsoft('', 'BiasGelu', { x: [2, 3, 4], b: [4] }),
  microsoft(' with a bias', 'FastGelu', { x: [2, 3, 4], b: [4] }),
  microsoft('', 'QuickGelu', X, { alpha: float(1.5) }),
  microsoft('', 'FusedMatMul', { a: [2, 3, 4], b: [5, 4] }, { transB: int(1), alpha: float(0.5) }),
  microsoft('', 'FusedConv', { x: [1, 2, 4, 4], w: [3, 2, 2, 2], b: [3] }, { activation: text('Sigmoid') }),
  microsoft(
    '',
    'FusedGemm',
    { a: [2, 3], b: [3, 4], c: [4] },
    { activation: text('Tanh'), alpha: float(0.5) },
    { map: inUnit },
  ),
  microsoft('', 'SkipLayerNormalization', { x: [2, 3, 4], skip: [2, 3, 4], gamma: [4], beta: [4], bias: [4] }),
  microsoft('', 'SkipSimplifiedLayerNormalization', { x: [2, 3, 4], skip: [2, 3, 4], gamma: [4] }),
  {
    ...microsoft('', 'SimplifiedLayerNormalization', { x: [2, 3, 4], s: [4] }),
    domain: '',
    build: one('SimplifiedLayerNormalization', { axis: int(-1) }),
  },
]

const frames: Case = single(
  'STFT with a window',
  'STFT',
  { x: [2, 12, 1], w: [4] },
  (g, [x, w]) => g.op('STFT', [x!, g.scalar('int64', 2), w!, g.scalar('int64', 4)]),
  { fixed: true },
)

export const compositeCases: Case[] = [
  frames,
  ...normalization,
  ...einsums,
  ...moves,
  ...losses,
  ...transforms,
  ...fused,
]
