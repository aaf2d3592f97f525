// Quantized models: derivatives 0 with a warning, and the useful ones straight through rounding.
import type { TensorValue } from '@ood/runtime'
import { describe, expect, it } from 'vitest'
import {
  constantTensor,
  type GraphBuilder,
  graphBuilder,
  int,
  ints,
  jvp,
  type Model,
  summary,
  tensorOf,
  vjp,
} from '../src/index.ts'
import { floats, gaussian, numbersOf, runGraph } from './run-graph.ts'

const f32 = (g: GraphBuilder, name: string, shape: readonly number[], values: readonly number[]): string =>
  g.constant(name, tensorOf('float32', shape, values))
const u8 = (g: GraphBuilder, name: string, shape: readonly number[], values: readonly number[]): string =>
  g.constant(name, tensorOf('uint8', shape, values))
const i8 = (g: GraphBuilder, name: string, shape: readonly number[], values: readonly number[]): string =>
  g.constant(name, tensorOf('int8', shape, values))
const row = (values: readonly number[], shape: readonly number[] = [values.length]): TensorValue =>
  floats('float32', shape, values)
const silent = { onWarning: () => undefined }

/** Quantizes to uint8 with scale 0.5 and zero point 10, and back: clipped outside [-5, 122.5]. */
function fakeQuantized(): Model {
  const g = graphBuilder({ opset: 21 })
  const x = g.input('x', 'float32', [4])
  const s = g.input('s', 'float32', [])
  const z = u8(g, 'z', [], [10])
  g.output('y', g.op('DequantizeLinear', [g.op('QuantizeLinear', [x, s, z]), s, z]))
  return g.model()
}

describe('quantize and dequantize', () => {
  const x = [-7, -1.3, 3.2, 200]
  const feeds = { x: row(x), s: row([0.5], []) }

  it('has derivative 0, and says so once', async () => {
    const heard: string[] = []
    const model = jvp(fakeQuantized(), { wrt: ['x'], onWarning: (message) => heard.push(message) })
    expect(heard).toEqual([
      'derivative: 0 through QuantizeLinear "QuantizeLinear_0", because rounding has no slope (straightThrough: true takes it as if it were not there)',
    ])
    const { y_tangent } = await runGraph(model, { ...feeds, x_tangent: row([1, 1, 1, 1], [1, 4]) })
    expect(numbersOf(y_tangent)).toEqual([0, 0, 0, 0])
    vjp(fakeQuantized(), { wrt: ['x'], onWarning: (message) => heard.push(message) })
    expect(heard.length).toBe(2)
    expect(summary(fakeQuantized()).rounding).toEqual(['QuantizeLinear'])
    expect(String(summary(fakeQuantized()))).toContain('derivatives 0 through QuantizeLinear, unless straightThrough')
  })

  it('straight through: 1 where nothing is clipped; by the scale as learned step sizes have it', async () => {
    const model = jvp(fakeQuantized(), { wrt: ['x', 's'], straightThrough: true })
    const none = { x_tangent: row([0, 0, 0, 0], [1, 4]), s_tangent: row([0], [1]) }
    const byX = await runGraph(model, { ...feeds, ...none, x_tangent: row([1, 10, 100, 1000], [1, 4]) })
    expect(numbersOf(byX.y)).toEqual([-5, -1.5, 3, 122.5])
    expect(numbersOf(byX.y_tangent)).toEqual([0, 10, 100, 0])
    // Esser et al., arXiv 1902.08153: round(v) - v within the limits, the limit itself beyond, v = x / s.
    const byS = numbersOf((await runGraph(model, { ...feeds, ...none, s_tangent: row([1], [1]) })).y_tangent)
    const expected = [-10, Math.round(-2.6) + 2.6, Math.round(6.4) - 6.4, 245]
    byS.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i]!, 4)
    })
  })

  it('jvp and vjp agree, with a scale for each channel', async () => {
    const g = graphBuilder({ opset: 21 })
    const x0 = g.input('x', 'float32', ['N', 3, 2])
    const s = f32(g, 's', [3], [0.1, 0.02, 0.005])
    const z = i8(g, 'z', [3], [0, 3, -5])
    const q = g.op('QuantizeLinear', [x0, s, z], { axis: int(1) })
    const moved = g.op('Transpose', [g.op('Reshape', [q, g.int64([0, 3, 2])])], { perm: ints([0, 2, 1]) })
    g.output('y', g.op('DequantizeLinear', [moved, s, z], { axis: int(2) }))
    const model = g.model()
    const value = gaussian('float32', [2, 3, 2], 1)
    const [v, u] = [gaussian('float32', [1, 2, 3, 2], 2), gaussian('float32', [1, 2, 2, 3], 3)]
    const forward = await runGraph(jvp(model, { wrt: ['x'], straightThrough: true }), { x: value, x_tangent: v })
    const back = await runGraph(vjp(model, { wrt: ['x'], straightThrough: true }), { x: value, y_cotangent: u })
    const dot = (a: TensorValue, b: TensorValue): number =>
      numbersOf(a).reduce((sum, w, i) => sum + w * numbersOf(b)[i]!, 0)
    expect(dot(forward.y_tangent!, u)).toBeCloseTo(dot(back.x_cotangent!, v), 5)
    // Channel 2 holds at most (127 + 5) 0.005 = 0.66 and -0.615.
    numbersOf(back.x_cotangent).forEach((c, i) => {
      const [n, channel, k] = [Math.floor(i / 6), Math.floor(i / 2) % 3, i % 2]
      const at = Number(value.data[i])
      const clipped = channel === 2 && (at > 0.6625 || at < -0.6175)
      const tooLarge = channel === 1 && (at > 2.49 || at < -2.63)
      expect(c).toBeCloseTo(clipped || tooLarge ? 0 : numbersOf(u)[n * 6 + k * 3 + channel]!, 5)
    })
  })
})

/** A convolution in the two forms quantizers write: on integers, and between DequantizeLinear and QuantizeLinear. */
function convolutions(form: 'QLinearConv' | 'QDQ'): Model {
  const g = graphBuilder({ opset: 21 })
  const x = g.input('x', 'float32', [1, 2, 5, 5])
  const [xs, xz] = [f32(g, 'xs', [], [0.02]), u8(g, 'xz', [], [128])]
  const weights = Array.from({ length: 3 * 2 * 9 }, (_, i) => ((i * 37) % 200) - 100)
  const [w, ws, wz] = [
    i8(g, 'w', [3, 2, 3, 3], weights),
    f32(g, 'ws', [3], [0.01, 0.02, 0.005]),
    i8(g, 'wz', [3], [0, 0, 0]),
  ]
  const [ys, yz] = [f32(g, 'ys', [], [0.2]), u8(g, 'yz', [], [120])]
  const q = g.op('QuantizeLinear', [x, xs, xz])
  const pads = { pads: ints([1, 1, 1, 1]) }
  const y =
    form === 'QLinearConv'
      ? g.op('QLinearConv', [q, xs, xz, w, ws, wz, ys, yz], pads)
      : g.op('QuantizeLinear', [
          g.op(
            'Conv',
            [g.op('DequantizeLinear', [q, xs, xz]), g.op('DequantizeLinear', [w, ws, wz], { axis: int(0) })],
            pads,
          ),
          ys,
          yz,
        ])
  g.output('y', g.op('DequantizeLinear', [g.op('MaxPool', [y], { kernel_shape: ints([2, 2]) }), ys, yz]))
  return g.model()
}

describe('products of integers', () => {
  it('QLinearConv has the straight-through derivative of its parts', async () => {
    const x = gaussian('float32', [1, 2, 5, 5], 4)
    const x_tangent = gaussian('float32', [2, 1, 2, 5, 5], 5)
    const run = (form: 'QLinearConv' | 'QDQ') =>
      runGraph(jvp(convolutions(form), { wrt: ['x'], straightThrough: true }), { x, x_tangent })
    const [integers, parts] = [await run('QLinearConv'), await run('QDQ')]
    expect(numbersOf(integers.y)).toEqual(numbersOf(parts.y))
    const expected = numbersOf(parts.y_tangent)
    expect(expected.some((v) => v !== 0)).toBe(true)
    for (const [i, v] of numbersOf(integers.y_tangent).entries()) expect(v).toBeCloseTo(expected[i]!, 4)
    const u = gaussian('float32', [1, 1, 3, 4, 4], 6)
    const back = await runGraph(vjp(convolutions('QLinearConv'), { wrt: ['x'], straightThrough: true }), {
      x,
      y_cotangent: u,
    })
    const left = numbersOf(back.x_cotangent).reduce((sum, v, i) => sum + v * Number(x_tangent.data[i]), 0)
    const right = numbersOf(u).reduce((sum, v, i) => sum + v * numbersOf(integers.y_tangent)[i]!, 0)
    expect(left).toBeCloseTo(right, 3)
  })

  it('QLinearMatMul and MatMulInteger with dynamic scales have the slope of their weights', async () => {
    const g = graphBuilder({ opset: 21 })
    const x = g.input('x', 'float32', [2, 3])
    const w = i8(g, 'w', [3, 2], [1, -2, 3, 4, -5, 6])
    const [q, s, z] = g.ops('DynamicQuantizeLinear', [x], {}, 3) as [string, string, string]
    const whole = g.op('Cast', [g.op('MatMulInteger', [q, w, z])], { to: int(1) })
    g.output('y', g.op('Mul', [whole, g.op('Mul', [s, f32(g, 'ws', [], [0.5])])]))
    const [a, az, ys, yz] = [
      f32(g, 'as', [], [0.05]),
      u8(g, 'az', [], [100]),
      f32(g, 'ys', [], [0.25]),
      u8(g, 'yz', [], [128]),
    ]
    const [ws, wz] = [f32(g, 'bs', [], [0.5]), i8(g, 'bz', [], [0])]
    const product = g.op('QLinearMatMul', [g.op('QuantizeLinear', [x, a, az]), a, az, w, ws, wz, ys, yz])
    g.output('z', g.op('DequantizeLinear', [product, ys, yz]))
    const model = jvp(g.model(), { wrt: ['x'], straightThrough: true })
    const x_tangent = row([1, 2, 3, -1, 0.5, 1], [1, 2, 3])
    const feeds = { x: row([0.1, -0.6, 1, 2, -1, 0.4], [2, 3]), x_tangent }
    const got = await runGraph(model, feeds)
    // v W / 2
    const expected = [(1 + 6 - 15) / 2, (-2 + 8 + 18) / 2, (-1 + 1.5 - 5) / 2, (2 + 2 + 6) / 2]
    for (const name of ['y_tangent', 'z_tangent'])
      for (const [i, v] of numbersOf(got[name]).entries()) expect(v).toBeCloseTo(expected[i]!, 4)
  })

  it('the scale of DynamicQuantizeLinear has its own slope', async () => {
    const g = graphBuilder({ opset: 21 })
    const x = g.input('x', 'float32', [4])
    const [, s] = g.ops('DynamicQuantizeLinear', [x], {}, 3) as [string, string]
    g.output('s', s)
    const model = jvp(g.model(), { wrt: ['x'], ...silent })
    const feeds = { x: row([1, -2, 5, 0.5]), x_tangent: row([1, 10, 100, 1000], [1, 4]) }
    expect(numbersOf((await runGraph(model, feeds)).s_tangent)[0]).toBeCloseTo((100 - 10) / 255, 6)
    // All above 0: the smallest counts as 0.
    const above = { ...feeds, x: row([1, 2, 5, 0.5]) }
    expect(numbersOf((await runGraph(model, above)).s_tangent)[0]).toBeCloseTo(100 / 255, 6)
  })

  it('integers that are computed with otherwise are refused by name', () => {
    const g = graphBuilder({ opset: 21 })
    const x = g.input('x', 'float32', [4])
    const [s, z] = [f32(g, 's', [], [0.5]), g.constant('z', constantTensor('int8', [], Int8Array.of(0)))]
    const q = g.op('QuantizeLinear', [x, s, z])
    g.output('y', g.op('DequantizeLinear', [g.op('Abs', [q]), s, z]))
    expect(() => jvp(g.model(), { wrt: ['x'], straightThrough: true })).toThrow(/straightThrough passes on, got Abs/)
  })
})
