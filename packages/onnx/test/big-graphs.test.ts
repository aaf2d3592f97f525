// Deep chains and operators of very many inputs: no recursion and no spreading of lists as long as a graph.
import { describe, expect, it } from 'vitest'
import {
  type GraphBuilder,
  graphBuilder,
  jacobian,
  jvp,
  type Model,
  readModel,
  simplify,
  summary,
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
