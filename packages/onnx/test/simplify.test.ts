// simplify: less of everything, the same bits.
import { readFileSync } from 'node:fs'
import type { TensorValue } from '@ood/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Attribute,
  constantTensor,
  float,
  type Graph,
  type GraphBuilder,
  graphBuilder,
  inspect,
  int,
  ints,
  jvp,
  type Model,
  type Node,
  readModel,
  simplify,
  type Tensor,
  tensorOf,
  toFloat64,
  writeModel,
} from '../src/index.ts'
import { floats, gaussian, numbersOf, relativeError, runGraph, type Values } from './run-graph.ts'

const operators = (model: Model): Record<string, number> => inspect(model).operators
const bits = (value: TensorValue | undefined): string => {
  const data = value!.data as Float32Array
  return `${value!.shape} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')}`
}
async function expectSame(model: Model, feeds: Values): Promise<Model> {
  const simple = simplify(model)
  // A simplified graph is a valid file, and simplifying it again changes nothing.
  expect(simplify(simple)).toBe(simple)
  const again = readModel(writeModel(simple))
  expect(simplify(again)).toBe(again)
  const [a, b] = [await runGraph(model, feeds), await runGraph(again, feeds)]
  expect(Object.keys(b)).toEqual(Object.keys(a))
  for (const name of Object.keys(a)) expect(bits(b[name])).toBe(bits(a[name]))
  return simple
}
const feeds = { x: gaussian('float32', [2, 3, 4], 1) }

/** Builds without the builder's own merging of equal nodes. */
function model(
  build: (
    g: GraphBuilder,
    x: string,
    raw: (node: Partial<Node> & { outputs: string[] }) => string,
  ) => string | string[],
): Model {
  const nodes: Node[] = []
  const g = graphBuilder({ opset: 18 })
  const x = g.input('x', 'float32', ['N', 3, 4])
  const raw = (node: Partial<Node> & { outputs: string[] }): string => {
    nodes.push({ opType: 'Identity', domain: '', name: node.outputs[0]!, inputs: [], attributes: {}, ...node })
    return node.outputs[0]!
  }
  const made = [build(g, x, raw)].flat()
  made.forEach((value, i) => {
    g.output(made.length === 1 ? 'y' : `y${i}`, nodes.some((node) => node.outputs.includes(value)) ? x : value, {
      type: 'float32',
      shape: undefined,
    })
  })
  if (nodes.length === 0) return g.model()
  const base = g.model()
  const outputs = made.map((name) => ({ name, type: 'float32' as const, shape: undefined }))
  return { ...base, graph: { ...base.graph, nodes, outputs } }
}

describe('what goes', () => {
  it('nodes that give what they get', async () => {
    const m = model((_g, x, raw) => {
      let v = x
      const step = (opType: string, attributes: Record<string, Attribute> = {}): void => {
        v = raw({ opType, inputs: [v], outputs: [`${opType}${v}`], attributes })
      }
      step('Identity')
      step('Cast', { to: int(1) })
      step('Transpose', { perm: ints([0, 1, 2]) })
      step('Concat', { axis: int(1) })
      step('Sum')
      step('Dropout')
      step('Relu')
      step('Identity')
      return v
    })
    expect(operators(await expectSame(m, feeds))).toEqual({ Relu: 1 })
  })

  it('shapes are computed, whole slices, empty pads and neutral factors go', async () => {
    const g = graphBuilder({ opset: 18 })
    const x = g.input('x', 'float32', ['N', 3, 4])
    const size = g.op('Gather', [g.op('Shape', [x]), g.scalar('int64', 2)], { axis: int(0) })
    const twice = g.op('Mul', [size, g.scalar('int64', 2)])
    const target = g.op('Concat', [g.int64([-1]), g.op('Unsqueeze', [twice, g.int64([0])])], { axis: int(0) })
    const all = g.op('Slice', [x, g.int64([0]), g.int64([2 ** 40]), g.int64([1])])
    const padded = g.op('Pad', [all, g.int64([0, 0, 0, 0, 0, 0])])
    const scaled = g.op('Sub', [
      g.op('Div', [g.op('Mul', [padded, g.scalar('float32', 1)]), g.scalar('float32', 1)]),
      g.scalar('float32', 0),
    ])
    g.output('y', g.op('Reshape', [g.op('Tile', [scaled, g.int64([1, 1, 1])]), target]))
    expect(operators(await expectSame(g.model(), feeds))).toEqual({ Reshape: 1 })
  })

  it('chains of transposes and of reshapes become one, or none', async () => {
    const m = model((g, x, raw) => {
      const target = g.int64([-1, 6])
      void target
      const a = raw({ opType: 'Transpose', inputs: [x], outputs: ['a'], attributes: { perm: ints([1, 2, 0]) } })
      const b = raw({ opType: 'Transpose', inputs: [a], outputs: ['b'], attributes: { perm: ints([2, 0, 1]) } })
      const c = raw({ opType: 'Transpose', inputs: [b], outputs: ['c'], attributes: { perm: ints([0, 2, 1]) } })
      return raw({ opType: 'Abs', inputs: [c], outputs: ['d'] })
    })
    expect(operators(await expectSame(m, feeds))).toEqual({ Transpose: 1, Abs: 1 })
    const g = graphBuilder({ opset: 18 })
    const x = g.input('x', 'float32', [2, 3, 4])
    const long = g.op('Reshape', [
      g.op('Unsqueeze', [g.op('Reshape', [x, g.int64([4, -1])]), g.int64([0])]),
      g.int64([2, 3, 4]),
    ])
    g.output('y', g.op('Neg', [long]))
    expect(operators(await expectSame(g.model(), feeds))).toEqual({ Neg: 1 })
  })

  it('equal nodes and equal constants are kept once, however they are stored', async () => {
    const m = model((g, x, raw) => {
      void g
      raw({
        opType: 'Constant',
        outputs: ['c1'],
        attributes: { value: { kind: 'tensor', value: tensorOf('float32', [4], [1, 2, 3, 4]) } },
      })
      raw({
        opType: 'Constant',
        outputs: ['c2'],
        attributes: { value: { kind: 'tensor', value: tensorOf('float32', [4], [1, 2, 3, 4]) } },
      })
      raw({ opType: 'Mul', inputs: [x, 'c1'], outputs: ['p'] })
      raw({ opType: 'Mul', inputs: [x, 'c2'], outputs: ['q'] })
      raw({ opType: 'Exp', inputs: ['p'], outputs: ['r'] })
      raw({ opType: 'Exp', inputs: ['q'], outputs: ['s'] })
      return raw({ opType: 'Add', inputs: ['r', 's'], outputs: ['y'] })
    })
    const simple = await expectSame(m, feeds)
    expect(operators(simple)).toEqual({ Add: 1, Exp: 1, Mul: 1 })
    expect(simple.graph.initializers.size).toBe(1)
  })

  it('random numbers are not equal numbers', () => {
    const m = model((_g, x, raw) => {
      raw({ opType: 'RandomNormalLike', inputs: [x], outputs: ['a'] })
      raw({ opType: 'RandomNormalLike', inputs: [x], outputs: ['b'] })
      return raw({ opType: 'Sub', inputs: ['a', 'b'], outputs: ['y'] })
    })
    expect(operators(simplify(m))).toEqual({ RandomNormalLike: 2, Sub: 1 })
  })

  it('outputs keep their names: given on, given twice, constant', async () => {
    const m = model((_g, x, raw) => [
      raw({ opType: 'Identity', inputs: [x], outputs: ['same'] }),
      raw({ opType: 'Relu', inputs: [x], outputs: ['one'] }),
      raw({ opType: 'Relu', inputs: [x], outputs: ['two'] }),
      raw({ opType: 'Identity', inputs: ['one'], outputs: ['three'] }),
      raw({
        opType: 'Constant',
        outputs: ['four'],
        attributes: { value: { kind: 'tensor', value: tensorOf('float32', [2], [1, 2]) } },
      }),
    ])
    await expectSame(m, feeds)
  })
})

describe('what stays', () => {
  it('x + 0, which changes -0, and factors that broaden', async () => {
    const g = graphBuilder({ opset: 18 })
    const x = g.input('x', 'float32', [2])
    const sum = g.op('Add', [x, g.scalar('float32', 0)])
    const ones = g.constant('ones', tensorOf('float32', [1, 1], [1]))
    const difference = g.op('Sub', [sum, g.scalar('float32', -0)])
    g.output('y', g.op('Mul', [difference, ones]))
    const simple = await expectSame(g.model(), { x: floats('float32', [2], [-0, 1]) })
    expect(operators(simple)).toEqual({ Add: 1, Sub: 1, Mul: 1 })
  })

  it('arithmetic that is not the same everywhere: division by zero, wrapping, indices outside', () => {
    const g = graphBuilder({ opset: 18 })
    const zero = g.int64([0])
    const parts = [
      g.op('Div', [g.int64([7]), zero]),
      g.op('Mod', [g.int64([7]), zero]),
      g.op('Gather', [g.int64([1, 2]), g.int64([5])], { axis: int(0) }),
      g.op('Mul', [g.int64([2 ** 40]), g.int64([2 ** 40])]),
      g.op('Div', [g.scalar('float32', 0), g.scalar('float32', 0)]),
      g.op('Cast', [g.scalar('float32', 1e20)], { to: int(7) }),
    ]
    parts.forEach((part, i) => {
      g.output(`y${i}`, part)
    })
    expect(operators(simplify(g.model()))).toEqual({ Div: 2, Cast: 1, Gather: 1, Mod: 1, Mul: 1 })
  })

  it('operator sets it does not know are refused', () => {
    const old = { ...graphBuilder({ opset: 18 }).model(), opsets: { '': 6 } }
    expect(() => simplify(old)).toThrow('simplify operator set: expected 7 to 28, got 6')
  })
})

it('graphs within graphs are simplified, with what they take from around them', async () => {
  const g = graphBuilder({ opset: 18 })
  const x = g.input('x', 'float32', [2])
  const branch = (op: string): Attribute => {
    const nodes: Node[] = [
      { opType: 'Identity', domain: '', name: 'i', inputs: ['renamed'], outputs: [`${op}i`], attributes: {} },
      { opType: op, domain: '', name: 'o', inputs: [`${op}i`], outputs: [`${op}o`], attributes: {} },
      { opType: 'Identity', domain: '', name: 'l', inputs: [`${op}o`], outputs: [`${op}l`], attributes: {} },
    ]
    const outputs = [{ name: `${op}l`, type: 'float32' as const, shape: [2] }]
    const graph: Graph = {
      name: op,
      inputs: [],
      outputs,
      nodes,
      initializers: new Map<string, Tensor>(),
      valueInfo: new Map(),
    }
    return { kind: 'graph', value: graph }
  }
  const condition = g.op('Greater', [g.op('ReduceSum', [x], { keepdims: int(0) }), g.scalar('float32', 0)])
  g.output('y', g.op('If', [condition], { then_branch: branch('Exp'), else_branch: branch('Neg') }), {
    type: 'float32',
    shape: [2],
  })
  const base = g.model()
  const first: Node = { opType: 'Identity', domain: '', name: 'r', inputs: ['x'], outputs: ['renamed'], attributes: {} }
  const m = { ...base, graph: { ...base.graph, nodes: [first, ...base.graph.nodes] } }
  for (const values of [
    [1, 2],
    [-1, -2],
  ]) {
    const simple = await expectSame(m, { x: floats('float32', [2], values) })
    expect(operators(simple)).toEqual({ Exp: 1, Greater: 1, If: 1, Neg: 1, ReduceSum: 1 })
  }
})

it('Conv and BatchNormalization become one Conv when asked, equal to float32 rounding', async () => {
  const g = graphBuilder({ opset: 18 })
  const x = g.input('x', 'float32', ['N', 3, 5, 5])
  const of = (name: string, shape: number[], seed: number, map = (v: number) => v): string =>
    g.constant(
      name,
      constantTensor('float32', shape, Float32Array.from(numbersOf(gaussian('float32', shape, seed)), map)),
    )
  const conv = g.op('Conv', [x, of('w', [4, 3, 3, 3], 1), of('b', [4], 2)], { pads: ints([1, 1, 1, 1]) })
  const parameters = [of('s', [4], 3), of('beta', [4], 4), of('m', [4], 5), of('v', [4], 6, (v) => v * v + 0.1)]
  g.output('y', g.op('Relu', [g.op('BatchNormalization', [conv, ...parameters], { epsilon: float(0.001) })]))
  const fused = simplify(g.model(), { fuseBatchNorm: true })
  expect(operators(fused)).toEqual({ Conv: 1, Relu: 1 })
  expect(simplify(fused, { fuseBatchNorm: true })).toBe(fused)
  const feed = { x: gaussian('float32', [2, 3, 5, 5], 7) }
  const [a, b] = [numbersOf((await runGraph(g.model(), feed)).y), numbersOf((await runGraph(fused, feed)).y)]
  // Sums of 27 products, scaled by up to 3: 27 * 6e-8.
  expect(relativeError(b, a)).toBeLessThan(2e-6)
  // A Conv somebody else reads as well is left alone.
  g.output('z', conv)
  expect(operators(simplify(g.model(), { fuseBatchNorm: true })).BatchNormalization).toBe(1)
})

describe('real and generated graphs', () => {
  const fixtures = new URL('../../models-flow/test/fixtures/', import.meta.url)
  const tiny = readModel(new Uint8Array(readFileSync(new URL('tiny-affine/decode.onnx', fixtures))))
  it('a flow, its derivative, and its float64 form give the same bits', async () => {
    const z = gaussian('float32', [2, 64], 5)
    await expectSame(tiny, { z })
    await expectSame(jvp(tiny, { wrt: ['z'], of: ['x'] }), { z, z_tangent: gaussian('float32', [3, 2, 64], 6) })
    await expectSame(toFloat64(tiny), { z: floats('float64', [2, 64], numbersOf(z)) })
  })

  /** A random graph of steps on [2, 3, 4] tensors and their transposes, full of things to remove. */
  const step = fc.record({
    kind: fc.nat(15),
    from: fc.nat(20),
    other: fc.nat(20),
    value: fc.constantFrom(0, 1, -1, 0.5, -0),
  })
  it('random graphs keep their bits and shrink or stay', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const g = graphBuilder({ opset: 18 })
        const values = [g.input('x', 'float32', [2, 3, 4])]
        const constants: string[] = [
          g.constant(
            'k',
            tensorOf(
              'float32',
              [3, 4],
              [...Array(12).keys()].map((i) => i - 5),
            ),
          ),
        ]
        for (const { kind, from, other, value } of steps) {
          const a = values[from % values.length]!
          const b = values[other % values.length]!
          const c = constants[other % constants.length]!
          const s = g.scalar('float32', value)
          if (kind < 4) values.push(g.op(['Add', 'Sub', 'Mul', 'Max'][kind]!, [a, kind % 2 ? b : s]))
          else if (kind === 4) values.push(g.op('Div', [a, s]))
          else if (kind === 5)
            values.push(
              g.op('Transpose', [g.op('Transpose', [a], { perm: ints([2, 0, 1]) })], { perm: ints([1, 2, 0]) }),
            )
          else if (kind === 6)
            values.push(g.op('Reshape', [g.op('Reshape', [a, g.int64([6, -1])]), g.int64([2, 3, 4])]))
          else if (kind === 7) values.push(g.op('Identity', [a]))
          else if (kind === 8) values.push(g.op('Slice', [a, g.int64([0]), g.int64([3]), g.int64([1])]))
          else if (kind === 9) values.push(g.op('Pad', [a, g.int64([0, 0, 0, 0, 0, 0])]))
          else if (kind === 10) constants.push(g.op(['Add', 'Mul', 'Sub', 'Div'][other % 4]!, [c, s]))
          else if (kind === 11) values.push(g.op('Add', [a, c]))
          else if (kind === 12) values.push(g.op('Cast', [g.op('Cast', [a], { to: int(11) })], { to: int(1) }))
          else if (kind === 13) values.push(g.op('Expand', [a, g.op('Shape', [b])]))
          else if (kind === 14) values.push(g.op('Where', [g.op('Less', [a, b]), a, c]))
          else values.push(g.op('Concat', [a], { axis: int(1) }))
        }
        g.output('y', values.at(-1)!)
        g.output('second', values[Math.floor(values.length / 2)]!)
        const m = g.model()
        const simple = await expectSame(m, feeds)
        expect(simple.graph.nodes.length).toBeLessThanOrEqual(m.graph.nodes.length)
      }),
      { numRuns: 40, seed: 11 },
    )
  })
})
