// Properties of differentiated models: what they take and give, linearity, chunking, batches, errors.
import { OodError } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type GraphBuilder,
  graphBuilder,
  inspect,
  int,
  jvp,
  type Model,
  readModel,
  tensorOf,
  writeModel,
} from '../src/index.ts'
import { checkJvp } from './finite-difference.ts'
import { floats, gaussian, numbersOf, relativeError, runGraph } from './run-graph.ts'

/** A small net with everything that meets in a flow: product, bias, gate, slices, softmax, sum over bins, branch. */
function net(): Model {
  const g = graphBuilder()
  const x = g.input('x', 'float64', ['N', 6])
  const w = g.constant(
    'w',
    tensorOf(
      'float64',
      [6, 8],
      Array.from({ length: 48 }, (_, i) => Math.sin(i)),
    ),
  )
  const h = g.op('MatMul', [x, w])
  const cut = (from: number, to: number): string => g.op('Slice', [h, g.int64([from]), g.int64([to]), g.int64([1])])
  const gate = g.op('Sigmoid', [cut(0, 2)])
  const bins = g.op('Softmax', [g.op('Reshape', [cut(2, 8), g.int64([-1, 2, 3])])], { axis: int(-1) })
  const knots = g.op('CumSum', [bins, g.scalar('int64', -1)])
  const picked = g.op('ReduceSum', [g.op('Mul', [knots, knots]), g.int64([-1])], { keepdims: int(0) })
  const kept = g.op('Slice', [x, g.int64([0]), g.int64([2]), g.int64([1])])
  const moved = g.op('Add', [g.op('Mul', [kept, gate]), g.op('Div', [picked, gate])])
  const inside = g.op('Greater', [kept, g.scalar('float64', 0)])
  g.output('y', g.op('Concat', [g.op('Where', [inside, moved, kept]), kept], { axis: int(1) }))
  g.output('logdet', g.op('ReduceSum', [g.op('Log', [gate]), g.int64([1])], { keepdims: int(0) }))
  return g.model()
}

describe('a differentiated model', () => {
  it('has the inputs and outputs of the model and a tangent beside each', () => {
    const { graph } = jvp(net(), { wrt: ['x'] })
    const ports = (list: typeof graph.inputs): unknown => list.map(({ name, type, shape }) => ({ name, type, shape }))
    expect(ports(graph.inputs)).toEqual([
      { name: 'x', type: 'float64', shape: ['N', 6] },
      { name: 'x_tangent', type: 'float64', shape: ['K', 'N', 6] },
    ])
    expect(ports(graph.outputs)).toEqual([
      { name: 'y', type: 'float64', shape: ['N', 4] },
      { name: 'y_tangent', type: 'float64', shape: ['K', 'N', 4] },
      { name: 'logdet', type: 'float64', shape: ['N'] },
      { name: 'logdet_tangent', type: 'float64', shape: ['K', 'N'] },
    ])
  })

  it('keeps the values of the model', async () => {
    const x = gaussian('float64', [3, 6], 1)
    const plain = await runGraph(net(), { x })
    const both = await runGraph(jvp(net(), { wrt: ['x'] }), { x, x_tangent: gaussian('float64', [2, 3, 6], 2) })
    expect(both.y!.data).toEqual(plain.y!.data)
    expect(both.logdet!.data).toEqual(plain.logdet!.data)
  })

  // float64 central differences, h = 1e-5: error about 1e-10 times third derivatives of order 10.
  it.each([1, 4])('equals central differences for a batch of %i', async (n) => {
    const { error } = await checkJvp(
      net(),
      { x: gaussian('float64', [n, 6], 3) },
      { wrt: ['x'], type: 'float64', k: 5 },
    )
    expect(error).toBeLessThan(1e-8)
  })

  it('can be differentiated again after a round trip through bytes', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', ['N', 2])
    g.output('y', g.op('Mul', [g.op('Sin', [x]), g.op('Exp', [x])]))
    const once = readModel(writeModel(jvp(g.model(), { wrt: ['x'] })))
    const twice = jvp(once, { wrt: ['x'], of: ['y_tangent'], tangentAxis: 'L', suffix: '_again' })
    const at = [0.3, -0.7]
    const feeds = {
      x: floats('float64', [1, 2], at),
      x_tangent: floats('float64', [1, 1, 2], [1, 1]),
      x_again: floats('float64', [1, 1, 2], [1, 1]),
    }
    const { y_tangent_again } = await runGraph(twice, feeds)
    // (sin x e^x)'' = 2 cos x e^x
    const expected = at.map((v) => 2 * Math.cos(v) * Math.exp(v))
    expect(relativeError(numbersOf(y_tangent_again), expected)).toBeLessThan(1e-14)
    expect(() => jvp(once, { wrt: ['x'] })).toThrow('graph value name: expected a name not yet used, got x_tangent')
  })

  it('differentiates by several inputs at once', async () => {
    const g = graphBuilder()
    const a = g.input('a', 'float64', [2, 3])
    const b = g.input('b', 'float64', [3])
    g.output('y', g.op('Tanh', [g.op('Mul', [a, b])]))
    const feeds = { a: gaussian('float64', [2, 3], 4), b: gaussian('float64', [3], 5) }
    const { error } = await checkJvp(g.model(), feeds, { wrt: ['a', 'b'], type: 'float64' })
    expect(error).toBeLessThan(1e-8)
  })

  it('treats an inner value named in wrt as independent', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', ['N', 3])
    const h = g.op('Exp', [x])
    g.output('h', h)
    g.output('y', g.op('Mul', [x, g.op('Sin', [h])]))
    const model = g.model()
    const d = jvp(model, { wrt: ['h'], of: ['y'] })
    const at = [0.1, 0.5, -0.4]
    const out = await runGraph(d, {
      x: floats('float64', [1, 3], at),
      h_tangent: floats('float64', [1, 1, 3], [1, 2, 3]),
    })
    const expected = at.map((v, i) => v * Math.cos(Math.exp(v)) * (i + 1))
    expect(relativeError(numbersOf(out.y_tangent), expected)).toBeLessThan(1e-14)
  })

  it('gives zeros for an output no input reaches, and for the inputs themselves', async () => {
    const g = graphBuilder()
    const a = g.input('a', 'float64', ['N', 2])
    const b = g.input('b', 'float64', ['N', 2])
    g.output('fixed', g.op('Exp', [b]))
    g.output('same', g.op('Identity', [a]))
    const v = gaussian('float64', [3, 1, 2], 6)
    const feeds = { a: gaussian('float64', [1, 2], 7), b: gaussian('float64', [1, 2], 8), a_tangent: v }
    const out = await runGraph(jvp(g.model(), { wrt: ['a'] }), feeds)
    expect(out.fixed_tangent).toEqual({ data: new Float64Array(6), shape: [3, 1, 2] })
    expect(numbersOf(out.same_tangent)).toEqual(numbersOf(v))
  })

  it('names the tangent axis as asked', () => {
    const { graph } = jvp(net(), { wrt: ['x'], tangentAxis: 'directions' })
    expect(graph.inputs[1]!.shape).toEqual(['directions', 'N', 6])
  })
})

describe('tangents', () => {
  const d = jvp(net(), { wrt: ['x'] })
  const small = fc.double({ min: -2, max: 2, noNaN: true })
  const vector = fc.array(small, { minLength: 6, maxLength: 6 })

  it('are linear: f(a u + b v) = a f(u) + b f(v)', async () => {
    await fc.assert(
      fc.asyncProperty(vector, vector, vector, small, small, async (x, u, v, a, b) => {
        const mixed = u.map((ui, i) => a * ui + b * v[i]!)
        const feeds = {
          x: floats('float64', [1, 6], x),
          x_tangent: floats('float64', [3, 1, 6], [...u, ...v, ...mixed]),
        }
        const t = numbersOf((await runGraph(d, feeds)).y_tangent)
        const [tu, tv, tm] = [t.slice(0, 4), t.slice(4, 8), t.slice(8)]
        // Three float64 roundings of numbers of order 100.
        expect(
          relativeError(
            tm,
            tu.map((value, i) => a * value + b * tv[i]!),
          ),
        ).toBeLessThan(1e-12)
      }),
      { numRuns: 15 },
    )
  })

  it('do not depend on how many directions run together', async () => {
    const x = gaussian('float64', [2, 6], 9)
    const v = gaussian('float64', [5, 2, 6], 10)
    const together = numbersOf((await runGraph(d, { x, x_tangent: v })).y_tangent)
    const apart: number[] = []
    for (let k = 0; k < 5; k++) {
      const one = floats('float64', [1, 2, 6], numbersOf(v).slice(k * 12, k * 12 + 12))
      apart.push(...numbersOf((await runGraph(d, { x, x_tangent: one })).y_tangent))
    }
    expect(relativeError(apart, together)).toBeLessThan(1e-14)
  })

  it('do not mix the rows of a batch', async () => {
    const x = gaussian('float64', [3, 6], 11)
    const v = gaussian('float64', [2, 3, 6], 12)
    const together = numbersOf((await runGraph(d, { x, x_tangent: v })).y_tangent)
    for (let row = 0; row < 3; row++) {
      const pick = (all: number[], k: number): number[] => all.slice((k * 3 + row) * 6, (k * 3 + row) * 6 + 6)
      const feeds = {
        x: floats('float64', [1, 6], numbersOf(x).slice(row * 6, row * 6 + 6)),
        x_tangent: floats(
          'float64',
          [2, 1, 6],
          [0, 1].flatMap((k) => pick(numbersOf(v), k)),
        ),
      }
      const alone = numbersOf((await runGraph(d, feeds)).y_tangent)
      const expected = [0, 1].flatMap((k) => together.slice((k * 3 + row) * 4, (k * 3 + row) * 4 + 4))
      expect(relativeError(alone, expected)).toBeLessThan(1e-13)
    }
  })

  it('follow the chain rule: jvp of g(f(x)) = jvp of g at f(x) along jvp of f', async () => {
    const part = (build: (g: GraphBuilder, x: string) => string): Model => {
      const g = graphBuilder()
      g.output('y', build(g, g.input('x', 'float64', ['N', 4])))
      return g.model()
    }
    const w = tensorOf(
      'float64',
      [4, 4],
      Array.from({ length: 16 }, (_, i) => Math.cos(i)),
    )
    const first = (g: GraphBuilder, x: string): string => g.op('Tanh', [g.op('MatMul', [x, g.constant('w', w)])])
    const second = (g: GraphBuilder, x: string): string => g.op('Softmax', [g.op('Exp', [x])], { axis: int(1) })
    const x = gaussian('float64', [2, 4], 13)
    const v = gaussian('float64', [3, 2, 4], 14)
    const run = (m: Model, at: typeof x, along: typeof v) =>
      runGraph(jvp(m, { wrt: ['x'] }), { x: at, x_tangent: along })
    const f = await run(part(first), x, v)
    const g = await run(part(second), f.y!, f.y_tangent!)
    const whole = await run(
      part((b, at) => second(b, first(b, at))),
      x,
      v,
    )
    expect(relativeError(numbersOf(whole.y_tangent), numbersOf(g.y_tangent))).toBeLessThan(1e-13)
  })
})

describe('branches not taken', () => {
  const cases: [string, (g: GraphBuilder, x: string) => string, number, number][] = [
    // Where(x > 0, log x, 0) at -1 and log's own pole 0: the derivative is 0, not 0 * infinity.
    ['log', (g, x) => g.op('Log', [x]), -1, 0],
    ['log at its pole', (g, x) => g.op('Log', [x]), 0, 0],
    ['square root', (g, x) => g.op('Sqrt', [x]), 0, 0],
    ['reciprocal', (g, x) => g.op('Reciprocal', [x]), 0, 0],
    ['quotient', (g, x) => g.op('Div', [g.scalar('float64', 1), x]), 0, 0],
    ['nested', (g, x) => g.op('Sqrt', [g.op('Log', [x])]), -2, 0],
  ]
  it.each(cases)('%s', async (_name, f, at, expected) => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', [1])
    const taken = g.op('Greater', [x, g.scalar('float64', 0)])
    g.output('y', g.op('Where', [taken, f(g, x), g.scalar('float64', 0)]))
    const feeds = { x: floats('float64', [1], [at]), x_tangent: floats('float64', [1, 1], [1]) }
    const [slope] = numbersOf((await runGraph(jvp(g.model(), { wrt: ['x'] }), feeds)).y_tangent)
    expect(Math.abs(slope!)).toBe(expected)
  })

  it('leave a square root of a rectified negative number without slope', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float64', [3])
    g.output('y', g.op('Sqrt', [g.op('Relu', [x])]))
    const feeds = { x: floats('float64', [3], [-1, 4, 1]), x_tangent: floats('float64', [1, 3], [1, 1, 1]) }
    expect(numbersOf((await runGraph(jvp(g.model(), { wrt: ['x'] }), feeds)).y_tangent)).toEqual([0, 0.25, 0.5])
  })
})

describe('errors', () => {
  const withOperator = (reached: boolean): Model => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2, 3])
    const c = g.input('c', 'float32', [2, 3])
    const odd = g.ops('Odd', [reached ? x : c], {}, 1, 'example')[0]!
    g.output('y', g.op('Add', [x, g.op('Reshape', [odd, g.int64([2, 3])])]))
    return g.model()
  }

  it('name operator and node when a tangent reaches an operator without a rule', () => {
    expect(() => jvp(withOperator(true), { wrt: ['x'] })).toThrow(
      new OodError('E_UNSUPPORTED', 'derivative: expected an operator with a rule for it, got example.Odd "Odd_0"'),
    )
  })

  it('do not mind an operator without a rule that no tangent reaches', () => {
    expect(inspect(jvp(withOperator(false), { wrt: ['x'] })).operators['example.Odd']).toBe(1)
  })

  it('name what is unknown, missing or of the wrong kind', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2])
    g.output('y', g.op('Add', [x, x]))
    g.output('positive', g.op('Greater', [x, g.scalar('float32', 0)]))
    const model = g.model()
    expect(() => jvp(model, { wrt: ['z'] })).toThrow('jvp wrt: expected one of x, y, positive, got z')
    expect(() => jvp(model, { wrt: ['x'], of: ['w'] })).toThrow('jvp of: expected one of x, y, positive, got w')
    expect(() => jvp(model, { wrt: [] })).toThrow('jvp wrt: expected at least one name, got none')
    expect(() => jvp(model, { wrt: ['x'], of: ['positive'] })).toThrow(
      'jvp of positive: expected a floating-point value, got bool',
    )
    // By default the outputs that are not floating-point are left out.
    expect(jvp(model, { wrt: ['x'] }).graph.outputs.map((o) => o.name)).toEqual(['y', 'y_tangent'])
  })

  it('name an operator set that is too old', () => {
    const g = graphBuilder({ opset: 6 })
    g.output('y', g.op('Exp', [g.input('x', 'float32', [2])]))
    expect(() => jvp(g.model(), { wrt: ['x'] })).toThrow('jvp operator set: expected 7 or newer, got 6')
  })

  it('name what a rule cannot do', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [1, 2, 4, 4])
    const w = g.input('w', 'float32', [3, 2, 'H', 'W'])
    g.output('y', g.op('Conv', [x, w]))
    expect(() => jvp(g.model(), { wrt: ['w'] })).toThrow(
      /^derivative of Conv "Conv_0": expected kernel and padding known before run time/,
    )
  })
})
