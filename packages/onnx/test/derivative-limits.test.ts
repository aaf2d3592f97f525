// What derivatives do not pass, by operator: what is folded, lowered or 0 by nature does not count.
import { expect, it } from 'vitest'
import { derivativeLimits, graphBuilder, int, type Model, tensorAttribute, tensorOf } from '../src/index.ts'

it('names the operators that are refused, in subgraphs and functions too, and no others', () => {
  const g = graphBuilder()
  const x = g.input('x', 'float32', [4])
  const c = g.op('Constant', [], { value: tensorAttribute(tensorOf('float32', [4], [1, 2, 3, 4])) })
  const kept = g.op('Where', [g.op('Greater', [x, c]), x, g.op('Floor', [c])])
  g.output('y', g.op('Mul', [kept, g.op('Cast', [g.op('Shape', [x])], { to: int(1) })]))
  const plain = g.model()
  expect(derivativeLimits(plain)).toEqual({ refused: [], rounding: [] })
  const call = { opType: 'f', domain: 'own', name: 'call', inputs: ['x'], outputs: ['u'], attributes: {} }
  const unique = { opType: 'MaxRoiPool', domain: '', name: '', inputs: ['a'], outputs: ['b'], attributes: {} }
  const f = { name: 'f', domain: 'own', overload: '', inputs: ['a'], outputs: ['b'], attributes: [], defaults: {} }
  const model: Model = {
    ...plain,
    functions: [{ ...f, opsets: { '': 20 }, nodes: [unique] }],
    graph: {
      ...plain.graph,
      nodes: [
        ...plain.graph.nodes,
        call,
        { ...unique, opType: 'TreeEnsemble', domain: 'ai.onnx.ml', outputs: ['t'] },
        { ...unique, opType: 'QuantizeLinear', inputs: ['x', 's'], outputs: ['q'] },
      ],
    },
  }
  expect(derivativeLimits(model)).toEqual({
    refused: ['MaxRoiPool', 'ai.onnx.ml.TreeEnsemble'],
    rounding: ['QuantizeLinear'],
  })
})
