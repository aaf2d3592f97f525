// Whole Jacobians against unit tangents through jvp, and the savings they are made for.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  type GraphBuilder,
  graphBuilder,
  int,
  ints,
  jacobian,
  jvp,
  type Model,
  readModel,
  tensorOf,
} from '../src/index.ts'
import { type FloatType, floats, gaussian, numbersOf, relativeError, runGraph } from './run-graph.ts'

const weights = (g: GraphBuilder, name: string, shape: readonly number[], type: FloatType = 'float64'): string => {
  const n = shape.reduce((p, s) => p * s, 1)
  return g.constant(
    name,
    tensorOf(
      type,
      shape,
      Array.from({ length: n }, (_, i) => Math.sin(1 + i * 1.7) / Math.sqrt(shape.at(-1)!)),
    ),
  )
}

function model(
  build: (g: GraphBuilder, x: string) => string,
  shape: readonly (number | string)[],
  type: FloatType = 'float64',
): Model {
  const g = graphBuilder()
  g.output('y', build(g, g.input('x', type, shape)))
  return g.model()
}

/** Relative error of the Jacobian against all unit vectors pushed through `jvp`. */
async function compare(
  m: Model,
  shape: readonly number[],
  type: FloatType,
  input = 'x',
  output = 'y',
): Promise<number> {
  const d = shape.reduce((p, n) => p * n, 1)
  const x = gaussian(type, shape, 5)
  const whole = await runGraph(jacobian(m, { wrt: input, of: [output] }), { [input]: x }, 'all')
  const eye = Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0))
  const feeds = { [input]: x, [`${input}_tangent`]: floats(type, [d, ...shape], eye) }
  const unit = await runGraph(jvp(m, { wrt: [input], of: [output] }), feeds)
  expect(relativeError(numbersOf(whole[output]), numbersOf(unit[output]))).toBeLessThan(
    type === 'float64' ? 1e-14 : 1e-5,
  )
  expect(whole[`${output}_jacobian`]!.shape).toEqual(unit[`${output}_tangent`]!.shape)
  return relativeError(numbersOf(whole[`${output}_jacobian`]), numbersOf(unit[`${output}_tangent`]))
}

/** Two couplings between linear maps, the second on the other half: what the regions are made for. */
function flow(hidden: number): Model {
  return model(
    (g, x) => {
      const cut = (v: string, from: number, n: number): string =>
        g.op('Slice', [v, g.int64([from]), g.int64([from + n]), g.int64([1])])
      const couple = (v: string, kept: number, moved: number, name: string): [string, string] => {
        const h = g.op('Relu', [g.op('MatMul', [cut(v, kept, 4), weights(g, `${name}a`, [4, hidden])])])
        const parameters = g.op('MatMul', [h, weights(g, `${name}b`, [hidden, 8])])
        const scale = g.op('Add', [g.op('Sigmoid', [cut(parameters, 0, 4)]), g.scalar('float64', 0.1)])
        return [cut(v, kept, 4), g.op('Div', [g.op('Sub', [cut(v, moved, 4), cut(parameters, 4, 4)]), scale])]
      }
      const first = g.op('Concat', couple(x, 0, 4, 'p'), { axis: int(1) })
      const mixed = g.op('MatMul', [first, weights(g, 'mix', [8, 8])])
      return g.op('Concat', couple(mixed, 4, 0, 'q'), { axis: int(1) })
    },
    ['N', 8],
  )
}

describe('a Jacobian equals unit vectors through jvp', () => {
  // float64: sums of some hundred products in another order differ by about 1e-15 of their size.
  it.each([
    [
      'a net with a narrow middle',
      [1, 20],
      (g: GraphBuilder, x: string) => {
        const narrow = g.op('Tanh', [g.op('MatMul', [x, weights(g, 'a', [20, 3])])])
        const wide = g.op('Tanh', [g.op('MatMul', [narrow, weights(g, 'b', [3, 40])])])
        return g.op('MatMul', [g.op('Exp', [wide]), weights(g, 'c', [40, 20])])
      },
    ],
    [
      'a narrow middle used twice',
      [1, 20],
      (g: GraphBuilder, x: string) => {
        const narrow = g.op('Sin', [g.op('MatMul', [x, weights(g, 'a', [20, 2])])])
        const wide = g.op('Relu', [g.op('MatMul', [narrow, weights(g, 'b', [2, 60])])])
        const out = g.op('MatMul', [wide, weights(g, 'c', [60, 20])])
        return g.op('Add', [g.op('Mul', [out, x]), g.op('ReduceSum', [narrow, g.int64([1])])])
      },
    ],
    [
      'parts that see parts of the input',
      [1, 12],
      (g: GraphBuilder, x: string) => {
        const cut = (v: string, from: number, to: number): string =>
          g.op('Slice', [v, g.int64([from]), g.int64([to]), g.int64([1])])
        const tail = g.op('MatMul', [g.op('Exp', [cut(x, 8, 12)]), weights(g, 'a', [4, 4])])
        const half = g.op('Concat', [cut(x, 4, 8), tail], { axis: int(1) })
        const middle = g.op('MatMul', [g.op('Sin', [half]), weights(g, 'b', [8, 8])])
        return g.op('MatMul', [g.op('Concat', [cut(x, 0, 4), middle], { axis: int(1) }), weights(g, 'c', [12, 5])])
      },
    ],
    ['elementwise only', [1, 5], (g: GraphBuilder, x: string) => g.op('Mul', [x, g.op('Exp', [x])])],
    ['the input itself', [1, 5], (g: GraphBuilder, x: string) => g.op('Identity', [x])],
    [
      'a sum to one number',
      [1, 6],
      (g: GraphBuilder, x: string) => g.op('ReduceSum', [g.op('Mul', [x, x])], { keepdims: int(0) }),
    ],
  ] as [string, number[], (g: GraphBuilder, x: string) => string][])('%s', async (_name, shape, build) => {
    expect(await compare(model(build, ['N', ...shape.slice(1)]), shape, 'float64')).toBeLessThan(1e-14)
  })

  it.each([2, 64])('couplings with %i hidden units', async (hidden) => {
    expect(await compare(flow(hidden), [1, 8], 'float64')).toBeLessThan(1e-13)
  })

  it('a convolutional net on images', async () => {
    const net = model(
      (g, x) => {
        const conv = (v: string, name: string, shape: number[]): string =>
          g.op('Conv', [v, weights(g, name, shape, 'float32')], { pads: ints([1, 1, 1, 1]) })
        const slim = g.op('Slice', [x, g.int64([1]), g.int64([2]), g.int64([1])])
        const branch = conv(g.op('Relu', [conv(slim, 'a', [8, 1, 3, 3])]), 'b', [2, 8, 3, 3])
        return g.op('Mul', [x, g.op('Sigmoid', [branch])])
      },
      ['N', 2, 5, 5],
      'float32',
    )
    // float32: sums of 72 products in another order.
    expect(await compare(net, [1, 2, 5, 5], 'float32')).toBeLessThan(1e-6)
  })

  const fixtures = new URL('../../models-flow/test/fixtures/', import.meta.url)
  it.each([
    ['tiny-affine', 'decode', 'z', 'x', [1, 64]],
    ['tiny-rqs', 'decode', 'z', 'x', [1, 64]],
    ['tiny-rqs', 'encode', 'x', 'z', [1, 1, 8, 8]],
  ] as const)('%s %s', async (name, graph, input, output, shape) => {
    const file = new URL(`${name}/${graph}.onnx`, fixtures)
    expect(existsSync(file)).toBe(true)
    const flowModel = readModel(new Uint8Array(readFileSync(file)))
    // float32 through some 60 layers; the spline amplifies rounding by up to 10 (see jvp-flows.test.ts).
    expect(await compare(flowModel, shape, 'float32', input, output)).toBeLessThan(2e-5)
  })
})

describe('the graph', () => {
  it('fixes the batch to 1 and needs no tangent', () => {
    const { graph } = jacobian(flow(4), { wrt: 'x' })
    expect(graph.inputs.map(({ name, shape }) => ({ name, shape }))).toEqual([{ name: 'x', shape: [1, 8] }])
    expect(graph.outputs.map(({ name, shape }) => ({ name, shape }))).toEqual([
      { name: 'y', shape: [1, 8] },
      { name: 'y_jacobian', shape: [8, 1, 8] },
    ])
  })

  it('multiplies by the Jacobian of a wide conditioner once per coupling that more directions reach than it has inputs', () => {
    // The first coupling's condition is a slice of the input: 4 directions on 4 numbers, nothing to gain.
    const products = jacobian(flow(64), { wrt: 'x' }).graph.nodes.filter((n) => n.opType === 'MatMul')
    // Values: 2 per coupling and the mix; directions: the same, with one more product for the second coupling.
    expect(products).toHaveLength(5 + 5 + 1)
  })

  it('pushes directions through where a Jacobian of its own would cost more', () => {
    const light = model(
      (g, x) => {
        const cut = (from: number): string => g.op('Slice', [mixed, g.int64([from]), g.int64([from + 4]), g.int64([1])])
        const mixed = g.op('MatMul', [x, weights(g, 'mix', [8, 8])])
        return g.op('Mul', [cut(0), g.op('Exp', [cut(4)])])
      },
      ['N', 8],
    )
    expect(jacobian(light, { wrt: 'x' }).graph.nodes.filter((n) => n.opType === 'MatMul')).toHaveLength(2)
  })

  it('names what it cannot do', () => {
    const unknown = model((g, x) => g.op('Reshape', [x, g.op('Shape', [g.op('NonZero', [x])])]), ['N', 4])
    expect(() => jacobian(unknown, { wrt: 'q' })).toThrow('jacobian wrt: expected one of x, y, got q')
    const old = graphBuilder({ opset: 6 })
    old.output('y', old.input('x', 'float32', [1, 2]))
    expect(() => jacobian(old.model(), { wrt: 'x' })).toThrow('jacobian operator set: expected 7 or newer, got 6')
  })

  it('gives zeros for an output that does not depend on the input', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', ['N', 2])
    const c = g.input('c', 'float32', ['N', 3])
    g.output('y', g.op('Exp', [x]))
    g.output('other', g.op('Exp', [c]))
    const out = await runGraph(jacobian(g.model(), { wrt: 'x' }), {
      x: floats('float32', [1, 2], [0, 0]),
      c: floats('float32', [1, 3], [1, 2, 3]),
    })
    expect(out.other_jacobian).toEqual({ data: new Float32Array(6), shape: [2, 1, 3] })
    expect(numbersOf(out.y_jacobian)).toEqual([1, 0, 0, 1])
  })
})
