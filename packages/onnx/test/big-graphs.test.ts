// Deep chains and operators of very many inputs: no recursion and no spreading of lists as long as a graph.
import { describe, expect, it } from 'vitest'
import {
  type GraphBuilder,
  graphBuilder,
  int,
  jacobian,
  jvp,
  type Model,
  readModel,
  simplify,
  summary,
  tensorOf,
  toFloat64,
  vjp,
  writeModel,
} from '../src/index.ts'

function graph(build: (g: GraphBuilder, x: string) => string): Model {
  const g = graphBuilder()
  g.output('y', build(g, g.input('x', 'float32', [1, 2])))
  return g.model()
}

const deep = graph((g, x) => {
  let value = x
  for (let i = 0; i < 4000; i++) value = g.op('Tanh', [value])
  return value
})
const many = new Array<string>(150_000).fill('x')
const passes: [string, (model: Model) => unknown][] = [
  ['readModel', (model) => readModel(writeModel(model))],
  ['simplify', (model) => simplify(model)],
  ['toFloat64', (model) => toFloat64(model)],
  ['summary', (model) => summary(model)],
  ['jvp', (model) => jvp(model, { wrt: ['x'] })],
  ['vjp', (model) => vjp(model, { wrt: ['x'] })],
  ['jacobian', (model) => jacobian(model, { wrt: 'x' })],
]

describe.each([
  ['a chain of 4000 operators', deep],
  ['a sum of 150,000 values', graph((g) => g.op('Sum', many))],
] as const)('%s', (_name, model) => {
  it.each(passes)('%s', (_pass, run) => {
    expect(run(model)).toBeDefined()
  })
})

describe('two recurrent layers of 150 steps', () => {
  // Work in proportion to the steps: walking the chain of states from every step took minutes at a thousand.
  const layers = (steps: number): Model => {
    const g = graphBuilder()
    const weights = (name: string, shape: number[]): string =>
      g.constant(name, tensorOf('float32', shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0.1)))
    let value = g.input('x', 'float32', [steps, 1, 2])
    for (const layer of ['a', 'b']) {
      const own = [weights(`${layer}w`, [1, 6, 2]), weights(`${layer}r`, [1, 6, 2])]
      value = g.op('Squeeze', [g.op('GRU', [value, ...own], { hidden_size: int(2) }), g.int64([1])])
    }
    g.output('y', value)
    return g.model()
  }
  it.each([
    ['jvp', (model: Model) => jvp(model, { wrt: ['x'] })],
    ['vjp', (model: Model) => vjp(model, { wrt: ['x'] })],
    ['jacobian', (model: Model) => jacobian(model, { wrt: 'x' })],
  ] as const)('%s', (_, run) => {
    const nodes = [10, 20, 150].map((steps) => run(layers(steps)).graph.nodes.length)
    const perStep = (nodes[1]! - nodes[0]!) / 10
    expect(nodes[2]! - nodes[1]!).toBeLessThan(1.1 * perStep * 130)
  })
})
