// Models of older operator sets: read as what they mean in operator set 18, derivatives included.
import { describe, expect, it } from 'vitest'
import { type Attribute, float, type GraphBuilder, graphBuilder, int, ints, jvp, tensorOf, text } from '../src/index.ts'
import { lower } from '../src/lower/lower.ts'
import { checkAdjoint } from './adjoint.ts'
import { type FloatType, floats, gaussian, numbersOf, relativeError, runGraph } from './run-graph.ts'

interface Old {
  op: string
  opset: number
  attributes?: Record<string, Attribute>
  shape?: readonly number[]
  type?: FloatType
  /** Numbers far enough apart for no step to change their order. */
  spread?: boolean
  build?: (g: GraphBuilder, x: string) => string
}

const scales: Attribute = { kind: 'floats', value: [1, 1, 2, 1.5] }
const cases: Old[] = [
  { op: 'Clip', opset: 10, attributes: { min: float(-0.5), max: float(0.7) }, type: 'float32' },
  { op: 'Clip', opset: 7, attributes: { max: float(0.7) }, type: 'float32' },
  { op: 'Slice', opset: 9, attributes: { starts: ints([1, 0]), ends: ints([9, -1]), axes: ints([2, 1]) } },
  { op: 'Squeeze', opset: 12, attributes: { axes: ints([1]) }, shape: [2, 1, 3] },
  { op: 'Unsqueeze', opset: 11, attributes: { axes: ints([0, 2]) } },
  { op: 'Pad', opset: 10, attributes: { pads: ints([0, 1, 0, 0, 0, 2]), value: float(3) }, type: 'float32' },
  { op: 'Pad', opset: 10, attributes: { pads: ints([0, 1, 2, 0, 0, 1]), mode: text('reflect') }, type: 'float32' },
  { op: 'Softmax', opset: 11, attributes: { axis: int(1) } },
  { op: 'Softmax', opset: 11, attributes: { axis: int(2) } },
  { op: 'LogSoftmax', opset: 9 },
  { op: 'ReduceSum', opset: 11, attributes: { axes: ints([1]), keepdims: int(0) } },
  { op: 'ReduceMean', opset: 17, attributes: { axes: ints([-1]) } },
  { op: 'ReduceLogSumExp', opset: 13, attributes: { axes: ints([0, 2]) }, type: 'float32' },
  { op: 'Dropout', opset: 10, attributes: { ratio: float(0.3) } },
  {
    op: 'TopK',
    opset: 9,
    spread: true,
    attributes: { k: int(2), axis: int(1) },
    type: 'float32',
    build: (g, x) => g.ops('TopK', [x], { k: int(2), axis: int(1) }, 2)[0]!,
  },
  { op: 'Split', opset: 11, build: (g, x) => g.ops('Split', [x], { axis: int(1), split: ints([1, 2]) }, 2)[1]! },
  { op: 'Split', opset: 13, build: (g, x) => g.ops('Split', [x], { axis: int(2) }, 2)[1]! },
  { op: 'Upsample', opset: 8, attributes: { scales, mode: text('nearest') }, shape: [1, 2, 3, 4], type: 'float32' },
  {
    op: 'Upsample',
    opset: 9,
    shape: [1, 1, 3, 4],
    type: 'float32',
    build: (g, x) =>
      g.op('Upsample', [x, g.constant('s', tensorOf('float32', [4], [1, 1, 2, 2]))], { mode: text('linear') }),
  },
  {
    op: 'Resize',
    opset: 10,
    shape: [1, 1, 3, 4],
    type: 'float32',
    build: (g, x) =>
      g.op('Resize', [x, g.constant('s', tensorOf('float32', [4], [1, 1, 2, 3]))], { mode: text('linear') }),
  },
  {
    op: 'Scatter',
    opset: 9,
    shape: [3, 2],
    type: 'float32',
    build: (g, x) =>
      g.op(
        'Scatter',
        [
          x,
          g.constant('i', tensorOf('int64', [1, 2], [2, 0])),
          g.op('Slice', [x], { starts: ints([0]), ends: ints([1]) }),
        ],
        { axis: int(0) },
      ),
  },
]

describe('an older operator set', () => {
  it.each(cases.map((c, i) => [`${i}: ${c.op} of ${c.opset}`, c] as const))('%s', async (_name, c) => {
    const type = c.type ?? 'float64'
    const shape = c.shape ?? [2, 3, 4]
    const g = graphBuilder({ opset: c.opset })
    const x = g.input('x', type, shape)
    const y = c.build ? c.build(g, x) : g.op(c.op, [x], c.attributes)
    g.output('y', y, { type, shape: undefined })
    const model = g.model()
    const raw = gaussian(type, shape, 3)
    const feeds = {
      x: c.spread
        ? floats(
            type,
            shape,
            numbersOf(raw).map((_, i) => ((i * 7) % 24) / 4),
          )
        : raw,
    }
    const lowered = lower('test', model, ['x'])
    expect(lowered.opsets['']).toBe(18)
    const [expected, got] = [await runGraph(model, feeds), await runGraph(lowered, feeds)]
    expect(relativeError(numbersOf(got.y), numbersOf(expected.y))).toBeLessThan(1e-6)
    const { forward, differences } = await checkAdjoint(model, feeds, { wrt: ['x'], type })
    expect(forward).toBeLessThan(type === 'float64' ? 1e-12 : 1e-5)
    expect(differences).toBeLessThan(type === 'float64' ? 1e-7 : 2e-3)
  })

  it('before 7 is refused', () => {
    const g = graphBuilder({ opset: 6 })
    g.output('y', g.op('Exp', [g.input('x', 'float32', [2])]))
    expect(() => lower('jvp', g.model(), ['x'])).toThrow('jvp operator set: expected 7 or newer, got 6')
  })
})

it('keeps the names of values, so that inner ones of lowered operators can be asked for', async () => {
  const g = graphBuilder()
  const x = g.input('x', 'float64', [2, 3])
  const unit = g.op('LpNormalization', [x], { axis: int(1) })
  g.output('y', g.op('Mul', [unit, unit]))
  const feeds = { x: floats('float64', [2, 3], [3, 4, 0, 1, 2, 2]) }
  const direction = floats('float64', [1, 2, 3], [1, 0, 0, 0, 1, 0])
  const of = await runGraph(jvp(g.model(), { wrt: ['x'], of: [unit] }), { ...feeds, x_tangent: direction })
  // d(x / |x|) = v / |x| - x (x v) / |x|^3
  const expected = [1 / 5 - 9 / 125, -12 / 125, 0, -2 / 27, 1 / 3 - 4 / 27, -4 / 27]
  expect(relativeError(numbersOf(of[`${unit}_tangent`]), expected)).toBeLessThan(1e-15)
  const by = await runGraph(jvp(g.model(), { wrt: [unit] }), { ...feeds, [`${unit}_tangent`]: direction })
  expect(relativeError(numbersOf(by.y_tangent), [1.2, 0, 0, 0, 4 / 3, 0])).toBeLessThan(1e-15)
})
