// Cases of convolutions, pooling and resizing in all their attributes.
import { type Attribute, constantTensor, int, ints, tensorOf, text } from '../../src/index.ts'
import { type Case, one, spread, weights } from './case.ts'

type Attributes = Record<string, Attribute>
interface Window {
  how: string
  x?: readonly number[]
  w?: readonly number[]
  attributes: Attributes
  opset?: number
}

const line = [2, 2, 7]
const image = [2, 2, 5, 6]
const volume = [1, 2, 3, 4, 3]

const transposed: Case[] = (
  [
    { how: 'of a line', x: [2, 3, 4], w: [3, 2, 3], attributes: { strides: ints([2]), pads: ints([1, 0]) } },
    { how: 'of a volume', x: [1, 2, 2, 3, 2], w: [2, 2, 2, 2, 2], attributes: { strides: ints([1, 2, 1]) } },
    {
      how: 'dilated, in groups',
      x: [2, 4, 3, 3],
      w: [4, 2, 2, 2],
      attributes: { group: int(2), dilations: ints([2, 1]), strides: ints([1, 2]) },
    },
    {
      how: 'to a shape',
      x: [2, 2, 3, 3],
      w: [2, 1, 3, 3],
      attributes: { strides: ints([2, 2]), output_shape: ints([7, 8]) },
    },
    {
      how: 'padded at the upper end',
      x: [2, 2, 3, 3],
      w: [2, 1, 3, 3],
      attributes: { strides: ints([2, 2]), auto_pad: text('SAME_UPPER') },
    },
    {
      how: 'padded at the lower end',
      x: [2, 2, 3, 3],
      w: [2, 1, 3, 3],
      attributes: { strides: ints([2, 2]), auto_pad: text('SAME_LOWER') },
    },
  ] as Window[]
).flatMap(({ how, x, w, attributes }): Case[] => [
  {
    name: `ConvTranspose ${how}`,
    op: 'ConvTranspose',
    type: 'float32',
    inputs: { x: x! },
    build: (g, [value]) => g.op('ConvTranspose', [value!, weights(g, 'w', w!)], attributes),
  },
  {
    name: `ConvTranspose ${how}, weights varying`,
    op: 'ConvTranspose',
    type: 'float32',
    inputs: { x: x!, w: w!, b: [w![1]! * (attributes.group?.kind === 'int' ? attributes.group.value : 1)] },
    build: one('ConvTranspose', attributes),
  },
])

const kernel = (...sizes: number[]): Attributes => ({ kernel_shape: ints(sizes) })

const pools: Case[] = ['AveragePool', 'MaxPool', 'LpPool'].flatMap((op) =>
  (
    [
      { how: 'of a line', x: line, attributes: { ...kernel(3), strides: ints([2]), pads: ints([1, 1]) } },
      { how: 'of a volume', x: volume, attributes: { ...kernel(2, 2, 2), strides: ints([1, 2, 1]) } },
      { how: 'dilated', x: image, opset: 19, attributes: { ...kernel(2, 2), dilations: ints([2, 3]) } },
      { how: 'at the upper end', attributes: { ...kernel(3, 2), strides: ints([2, 2]), auto_pad: text('SAME_UPPER') } },
      { how: 'at the lower end', attributes: { ...kernel(3, 2), strides: ints([2, 2]), auto_pad: text('SAME_LOWER') } },
      ...(op === 'LpPool'
        ? [{ how: 'of power 3', attributes: { ...kernel(2, 2), p: int(3) } }]
        : [{ how: 'rounded up', attributes: { ...kernel(2, 2), strides: ints([2, 4]), ceil_mode: int(1) } }]),
      ...(op === 'AveragePool'
        ? [
            {
              how: 'padding counted',
              attributes: {
                ...kernel(3, 3),
                pads: ints([1, 1, 1, 1]),
                strides: ints([2, 2]),
                count_include_pad: int(1),
              },
            },
            {
              how: 'rounded up, padding counted',
              attributes: {
                ...kernel(3, 2),
                pads: ints([1, 0, 1, 0]),
                strides: ints([2, 4]),
                ceil_mode: int(1),
                count_include_pad: int(1),
              },
            },
          ]
        : []),
    ] as Window[]
  ).map(
    ({ how, x = image, attributes, opset }): Case => ({
      name: `${op} ${how}`,
      op,
      type: 'float32',
      inputs: { x },
      ...(opset && { opset }),
      ...(op === 'MaxPool' && { map: spread }),
      ...(op === 'LpPool' && { map: (v: number) => v + Math.sign(v) * 0.2, fixed: true }),
      build: one(op, attributes),
    }),
  ),
)

const others: Case[] = [
  {
    name: 'GlobalLpPool',
    op: 'GlobalLpPool',
    type: 'float32',
    inputs: { x: image },
    build: one('GlobalLpPool', { p: int(2) }),
  },
  {
    name: 'Conv of a volume with varying weights',
    op: 'Conv',
    type: 'float32',
    inputs: { x: volume, w: [3, 2, 2, 2, 2] },
    build: one('Conv', { pads: ints([0, 1, 0, 1, 0, 0]) }),
  },
  {
    name: 'MaxUnpool',
    op: 'MaxUnpool',
    type: 'float32',
    inputs: { x: [1, 2, 2, 2] },
    build: (g, [x]) => {
      const at = g.constant('at', tensorOf('int64', [1, 2, 2, 2], [0, 3, 10, 15, 16, 19, 30, 27]))
      return g.op('MaxUnpool', [x!, at], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) })
    },
  },
  {
    name: 'Col2Im',
    op: 'Col2Im',
    type: 'float32',
    inputs: { x: [2, 12, 4] },
    build: (g, [x]) =>
      g.op('Col2Im', [x!, g.int64([4, 5]), g.int64([2, 3])], {
        strides: ints([1, 2]),
        pads: ints([0, 1, 0, 0]),
        dilations: ints([2, 1]),
      }),
  },
]

interface Scaling {
  how: string
  x?: readonly number[]
  attributes: Attributes
  sizes?: readonly number[]
  scales?: readonly number[]
}

const coordinates = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric']
const resizes: Case[] = (
  [
    ...coordinates.flatMap((coordinate_transformation_mode) =>
      ['nearest', 'linear', 'cubic'].map((mode) => ({
        how: `${mode} ${coordinate_transformation_mode}`,
        attributes: { mode: text(mode), coordinate_transformation_mode: text(coordinate_transformation_mode) },
        sizes: [2, 1, 5, 7],
      })),
    ),
    { how: 'of a line by a factor', x: [2, 1, 4], attributes: { mode: text('linear') }, scales: [1, 1, 2.5] },
    { how: 'of a volume', x: [1, 1, 2, 3, 2], attributes: { mode: text('linear') }, scales: [1, 1, 2, 2, 2] },
    { how: 'smaller', attributes: { mode: text('linear') }, sizes: [2, 1, 2, 2] },
    {
      how: 'smaller, floored',
      attributes: { mode: text('nearest'), nearest_mode: text('floor') },
      scales: [1, 1, 0.6, 0.5],
    },
    {
      how: 'cubic without the outside',
      attributes: { mode: text('cubic'), exclude_outside: int(1) },
      sizes: [2, 1, 6, 5],
    },
  ] as Scaling[]
).map(
  ({ how, x = [2, 1, 4, 3], attributes, sizes, scales }): Case => ({
    name: `Resize ${how}`,
    op: 'Resize',
    type: 'float32',
    inputs: { x },
    fixed: sizes !== undefined,
    build(g, [value]) {
      if (sizes) return g.op('Resize', [value!, '', '', g.int64(sizes)], attributes)
      const factors = g.constant('s', constantTensor('float32', [scales!.length], Float32Array.from(scales!)))
      return g.op('Resize', [value!, '', factors], attributes)
    },
  }),
)

const grids: Case[] = ['zeros', 'border', 'reflection'].flatMap((padding) =>
  ['linear', 'nearest', 'cubic'].flatMap((mode) =>
    [0, 1].map(
      (align): Case => ({
        name: `GridSample ${mode} ${padding} ${align}`,
        op: 'GridSample',
        type: 'float32',
        fixed: true,
        inputs: { x: [1, 2, 4, 3], grid: [1, 2, 3, 2] },
        // Points well inside the pixels' neighbourhoods, some of them outside of the image.
        map: (v, i) =>
          i > 12 ? v : ([0.13, -0.41, 1.27, 0.28, -0.58, 0.71, 0.44, -1.21, -0.17, 0.57, 0.83, -0.55][i] ?? v),
        step: 2e-3,
        tolerance: 1e-2,
        build: one('GridSample', { mode: text(mode), padding_mode: text(padding), align_corners: int(align) }),
      }),
    ),
  ),
)

export const windowCases: Case[] = [...transposed, ...pools, ...others, ...resizes, ...grids]
