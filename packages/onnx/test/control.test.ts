// Functions, branches, loops and sequences: differentiated as what they come to.
import { describe, expect, it } from 'vitest'
import {
  type Attribute,
  type Graph,
  type GraphBuilder,
  graphBuilder,
  int,
  jvp,
  type Model,
  type Node,
  tensorOf,
  type ValueInfo,
} from '../src/index.ts'
import { lower } from '../src/lower/lower.ts'
import { checkAdjoint } from './adjoint.ts'
import { checkJvp } from './finite-difference.ts'
import { floats, numbersOf, relativeError, runGraph, type Values } from './run-graph.ts'

const node = (opType: string, inputs: string[], outputs: string[], attributes: Node['attributes'] = {}): Node => {
  return { opType, domain: '', name: outputs[0]!, inputs, outputs, attributes }
}
const value = (name: string, type: ValueInfo['type'], shape: ValueInfo['shape']): ValueInfo => ({ name, type, shape })
const graph = (nodes: Node[], inputs: ValueInfo[], outputs: ValueInfo[]): Attribute => {
  const body: Graph = { name: 'body', inputs, outputs, nodes, initializers: new Map(), valueInfo: new Map() }
  return { kind: 'graph', value: body }
}
const real = (name: string, shape: ValueInfo['shape']): ValueInfo => value(name, 'float64', shape)

/** A model around nodes written by hand. */
function model(nodes: Node[], outputs: ValueInfo[], inputs: ValueInfo[], build?: (g: GraphBuilder) => void): Model {
  const g = graphBuilder()
  for (const { name, type, shape } of inputs) g.input(name, type, shape!)
  build?.(g)
  const made = g.model()
  const constants = new Map(extra)
  extra.clear()
  return { ...made, graph: { ...made.graph, inputs, nodes, outputs, initializers: constants } }
}
const extra = new Map<string, ReturnType<typeof tensorOf>>()
const constant = (name: string, ...of: Parameters<typeof tensorOf>): string => {
  extra.set(name, tensorOf(...of))
  return name
}

const X = { x: floats('float64', [3], [0.3, -0.7, 1.1]) }

/** Both modes against central differences of the model as it was; nothing of the kinds named is left. */
async function check(m: Model, feeds: Values, gone: readonly string[]): Promise<void> {
  const wrt = Object.keys(feeds)
  const left = lower('test', m, wrt).graph.nodes.filter((n) => gone.includes(n.opType))
  expect(left).toEqual([])
  const { error } = await checkJvp(m, feeds, { wrt, type: 'float64' })
  expect(error).toBeLessThan(1e-7)
  const { forward } = await checkAdjoint(m, feeds, { wrt, type: 'float64' })
  expect(forward).toBeLessThan(1e-12)
}

describe('If', () => {
  const branches = {
    then_branch: graph([node('Sin', ['x'], ['a'])], [], [real('a', [3])]),
    else_branch: graph([node('Mul', ['x', 'x'], ['b'])], [], [real('b', [3])]),
  }
  it('takes the branch of a constant condition', async () => {
    const c = constant('c', 'bool', [], [1])
    const m = model([node('If', [c], ['y'], branches)], [real('y', [3])], [real('x', [3])])
    await check(m, X, ['If', 'Mul', 'Where'])
  })
  it('of a condition on the data becomes a choice', async () => {
    for (const at of [0.1, 2]) {
      const c = constant('limit', 'float64', [], [at])
      const total = node('ReduceSum', ['x'], ['total'], { keepdims: int(0) })
      const test = node('Greater', ['total', c], ['c'])
      const m = model([total, test, node('If', ['c'], ['y'], branches)], [real('y', [3])], [real('x', [3])])
      await check(m, X, ['If'])
    }
  })
  it('of branches with different shapes is refused', () => {
    const other = {
      ...branches,
      else_branch: graph([node('ReduceSum', ['x'], ['b'], { keepdims: int(0) })], [], [real('b', [])]),
    }
    const m = model([node('If', ['c'], ['y'], other)], [real('y', undefined)], [real('x', [3]), value('c', 'bool', [])])
    expect(() => lower('jvp', m, ['x'])).toThrow(/^derivative of If "y": expected a constant condition, or results/)
  })
})

const loopBody = (condition: Node): Attribute =>
  graph(
    [
      condition,
      node('Cast', ['i'], ['k'], { to: int(11) }),
      node('Add', ['s', 'k'], ['shifted']),
      node('Sin', ['shifted'], ['next']),
      node('Mul', ['next', 'x'], ['row']),
    ],
    [value('i', 'int64', []), value('going', 'bool', []), real('s', [3])],
    [value('again', 'bool', []), real('next', [3]), real('row', [3])],
  )

describe('Loop', () => {
  it('of a constant number of rounds is unrolled, its rows stacked', async () => {
    const trip = constant('trip', 'int64', [], [3])
    const body = loopBody(node('Identity', ['going'], ['again']))
    const m = model(
      [node('Loop', [trip, '', 'x'], ['last', 'rows'], { body })],
      [real('last', [3]), real('rows', [3, 3])],
      [real('x', [3])],
    )
    await check(m, X, ['Loop'])
  })
  it('of a constant condition ends where it says', async () => {
    const limit = constant('limit', 'int64', [], [1])
    const yes = constant('yes', 'bool', [], [1])
    const body = loopBody(node('Less', ['i', limit], ['again']))
    const m = model(
      [node('Loop', ['', yes, 'x'], ['last', 'rows'], { body })],
      [real('last', [3]), real('rows', [2, 3])],
      [real('x', [3])],
    )
    await check(m, X, ['Loop'])
  })
  it('counted, that the data may end early', async () => {
    const trip = constant('trip', 'int64', [], [4])
    const limit = constant('limit', 'float64', [], [0.75])
    const body = graph(
      [
        node('Exp', ['s'], ['e']),
        node('Mul', ['e', 'x'], ['next']),
        node('ReduceMax', ['next'], ['top'], { keepdims: int(0) }),
        node('Less', ['top', limit], ['again']),
      ],
      [value('i', 'int64', []), value('going', 'bool', []), real('s', [3])],
      [value('again', 'bool', []), real('next', [3])],
    )
    const yes = constant('yes', 'bool', [], [1])
    const m = model([node('Loop', [trip, yes, 'x'], ['y'], { body })], [real('y', [3])], [real('x', [3])])
    await check(m, { x: floats('float64', [3], [0.3, -0.7, 0.1]) }, ['Loop'])
  })
  it('of unknown or too many rounds is refused', () => {
    const body = loopBody(node('Identity', ['going'], ['again']))
    const outputs = [real('last', [3]), real('rows', undefined)]
    const open = model([node('Loop', ['n', '', 'x'], ['last', 'rows'], { body })], outputs, [
      real('x', [3]),
      value('n', 'int64', []),
    ])
    expect(() => lower('jvp', open, ['x'])).toThrow(/^derivative of Loop "last": expected a constant trip count/)
    const many = constant('many', 'int64', [], [1e9])
    const long = model([node('Loop', [many, '', 'x'], ['last', 'rows'], { body })], outputs, [real('x', [3])])
    expect(() => lower('jvp', long, ['x'])).toThrow(/at most 4096 rounds, but it has 1000000000/)
  })
  it('that no derivative reaches stays', () => {
    const body = loopBody(node('Identity', ['going'], ['again']))
    const m = model(
      [node('Loop', ['n', '', 'x'], ['last', 'rows'], { body }), node('Sin', ['z'], ['y'])],
      [real('y', [3]), real('last', [3])],
      [real('x', [3]), real('z', [3]), value('n', 'int64', [])],
    )
    expect(lower('jvp', m, ['z']).graph.nodes.map((n) => n.opType)).toEqual(['Loop', 'Sin'])
    // Nor one that none of the values asked for needs.
    expect(lower('jvp', m, ['x', 'z'], ['y']).graph.nodes.map((n) => n.opType)).toEqual(['Loop', 'Sin'])
  })
})

it('Scan runs over its sequence, forwards and backwards', async () => {
  const body = graph(
    [node('Mul', ['s', 'e'], ['p']), node('Sin', ['p'], ['next']), node('Add', ['next', 'e'], ['row'])],
    [real('s', [2]), real('e', [2])],
    [real('next', [2]), real('row', [2])],
  )
  for (const backwards of [0, 1]) {
    const ints = (list: number[]): Attribute => ({ kind: 'ints', value: list })
    const attributes = {
      body,
      num_scan_inputs: int(1),
      scan_input_axes: ints([1]),
      scan_input_directions: ints([backwards]),
      scan_output_axes: ints([1]),
      scan_output_directions: ints([1 - backwards]),
    }
    const m = model(
      [node('Scan', ['s0', 'x'], ['last', 'rows'], attributes)],
      [real('last', [2]), real('rows', [2, 3])],
      [real('s0', [2]), real('x', [2, 3])],
    )
    const feeds = {
      s0: floats('float64', [2], [0.4, -1.2]),
      x: floats('float64', [2, 3], [0.3, 0.9, -0.5, 1.1, 0.2, 0.7]),
    }
    await check(m, feeds, ['Scan'])
  }
})

it('local functions are written out, nested, with attributes of the call', async () => {
  const f = { domain: 'own', overload: '', initializers: new Map(), attributes: [], opsets: { '': 20, own: 1 } }
  const reference = (value: string): Attribute => ({ kind: 'reference', value })
  const call = (opType: string, inputs: string[], outputs: string[], attributes: Node['attributes'] = {}): Node => {
    return { ...node(opType, inputs, outputs, attributes), domain: 'own' }
  }
  const m = model(
    [call('Outer', ['x', 'x'], ['y'], { a: { kind: 'ints', value: [0] } })],
    [real('y', undefined)],
    [real('x', [3])],
  )
  const functions = [
    {
      ...f,
      name: 'Inner',
      inputs: ['t'],
      outputs: ['u'],
      defaults: { keep: int(1) },
      nodes: [
        node('Constant', [], ['axes'], { value_ints: reference('axes') }),
        node('ReduceSum', ['t', 'axes'], ['u'], { keepdims: reference('keep') }),
      ],
    },
    {
      ...f,
      name: 'Outer',
      inputs: ['p', 'q'],
      outputs: ['r'],
      defaults: {},
      nodes: [
        node('Mul', ['p', 'q'], ['t']),
        call('Inner', ['t'], ['u'], { axes: reference('a'), keep: int(0) }),
        node('Mul', ['u', 'p'], ['r']),
      ],
    },
  ]
  const whole: Model = { ...m, opsets: { ...m.opsets, own: 1 }, functions }
  const written = lower('test', whole, ['x'])
  expect(written.graph.nodes.map((n) => n.opType)).toEqual(['Mul', 'ReduceSum', 'Mul', 'Identity'])
  // sum(x x) x has the Jacobian 2 x x' + sum(x x) I.
  const x = numbersOf(X.x)
  const total = x.reduce((sum, v) => sum + v * v, 0)
  const derivative = jvp(whole, { wrt: ['x'] })
  const units = floats('float64', [3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1])
  const got = await runGraph({ ...derivative, functions: [] }, { ...X, x_tangent: units })
  const expected = x.flatMap((a, i) => x.map((b, j) => 2 * a * b + (i === j ? total : 0)))
  expect(relativeError(numbersOf(got.y_tangent), expected)).toBeLessThan(1e-15)
})

it('sequences and optionals known element by element disappear', async () => {
  const one = constant('one', 'int64', [], [1])
  const m = model(
    [
      node('SplitToSequence', ['x'], ['parts'], { axis: int(0), keepdims: int(0) }),
      node('SequenceAt', ['parts', one], ['middle']),
      node('Sin', ['middle'], ['wave']),
      node('SequenceInsert', ['parts', 'wave'], ['more']),
      node('ConcatFromSequence', ['more'], ['row'], { axis: int(0), new_axis: int(1) }),
      node('Optional', ['row'], ['perhaps']),
      node('OptionalGetElement', ['perhaps'], ['certain']),
      node('Mul', ['certain', 'certain'], ['y']),
    ],
    [real('y', [4])],
    [real('x', [3])],
  )
  const kept = new Set(
    lower('test', m, ['x'])
      .graph.nodes.filter((n) => n.opType === 'Mul')
      .flatMap((n) => n.inputs),
  )
  expect([...kept].some((name) => name.includes('Concat'))).toBe(true)
  await check(m, X, [])
})
