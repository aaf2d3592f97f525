// Shape inference against what exporters recorded, and against what the engine gives.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  type GraphBuilder,
  graphBuilder,
  int,
  ints,
  type Model,
  readModel,
  tensorOf,
  type ValueInfo,
} from '../src/index.ts'
import { over, plus, times } from '../src/infer/dims.ts'
import { inferModel } from '../src/infer/infer.ts'
import { gaussian, runGraph } from './run-graph.ts'

const fixtures = new URL('../../models-flow/test/fixtures/', import.meta.url)

/** The model with every floating-point value as an output, and no shape recorded for any. */
function allValues(model: Model): { model: Model; values: readonly ValueInfo[] } {
  const bare = { ...model, graph: { ...model.graph, valueInfo: new Map() } }
  const infos = inferModel(bare)
  const values = model.graph.nodes.flatMap((node) => node.outputs.map((name) => ({ name, ...infos.get(name)! })))
  const outputs = values.map(({ name, type, shape }) => ({ name, type, shape }))
  return { model: { ...bare, graph: { ...bare.graph, outputs } }, values }
}

describe('of exported flows', () => {
  it.each(['tiny-affine/decode', 'tiny-affine/encode', 'tiny-rqs/decode', 'tiny-rqs/encode'])(
    '%s: every inner value has the type and shape the engine gives it, with N = 3',
    async (name) => {
      const { model, values } = allValues(readModel(new Uint8Array(readFileSync(new URL(`${name}.onnx`, fixtures)))))
      const [input] = model.graph.inputs
      const shape = input!.shape!.map((dim) => (typeof dim === 'number' ? dim : 3))
      const out = await runGraph(model, { [input!.name]: gaussian('float32', shape, 1) })
      const types = { float32: Float32Array, int64: BigInt64Array, bool: Uint8Array } as Record<string, unknown>
      for (const value of values) {
        const sizes = value.shape!.map((dim) => (dim === 'N' ? 3 : dim))
        expect([value.name, sizes]).toEqual([value.name, out[value.name]!.shape])
        expect([value.name, types[value.type]]).toEqual([value.name, out[value.name]!.data.constructor])
      }
    },
  )
})

describe('of shapes computed in the graph', () => {
  it('follows Shape, Gather, Concat, arithmetic and casts', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', ['N', 'C', 6])
    const shape = g.op('Shape', [x])
    const at = (i: number): string => g.op('Gather', [shape, g.int64([i])])
    const merged = g.op('Mul', [at(1), at(2)])
    const target = g.op('Concat', [at(0), merged], { axis: int(0) })
    expect(g.info(g.op('Reshape', [x, target])).shape).toEqual(['N', '6*C'])
    const halved = g.op('Div', [merged, g.int64([3])])
    expect(g.info(g.op('ConstantOfShape', [g.op('Concat', [halved, g.int64([4])], { axis: int(0) })])).shape).toEqual([
      '2*C',
      4,
    ])
    expect(g.info(g.op('Reshape', [x, g.int64([0, -1])])).shape).toEqual(['N', '6*C'])
    expect(g.info(g.op('Reshape', [x, g.int64([-1, 3])])).shape).toEqual(['2*C*N', 3])
  })

  it('sizes are products and sums in one canonical form', () => {
    expect(times('N', 2, 'C', 3)).toBe('6*C*N')
    expect(over('6*C*N', '2*N')).toBe('3*C')
    expect(over(12, 4)).toBe(3)
    expect(plus('N', 2)).toBe(plus(2, 'N'))
    // What cannot be known equals nothing, itself included.
    expect(over('N', 2)).not.toBe(over('N', 2))
    expect(over('N', 'C')).not.toBe(over('N', 'C'))
  })
})

describe('equals what the engine computes', () => {
  type Build = (g: GraphBuilder, x: string) => string
  const images: [string, Build][] = [
    [
      'Conv SAME_UPPER stride 2',
      (g, x) =>
        g.op('Conv', [x, w(g, [4, 3, 3, 3])], {
          auto_pad: { kind: 'string', value: 'SAME_UPPER' },
          strides: ints([2, 2]),
        }),
    ],
    [
      'Conv dilated',
      (g, x) => g.op('Conv', [x, w(g, [4, 3, 3, 2])], { dilations: ints([2, 1]), pads: ints([1, 0, 2, 0]) }),
    ],
    [
      'ConvTranspose',
      (g, x) => g.op('ConvTranspose', [x, w(g, [3, 2, 3, 3])], { strides: ints([2, 3]), pads: ints([1, 0, 1, 0]) }),
    ],
    [
      'MaxPool ceil',
      (g, x) => g.op('MaxPool', [x], { kernel_shape: ints([2, 2]), strides: ints([2, 2]), ceil_mode: int(1) }),
    ],
    ['AveragePool', (g, x) => g.op('AveragePool', [x], { kernel_shape: ints([3, 2]), pads: ints([1, 0, 1, 0]) })],
    [
      'Slice with steps',
      (g, x) => g.op('Slice', [x, g.int64([-2, 5]), g.int64([-100, 0]), g.int64([2, 3]), g.int64([-1, -2])]),
    ],
    ['Tile', (g, x) => g.op('Tile', [x, g.int64([1, 2, 1, 3])])],
    ['Pad', (g, x) => g.op('Pad', [x, g.int64([0, 1, 2, 0, 0, 0, 1, 3])])],
    ['Einsum', (g, x) => g.op('Einsum', [x, x], { equation: { kind: 'string', value: 'ncij,nckj->nik' } })],
    ['TopK', (g, x) => g.ops('TopK', [x, g.int64([2])], { axis: int(2) }, 2)[0]!],
    ['ReduceMean', (g, x) => g.op('ReduceMean', [x, g.int64([1, -1])], { keepdims: int(0) })],
    ['ArgMax', (g, x) => g.op('Cast', [g.op('ArgMax', [x], { axis: int(1), keepdims: int(0) })], { to: int(1) })],
    ['Expand', (g, x) => g.op('Expand', [g.op('ReduceSum', [x, g.int64([1])]), g.int64([1, 7, 1, 1])])],
    [
      'SpaceToDepth',
      (g, x) =>
        g.op('SpaceToDepth', [g.op('Slice', [x, g.int64([0]), g.int64([4]), g.int64([3])])], { blocksize: int(2) }),
    ],
    ['Resize', (g, x) => g.op('Resize', [x, '', g.constant('s', tensorOf('float32', [4], [1, 1, 1.5, 2]))])],
    ['Split uneven', (g, x) => g.ops('Split', [x], { axis: int(3), num_outputs: int(2) }, 2)[1]!],
    [
      'Gather',
      (g, x) => g.op('Gather', [x, g.constant('i', tensorOf('int64', [2, 2], [0, 1, 2, 0]))], { axis: int(1) }),
    ],
    ['Flatten', (g, x) => g.op('Flatten', [x], { axis: int(-1) })],
    [
      'Range',
      (g) =>
        g.op('Cast', [g.op('Range', [g.scalar('int64', 1), g.scalar('int64', 10), g.scalar('int64', 4)])], {
          to: int(1),
        }),
    ],
  ]
  const w = (g: GraphBuilder, shape: number[]): string =>
    g.constant('w', tensorOf('float32', shape, new Array<number>(shape.reduce((p, n) => p * n, 1)).fill(0.1)))

  it.each(images)('%s', async (_name, build) => {
    const g = graphBuilder()
    const y = build(g, g.input('x', 'float32', [2, 3, 6, 5]))
    const { shape } = g.info(y)
    g.output('y', y)
    const out = await runGraph(g.model(), { x: gaussian('float32', [2, 3, 6, 5], 1) })
    expect(shape).toEqual(out.y!.shape)
  })
})

it('follows the sizes of an expansion in which -1 keeps the axis', () => {
  const g = graphBuilder()
  const x = g.input('x', 'float32', ['N', 3, 4])
  const token = g.input('token', 'float32', [1, 1, 4])
  const n = g.op('Gather', [g.op('Shape', [x]), g.int64([0])])
  const asked = g.op('Concat', [n, g.int64([-1, -1])], { axis: int(0) })
  const ones = g.op('ConstantOfShape', [g.int64([3])], {
    value: { kind: 'tensor', value: tensorOf('int64', [1], [1]) },
  })
  const sizes = g.op('Where', [g.op('Equal', [asked, g.int64([-1, -1, -1])]), ones, asked])
  expect(g.info(g.op('Expand', [token, sizes])).shape).toEqual(['N', 1, 4])
})
