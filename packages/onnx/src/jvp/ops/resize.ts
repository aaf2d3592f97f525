// Resizing of tangents, and its transpose: one matrix per axis, which the engine's own operator makes.
import { int } from '../../attributes.ts'
import type { GraphBuilder } from '../../builder.ts'
import { times } from '../../infer/dims.ts'
import { elementNumber } from '../../proto.ts'
import { constantTensor } from '../../tensors.ts'
import type { Attribute, Dim } from '../../types.ts'
import type { Tangent, Tape, Transposer } from '../tangent.ts'
import { batched, type Out } from './apply.ts'
import { type Extent, extent, joined } from './extent.ts'
import { reshape } from './movement.ts'
import { product } from './product.ts'
import { reduceSum } from './reduction.ts'

/** How spatial axes are resized; batch and channels stay. */
export interface Scaling {
  /** Attributes of Resize without axes. */
  readonly attributes: Readonly<Record<string, Attribute>>
  /** One scale per spatial axis, a float32 list of one where it is no number; without them the result's sizes decide. */
  readonly scales: readonly (number | string)[] | undefined
  /** Primal input and result. */
  readonly from: string
  readonly to: string
}

/** Resize on tangents. */
export function resize(tape: Tape, t: Tangent, how: Scaling, out: Out): Tangent {
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent => {
    let part = ct
    for (let axis = 2; axis < x.shape.length; axis++) {
      if (x.shape[axis] === out.shape[axis]) continue
      const shape = part.shape.map((n, a) => (a === axis ? x.shape[a]! : n))
      const last = axis === x.shape.length - 1
      part = shrink(c, part, axis, how, { shape, like: last ? x.like : undefined })
    }
    return part
  }
  return batched(tape, 'Resize', t, { ...out, transpose }, (e, x) => {
    const { g } = e
    if (how.scales) return g.op('Resize', [x, '', scaleList(g, [1, 1, ...how.scales])], how.attributes)
    const head = g.op('Slice', [g.op('Shape', [x]), g.int64([0]), g.int64([2])])
    const sizes = out.shape.slice(2).map((_, i) => extent(g, how.to, i + 2))
    return g.op('Resize', [x, '', '', joined(g, [head, ...sizes])], how.attributes)
  })
}

function scaleList(g: GraphBuilder, scales: readonly (number | string)[]): string {
  if (scales.every((scale) => typeof scale === 'number')) {
    const tensor = constantTensor('float32', [scales.length], Float32Array.from(scales as number[]))
    return g.op('Constant', [], { value: { kind: 'tensor', value: tensor } })
  }
  const parts = scales.map((scale) => (typeof scale === 'number' ? scaleList(g, [scale]) : scale))
  return g.op('Concat', parts, { axis: int(0) })
}

/** The transpose along one axis. */
function shrink(c: Transposer, t: Tangent, axis: number, how: Scaling, out: Out): Tangent {
  const { tape, g } = c
  const n = out.shape[axis]!
  const block = blockSize(how, axis, t.shape[axis]!, n)
  if (block !== undefined) {
    const split = [...out.shape.slice(0, axis + 1), block, ...out.shape.slice(axis + 1)]
    return reduceSum(tape, reshape(tape, t, split, undefined), [axis + 1], false, out.like)
  }
  const matrix = resized(g, how, axis, t)
  const last = axis === t.shape.length - 1
  if (last) return product(tape, t, g.op('Transpose', [matrix]), 0, out)
  const behind = times(...t.shape.slice(axis + 1))
  const head = t.shape.slice(0, axis)
  const flat = reshape(tape, t, [...head, t.shape[axis]!, behind], undefined)
  const sum = product(tape, flat, matrix, 1, { shape: [...head, n, behind], like: undefined })
  return reshape(tape, sum, out.shape, out.like)
}

/** Does every element become a block of the same whole size? */
function blockSize(how: Scaling, axis: number, big: Dim, small: Dim): number | undefined {
  const text = (name: string, fallback: string): string => {
    const found = how.attributes[name]
    return found?.kind === 'string' ? found.value : fallback
  }
  const ratio = typeof big === 'number' && typeof small === 'number' ? big / small : undefined
  const scale = how.scales ? how.scales[axis - 2]! : ratio
  if (typeof scale !== 'number' || !Number.isInteger(scale) || text('mode', 'nearest') !== 'nearest') return undefined
  if (ratio !== undefined && ratio !== scale) return undefined
  const rounding = text('nearest_mode', 'round_prefer_floor')
  const place = text('coordinate_transformation_mode', 'half_pixel')
  const floors = place === 'asymmetric' && rounding === 'floor'
  const rounds = (place === 'half_pixel' || place === 'pytorch_half_pixel') && rounding.startsWith('round')
  return floors || rounds ? scale : undefined
}

/** What the operator makes of unit vectors: the matrix [n, n resized] of one axis. */
function resized(g: GraphBuilder, how: Scaling, axis: number, t: Tangent): string {
  const n: Extent = extent(g, how.from, axis)
  const square = g.op('ConstantOfShape', [joined(g, [n, n])])
  const eye = g.op('EyeLike', [square], { dtype: int(elementNumber(t.type)) })
  const rows = g.op('Reshape', [eye, joined(g, [n, 1, 1, n])])
  const scale = how.scales?.[axis - 2]
  const to = extent(g, how.to, axis)
  const made =
    scale === undefined
      ? g.op('Resize', [rows, '', '', joined(g, [n, 1, 1, to])], how.attributes)
      : g.op('Resize', [rows, '', scaleList(g, [1, 1, 1, scale])], how.attributes)
  return g.op('Reshape', [made, joined(g, [n, to])])
}
