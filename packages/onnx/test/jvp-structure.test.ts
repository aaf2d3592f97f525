// What a differentiated graph costs: tangent-sized operators are counted, since each reads and writes K values of it.
import { describe, expect, it } from 'vitest'
import { type GraphBuilder, graphBuilder, int, ints, jvp, type Model, tensorOf } from '../src/index.ts'
import { checkJvp } from './finite-difference.ts'
import { gaussian } from './run-graph.ts'

/** Operators applied to tangents, without reshapes (which copy nothing). */
function tangentOperators(model: Model): Record<string, number> {
  const tangents = new Set(model.graph.inputs.map((i) => i.name).filter((name) => name.endsWith('_tangent')))
  const counts: Record<string, number> = {}
  for (const node of model.graph.nodes) {
    if (node.opType === 'Shape' || !node.inputs.some((name) => tangents.has(name))) continue
    for (const name of node.outputs) tangents.add(name)
    if (['Reshape', 'Unsqueeze', 'Squeeze', 'Identity'].includes(node.opType)) continue
    counts[node.opType] = (counts[node.opType] ?? 0) + 1
  }
  return counts
}

function model(build: (g: GraphBuilder, x: string) => string, shape: readonly (number | string)[] = ['N', 4]): Model {
  const g = graphBuilder()
  g.output('y', build(g, g.input('x', 'float64', shape)))
  return g.model()
}
const counted = (m: Model): Record<string, number> => tangentOperators(jvp(m, { wrt: ['x'] }))
const weights = (g: GraphBuilder, name: string, rows: number, columns: number): string =>
  g.constant(
    name,
    tensorOf(
      'float64',
      [rows, columns],
      Array.from({ length: rows * columns }, (_, i) => Math.sin(i + 1)),
    ),
  )

describe('an elementwise region costs one product per tangent it takes', () => {
  it('a chain is one product', () => {
    const chain = model((g, x) => g.op('Log', [g.op('Sigmoid', [g.op('Mul', [x, g.op('Tanh', [x])])])]))
    expect(counted(chain)).toEqual({ Mul: 1 })
  })

  it('shifts and scales by constants are one product, a bare shift none', () => {
    expect(
      counted(model((g, x) => g.op('Mul', [g.op('Add', [x, g.scalar('float64', 1)]), g.scalar('float64', 3)]))),
    ).toEqual({ Mul: 1 })
    expect(counted(model((g, x) => g.op('Add', [x, g.scalar('float64', 1)])))).toEqual({})
    expect(counted(model((g, x) => g.op('Neg', [g.op('Neg', [x])])))).toEqual({})
  })

  it('a spline-like region over bins is one product and one sum', async () => {
    const spline = model((g, x) => {
      const bins = g.op(
        'Softmax',
        [g.op('Reshape', [g.op('MatMul', [x, weights(g, 'w', 4, 6)]), g.int64([-1, 2, 3])])],
        { axis: int(-1) },
      )
      const knots = g.op('CumSum', [bins, g.scalar('int64', 2)])
      const left = g.op('Sub', [knots, bins])
      const half = g.constant('half', tensorOf('float64', [1], [0.4]))
      const chosen = g.op('And', [g.op('LessOrEqual', [left, half]), g.op('Greater', [knots, half])])
      const pick = (values: string): string =>
        g.op('ReduceSum', [g.op('Where', [chosen, values, g.scalar('float64', 0)]), g.int64([-1])], {
          keepdims: int(0),
        })
      return g.op('Div', [g.op('Sub', [half, pick(left)]), pick(bins)])
    })
    expect(counted(spline)).toEqual({ MatMul: 1, Mul: 1, ReduceSum: 1 })
    const { error } = await checkJvp(spline, { x: gaussian('float64', [3, 4], 1) }, { wrt: ['x'], type: 'float64' })
    expect(error).toBeLessThan(1e-7)
  })

  it('a softmax is a weighted sum and two products', () => {
    expect(counted(model((g, x) => g.op('Softmax', [x], { axis: int(-1) })))).toEqual({ Mul: 2, ReduceSum: 1, Add: 1 })
  })
})

describe('layers', () => {
  it('a residual net adds and masks once per block', () => {
    const blocks = 5
    const net = model((g, x) => {
      let h = g.op('MatMul', [x, weights(g, 'in', 4, 4)])
      for (let i = 0; i < blocks; i++) {
        const branch = g.op('MatMul', [g.op('Relu', [h]), weights(g, `w${i}`, 4, 4)])
        h = g.op('Add', [h, branch])
      }
      return h
    })
    // A term that is not written out where it is summed would cost one more product in every later block.
    expect(counted(net)).toEqual({ MatMul: 1 + blocks, Mul: blocks, Add: blocks })
  })

  it('an affine coupling is four products or sums and the copies of its parts', () => {
    const coupling = model((g, x) => {
      const cut = (v: string, from: number): string =>
        g.op('Slice', [v, g.int64([from]), g.int64([from + 2]), g.int64([1])])
      const parameters = g.op('MatMul', [cut(x, 0), weights(g, 'w', 2, 4)])
      const scale = g.op('Add', [g.op('Sigmoid', [cut(parameters, 0)]), g.scalar('float64', 1e-3)])
      const moved = g.op('Div', [g.op('Sub', [cut(x, 2), cut(parameters, 2)]), scale])
      return g.op('Concat', [cut(x, 0), moved], { axis: int(1) })
    })
    expect(counted(coupling)).toEqual({ Slice: 4, MatMul: 1, Sub: 1, Mul: 2, Add: 1, Concat: 1 })
  })

  it('slices of a concatenation read its parts', () => {
    const shuffle = model((g, x) => {
      const other = g.op('MatMul', [x, weights(g, 'w', 4, 4)])
      const both = g.op('Concat', [x, other], { axis: int(1) })
      const cut = (from: number, to: number): string =>
        g.op('Slice', [both, g.int64([from]), g.int64([to]), g.int64([1])])
      return g.op('Add', [g.op('Exp', [cut(0, 4)]), g.op('Sin', [cut(4, 8)])])
    })
    expect(counted(shuffle)).toEqual({ MatMul: 1, Mul: 2, Add: 1 })
  })

  it('the squeeze of a flow is a block move, not a general transpose', () => {
    const squeeze = model(
      (g, x) => {
        const six = g.op('Reshape', [x, g.int64([-1, 2, 2, 2, 2, 2])])
        return g.op('Reshape', [g.op('Transpose', [six], { perm: ints([0, 1, 3, 5, 2, 4]) }), g.int64([-1, 8, 2, 2])])
      },
      ['N', 2, 4, 4],
    )
    expect(counted(squeeze)).toEqual({ SpaceToDepth: 1 })
  })

  it('only what a tangent reaches is differentiated', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', ['N', 4])
    const h = g.op('MatMul', [x, weights(g, 'a', 4, 4)])
    g.output('h', h)
    g.output('y', g.op('MatMul', [g.op('Relu', [h]), weights(g, 'b', 4, 4)]))
    expect(tangentOperators(jvp(g.model(), { wrt: ['h'], of: ['y'] }))).toEqual({ Mul: 1, MatMul: 1 })
    expect(tangentOperators(jvp(g.model(), { wrt: ['x'], of: ['h'] }))).toEqual({ MatMul: 1 })
  })
})
