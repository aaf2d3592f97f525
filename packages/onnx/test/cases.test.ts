// Small graphs that went wrong once, each with its right value. The fixtures are as exporters and users wrote them.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TensorValue } from '@ood/runtime'
import { describe, expect, it } from 'vitest'
import {
  jvp,
  type Model,
  readModel,
  simplify,
  tensorNumbers,
  tensorOf,
  toFloat64,
  vjp,
  writeModel,
} from '../src/index.ts'
import { floats, gaussian, numbersOf, runGraph } from './run-graph.ts'

const fixture = (name: string): Model =>
  readModel(new Uint8Array(readFileSync(fileURLToPath(new URL(`./fixtures/cases/${name}.onnx`, import.meta.url)))))
const row = (values: readonly number[], shape: readonly number[] = [values.length]): TensorValue =>
  floats('float32', shape, values)
const rounded = (value: TensorValue | undefined, digits = 5): number[] =>
  numbersOf(value).map((v) => Number(v.toFixed(digits)))

describe('a slice to the end as old exporters write it', () => {
  const model = fixture('slice9_int64max_dyn')
  const x = row([1, 2, 3, 4], [1, 4])

  it('keeps its elements in jvp, vjp, toFloat64 and simplify', async () => {
    const forward = await runGraph(jvp(model, { wrt: ['x'] }), { x, x_tangent: row([1, 10, 100, 1000], [1, 1, 4]) })
    expect([numbersOf(forward.y), numbersOf(forward.y_tangent)]).toEqual([[9], [1110]])
    const back = await runGraph(vjp(model, { wrt: ['x'] }), { x, y_cotangent: row([1], [1, 1]) })
    expect(numbersOf(back.x_cotangent)).toEqual([0, 1, 1, 1])
    expect(numbersOf((await runGraph(toFloat64(model), { x: floats('float64', [1, 4], [1, 2, 3, 4]) })).y)).toEqual([9])
    for (const same of [simplify(model), readModel(writeModel(model))])
      expect(numbersOf((await runGraph(same, { x })).y)).toEqual([9])
  })
})

it('constants of float16 are numbers, not bits', async () => {
  const derivative = jvp(fixture('fp16_pow2'), { wrt: ['x'] })
  // 2 x times the tangent: no second power.
  expect(derivative.graph.nodes.map((node) => node.opType)).toEqual(['Pow', 'Mul', 'Mul'])
  const half = (shape: readonly number[], values: readonly number[]): TensorValue => ({
    data: tensorOf('float16', shape, values).data as Uint16Array,
    shape,
  })
  const feeds = { x: half([4], [1, -2, 3, 0.5]), x_tangent: half([1, 4], [1, 1, 10, 4]) }
  const { y, y_tangent } = await runGraph(derivative, feeds)
  expect(y!.data).toEqual(half([4], [1, 4, 9, 0.25]).data)
  expect(y_tangent!.data).toEqual(half([1, 4], [2, -4, 60, 4]).data)
})

it('CastLike takes nothing but a type from its second input', async () => {
  const feeds = { x: row([1, 2, 3]), x_tangent: row([1, 10, 100], [1, 3]) }
  const { y, y_tangent } = await runGraph(jvp(fixture('castlike_donor'), { wrt: ['x'] }), feeds)
  expect([numbersOf(y), numbersOf(y_tangent)]).toEqual([
    [2, 4, 6],
    [2, 20, 200],
  ])
})

it('a cast before an operator that mixes elements casts the tangent', async () => {
  const model = fixture('cast_start64_matmul')
  const x = row([1, 2, 3, 4, 5, 6], [2, 3])
  const tangents = { x, x_tangent: row([1, 10, 100, 1, 2, 3], [1, 2, 3]) }
  const { y_tangent } = await runGraph(jvp(model, { wrt: ['x'] }), tangents)
  expect(y_tangent!.data).toEqual(Float64Array.of(2, 20, 200, 2, 4, 6))
  const u = floats('float64', [1, 2, 3], [1, 2, 3, 4, 5, 6])
  const { x_cotangent } = await runGraph(vjp(model, { wrt: ['x'] }), { x, y_cotangent: u })
  expect(x_cotangent!.data).toEqual(Float32Array.of(2, 4, 6, 8, 10, 12))
})

describe('Attention with a row whose mask hides everything', () => {
  const model = fixture('attention_masked_row')
  const feeds = (type: 'float32' | 'float64') => ({
    q: gaussian(type, [1, 1, 2, 2], 1),
    k: gaussian(type, [1, 1, 3, 2], 2),
    v: gaussian(type, [1, 1, 3, 2], 3),
  })

  it('gives 0 with tangent 0 there, and elsewhere what the engine gives', async () => {
    const engine = numbersOf((await runGraph(model, feeds('float32'))).y)
    const tangents = {
      q_tangent: gaussian('float32', [2, 1, 1, 2, 2], 4),
      v_tangent: gaussian('float32', [2, 1, 1, 3, 2], 5),
    }
    const got = await runGraph(jvp(model, { wrt: ['q', 'v'] }), { ...feeds('float32'), ...tangents })
    expect(engine.slice(0, 2)).toEqual([0, 0])
    expect(rounded(got.y)).toEqual(engine.map((v) => Number(v.toFixed(5))))
    const slopes = numbersOf(got.y_tangent)
    expect([slopes.slice(0, 2), slopes.slice(4, 6)]).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(slopes.slice(2, 4).every((v) => v !== 0)).toBe(true)
  })

  it('is no NaN in float64', async () => {
    const engine = numbersOf((await runGraph(model, feeds('float32'))).y)
    const y = numbersOf((await runGraph(toFloat64(model), feeds('float64'))).y)
    expect(y.slice(0, 2)).toEqual([0, 0])
    expect(y.map((v) => Number(v.toFixed(5)))).toEqual(engine.map((v) => Number(v.toFixed(5))))
  })
})

it('Resize by scales that are an input keeps its coordinates', async () => {
  const X = row([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 2, 4])
  const scales = row([1, 1, 0.6, 0.6])
  const model = fixture('resize_runtime_scales')
  const feeds = { X, scales, X_tangent: { data: X.data, shape: [1, 1, 1, 2, 4] } }
  const { Y, Y_tangent } = await runGraph(jvp(model, { wrt: ['X'] }), feeds)
  expect(rounded(Y_tangent, 3)).toEqual([2.667, 4.333])
  expect(rounded(Y, 3)).toEqual([2.667, 4.333])
  // The transpose: u' (J x) = (J' u)' x.
  const back = await runGraph(vjp(model, { wrt: ['X'] }), { X, scales, Y_cotangent: row([3, 5], [1, 1, 1, 1, 2]) })
  const product = numbersOf(back.X_cotangent).reduce((sum, v, i) => sum + v * (i + 1), 0)
  expect(product).toBeCloseTo(3 * (8 / 3) + 5 * (13 / 3), 4)
})

it('a reduction over an axis of no elements has a tangent of the shape of its result', async () => {
  const model = fixture('reduce_empty')
  const forward = await runGraph(jvp(model, { wrt: ['x'] }), {
    x: row([], [2, 0, 4]),
    x_tangent: row([], [3, 2, 0, 4]),
  })
  expect(forward.y_tangent).toEqual({ data: new Float32Array(24), shape: [3, 2, 1, 4] })
  const u = row(new Array<number>(24).fill(1), [3, 2, 1, 4])
  const back = await runGraph(vjp(model, { wrt: ['x'] }), { x: row([], [2, 0, 4]), y_cotangent: u })
  expect(back.x_cotangent!.shape).toEqual([3, 2, 0, 4])
})

it('nodes that are out of order are read, sorted and written sorted', async () => {
  const model = fixture('unsorted')
  expect(model.graph.nodes.map((node) => node.opType)).toEqual(['Neg', 'Relu'])
  expect(readModel(writeModel(model)).graph.nodes.map((node) => node.opType)).toEqual(['Neg', 'Relu'])
  const feeds = { x: row([1, -2]), x_tangent: row([1, 10], [1, 2]) }
  const { y, y_tangent } = await runGraph(jvp(model, { wrt: ['x'] }), feeds)
  expect([numbersOf(y), numbersOf(y_tangent)]).toEqual([
    [0, 2],
    [-0, -10],
  ])
})

describe('Scan of operator set 8, which runs over a batch', () => {
  const model = fixture('scan_sum_op8')
  const initial = row([1, 2], [1, 2])
  const x = row([1, 2, 3, 4, 5, 6], [1, 3, 2])

  it('has derivatives and a float64 form', async () => {
    const tangents = { initial_tangent: row([1, 1], [1, 1, 2]), x_tangent: row([1, 10, 100, 1000, 5, 6], [1, 1, 3, 2]) }
    const got = await runGraph(jvp(model, { wrt: ['initial', 'x'] }), { initial, x, ...tangents })
    expect(numbersOf(got.y)).toEqual([10, 14])
    expect(numbersOf(got.z)).toEqual([2, 4, 5, 8, 10, 14])
    expect(numbersOf(got.y_tangent)).toEqual([107, 1017])
    const wide = { initial: floats('float64', [1, 2], [1, 2]), x: floats('float64', [1, 3, 2], [1, 2, 3, 4, 5, 6]) }
    expect(numbersOf((await runGraph(toFloat64(model), wide)).z)).toEqual([2, 4, 5, 8, 10, 14])
  })

  it('takes a batch apart, and is refused by name and set for an open one', async () => {
    const [scan] = model.graph.nodes
    const batched = (size: number | string): Model => ({
      ...model,
      graph: {
        ...model.graph,
        inputs: [
          { name: 'initial', type: 'float32', shape: [size, 2] },
          { name: 'x', type: 'float32', shape: [size, 3, 2] },
        ],
        outputs: model.graph.outputs.map(({ name }) => ({ name, type: 'float32' as const, shape: undefined })),
        nodes: [scan!],
      },
    })
    const feeds = { initial: row([0, 0, 1, 1], [2, 2]), x: row([1, 2, 3, 4, 5, 6, 1, 1, 1, 1, 1, 1], [2, 3, 2]) }
    const x_tangent = gaussian('float32', [1, 2, 3, 2], 3)
    const { y, y_tangent } = await runGraph(jvp(batched(2), { wrt: ['x'] }), { ...feeds, x_tangent })
    expect(numbersOf(y)).toEqual([9, 12, 4, 4])
    const v = numbersOf(x_tangent)
    const sums = [0, 1, 6, 7].map((i) => v[i]! + v[i + 2]! + v[i + 4]!)
    for (const [i, got] of numbersOf(y_tangent).entries()) expect(got).toBeCloseTo(sums[i]!, 5)
    for (const make of [() => jvp(batched('N'), { wrt: ['x'] }), () => toFloat64(batched('N'))])
      expect(make).toThrow(/Scan "y?".* of operator set 8: expected a known batch .*bindSizes/)
  })
})

it('Shrink is computed in double precision by toFloat64', async () => {
  const x = floats('float64', [2], [2 + 1e-10, -3 - 1e-10])
  const { y } = await runGraph(toFloat64(fixture('shrink')), { x })
  expect(y!.data).toEqual(Float64Array.of(2 + 1e-10 - 1.5, -3 - 1e-10 + 1.5))
})

it('numbers of 16-bit floats survive storage: rounded to nearest, ties to even, subnormal and beyond the largest', () => {
  const cases = [
    ['float16', 1 + 2 ** -11, 1],
    ['float16', 1 + 3 * 2 ** -11, 1 + 2 ** -9],
    ['float16', 65504, 65504],
    ['float16', 65520, Number.POSITIVE_INFINITY],
    ['float16', -(2 ** -24), -(2 ** -24)],
    ['float16', 2 ** -25, 0],
    ['float16', 2 ** -14 - 2 ** -26, 2 ** -14],
    ['float16', Number.NaN, Number.NaN],
    ['bfloat16', 1 + 2 ** -8, 1],
    ['bfloat16', 1 + 3 * 2 ** -8, 1 + 2 ** -6],
    ['bfloat16', -0, -0],
    ['bfloat16', 3.39e38, (2 - 2 ** -7) * 2 ** 127],
  ] as const
  for (const [type, value, expected] of cases)
    expect([value, tensorNumbers(tensorOf(type, [], [value]))[0]]).toEqual([value, expected])
  // Every float16 there is.
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const [value] = tensorNumbers({ type: 'float16', shape: [], data: Uint16Array.of(bits) })
    if (!Number.isNaN(value)) expect(tensorOf('float16', [], [value!]).data[0]).toBe(bits)
  }
})
