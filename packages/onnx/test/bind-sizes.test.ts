// Models with open sizes that exporters write, bound and differentiated: against PyTorch in float64.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  bindSizes,
  constantTensor,
  graphBuilder,
  jvp,
  type Model,
  readModel,
  simplify,
  summary,
  toFloat64,
  vjp,
  writeModel,
} from '../src/index.ts'
import { floats, numbersOf, relativeError, runGraph } from './run-graph.ts'

const path = (name: string): string => fileURLToPath(new URL(`./fixtures/bind/${name}`, import.meta.url))
const open = (name: string): Model => readModel(new Uint8Array(readFileSync(path(`${name}.onnx`))))
/** fixtures/bind/bind.py: seeded models, inputs and tangents; values and derivatives from PyTorch in float64. */
const torch = JSON.parse(readFileSync(path('bind.json'), 'utf8')) as Record<string, Record<string, number[]>>

describe('a recurrent layer over an open number of steps', () => {
  const model = open('gru')
  const { x, tangent, y, t } = torch.gru!

  it('is refused with the advice to bind, and works when bound', async () => {
    expect(() => jvp(model, { wrt: ['x'] })).toThrow(
      'a known sequence length (bindSizes fixes sizes and constant inputs)',
    )
    const bound = bindSizes(model, { sequence: 6 })
    expect(bound.graph.inputs[0]!.shape).toEqual(['batch', 6, 3])
    const feeds = { x: floats('float32', [2, 6, 3], x!), x_tangent: floats('float32', [1, 2, 6, 3], tangent!) }
    const got = await runGraph(jvp(bound, { wrt: ['x'] }), feeds)
    // float32 of a few dozen operators.
    expect(relativeError(numbersOf(got.y), y!)).toBeLessThan(1e-6)
    expect(relativeError(numbersOf(got.y_tangent), t!)).toBeLessThan(1e-6)
    const exact = toFloat64(bindSizes(model, { batch: 2, sequence: 6 }))
    expect(exact.graph.outputs[0]!.shape).toEqual([2, 2])
    const wide = { x: floats('float64', [2, 6, 3], x!), x_tangent: floats('float64', [1, 2, 6, 3], tangent!) }
    const double = await runGraph(jvp(exact, { wrt: ['x'] }), wide)
    expect(relativeError(numbersOf(double.y_tangent), t!)).toBeLessThan(1e-12)
  })
})

describe('voice activity: an LSTM, a state, and a sampling rate that chooses a branch', () => {
  const { input, state, tangent, y, t } = torch.vad!
  const rate = constantTensor('int64', [], BigInt64Array.of(16000n))
  const bound = bindSizes(open('vad'), { batch: 1, sequence: 64 }, { constants: { sr: rate } })

  it('works with sizes bound and the rate constant', async () => {
    expect(bound.graph.inputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['input', [1, 64]],
      ['state', [2, 1, 5]],
    ])
    const feeds = { input: floats('float32', [1, 64], input!), state: floats('float32', [2, 1, 5], state!) }
    const got = await runGraph(jvp(bound, { wrt: ['input'], of: ['output'] }), {
      ...feeds,
      input_tangent: floats('float32', [1, 1, 64], tangent!),
    })
    expect(relativeError(numbersOf(got.output), y!)).toBeLessThan(1e-6)
    expect(relativeError(numbersOf(got.output_tangent), t!)).toBeLessThan(1e-6)
    const back = await runGraph(vjp(bound, { wrt: ['input'], of: ['output'] }), {
      ...feeds,
      output_cotangent: floats('float32', [1, 1, 1], [1]),
    })
    const product = numbersOf(back.input_cotangent).reduce((sum, v, i) => sum + v * tangent![i]!, 0)
    expect(product).toBeCloseTo(t![0]!, 6)
  })

  it('simplifies to the branch that is taken', async () => {
    const small = simplify(bound)
    expect(small.graph.nodes.some((node) => node.opType === 'If')).toBe(false)
    const feeds = { input: floats('float32', [1, 64], input!), state: floats('float32', [2, 1, 5], state!) }
    expect((await runGraph(small, feeds)).output).toEqual((await runGraph(bound, feeds)).output)
    expect(readModel(writeModel(small)).graph.inputs.length).toBe(2)
  })
})

describe('what is no size', () => {
  const g = graphBuilder()
  const [x, w] = [g.input('x', 'float32', ['N', 4]), g.input('w', 'float32', ['N', 4])]
  g.output('y', g.op('Add', [x, w]))
  const model = g.model()
  const four = constantTensor('float32', [2, 4], new Float32Array(8))

  it.each([
    ['a name nobody has', () => bindSizes(model, { M: 1 }), 'bindSizes: expected one of N, got M'],
    ['a fraction', () => bindSizes(model, { N: 1.5 }), 'bindSizes N: expected a whole number from 0, got 1.5'],
    ['a negative one', () => bindSizes(model, { N: -1 }), 'bindSizes N: expected a whole number from 0, got -1'],
    ['another rank', () => bindSizes(model, { x: [1] }), 'bindSizes x: expected 2 axes, got [1]'],
    ['another known size', () => bindSizes(model, { x: [1, 5] }), 'bindSizes x: expected shape [N, 4], got [1, 5]'],
    [
      'two sizes of one name',
      () => bindSizes(model, { x: [1, 4], w: [2, 4] }),
      'bindSizes N: expected one size, got 1 and 2',
    ],
    [
      'a constant of another type',
      () => bindSizes(model, {}, { constants: { w: constantTensor('int64', [1, 4], new BigInt64Array(4)) } }),
      'bindSizes constants w: expected float32, got int64',
    ],
    ['a constant for no input', () => bindSizes(model, {}, { constants: { v: four } }), 'expected one of x, w, got v'],
  ])('%s', (_name, bind, message) => expect(bind).toThrow(message))

  it('a constant fixes the sizes it has, and a shape those of its input', () => {
    expect(bindSizes(model, {}, { constants: { w: four } }).graph.inputs).toEqual([
      { name: 'x', type: 'float32', shape: [2, 4] },
    ])
    expect(bindSizes(model, { x: [3, 4] }).graph.outputs[0]!.shape).toEqual([3, 4])
    expect(summary(bindSizes(model, { N: 3 })).flops).toBe(12)
  })
})
