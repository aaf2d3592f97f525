// Properties of models differentiated in reverse mode: ports, weights, shared and missing cotangents, second derivatives.
import { OodError } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type GraphBuilder,
  graphBuilder,
  int,
  jvp,
  type Model,
  readModel,
  tensorOf,
  vjp,
  writeModel,
} from '../src/index.ts'
import { checkAdjoint, relaxed } from './adjoint.ts'
import { floats, gaussian, numbersOf, relativeError, runGraph, type Values } from './run-graph.ts'

const sines = (g: GraphBuilder, name: string, shape: readonly number[]): string => {
  const size = shape.reduce((p, n) => p * n, 1)
  const values = Array.from({ length: size }, (_, i) => Math.sin(1 + i * name.length))
  return g.constant(name, tensorOf('float64', shape, values))
}

/** A classifier's loss: two layers with weights, a residual sum, softmax cross-entropy against fixed targets. */
function loss(): Model {
  const g = graphBuilder()
  const x = g.input('x', 'float64', ['N', 5])
  const h = g.op('Tanh', [g.op('Gemm', [x, sines(g, 'first.weight', [5, 4]), sines(g, 'first.bias', [4])])])
  const twice = g.op('Add', [h, g.op('Mul', [h, sines(g, 'scale', [4])])])
  const logits = g.op('MatMul', [twice, sines(g, 'second.weight', [4, 3])])
  const target = g.constant('target', tensorOf('float64', [3], [1, 0, 0]))
  const each = g.op('ReduceSum', [g.op('Mul', [g.op('LogSoftmax', [logits]), target]), g.int64([-1])], {
    keepdims: int(0),
  })
  g.output('loss', g.op('ReduceMean', [g.op('Neg', [each])], { keepdims: int(0) }))
  g.output('hidden', h)
  return g.model()
}
const weights = ['first.weight', 'first.bias', 'scale', 'second.weight']
const one = (k = 1): Values[string] => floats('float64', [k], new Array(k).fill(1))

describe('a model differentiated in reverse mode', () => {
  it('has a cotangent input beside each output and a cotangent output for each value of wrt', () => {
    const { graph } = vjp(loss(), { wrt: ['x', 'second.weight'] })
    const ports = (list: typeof graph.inputs): unknown => list.map(({ name, type, shape }) => ({ name, type, shape }))
    expect(ports(graph.inputs)).toEqual([
      { name: 'x', type: 'float64', shape: ['N', 5] },
      { name: 'loss_cotangent', type: 'float64', shape: ['K'] },
      { name: 'hidden_cotangent', type: 'float64', shape: ['K', 'N', 4] },
    ])
    expect(ports(graph.outputs)).toEqual([
      { name: 'loss', type: 'float64', shape: [] },
      { name: 'hidden', type: 'float64', shape: ['N', 4] },
      { name: 'x_cotangent', type: 'float64', shape: ['K', 'N', 5] },
      { name: 'second.weight_cotangent', type: 'float64', shape: ['K', 4, 3] },
    ])
  })

  it('keeps the values of the model and writes its nodes once', async () => {
    const x = gaussian('float64', [3, 5], 1)
    const plain = await runGraph(loss(), { x })
    const derivative = vjp(loss(), { wrt: ['x', ...weights], of: ['loss'] })
    const both = await runGraph(derivative, { x, loss_cotangent: one() })
    expect(both.loss!.data).toEqual(plain.loss!.data)
    const tanhs = derivative.graph.nodes.filter((node) => node.opType === 'Tanh' || node.opType === 'LogSoftmax')
    expect(tanhs).toHaveLength(2)
  })

  // The bilinear form u' J v three ways; differences with h = 1e-5 in float64 err by about 1e-9.
  it.each([1, 4])('equals jvp and central differences for a batch of %i and several directions', async (n) => {
    const feeds = { x: gaussian('float64', [n, 5], 3) }
    const { forward, differences } = await checkAdjoint(loss(), feeds, { wrt: ['x'], type: 'float64', k: 3 })
    expect(forward).toBeLessThan(1e-14)
    expect(differences).toBeLessThan(1e-9)
  })

  it('gives each direction what it gives it alone', async () => {
    const model = vjp(loss(), { wrt: ['x', 'first.bias'] })
    const x = gaussian('float64', [2, 5], 5)
    const u = { loss_cotangent: gaussian('float64', [3], 6), hidden_cotangent: gaussian('float64', [3, 2, 4], 7) }
    const all = await runGraph(model, { x, ...u })
    for (let k = 0; k < 3; k++) {
      const [l, h] = [numbersOf(u.loss_cotangent), numbersOf(u.hidden_cotangent)]
      const alone = await runGraph(model, {
        x,
        loss_cotangent: floats('float64', [1], l.slice(k, k + 1)),
        hidden_cotangent: floats('float64', [1, 2, 4], h.slice(8 * k, 8 * k + 8)),
      })
      for (const name of ['x_cotangent', 'first.bias_cotangent']) {
        const rows = numbersOf(all[name])
        const size = rows.length / 3
        expect(relativeError(numbersOf(alone[name]), rows.slice(k * size, (k + 1) * size))).toBeLessThan(1e-15)
      }
    }
  })

  it('differentiates an inner value as if it were an input', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', ['N', 3])
    const h = g.op('Exp', [x])
    g.output('y', g.op('Mul', [x, g.op('Sin', [h])]))
    const at = [0.1, 0.5, -0.4]
    const derivative = vjp(g.model(), { wrt: [h], of: ['y'] })
    const out = await runGraph(derivative, {
      x: floats('float64', [1, 3], at),
      y_cotangent: floats('float64', [1, 1, 3], [1, 2, 3]),
    })
    const expected = at.map((v, i) => (i + 1) * v * Math.cos(Math.exp(v)))
    expect(relativeError(numbersOf(out[`${h}_cotangent`]), expected)).toBeLessThan(1e-15)
  })
})

describe('weights', () => {
  /** The same model with its weights as inputs, which finite differences can move. */
  function open(model: Model): { model: Model; feeds: Values } {
    const feeds: Values = {}
    const inputs = [...model.graph.inputs]
    const initializers = new Map(model.graph.initializers)
    for (const name of weights) {
      const { shape, data } = initializers.get(name)!
      initializers.delete(name)
      inputs.push({ name, type: 'float64', shape })
      feeds[name] = { shape, data: data as Float64Array }
    }
    return { model: { ...model, graph: { ...model.graph, inputs, initializers } }, feeds }
  }

  it('have the cotangents they have as inputs, and those equal central differences', async () => {
    const x = gaussian('float64', [3, 5], 8)
    const { model, feeds } = open(loss())
    const { forward, differences, cotangents } = await checkAdjoint(
      model,
      { x, ...feeds },
      { wrt: weights, type: 'float64', k: 2 },
    )
    expect(forward).toBeLessThan(1e-14)
    expect(differences).toBeLessThan(1e-9)
    const u = { loss_cotangent: gaussian('float64', [2], 177), hidden_cotangent: gaussian('float64', [2, 3, 4], 178) }
    const inside = await runGraph(vjp(loss(), { wrt: weights }), { x, ...u })
    for (const name of weights)
      expect(numbersOf(inside[`${name}_cotangent`])).toEqual(numbersOf(cotangents[`${name}_cotangent`]))
  })

  it('can be tangents of jvp too', async () => {
    const x = gaussian('float64', [2, 5], 9)
    const forward = await runGraph(jvp(loss(), { wrt: ['first.bias'], of: ['loss'] }), {
      x,
      'first.bias_tangent': floats('float64', [1, 4], [1, 0, 2, 0]),
    })
    const reverse = await runGraph(vjp(loss(), { wrt: ['first.bias'], of: ['loss'] }), { x, loss_cotangent: one() })
    const gradient = numbersOf(reverse['first.bias_cotangent'])
    expect(relativeError(numbersOf(forward.loss_tangent), [gradient[0]! + 2 * gradient[2]!])).toBeLessThan(1e-15)
  })

  it('of an embedding are added up where an index repeats', async () => {
    const g = graphBuilder()
    const ids = g.input('ids', 'int64', ['N', 3])
    const table = sines(g, 'table', [4, 2])
    g.output('y', g.op('Gather', [table, ids]))
    const ids64 = { shape: [1, 3], data: BigInt64Array.from([2n, 0n, 2n]) }
    const out = await runGraph(vjp(g.model(), { wrt: ['table'] }), {
      ids: ids64,
      y_cotangent: floats('float64', [1, 1, 3, 2], [1, 2, 3, 4, 5, 6]),
    })
    expect(numbersOf(out.table_cotangent)).toEqual([3, 4, 0, 0, 6, 8, 0, 0])
  })
})

describe('cotangents that are zero', () => {
  it('of values no output depends on are zeros of the right shape', async () => {
    const g = graphBuilder()
    const [a, b] = [g.input('a', 'float64', ['N', 2]), g.input('b', 'float64', ['M', 3])]
    g.output('y', g.op('Exp', [a]))
    g.output('z', g.op('Identity', [b]))
    const out = await runGraph(vjp(g.model(), { wrt: ['a', 'b'], of: ['y'] }), {
      a: gaussian('float64', [2, 2], 1),
      b: gaussian('float64', [4, 3], 2),
      y_cotangent: gaussian('float64', [5, 2, 2], 3),
    })
    expect(out.b_cotangent!.shape).toEqual([5, 4, 3])
    expect(numbersOf(out.b_cotangent).every((v) => v === 0)).toBe(true)
  })

  it('are not computed: only what leads from of to wrt is transposed', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', ['N', 4])
    const other = g.input('other', 'float64', ['N', 4])
    // NonZero has no derivative; nothing in wrt reaches it. The second product does not reach y.
    const found = g.op('Cast', [g.op('NonZero', [other])], { to: int(11) })
    g.output('y', g.op('MatMul', [x, sines(g, 'w', [4, 4])]))
    g.output('rest', g.op('MatMul', [g.op('Add', [x, other]), sines(g, 'v', [4, 4])]))
    // An operator nobody has a rule for does not matter, because it does not lead to y.
    g.output('odd', g.ops('Odd', [x], {}, 1, 'example')[0]!)
    g.output('found', found)
    const derivative = vjp(g.model(), { wrt: ['x'], of: ['y'] })
    expect(derivative.graph.nodes.filter((node) => node.opType === 'MatMul')).toHaveLength(2)
  })

  it('of a branch not taken leave no NaN', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', ['N'])
    const zero = g.scalar('float64', 0)
    g.output('y', g.op('Where', [g.op('Greater', [x, zero]), g.op('Log', [x]), zero]))
    const out = await runGraph(vjp(g.model(), { wrt: ['x'] }), {
      x: floats('float64', [3], [-1, 0, 2]),
      y_cotangent: floats('float64', [1, 3], [1, 1, 1]),
    })
    expect(numbersOf(out.x_cotangent)).toEqual([0, 0, 0.5])
  })

  it('side by side are joined rather than added', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', ['N', 6])
    const parts = g.ops('Split', [x], { axis: int(1), num_outputs: int(3) }, 3)
    g.output(
      'y',
      g.op(
        'Concat',
        parts.map((part, i) => g.op(['Sin', 'Exp', 'Tanh'][i]!, [part])),
        { axis: int(1) },
      ),
    )
    const derivative = vjp(g.model(), { wrt: ['x'] })
    const made = derivative.graph.nodes.slice(g.model().graph.nodes.length).map((node) => node.opType)
    expect(made.filter((op) => op === 'Pad' || op === 'Add')).toEqual([])
    expect(made.filter((op) => op === 'Concat')).toHaveLength(1)
  })
})

describe('broadcasting', () => {
  /** Sizes and which of them are 1, for two operands of up to three axes. */
  const axes = fc.array(fc.record({ n: fc.integer({ min: 1, max: 3 }), a: fc.boolean(), b: fc.boolean() }), {
    minLength: 1,
    maxLength: 3,
  })

  it('is undone by sums, with sizes known and not', async () => {
    await fc.assert(
      fc.asyncProperty(axes, fc.nat(2), fc.boolean(), async (list, missing, known) => {
        const g = graphBuilder()
        const left = list.map(({ n, a }) => (a ? 1 : n))
        const right = list.map(({ n, b }) => (b ? 1 : n)).slice(Math.min(missing, list.length - 1))
        const [a, b] = [g.input('a', 'float64', left), g.input('b', 'float64', right)]
        g.output('y', g.op('Mul', [g.op('Add', [a, b]), g.op('Tanh', [b])]))
        const model = known ? g.model() : relaxed(g.model())
        const feeds = { a: gaussian('float64', left, 1), b: gaussian('float64', right, 2) }
        const { forward, cotangents } = await checkAdjoint(model, feeds, { wrt: ['a', 'b'], type: 'float64' })
        expect(forward).toBeLessThan(1e-14)
        expect(cotangents.a_cotangent!.shape).toEqual([2, ...left])
        expect(cotangents.b_cotangent!.shape).toEqual([2, ...right])
      }),
      { numRuns: 25, seed: 5 },
    )
  })
})

describe('second derivatives', () => {
  it('jvp of vjp is the Hessian times a vector, after a round trip through bytes', async () => {
    // f = sum x_i^2 x_{i+1}: gradient and Hessian are known.
    const g = graphBuilder()
    const x = g.input('x', 'float64', [4])
    const cut = (from: number): string => g.op('Slice', [x, g.int64([from]), g.int64([from + 3]), g.int64([0])])
    const squares = g.op('Mul', [cut(0), cut(0)])
    g.output('f', g.op('ReduceSum', [g.op('Mul', [squares, cut(1)])], { keepdims: int(0) }))
    const gradient = readModel(writeModel(vjp(g.model(), { wrt: ['x'] })))
    const hessian = jvp(gradient, { wrt: ['x'], of: ['x_cotangent'] })
    const at = [0.5, -1, 2, 3]
    const out = await runGraph(hessian, {
      x: floats('float64', [4], at),
      f_cotangent: one(),
      x_tangent: floats('float64', [4, 4], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
    })
    const expected = at.map((_, i) =>
      at.map((__, j) => {
        if (i === j) return i < 3 ? 2 * at[i + 1]! : 0
        return Math.abs(i - j) === 1 ? 2 * at[Math.min(i, j)]! : 0
      }),
    )
    expect(out.x_cotangent_tangent!.shape).toEqual([4, 1, 4])
    expect(numbersOf(out.x_cotangent_tangent)).toEqual(expected.flat())
  })

  // The gradient itself is exact to 1e-15, so its central differences with h = 1e-5 err by about 1e-10.
  it('of a loss by inputs and weights equal differences of its gradient, in both orders', async () => {
    const gradient = vjp(loss(), { wrt: ['x', 'first.weight'], of: ['loss'] })
    const feeds = { x: gaussian('float64', [3, 5], 12), loss_cotangent: gaussian('float64', [2], 13) }
    const only = { ...gradient, graph: { ...gradient.graph, outputs: gradient.graph.outputs.slice(1) } }
    const wrt = ['x', 'loss_cotangent']
    const { forward, differences } = await checkAdjoint(only, feeds, { wrt, type: 'float64', suffix: '_again' })
    expect(forward).toBeLessThan(1e-14)
    expect(differences).toBeLessThan(1e-9)
  })

  it('of forward mode in reverse mode: the gradient of a directional derivative', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', ['N', 2])
    g.output('y', g.op('Mul', [g.op('Sin', [x]), g.op('Exp', [x])]))
    const twice = vjp(jvp(g.model(), { wrt: ['x'] }), { wrt: ['x'], of: ['y_tangent'] })
    const at = [0.3, -0.7]
    const ones = floats('float64', [1, 1, 2], [1, 1])
    const out = await runGraph(twice, {
      x: floats('float64', [1, 2], at),
      x_tangent: ones,
      y_tangent_cotangent: { ...ones, shape: [1, 1, 1, 2] },
    })
    // (sin x e^x)'' = 2 cos x e^x
    expect(
      relativeError(
        numbersOf(out.x_cotangent),
        at.map((v) => 2 * Math.cos(v) * Math.exp(v)),
      ),
    ).toBeLessThan(1e-14)
  })
})

describe('names', () => {
  const once = vjp(loss(), { wrt: ['x'], of: ['loss'] })

  it('that exist already are refused', () => {
    const again = (): Model => vjp(once, { wrt: ['x'], of: ['x_cotangent'] })
    expect(again).toThrow('vjp suffix: expected one that makes names not yet used, got _cotangent (x_cotangent)')
    expect(() => vjp(once, { wrt: ['x'], of: ['x_cotangent'], suffix: '_2', cotangentAxis: 'K' })).toThrow(OodError)
    expect(vjp(once, { wrt: ['x'], of: ['x_cotangent'], suffix: '_2' }).graph.inputs.at(-1)).toEqual({
      name: 'x_cotangent_2',
      type: 'float64',
      shape: ['K2', 'K', 'N', 5],
    })
  })

  it('that are unknown, or asked for on both sides, are refused', () => {
    expect(() => vjp(loss(), { wrt: ['z'] })).toThrow('vjp wrt: expected one of x, loss, hidden, got z')
    expect(() => vjp(loss(), { wrt: ['x'], of: ['x'] })).toThrow('vjp of: expected a value other than those in wrt')
  })
})
