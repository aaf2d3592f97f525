// Rules and lowerings over random shapes and attributes: values of the lowered graph and derivatives in both modes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { float, graphBuilder, int, ints, text } from '../src/index.ts'
import { lower } from '../src/lower/lower.ts'
import { checkAdjoint } from './adjoint.ts'
import { buildCase, type Case } from './operators/case.ts'
import { numbersOf, relativeError, runGraph } from './run-graph.ts'

const size = fc.integer({ min: 1, max: 4 })
/** Each run opens four sessions: few runs, and other ones every time the seed moves on. */
const RUNS = { numRuns: 12 }

/**
 * Values of the lowered graph, forward against reverse mode, and reverse mode against differences of the operator.
 * Tolerances as for the fixed cases.
 */
async function holds(c: Case): Promise<void> {
  const { model, feeds, wrt, type, tolerance, step } = buildCase(c)
  const [expected, got] = [await runGraph(model, feeds), await runGraph(lower('test', model, wrt), feeds)]
  for (const { name } of model.graph.outputs)
    expect(relativeError(numbersOf(got[name]), numbersOf(expected[name]))).toBeLessThan(
      type === 'float64' ? 1e-12 : 5e-6,
    )
  const { forward, differences } = await checkAdjoint(model, feeds, { wrt, type, step, k: 1 })
  expect(forward).toBeLessThan(type === 'float64' ? 1e-11 : 5e-5)
  expect(differences).toBeLessThan(2 * tolerance)
}

describe('for random shapes and attributes', () => {
  it('recurrent layers', async () => {
    const layer = fc.record({
      op: fc.constantFrom('LSTM', 'GRU', 'RNN'),
      sizes: fc.tuple(size, size, size, size),
      direction: fc.constantFrom('forward', 'reverse', 'bidirectional'),
      bias: fc.boolean(),
      linear: fc.integer({ min: 0, max: 1 }),
    })
    await fc.assert(
      fc.asyncProperty(layer, async ({ op, sizes: [steps, batch, inputs, hidden], direction, bias, linear }) => {
        const d = direction === 'bidirectional' ? 2 : 1
        const n = { LSTM: 4, GRU: 3, RNN: 1 }[op]! * hidden
        const attributes = { hidden_size: int(hidden), direction: text(direction) }
        const extra = op === 'GRU' ? { linear_before_reset: int(linear) } : {}
        await holds({
          name: op,
          op,
          type: 'float32',
          fixed: true,
          step: 5e-3,
          map: (v) => 0.5 * v,
          inputs: { x: [steps, batch, inputs], w: [d, n, inputs], r: [d, n, hidden], ...(bias && { b: [d, 2 * n] }) },
          build: (g, x) => g.ops(op, x, { ...attributes, ...extra }, op === 'LSTM' ? 3 : 2),
        })
      }),
      RUNS,
    )
  })

  it('attention', async () => {
    const heads = fc.record({ sizes: fc.tuple(size, size, size, size), groups: size, kv: size, causal: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(heads, async ({ sizes: [batch, rows, keys, width], groups, kv, causal }) => {
        await holds({
          name: 'Attention',
          op: 'Attention',
          type: 'float32',
          opset: 23,
          fixed: true,
          inputs: { q: [batch, kv * groups, rows, width], k: [batch, kv, keys, width], v: [batch, kv, keys, 2] },
          build: (g, x) => g.op('Attention', x, { is_causal: int(causal ? 1 : 0) }),
        })
      }),
      RUNS,
    )
  })

  it('normalization', async () => {
    const norm = fc.record({
      op: fc.constantFrom('GroupNormalization', 'LRN', 'LpNormalization', 'MeanVarianceNormalization', 'LpPool'),
      sizes: fc.tuple(size, size, size, size),
    })
    await fc.assert(
      fc.asyncProperty(norm, async ({ op, sizes: [n, c, h, w] }) => {
        const attributes = {
          GroupNormalization: { num_groups: int(c), epsilon: float(0.1) },
          LRN: { size: int(3), alpha: float(0.3) },
          LpNormalization: { axis: int(1) },
          // A single position has no deviation to divide by.
          MeanVarianceNormalization: { axes: ints([1, 2, 3]) },
          LpPool: { kernel_shape: ints([1, 2]), pads: ints([0, 1, 0, 0]), p: int(2) },
        }[op]!
        const parameters = op === 'GroupNormalization' ? { s: [2 * c], b: [2 * c] } : {}
        await holds({
          name: op,
          op,
          opset: 21,
          type: 'float32',
          fixed: true,
          step: 3e-3,
          tolerance: 1e-2,
          map: (v) => v + Math.sign(v),
          inputs: { x: [n, 2 * c, h, w + 1], ...parameters },
          build: (g, x) => g.op(op, x, attributes),
        })
      }),
      RUNS,
    )
  })

  it('scatters with repeated places', async () => {
    const scatter = fc.record({
      shape: fc.tuple(size, size),
      reduction: fc.constantFrom('add', 'mul', 'max', 'min'),
      at: fc.array(fc.nat(100), { minLength: 1, maxLength: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(scatter, async ({ shape: [rows, columns], reduction, at }) => {
        await holds({
          name: 'ScatterND',
          op: 'ScatterND',
          type: 'float32',
          inputs: { x: [rows, columns], u: [at.length, columns] },
          // Distinct numbers, so that no step changes which is largest.
          map: (_v, i) => 0.5 + ((i * 37) % 101) / 25,
          build: (g, [x, u]) => {
            const index = g.op('Reshape', [g.int64(at.map((i) => i % rows)), g.int64([-1, 1])])
            return g.op('ScatterND', [x!, index, u!], { reduction: text(reduction) })
          },
        })
      }),
      RUNS,
    )
  })
})

it('folds the shape arithmetic exporters write, whatever the numbers', () => {
  const list = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(list, list, (a, b) => {
      const g = graphBuilder()
      const x = g.input('x', 'float32', ['N'])
      const joined = g.op('Concat', [g.int64(a), g.int64(b)], { axis: int(0) })
      const backwards = g.op('Slice', [joined, g.int64([-1]), g.int64([-100]), g.int64([0]), g.int64([-1])])
      const total = g.op('ReduceProd', [g.op('Mul', [backwards, g.int64([2])])], { keepdims: int(0) })
      g.output('y', g.op('Mul', [x, g.op('Cast', [total], { to: int(1) })]))
      const lowered = lower('test', g.model(), ['x'])
      expect(lowered.graph.nodes.map((node) => node.opType)).toEqual(['Mul'])
      const factor = lowered.graph.initializers.get(lowered.graph.nodes[0]!.inputs[1]!)
      expect(Number(factor?.data[0])).toBe([...a, ...b].reduce((p, n) => p * 2 * n, 1))
    }),
    { numRuns: 50 },
  )
})
