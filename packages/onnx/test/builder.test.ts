// The graph builder and the summary of a model.
import { describe, expect, it } from 'vitest'
import { graphBuilder, inspect, int, tensorOf } from '../src/index.ts'
import { floats, numbersOf, runGraph } from './run-graph.ts'

describe('graphBuilder', () => {
  it('infers shapes on the way', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', ['N', 3])
    const y = g.op('MatMul', [x, g.constant('w', tensorOf('float32', [3, 5], new Array<number>(15).fill(0)))])
    expect(g.info(y)).toMatchObject({ type: 'float32', shape: ['N', 5] })
    expect(g.info(g.op('Flatten', [g.op('Unsqueeze', [y, g.int64([1])])])).shape).toEqual(['N', 5])
  })

  it('makes equal nodes and constants once, different ones apart', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2])
    expect(g.op('Exp', [x])).toBe(g.op('Exp', [x]))
    expect(g.op('Softmax', [x], { axis: int(0) })).not.toBe(g.op('Softmax', [x], { axis: int(-1) }))
    expect(g.int64([-1])).toBe(g.int64([-1]))
    expect(g.scalar('float32', 0)).not.toBe(g.scalar('float32', -0))
    // A list of one number and the number itself have different ranks.
    expect(g.info(g.int64([-1])).shape).toEqual([1])
    expect(g.info(g.scalar('int64', -1)).shape).toEqual([])
  })

  it('drops what no output needs and keeps the inputs', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2])
    g.op('Exp', [g.op('Sin', [x])])
    g.scalar('float32', 3)
    g.output('y', g.op('Cos', [x]))
    const { graph } = g.model()
    expect(graph.nodes.map((n) => n.opType)).toEqual(['Cos'])
    expect(graph.initializers.size).toBe(0)
    expect(graph.inputs).toHaveLength(1)
  })

  it('gives one value to several outputs, inputs included', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2])
    const y = g.op('Neg', [x])
    g.output('a', y)
    g.output('b', y)
    g.output('c', x)
    const out = await runGraph(g.model(), { x: floats('float32', [2], [1, 2]) })
    expect(numbersOf(out.a)).toEqual([-1, -2])
    expect(numbersOf(out.b)).toEqual([-1, -2])
    expect(numbersOf(out.c)).toEqual([1, 2])
  })

  it('refuses names already used and constants that do not fit', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2])
    expect(() => g.input('x', 'float32', [2])).toThrow('graph value name: expected a name not yet used, got x')
    g.output('y', x)
    expect(() => g.output('y', x)).toThrow('graph output: expected a new name, got y')
    expect(() => tensorOf('float32', [3], [1])).toThrow('constant: expected 3 numbers for shape [3], got 1')
    expect(() => tensorOf('string', [1], [1])).toThrow(
      'constant type: expected a number type with a JavaScript array, got string',
    )
  })
})

describe('inspect', () => {
  it('counts operators and parameters and names the ports', () => {
    const g = graphBuilder({ opset: 19 })
    const x = g.input('x', 'float32', ['N', 3])
    const w = g.constant('w', tensorOf('float32', [3, 2], [1, 2, 3, 4, 5, 6]))
    g.output('y', g.op('Relu', [g.op('Relu', [g.op('Gemm', [x, w])])]))
    expect(inspect(g.model())).toEqual({
      opset: 19,
      producer: 'ood-onnx',
      inputs: [{ name: 'x', type: 'float32', shape: ['N', 3] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['N', 2] }],
      operators: { Relu: 2, Gemm: 1 },
      nodes: 3,
      parameters: 6,
    })
  })
})
