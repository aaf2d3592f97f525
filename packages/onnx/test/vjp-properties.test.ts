// Transposes of operators with many attributes, over random shapes and attributes: u' (J v) = (J' u) v.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Attribute,
  constantTensor,
  type GraphBuilder,
  graphBuilder,
  int,
  ints,
  type Model,
  text,
  vjp,
} from '../src/index.ts'
import { checkAdjoint, relaxed } from './adjoint.ts'
import { type FloatType, gaussian, runGraph, type Values } from './run-graph.ts'

// Forward and reverse mode add up the same products in another order: rounding of the type times a few dozen terms.
const ROUNDING = { float64: 1e-13, float32: 1e-5 }
const RUNS = { numRuns: 10, seed: 7 }

/** A graph of one operator whose floating inputs all have tangents. */
function around(
  type: FloatType,
  shapes: Record<string, readonly number[]>,
  build: (g: GraphBuilder, x: string[]) => string,
): { model: Model; feeds: Values; wrt: string[]; type: FloatType } {
  const g = graphBuilder()
  const feeds: Values = {}
  const wrt = Object.entries(shapes).map(([name, shape], i) => {
    feeds[name] = gaussian(type, shape, 21 + i)
    return g.input(name, type, shape)
  })
  g.output('y', build(g, wrt))
  return { model: g.model(), feeds, wrt, type }
}

/** Checks the derivative, and that of the derivative, with sizes known or not. */
async function check(built: ReturnType<typeof around>, known: boolean, twice: boolean): Promise<void> {
  const { model, feeds, wrt, type } = built
  const open = known ? model : relaxed(model)
  const first = await checkAdjoint(open, feeds, { wrt, type })
  expect(first.forward).toBeLessThan(ROUNDING[type])
  if (!twice) return
  const { y } = await runGraph(model, feeds)
  const gradient = vjp(open, { wrt })
  const only = { ...gradient, graph: { ...gradient.graph, outputs: gradient.graph.outputs.slice(1) } }
  const at = { ...feeds, y_cotangent: gaussian(type, [2, ...y!.shape], 5) }
  const second = await checkAdjoint(only, at, { wrt: [...wrt, 'y_cotangent'], type, suffix: '_again' })
  expect(second.forward).toBeLessThan(ROUNDING[type])
}

/** One spatial axis of a window operator. */
const axis = fc.record({
  n: fc.integer({ min: 5, max: 8 }),
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  before: fc.integer({ min: 0, max: 2 }),
  after: fc.integer({ min: 0, max: 2 }),
  extra: fc.integer({ min: 0, max: 2 }),
})
const list = (values: readonly number[]): Attribute => ints(values)

describe('convolutions', () => {
  const layer = fc.record({
    axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
    group: fc.integer({ min: 1, max: 3 }),
    rows: fc.integer({ min: 1, max: 2 }),
    columns: fc.integer({ min: 1, max: 2 }),
    batch: fc.integer({ min: 1, max: 2 }),
    auto: fc.constantFrom('', '', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
    known: fc.boolean(),
  })

  it('Conv in data, weights and bias, one to three axes, groups, strides, dilations, pads', async () => {
    await fc.assert(
      fc.asyncProperty(layer, async ({ axes, group, rows, columns, batch, auto, known }) => {
        const strides = axes.map((a) => a.stride)
        const pads = [...axes.map((a) => a.before), ...axes.map((a) => a.after)]
        // The engine refuses dilations together with SAME.
        const dilations = axes.map((a) => (auto.startsWith('SAME') ? 1 : a.dilation))
        const shapes = {
          x: [batch, group * columns, ...axes.map((a) => a.n)],
          w: [group * rows, columns, ...axes.map((a) => a.kernel)],
          b: [group * rows],
        }
        const built = around('float32', shapes, (g, x) =>
          g.op('Conv', x, {
            strides: list(strides),
            dilations: list(dilations),
            group: int(group),
            kernel_shape: list(axes.map((a) => a.kernel)),
            ...(auto ? { auto_pad: text(auto) } : { pads: list(pads) }),
          }),
        )
        const knowable = auto === '' || auto === 'VALID'
        await check(built, known || !knowable, axes.length < 3)
      }),
      RUNS,
    )
  })

  it('ConvTranspose in data, weights and bias, output padding included', async () => {
    await fc.assert(
      fc.asyncProperty(layer, async ({ axes, group, rows, columns, batch, auto, known }) => {
        const same = auto.startsWith('SAME')
        const dilations = axes.map((a) => (same ? 1 : a.dilation))
        const strides = axes.map((a) => a.stride)
        // The engine wants output padding below the stride; padding stays below what there is.
        const extra = axes.map((a, i) => Math.min(a.extra, strides[i]! - 1))
        const most = axes.map((a) => (a.kernel - 1) * (same ? 1 : a.dilation))
        const pads = [
          ...axes.map((a, i) => Math.min(a.before, most[i]!)),
          ...axes.map((a, i) => Math.min(a.after, most[i]!)),
        ]
        const shapes = {
          x: [batch, group * rows, ...axes.map((a) => a.n - 3)],
          w: [group * rows, columns, ...axes.map((a) => (same ? Math.max(a.kernel, a.stride) : a.kernel))],
          b: [group * columns],
        }
        const built = around('float32', shapes, (g, x) =>
          g.op('ConvTranspose', x, {
            strides: list(strides),
            dilations: list(dilations),
            group: int(group),
            kernel_shape: list(shapes.w.slice(2)),
            ...(same ? { auto_pad: text(auto) } : { pads: list(pads), output_padding: list(extra) }),
          }),
        )
        await check(built, known || same, axes.length < 3)
      }),
      RUNS,
    )
  })
})

describe('pooling', () => {
  it('AveragePool and MaxPool with padding, strides, dilations and sizes rounded up', async () => {
    const pool = fc.record({
      axes: fc.array(axis, { minLength: 1, maxLength: 2 }),
      ceil: fc.boolean(),
      count: fc.boolean(),
      max: fc.boolean(),
      known: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(pool, async ({ axes, ceil, count, max, known }) => {
        const pads = [
          ...axes.map((a) => Math.min(a.before, a.kernel - 1)),
          ...axes.map((a) => Math.min(a.after, a.kernel - 1)),
        ]
        const common = {
          kernel_shape: list(axes.map((a) => a.kernel)),
          strides: list(axes.map((a) => a.stride)),
          dilations: list(axes.map((a) => a.dilation)),
          pads: list(pads),
          ceil_mode: int(ceil ? 1 : 0),
        }
        const shapes = { x: [2, 2, ...axes.map((a) => a.n)] }
        const built = around('float32', shapes, (g, x) =>
          max
            ? g.ops('MaxPool', x, common, 1)[0]!
            : g.op('AveragePool', x, { ...common, count_include_pad: int(count ? 1 : 0) }),
        )
        await check(built, known || ceil, true)
      }),
      { ...RUNS, numRuns: 14 },
    )
  })
})

describe('products', () => {
  it('MatMul of any ranks, leading axes broadcast', async () => {
    const leading = fc.array(fc.record({ n: fc.integer({ min: 2, max: 3 }), a: fc.boolean(), b: fc.boolean() }), {
      maxLength: 2,
    })
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
    )
    await fc.assert(
      fc.asyncProperty(
        leading,
        sizes,
        fc.nat(2),
        fc.nat(2),
        fc.boolean(),
        async (axes, [m, k, n], cutA, cutB, known) => {
          // cut leaves out leading axes; with none left a vector.
          const a = cutA === 2 && axes.length === 0 ? [k] : [...axes.map((x) => (x.a ? 1 : x.n)).slice(cutA), m, k]
          const b = cutB === 2 && axes.length === 0 ? [k] : [...axes.map((x) => (x.b ? 1 : x.n)).slice(cutB), k, n]
          await check(
            around('float64', { a, b }, (g, x) => g.op('MatMul', x)),
            known,
            true,
          )
        },
      ),
      { ...RUNS, numRuns: 14 },
    )
  })

  it('Einsum with sums, outer products and letters of one operand only', async () => {
    const letters = 'abcd'
    const equation = fc.record({
      left: fc.subarray([...letters], { minLength: 1, maxLength: 3 }),
      right: fc.subarray([...letters], { minLength: 1, maxLength: 3 }),
      keep: fc.subarray([...letters]),
      known: fc.boolean(),
    })
    const sizes: Record<string, number> = { a: 2, b: 3, c: 1, d: 2 }
    await fc.assert(
      fc.asyncProperty(equation, async ({ left, right, keep, known }) => {
        const output = keep.filter((letter) => left.includes(letter) || right.includes(letter)).toReversed()
        const shapes = { a: left.map((l) => sizes[l]!), b: right.map((l) => sizes[l]!) }
        const written = `${left.join('')},${right.join('')}->${output.join('')}`
        await check(
          around('float64', shapes, (g, x) => g.op('Einsum', x, { equation: text(written) })),
          known,
          true,
        )
      }),
      { ...RUNS, numRuns: 14 },
    )
  })
})

describe('movements', () => {
  it('Slice with starts, ends and steps of either sign', async () => {
    const bound = fc.integer({ min: -8, max: 8 })
    const cut = fc.record({ start: bound, end: bound, step: fc.constantFrom(1, 1, 2, 3, -1, -2) })
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 1, maxLength: 2 }), fc.boolean(), async (cuts, known) => {
        const built = around('float64', { x: [2, 5, 6] }, (g, [x]) =>
          g.op('Slice', [
            x!,
            ...[
              cuts.map((c) => c.start),
              cuts.map((c) => c.end),
              cuts.map((_, i) => i - 2),
              cuts.map((c) => c.step),
            ].map((v) => g.int64(v)),
          ]),
        )
        await check(built, known, true)
      }),
      { ...RUNS, numRuns: 14 },
    )
  })

  it('Pad in every mode', async () => {
    const pads = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 })
    const mode = fc.constantFrom('constant', 'reflect', 'edge', 'wrap')
    await fc.assert(
      fc.asyncProperty(pads, mode, fc.boolean(), async ([a, b, c, d], how, known) => {
        const list = how === 'constant' ? [0, -1, a!, 0, b!, -c!] : [0, a!, b!, 0, c!, d!]
        const built = around('float64', { x: [2, 4, 5] }, (g, [x]) =>
          g.op('Pad', [x!, g.int64(list)], { mode: text(how) }),
        )
        await check(built, known, true)
      }),
      { ...RUNS, numRuns: 14 },
    )
  })

  it('Resize in every mode, by scales and to sizes', async () => {
    const how = fc.record({
      mode: fc.constantFrom('nearest', 'linear', 'cubic'),
      place: fc.constantFrom('half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'),
      rounding: fc.constantFrom('floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil'),
      scales: fc.tuple(fc.constantFrom(1, 2, 3, 1.5, 0.5, 0.75), fc.constantFrom(1, 2, 4, 2.5, 0.5)),
      sizes: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(how, async ({ mode, place, rounding, scales, sizes }) => {
        const attributes = {
          mode: text(mode),
          coordinate_transformation_mode: text(place),
          ...(mode === 'nearest' && { nearest_mode: text(rounding) }),
        }
        const built = around('float32', { x: [2, 2, 4, 6] }, (g, [x]) => {
          if (sizes)
            return g.op(
              'Resize',
              [x!, '', '', g.int64([2, 2, Math.floor(4 * scales[0]), Math.floor(6 * scales[1])])],
              attributes,
            )
          const list = constantTensor('float32', [4], new Float32Array([1, 1, ...scales]))
          return g.op('Resize', [x!, '', g.constant('scales', list)], attributes)
        })
        await check(built, true, true)
      }),
      { ...RUNS, numRuns: 25 },
    )
  })
})
