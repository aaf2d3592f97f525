// Resize in float64: along each axis, every output is a fixed combination of a few inputs.
import { attribute } from '../attributes.ts'
import { toBind } from '../hints.ts'
import { positiveAxis } from '../infer/dims.ts'
import type { Lowered, Lowering, LoweringTable } from '../lower/lowering-rule.ts'
import { constantTensor, plainNumbers, tensorOf } from '../tensors.ts'
import { decimal, reshape, type Size, shapeOf, sizeAt, unsupported } from './float64-rule.ts'

/** Inputs and weights of every output of one axis: [outputs][taps]. */
interface Taps {
  readonly from: number[][]
  readonly weight: number[][]
}

const resize: Lowering = (l) => {
  const x = l.x[0]!
  const shape = shapeOf(l, x)
  const rank = shape.length
  const listed = attribute(l.node, 'axes', 'ints', undefined)
  const axes = (listed ?? shape.map((_, axis) => axis)).map((axis) => positiveAxis(axis, rank))
  const policy = attribute(l.node, 'keep_aspect_ratio_policy', 'string', 'stretch')
  if (policy !== 'stretch') throw unsupported(l, 'keep_aspect_ratio_policy stretch')
  const known = (index: number): number[] | undefined => {
    const tensor = l.x[index] ? l.g.constantTensor(l.x[index]) : undefined
    if (tensor) return tensor.data.length > 0 ? plainNumbers(tensor) : undefined
    const ints = l.x[index] ? l.g.info(l.x[index]).ints : undefined
    return ints?.every((v) => typeof v === 'number') ? (ints as number[]) : undefined
  }
  const scales = known(2)
  const sizes = known(3) ?? (l.x[3] ? l.g.info(l.x[3]).ints : undefined)
  if (!scales && !sizes) throw unsupported(l, toBind('constant scales or known sizes'))
  return [
    axes.reduce((value, axis, i) => {
      const size = shape[axis]!
      const target = sizes?.[i]
      if (scales ? scales[i] === 1 : target === size) return value
      if (typeof size !== 'number') return repeated(l, value, axis, scales?.[i])
      const out = scales ? Math.floor(size * scales[i]!) : target
      if (typeof out !== 'number') throw unsupported(l, toBind('known output sizes'))
      return combined(l, value, axis, taps(l, size, out, scales?.[i] ?? out / size))
    }, x),
  ]
}

/** An axis of unknown size, each element repeated: nearest neighbours at a whole scale, wherever the grid is centred. */
function repeated(l: Lowered, x: string, axis: number, scale: number | undefined): string {
  const { g } = l
  const mode = attribute(l.node, 'mode', 'string', 'nearest')
  const transform = attribute(l.node, 'coordinate_transformation_mode', 'string', 'half_pixel')
  const nearest = attribute(l.node, 'nearest_mode', 'string', 'round_prefer_floor')
  const floored = transform === 'asymmetric' && nearest === 'floor'
  const centred = transform === 'half_pixel' && nearest.startsWith('round')
  if (mode !== 'nearest' || scale === undefined || !Number.isInteger(scale) || !(floored || centred))
    throw unsupported(l, `a known size of axis ${axis}, or nearest at a whole scale`)
  const rank = shapeOf(l, x).length
  const apart = g.op('Unsqueeze', [x, g.int64([axis + 1])])
  const repeats = Array.from({ length: rank + 1 }, (_, a) => (a === axis + 1 ? scale : 1))
  const sizes = Array.from({ length: rank }, (_, a): Size => sizeAt(l, x, a, a === axis ? scale : 1))
  return reshape(l, g.op('Tile', [apart, g.int64(repeats)]), sizes)
}

/** Sum over taps of gathered inputs times weights. */
function combined(l: Lowered, x: string, axis: number, { from, weight }: Taps): string {
  const { g, p } = l
  const out = from.length
  const most = Math.max(...from.map((list) => list.length))
  const rank = shapeOf(l, x).length
  const axisAttribute = { axis: { kind: 'int' as const, value: axis } }
  const terms = Array.from({ length: most }, (_, t) => {
    const index = g.constant(
      'taps',
      tensorOf(
        'int64',
        [out],
        from.map((list) => list[t] ?? list[0]!),
      ),
    )
    const part = g.op('Gather', [x, index], axisAttribute)
    const weights = weight.map((list) => list[t] ?? 0)
    if (weights.every((w) => w === 1)) return part
    const shape = [out, ...new Array<number>(rank - 1 - axis).fill(1)]
    return p.mul(part, g.constant('weights', constantTensor('float64', shape, Float64Array.from(weights))))
  })
  return terms.reduce((sum, term) => p.add(sum, term))
}

/** Which inputs make each output, from the standard's description of Resize. */
function taps(l: Lowered, size: number, out: number, scale: number): Taps {
  const mode = attribute(l.node, 'mode', 'string', 'nearest')
  const antialias = attribute(l.node, 'antialias', 'int', 0) === 1
  const exclude = attribute(l.node, 'exclude_outside', 'int', 0) === 1
  const from: number[][] = []
  const weight: number[][] = []
  for (let o = 0; o < out; o++) {
    const x = coordinate(l, o, size, out, scale)
    if (mode === 'nearest') {
      from.push([clamp(nearest(l, x), size)])
      weight.push([1])
      continue
    }
    if (antialias && scale < 1) throw unsupported(l, 'no antialias when an axis shrinks')
    if (mode !== 'linear' && mode !== 'cubic') throw unsupported(l, 'mode nearest, linear or cubic')
    const kernel = mode === 'linear' ? triangle : cubic(decimal(l, 'cubic_coeff_a', -0.75))
    const reach = mode === 'linear' ? 1 : 2
    const list: number[] = []
    const weights: number[] = []
    for (let i = Math.ceil(x - reach); i <= Math.floor(x + reach); i++) {
      const w = kernel(i - x)
      if (w === 0 || (exclude && (i < 0 || i >= size))) continue
      list.push(clamp(i, size))
      weights.push(w)
    }
    const total = weights.reduce((sum, w) => sum + w, 0)
    from.push(list)
    weight.push(exclude ? weights.map((w) => w / total) : weights)
  }
  return { from, weight }
}

const clamp = (i: number, size: number): number => Math.min(Math.max(i, 0), size - 1)
const triangle = (d: number): number => Math.max(0, 1 - Math.abs(d))

/** Keys' cubic convolution kernel with parameter a. */
function cubic(a: number): (d: number) => number {
  return (d) => {
    const t = Math.abs(d)
    if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1
    return t < 2 ? ((t - 5) * t + 8) * t * a - 4 * a : 0
  }
}

/** Where an output lies on the input's grid. */
function coordinate(l: Lowered, o: number, size: number, out: number, scale: number): number {
  const transform = attribute(l.node, 'coordinate_transformation_mode', 'string', 'half_pixel')
  const centred = (o + 0.5) / scale - 0.5
  if (transform === 'half_pixel') return centred
  if (transform === 'asymmetric') return o / scale
  if (transform === 'align_corners') return out === 1 ? 0 : (o * (size - 1)) / (out - 1)
  if (transform === 'pytorch_half_pixel') return out > 1 ? centred : 0
  if (transform === 'half_pixel_symmetric') return (size / 2) * (1 - out / (scale * size)) + centred
  throw unsupported(l, 'another coordinate_transformation_mode')
}

function nearest(l: Lowered, x: number): number {
  const mode = attribute(l.node, 'nearest_mode', 'string', 'round_prefer_floor')
  if (mode === 'floor') return Math.floor(x)
  if (mode === 'ceil') return Math.ceil(x)
  return mode === 'round_prefer_ceil' ? Math.floor(x + 0.5) : Math.ceil(x - 0.5)
}

export const resizeForms: LoweringTable = { Resize: resize }
