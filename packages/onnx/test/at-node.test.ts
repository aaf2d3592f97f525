// Nodes that do not fit their operators: whatever a rule trips over is one line that names the node.
import { OodError } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { atNode } from '../src/at-node.ts'
import {
  ints,
  jacobian,
  jvp,
  type Model,
  type Node,
  simplify,
  summary,
  tensorOf,
  toFloat64,
  vjp,
} from '../src/index.ts'

const node = (opType: string, inputs: string[], attributes: Node['attributes'] = {}): Node => ({
  opType,
  domain: '',
  name: `the ${opType}`,
  inputs,
  outputs: ['y'],
  attributes,
})

/** A graph of one node over x [2, 3], w [3] and a constant of int64. */
function graphOf(only: Node): Model {
  const float = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })
  return {
    irVersion: 10,
    opsets: { '': 18 },
    producer: '',
    metadata: {},
    functions: [],
    graph: {
      name: 'g',
      inputs: [float('x', [2, 3]), float('w', [3])],
      outputs: [{ name: 'y', type: 'float32', shape: undefined }],
      nodes: [only],
      initializers: new Map([['c', tensorOf('int64', [1], [7])]]),
      valueInfo: new Map(),
    },
  }
}

describe('nodes without what their operator needs', () => {
  const broken: Node[] = [
    node('Einsum', []),
    node('Reshape', ['c']),
    node('Unsqueeze', ['c']),
    node('Range', ['c']),
    node('MatMul', ['x']),
    node('Conv', ['x', 'w'], { pads: ints([1]) }),
    node('Concat', []),
    node('Add', ['x']),
    node('Gemm', ['x']),
    node('Transpose', ['x'], { perm: ints([7, -1, 3, 2 ** 40]) }),
    node('Expand', ['x']),
    node('Gather', ['x']),
    node('Where', ['x']),
    node('LSTM', ['x']),
    node('Softmax', []),
    node('Slice', ['x', 'c']),
    node('Pad', ['x']),
    node('Resize', ['x']),
    node('TopK', ['x']),
  ]
  it.each(broken)('$opType', (only) => {
    const model = graphOf(only)
    const runs: (() => unknown)[] = [
      () => simplify(model),
      () => jvp(model, { wrt: ['x'] }),
      () => vjp(model, { wrt: ['x'] }),
      () => jacobian(model, { wrt: 'x' }),
      () => toFloat64(model),
    ]
    for (const run of runs) {
      try {
        run()
      } catch (error) {
        expect(error).toBeInstanceOf(OodError)
        expect((error as OodError).message.length).toBeLessThan(300)
      }
    }
  })

  it('names the node and keeps what happened', () => {
    const cause = new TypeError('nothing there')
    const run = () =>
      atNode(node('Einsum', []), () => {
        throw cause
      })
    expect(run).toThrow(
      'Einsum "the Einsum": expected inputs and attributes that fit the operator, got others (nothing',
    )
    expect(run).toThrow(expect.objectContaining({ code: 'E_FILE', cause }))
    const own = new OodError('E_UNSUPPORTED', 'x')
    expect(() =>
      atNode(node('Einsum', []), () => {
        throw own
      }),
    ).toThrow(own)
  })

  it('a size that has no number is no constant', () => {
    expect(() => tensorOf('int64', [1], [Number.NaN])).toThrow('int64 constant: expected a whole number, got NaN')
    expect(() => tensorOf('uint64', [1], [0.5])).toThrow('int64 constant: expected a whole number, got 0.5')
    expect(tensorOf('uint64', [1], [2 ** 63]).data).toEqual(BigUint64Array.of(2n ** 63n))
  })
})

describe('axes and ranks that no tensor has are refused at once', () => {
  // Each of these once filled a list as long as the number is large.
  const far = 2 ** 31
  const withConstants = (only: Node, c: number[], sizes?: number): Model => {
    const model = graphOf(only)
    const { graph } = model
    const asked = { name: 'asked', type: 'int64' as const, shape: [sizes ?? 1] }
    return {
      ...model,
      graph: {
        ...graph,
        inputs: [...graph.inputs, asked],
        initializers: new Map([
          ['c', tensorOf('int64', [c.length], c)],
          ['zero', tensorOf('int64', [1], [0])],
        ]),
      },
    }
  }
  const one = (name: string): Node['attributes'] => ({ [name]: ints([far]) })
  it.each([
    ['Slice', withConstants(node('Slice', ['x', 'zero', 'zero', 'c']), [far])],
    ['Slice from behind', withConstants(node('Slice', ['x', 'zero', 'zero', 'c']), [-far])],
    ['ReduceSum', withConstants(node('ReduceSum', ['x', 'c']), [far])],
    ['Squeeze', withConstants(node('Squeeze', ['x', 'c']), [far])],
    ['Unsqueeze', withConstants(node('Unsqueeze', ['x', 'c']), [far])],
    ['Pad', withConstants(node('Pad', ['x', 'zero', '', 'c']), [far])],
    ['ReduceMax of an attribute', withConstants(node('ReduceMax', ['x'], one('axes')), [0])],
    ['Concat', withConstants(node('Concat', ['x', 'x'], { axis: { kind: 'int', value: far } }), [0])],
    ['Gather', withConstants(node('Gather', ['x', 'zero'], { axis: { kind: 'int', value: far } }), [0])],
    ['Flatten', withConstants(node('Flatten', ['x'], { axis: { kind: 'int', value: far } }), [0])],
    ['Reshape', withConstants(node('Reshape', ['x', 'asked']), [0], far)],
    ['Expand', withConstants(node('Expand', ['x', 'asked']), [0], far)],
    ['ConstantOfShape', withConstants(node('ConstantOfShape', ['asked']), [0], far)],
  ] as [string, Model][])('%s', (_, model) => {
    expect(() => summary(model)).toThrow(OodError)
    expect(() => summary(model)).toThrow(/axis -?2147483648 of a rank of|a rank of 2147483648/)
  })

  it('an axis equal to the rank is one for Flatten', () => {
    const whole = graphOf(node('Flatten', ['x'], { axis: { kind: 'int', value: 2 } }))
    expect(() => summary(whole)).not.toThrow()
    const softmax = graphOf(node('Softmax', ['x'], { axis: { kind: 'int', value: far } }))
    expect(() => jvp(softmax, { wrt: ['x'] })).toThrow('axis 2147483648 of a rank of 2')
  })
})

it('a constant is not given a shape that its numbers do not fill', () => {
  const halved = graphOf(node('Reshape', ['c', 'shape']))
  const model: Model = {
    ...halved,
    graph: {
      ...halved.graph,
      initializers: new Map([
        ['c', tensorOf('int64', [1], [7])],
        ['shape', tensorOf('int64', [3], [1, 2, -1])],
      ]),
    },
  }
  // What happens is the runtime's to say: the node stays.
  expect(simplify(model).graph.nodes.map(({ opType }) => opType)).toEqual(['Reshape'])
})
