// Inner values become outputs: the same numbers as the same graph with another end.
import { describe, expect, it } from 'vitest'
import { constantTensor, graphBuilder, type Model, readModel, withOutputs, writeModel } from '../src/index.ts'
import { gaussian, numbersOf, relativeError, runGraph } from './run-graph.ts'

function network(): Model {
  const g = graphBuilder()
  const x = g.input('x', 'float32', ['N', 3])
  const w = g.constant('w', constantTensor('float32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)))
  const hidden = g.op('Relu', [g.op('MatMul', [x, w])])
  g.output('y', g.op('Exp', [hidden]))
  return g.model()
}

describe('withOutputs', () => {
  it('gives inner values beside the outputs or alone, also after writing and reading', async () => {
    const model = network()
    const inner = model.graph.nodes.find((node) => node.opType === 'Relu')!.outputs[0]!
    const x = gaussian('float32', [4, 3], 1)
    const before = await runGraph(model, { x })
    const both = await runGraph(readModel(writeModel(withOutputs(model, [inner]))), { x })
    expect(Object.keys(both)).toEqual(['y', inner])
    expect(both.y!.data).toEqual(before.y!.data)
    expect(relativeError(numbersOf(both[inner]).map(Math.exp), numbersOf(before.y))).toBeLessThan(1e-6)
    const alone = withOutputs(model, [inner], { only: true })
    expect(alone.graph.outputs).toEqual([{ name: inner, type: 'float32', shape: ['N', 2] }])
    expect(alone.graph.nodes.map((node) => node.opType)).toEqual(['MatMul', 'Relu'])
    expect((await runGraph(alone, { x }))[inner]!.data).toEqual(both[inner]!.data)
  })

  it('takes outputs, inputs and weights by name', async () => {
    const model = network()
    expect(withOutputs(model, ['y']).graph.outputs.map(({ name }) => name)).toEqual(['y'])
    const x = gaussian('float32', [2, 3], 2)
    const got = await runGraph(withOutputs(model, ['x', 'w'], { only: true }), { x })
    expect(got.x!.data).toEqual(x.data)
    expect(got.w!.shape).toEqual([3, 2])
  })

  it('names what is wrong', () => {
    expect(() => withOutputs(network(), ['yy'])).toThrow('value of the graph: expected one of ')
    expect(() => withOutputs(network(), ['y', 'y'])).toThrow('withOutputs: expected each name once, got y')
    expect(() => withOutputs(network(), [], { only: true })).toThrow('expected at least one name, got none')
  })
})
