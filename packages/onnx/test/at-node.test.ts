// Nodes that do not fit their operators: whatever a rule trips over is one line that names the node.
import { OodError } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { atNode } from '../src/at-node.ts'
import { ints, jacobian, jvp, type Model, type Node, simplify, tensorOf, toFloat64, vjp } from '../src/index.ts'

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
