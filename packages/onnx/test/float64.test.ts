// toFloat64: every form against exact values, against the float32 kernels and against stored float64 values of PyTorch.
import { existsSync, readFileSync } from 'node:fs'
import { Matrix, SVD } from 'ml-matrix'
import { describe, expect, it } from 'vitest'
import {
  type Attribute,
  float,
  float64Forms,
  type GraphBuilder,
  graphBuilder,
  int,
  ints,
  jvp,
  type Model,
  readModel,
  tensorNumbers,
  tensorOf,
  text,
  toFloat64,
} from '../src/index.ts'
import { floats, gaussian, numbersOf, relativeError, runGraph, type Values } from './run-graph.ts'

/** A model of one operator; extra inputs are constants. */
function single(
  op: string,
  shape: readonly (number | string)[],
  attributes: Record<string, Attribute> = {},
  rest: (g: GraphBuilder) => string[] = () => [],
  type: 'float32' | 'float64' = 'float32',
): Model {
  const g = graphBuilder({ opset: 20 })
  const x = g.input('x', type, shape)
  g.output('y', g.op(op, [x, ...rest(g)], attributes))
  return g.model()
}
const doubles = (values: readonly number[]): Values => ({ x: floats('float64', [values.length], values) })

// Exact functions where JavaScript has them; these are themselves good to 1 or 2 units in the last place (2e-16).
const E = 1e-15
type Exact = [op: string, f: (x: number) => number, domain: readonly number[], tolerance: number]
const around = [-700, -40, -3, -1, -0.5, -1e-3, -1e-9, -1e-300, 0, 1e-300, 1e-9, 1e-3, 0.5, 1, 3, 40, 700]
const expm1 = Math.expm1
const exact: Exact[] = [
  ['Tan', Math.tan, around.filter((x) => Math.abs(x) < 2), E],
  ['Sinh', Math.sinh, around, E],
  ['Cosh', Math.cosh, around, E],
  ['Asinh', Math.asinh, [...around, 1e200, -1e307, Infinity, -Infinity], E],
  ['Acosh', Math.acosh, [1, 1 + 1e-12, 1.5, 40, 1e200], E],
  ['Atanh', Math.atanh, [-1, -0.999999, -0.5, -1e-9, 0, 1e-300, 0.3, 0.999, 1], E],
  ['Atan', Math.atan, [...around, 1e20, 1e300, -1e308, Infinity, -Infinity], E],
  ['Asin', Math.asin, [-1, -0.999999999, -0.5, -1e-9, 0, 1e-300, 0.3, 0.999, 1], E],
  ['Acos', Math.acos, [-1, -0.999999999, -0.5, -1e-9, 0, 0.3, 0.999, 0.999999999999, 1], E],
  ['Softplus', (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), [...around, -745, 1e300], E],
  ['Softsign', (x) => x / (1 + Math.abs(x)), around, E],
  ['Elu', (x) => (x > 0 ? x : expm1(x)), around, E],
  ['Celu', (x) => (x > 0 ? x : expm1(x)), around, E],
  ['Selu', (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x)), around, E],
  ['LeakyRelu', (x) => (x > 0 ? x : 0.01 * x), around, E],
  ['ThresholdedRelu', (x) => (x > 1 ? x : 0), around, 0],
  ['HardSigmoid', (x) => Math.min(1, Math.max(0, 0.2 * x + 0.5)), around, E],
  ['HardSwish', (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)), around, E],
  // tanh(softplus x) without cancellation: tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2).
  [
    'Mish',
    (x) => (x > 30 ? x : (x * Math.exp(x) * (Math.exp(x) + 2)) / (Math.exp(x) * (Math.exp(x) + 2) + 2)),
    around,
    E,
  ],
]

describe('elementwise forms equal the exact function to a few units in the last place', () => {
  it.each(exact)('%s', async (op, f, domain, tolerance) => {
    const { y } = await runGraph(toFloat64(single(op, ['N'])), doubles(domain))
    numbersOf(y).forEach((got, i) => {
      const want = f(domain[i]!)
      const error = got === want ? 0 : Math.abs(got - want) / Math.max(Math.abs(want), 1e-307)
      expect(error, `${op}(${domain[i]}) = ${got}, not ${want}`).toBeLessThanOrEqual(4 * tolerance)
    })
  })

  it.each(exact.map(([op]) => op))('%s of NaN is NaN, and outside the domain too', async (op) => {
    const x = ['Acosh', 'Atanh', 'Asin', 'Acos'].includes(op) ? [Number.NaN, -1.5] : [Number.NaN]
    const { y } = await runGraph(toFloat64(single(op, ['N'])), doubles(x))
    // The standard's ThresholdedRelu is a comparison: what is not above the threshold is 0.
    for (const got of numbersOf(y)) expect(Number.isNaN(got) || (op === 'ThresholdedRelu' && got === 0)).toBe(true)
  })

  // erf to 17 digits: Abramowitz and Stegun 7.1, and mpmath for the tail.
  it('Erf and Gelu', async () => {
    const table: [number, number][] = [
      [0, 0],
      [1e-300, 1.1283791670955126e-300],
      [1e-9, 1.1283791670955127e-9],
      [0.5, 0.5204998778130465],
      [0.999999, 0.8427003778418023],
      [1, 0.8427007929497149],
      [1.5, 0.9661051464753106],
      [2, 0.9953222650189527],
      [3, 0.9999779095030014],
      [6, 1],
      [Infinity, 1],
    ]
    const points = table.flatMap(([x]) => [x, -x])
    const values = numbersOf((await runGraph(toFloat64(single('Erf', ['N'])), doubles(points))).y)
    table.forEach(([, want], i) => {
      expect(Math.abs(values[2 * i]! - want)).toBeLessThanOrEqual(4e-16 * Math.abs(want))
      expect(values[2 * i + 1]).toBeCloseTo(-values[2 * i]!, 17)
    })
    const gelu = numbersOf((await runGraph(toFloat64(single('Gelu', ['N'])), doubles([1, -1, 0, 2]))).y)
    // x Phi(x).
    expect(relativeError(gelu, [0.8413447460685429, -0.15865525393145707, 0, 1.9544997361036416])).toBeLessThan(1e-15)
  })
})

const numbers = (g: GraphBuilder, name: string, shape: number[]): string =>
  g.constant(name, tensorOf('float32', shape, numbersOf(gaussian('float32', shape, name.length))))
const w =
  (...shape: number[]) =>
  (g: GraphBuilder) => [numbers(g, 'w', shape), numbers(g, 'bias', [shape[0]!])]
const t =
  (...shape: number[]) =>
  (g: GraphBuilder) => [numbers(g, 'w', shape)]
const scales =
  (...values: number[]) =>
  (g: GraphBuilder) => ['', g.constant('s', tensorOf('float32', [4], values))]
const image = [2, 4, 7, 6]
type Case = [
  name: string,
  op: string,
  shape: readonly number[],
  attributes: Record<string, Attribute>,
  rest?: (g: GraphBuilder) => string[],
]
const layers: Case[] = [
  ['Conv 3x3 padded', 'Conv', image, { pads: ints([1, 1, 1, 1]) }, w(5, 4, 3, 3)],
  [
    'Conv strided, dilated, lopsided',
    'Conv',
    image,
    { strides: ints([2, 3]), dilations: ints([2, 1]), pads: ints([0, 2, 1, 1]) },
    w(5, 4, 3, 2),
  ],
  ['Conv grouped', 'Conv', image, { group: int(2), pads: ints([1, 1, 1, 1]) }, w(6, 2, 3, 3)],
  ['Conv depthwise', 'Conv', image, { group: int(4), strides: ints([2, 2]) }, w(4, 1, 3, 3)],
  ['Conv 1x1', 'Conv', image, {}, w(3, 4, 1, 1)],
  ['Conv 1x1 strided', 'Conv', image, { strides: ints([2, 2]) }, w(3, 4, 1, 1)],
  ['Conv SAME_LOWER', 'Conv', image, { strides: ints([2, 2]), auto_pad: text('SAME_LOWER') }, w(3, 4, 4, 3)],
  ['Conv 1-D', 'Conv', [2, 3, 9], { pads: ints([2, 0]) }, w(4, 3, 4)],
  ['Conv 3-D', 'Conv', [1, 2, 4, 5, 3], { pads: ints([1, 0, 1, 0, 1, 1]) }, w(3, 2, 3, 2, 2)],
  ['ConvTranspose', 'ConvTranspose', image, { strides: ints([2, 2]), pads: ints([1, 0, 0, 1]) }, t(4, 5, 3, 3)],
  [
    'ConvTranspose grouped, dilated, padded out',
    'ConvTranspose',
    image,
    { strides: ints([3, 2]), dilations: ints([2, 1]), group: int(2), output_padding: ints([1, 1]) },
    t(4, 3, 2, 3),
  ],
  ['ConvTranspose cut beyond its reach', 'ConvTranspose', image, { pads: ints([3, 3, 3, 3]) }, t(4, 2, 3, 3)],
  [
    'ConvTranspose output_shape',
    'ConvTranspose',
    image,
    { strides: ints([2, 2]), output_shape: ints([14, 13]) },
    t(4, 2, 3, 3),
  ],
  [
    'AveragePool',
    'AveragePool',
    image,
    { kernel_shape: ints([3, 2]), strides: ints([2, 1]), pads: ints([1, 0, 1, 1]) },
  ],
  [
    'AveragePool with padding counted',
    'AveragePool',
    image,
    { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), count_include_pad: int(1) },
  ],
  ['AveragePool ceil', 'AveragePool', image, { kernel_shape: ints([3, 3]), strides: ints([2, 2]), ceil_mode: int(1) }],
  [
    'AveragePool ceil, padding counted',
    'AveragePool',
    image,
    {
      kernel_shape: ints([3, 3]),
      strides: ints([2, 2]),
      ceil_mode: int(1),
      pads: ints([1, 1, 1, 1]),
      count_include_pad: int(1),
    },
  ],
  ['LpPool', 'LpPool', image, { kernel_shape: ints([2, 2]), p: int(3) }],
  ['GlobalAveragePool', 'GlobalAveragePool', image, {}],
  ['GlobalMaxPool', 'GlobalMaxPool', image, {}],
  ['GlobalLpPool', 'GlobalLpPool', image, { p: int(2) }],
  ['LRN', 'LRN', image, { size: int(3), alpha: float(0.2), beta: float(0.6), bias: float(1.5) }],
  [
    'InstanceNormalization',
    'InstanceNormalization',
    image,
    { epsilon: float(0.01) },
    (g) => [numbers(g, 's', [4]), numbers(g, 'bias', [4])],
  ],
  ['LayerNormalization', 'LayerNormalization', image, { axis: int(-2) }, (g) => [numbers(g, 's', [7, 6])]],
  ['MeanVarianceNormalization', 'MeanVarianceNormalization', image, {}],
  ['Resize nearest', 'Resize', image, { mode: text('nearest') }, scales(1, 1, 2, 1.5)],
  ['Resize linear', 'Resize', image, { mode: text('linear') }, scales(1, 1, 2, 0.7)],
  [
    'Resize linear, corners aligned',
    'Resize',
    image,
    { mode: text('linear'), coordinate_transformation_mode: text('align_corners') },
    scales(1, 1, 2, 2),
  ],
  ['Resize cubic', 'Resize', image, { mode: text('cubic') }, scales(1, 1, 1.7, 2)],
  ['PRelu', 'PRelu', image, {}, t(4, 1, 1)],
  ['Hardmax', 'Hardmax', image, { axis: int(1) }],
  ['Gelu tanh', 'Gelu', image, { approximate: text('tanh') }],
  ['Softmax', 'Softmax', image, { axis: int(1) }],
  ['MaxPool', 'MaxPool', image, { kernel_shape: ints([2, 2]) }],
]

describe('layers in float64 equal the float32 kernels to float32 rounding', () => {
  // Sums of up to 36 products of order 1 in float32: 36 * 6e-8; Resize computes its weights in float32, 1e-6.
  it.each(layers)('%s', async (_name, op, shape, attributes, rest) => {
    const model = single(op, shape, attributes, rest)
    const x = gaussian('float32', shape, 9)
    const narrow = await runGraph(model, { x })
    const wide = await runGraph(toFloat64(model), { x: floats('float64', shape, numbersOf(x)) })
    expect(wide.y!.data).toBeInstanceOf(Float64Array)
    expect(wide.y!.shape).toEqual(narrow.y!.shape)
    expect(relativeError(numbersOf(wide.y), numbersOf(narrow.y))).toBeLessThan(5e-6)
  })

  // Nothing may pass through float32 on the way: a change of 1e-12 in the input must show in the output.
  it.each(layers.filter(([, op]) => op !== 'Hardmax'))(
    '%s sees changes of 1e-12',
    async (_name, op, shape, attributes, rest) => {
      const model = toFloat64(single(op, shape, attributes, rest))
      const x = numbersOf(gaussian('float64', shape, 9))
      const at = async (h: number): Promise<number[]> =>
        numbersOf(
          (
            await runGraph(model, {
              x: floats(
                'float64',
                shape,
                x.map((v, i) => v + h * Math.cos(i)),
              ),
            })
          ).y,
        )
      const [low, mid, high] = [await at(0), await at(1e-12), await at(2e-12)]
      const step = Math.max(...mid.map((v, i) => Math.abs(v - low[i]!)))
      expect(step).toBeGreaterThan(1e-14)
      expect(step).toBeLessThan(1e-10)
      // Linear to rounding: two steps are twice one.
      const bend = Math.max(...high.map((v, i) => Math.abs(v - 2 * mid[i]! + low[i]!)))
      expect(bend).toBeLessThan(0.1 * step + 2e-14)
    },
  )

  it('batch and image sizes known at run time only', async () => {
    const model = single('Conv', ['N', 4, 'H', 'W'], { pads: ints([1, 1, 1, 1]), strides: ints([2, 2]) }, w(5, 4, 3, 3))
    const wide = toFloat64(model)
    for (const shape of [image, [1, 4, 5, 8]]) {
      const x = gaussian('float32', shape, 3)
      const a = await runGraph(model, { x })
      const b = await runGraph(wide, { x: floats('float64', shape, numbersOf(x)) })
      expect(b.y!.shape).toEqual(a.y!.shape)
      expect(relativeError(numbersOf(b.y), numbersOf(a.y))).toBeLessThan(5e-6)
    }
  })
})

describe('which operators need a form', () => {
  const loads = async (model: Model): Promise<boolean> => {
    const shape = model.graph.inputs[0]!.shape!.map((dim) => (typeof dim === 'number' ? dim : 3))
    return runGraph(
      model,
      { x: floats('float64', shape, new Array(shape.reduce((a, b) => a * b, 1)).fill(0.5)) },
      'basic',
    ).then(
      () => true,
      () => false,
    )
  }
  const probes: Case[] = [
    ...'Tan Sinh Cosh Asinh Acosh Atanh Atan Asin Acos Erf Gelu Softplus Softsign Mish Elu Selu HardSigmoid HardSwish ThresholdedRelu Mean Relu Sigmoid Tanh Exp Log Sqrt Sin Cos Neg Abs Sign Reciprocal Floor Round'
      .split(' ')
      .map((op): Case => [op, op, [3], {}]),
    ...layers,
  ]
  /** Rewritten for accuracy, type or older versions although the newest engine has some kernel. */
  const anyway = ['LeakyRelu', 'PRelu', 'LayerNormalization', 'Celu', 'Swish']

  // The list is not taken on trust: the engine itself is asked. An engine with more kernels fails here and is good news.
  it.each(probes)(
    '%s: a form exactly where the engine has no float64 kernel',
    async (name, op, shape, attributes, rest) => {
      const widen = (g: GraphBuilder): string[] =>
        (rest?.(g) ?? []).map((value) => {
          const held = g.constantTensor(value)
          if (!held || op === 'Resize') return value
          return g.constant(`${value}_wide`, tensorOf('float64', held.shape, [...tensorNumbers(held)]))
        })
      const raw = await loads(single(op, shape, attributes, widen, 'float64'))
      if (name === 'Gelu tanh') return expect(await loads(toFloat64(single(op, shape, attributes, rest)))).toBe(true)
      if (!anyway.includes(op)) expect(raw).toBe(!float64Forms.includes(op))
      expect(await loads(toFloat64(single(op, shape, attributes, rest)))).toBe(true)
    },
  )

  it('operators without any float64 form are refused by name, or computed in float32 when asked', async () => {
    const pooled = single('MaxRoiPool', [1, 1, 3, 3])
    expect(() => toFloat64(pooled)).toThrow('toFloat64: expected an operator with a float64 form, got MaxRoiPool')
    const model = single('Det', [4, 4])
    expect(() => toFloat64(model)).toThrow(/toFloat64 of Det .*: expected matrices of at most 3 x 3/)
    const x = [2, 0, 1, 0, 0, 3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 5]
    const { y } = await runGraph(toFloat64(model, { fallback: 'float32' }), { x: floats('float64', [4, 4], x) })
    expect(numbersOf(y)).toEqual([120])
  })

  it("x sigmoid(x) loads with all of the engine's rewrites", async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', ['N'])
    g.output('y', g.op('Mul', [x, g.op('Sigmoid', [x])]))
    const { y } = await runGraph(toFloat64(g.model()), doubles([-2, 0, 3]), 'all')
    expect(
      relativeError(
        numbersOf(y),
        [-2, 0, 3].map((v) => v / (1 + Math.exp(-v))),
      ),
    ).toBeLessThan(1e-15)
  })
})

describe('whole models', () => {
  interface Golden {
    decode: { z: number[][]; x: unknown; tangents: number[][][]; xTangents: unknown }
  }
  const fixtures = new URL('../../models-flow/test/fixtures/', import.meta.url)
  const flat = (nested: unknown): number[] => (Array.isArray(nested) ? nested.flatMap(flat) : [nested as number])

  // Values of torch.func.jvp in float64. The files' constants were folded in float32 by the exporter (scales, 1x1 mixes):
  // 6e-8 each, amplified by the spline's quotients. 3e-9 and 3e-8 were seen for x, 3e-7 for the spline's tangents.
  it.each(['tiny-affine', 'tiny-rqs'])(
    '%s in float64 equals torch.func.jvp in float64, differentiated first or last',
    async (name) => {
      const golden: Golden = JSON.parse(readFileSync(new URL(`${name}/golden.json`, fixtures), 'utf8'))
      const model = readModel(new Uint8Array(readFileSync(new URL(`${name}/decode.onnx`, fixtures))))
      const { z, tangents, x, xTangents } = golden.decode
      const feeds = {
        z: floats('float64', [z.length, z[0]!.length], flat(z)),
        z_tangent: floats('float64', [tangents.length, z.length, z[0]!.length], flat(tangents)),
      }
      const results: number[][] = []
      for (const derivative of [toFloat64(jvp(model, { wrt: ['z'] })), jvp(toFloat64(model), { wrt: ['z'] })]) {
        const out = await runGraph(derivative, feeds)
        expect(relativeError(numbersOf(out.x), flat(x))).toBeLessThan(1e-7)
        expect(relativeError(numbersOf(out.x_tangent), flat(xTangents))).toBeLessThan(1e-6)
        results.push(numbersOf(out.x_tangent))
      }
      // Differentiated first, the derivative's own constants were rounded to float32: 6e-8 of each term.
      expect(relativeError(results[0]!, results[1]!)).toBeLessThan(1e-7)
    },
  )

  // fixtures/float64.py: a net of layers that all need other forms, with values and Jacobians of PyTorch in float64.
  // Sums of a few dozen products of order 1, ten layers deep: some 100 units in the last place.
  it('a convolutional net and its Jacobian equal PyTorch in float64 to 1e-13', async () => {
    const folder = new URL('fixtures/', import.meta.url)
    const stored: { x: unknown; y: unknown; jacobian: number[][][][][] } = JSON.parse(
      readFileSync(new URL('float64.json', folder), 'utf8'),
    )
    const model = readModel(new Uint8Array(readFileSync(new URL('float64.onnx', folder))))
    const units = Array.from({ length: 96 * 192 }, (_, i) =>
      Number(i % 192 === Math.floor(i / 192) || i % 192 === Math.floor(i / 192) + 96),
    )
    const feeds = { x: floats('float64', [2, 2, 8, 6], flat(stored.x)) }
    const tangents = { x_tangent: floats('float64', [96, 2, 2, 8, 6], units) }
    const { y } = await runGraph(toFloat64(model), feeds)
    expect(relativeError(numbersOf(y), flat(stored.y))).toBeLessThan(1e-13)
    // x_tangent [96, 2 points], y_tangent [96, 2, 5]; stored [2, 5, 96].
    const expected = [...Array(96).keys()].flatMap((k) =>
      stored.jacobian.flatMap((point) => point.map((row) => flat(row)[k]!)),
    )
    const exact = await runGraph(jvp(toFloat64(model), { wrt: ['x'] }), { ...feeds, ...tangents })
    expect(relativeError(numbersOf(exact.y_tangent), expected)).toBeLessThan(1e-13)
    const late = await runGraph(toFloat64(jvp(model, { wrt: ['x'] })), { ...feeds, ...tangents })
    expect(relativeError(numbersOf(late.y_tangent), expected)).toBeLessThan(1e-7)
  })

  it('converted first, the constants of the derivative are exact as well', async () => {
    const model = toFloat64(single('Gelu', ['N']))
    const at = [-3, -0.7, 0, 0.5, 1, 4]
    const feeds = {
      ...doubles(at),
      x_tangent: floats(
        'float64',
        [1, at.length],
        at.map(() => 1),
      ),
    }
    const { y, y_tangent } = await runGraph(jvp(model, { wrt: ['x'] }), feeds)
    // x Phi(x) has the slope Phi(x) + x phi(x); Phi(x) is y / x, and 1/2 at 0.
    const density = (x: number): number => Math.exp(-x * x * 0.5) / Math.sqrt(2 * Math.PI)
    const want = numbersOf(y).map((v, i) => (at[i] === 0 ? 0.5 : v / at[i]!) + at[i]! * density(at[i]!))
    expect(relativeError(numbersOf(y_tangent), want)).toBeLessThan(3e-15)
  })

  const shipped = new URL('../../zoo/checkpoints/flow-fmnist/decode.onnx', import.meta.url)
  // float32 rounding through some hundred layers: 1e-6 was seen.
  it.skipIf(!existsSync(shipped))(
    `a shipped flow equals its float32 self to rounding${existsSync(shipped) ? '' : ' (checkpoint absent)'}`,
    async () => {
      const model = readModel(new Uint8Array(readFileSync(shipped)))
      const z = gaussian('float32', [2, 784], 4)
      const narrow = numbersOf((await runGraph(model, { z })).x)
      const wide = numbersOf((await runGraph(toFloat64(model), { z: floats('float64', [2, 784], numbersOf(z)) })).x)
      const square = (list: readonly number[]): number => list.reduce((sum, v) => sum + v * v, 0)
      expect(Math.sqrt(square(wide.map((v, i) => v - narrow[i]!)) / square(narrow))).toBeLessThan(1e-5)
    },
  )

  it('ports may stay float32', async () => {
    const model = readModel(new Uint8Array(readFileSync(new URL('tiny-rqs/decode.onnx', fixtures))))
    const z = gaussian('float32', [2, 64], 4)
    const narrow = await runGraph(model, { z })
    const kept = toFloat64(model, { ports: 'float32' })
    expect(kept.graph.inputs.map((v) => v.type)).toEqual(model.graph.inputs.map((v) => v.type))
    const wide = await runGraph(kept, { z })
    expect(wide.x!.data).toBeInstanceOf(Float32Array)
    expect(relativeError(numbersOf(wide.x), numbersOf(narrow.x))).toBeLessThan(2e-5)
  })

  // Sixteen pixels through four numbers and back: the Jacobian has rank 4 whatever the weights.
  it('the rank of a Jacobian is counted in float64, and is lost in float32', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [1, 1, 4, 4])
    const wide = g.op('Gelu', [g.op('Conv', [x, numbers(g, 'first', [8, 1, 3, 3])], { pads: ints([1, 1, 1, 1]) })])
    const small = g.op('Mish', [g.op('Conv', [wide, numbers(g, 'second', [1, 8, 2, 2])], { strides: ints([2, 2]) })])
    const back = g.op('ConvTranspose', [small, numbers(g, 'thirdly', [1, 3, 2, 2])], { strides: ints([2, 2]) })
    g.output(
      'y',
      g.op('Conv', [g.op('Softplus', [back]), numbers(g, 'fourth w', [1, 3, 3, 3])], { pads: ints([1, 1, 1, 1]) }),
    )
    const derivative = jvp(g.model(), { wrt: ['x'] })
    const at = numbersOf(gaussian('float32', [16], 8))
    const unit = Array.from({ length: 256 }, (_, i) => (i % 17 === 0 ? 1 : 0))
    const rank = async (type: 'float32' | 'float64', model: Model): Promise<number> => {
      const feeds = { x: floats(type, [1, 1, 4, 4], at), x_tangent: floats(type, [16, 1, 1, 4, 4], unit) }
      const { y_tangent } = await runGraph(model, feeds)
      const sigma = new SVD(Matrix.from1DArray(16, 16, numbersOf(y_tangent))).diagonal
      return sigma.filter((s) => s > 1e-12 * sigma[0]!).length
    }
    expect(await rank('float64', toFloat64(derivative))).toBe(4)
    expect(await rank('float64', jvp(toFloat64(g.model()), { wrt: ['x'] }))).toBe(4)
    expect(await rank('float32', derivative)).toBeGreaterThan(4)
  })

  it('graphs within graphs are converted, with constants of every kind', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2])
    const branch = (op: string): Attribute => {
      const body = graphBuilder({ name: op })
      body.output(`${op}_out`, body.op('ConstantOfShape', [body.int64([2])]))
      const { graph } = body.model()
      const inner = { opType: op, domain: '', name: op, inputs: ['x'], outputs: [`${op}_out`], attributes: {} }
      return { kind: 'graph', value: { ...graph, nodes: [inner], initializers: new Map() } }
    }
    const condition = g.op('Greater', [
      g.op('ReduceSum', [x], { keepdims: int(0) }),
      g.op('Constant', [], { value_float: float(0.5) }),
    ])
    const chosen = g.op('If', [condition], { then_branch: branch('Gelu'), else_branch: branch('Atan') })
    g.output('y', g.op('Add', [chosen, g.op('ConstantOfShape', [g.int64([2])])]), { type: 'float32', shape: [2] })
    const wide = toFloat64(g.model())
    const y = async (values: number[]): Promise<number[]> => numbersOf((await runGraph(wide, doubles(values))).y)
    expect(relativeError(await y([-1, 0.5]), [Math.atan(-1), Math.atan(0.5)])).toBeLessThan(1e-15)
    expect(relativeError(await y([1, 2]), [0.8413447460685429, 1.9544997361036416])).toBeLessThan(1e-15)
  })
})
