// Derivatives of operators that move elements: the same movement on tangents.
import { attribute, int } from '../../attributes.ts'
import { toBind } from '../../hints.ts'
import { positiveAxis } from '../../infer/dims.ts'
import { sliceRange } from '../../infer/movement.ts'
import { plainNumbers } from '../../tensors.ts'
import {
  type Application,
  combine,
  intsOf,
  linear,
  type Rule,
  type RuleTable,
  shapeOf,
  typeOf,
  unsupported,
} from '../derivative-rule.ts'
import { factorOf, scalar } from '../factor.ts'
import { custom, mapped, type Out } from '../ops/apply.ts'
import { depthToSpace, spaceToDepth } from '../ops/blocks.ts'
import { concatAtRunTime, cutAxes, piece } from '../ops/cut.ts'
import { type Extent, extent, joined, plusExtent } from '../ops/extent.ts'
import { type Mode, padCopies } from '../ops/mirror.ts'
import { concat, reshape, slice, transpose } from '../ops/movement.ts'
import { padZeros } from '../ops/padding.ts'
import { resize } from '../ops/resize.ts'
import { sumRepeats } from '../ops/unbroadcast.ts'
import type { Tangent, Transposer } from '../tangent.ts'

/** Where a rule's result goes: shape and name of the first output. */
export const firstOutput = (a: Application): Out => ({ shape: shapeOf(a, a.y[0]!), like: a.y[0] })

/** Reshape, Flatten, Squeeze and Unsqueeze are all the same elements in another shape. */
const sameElements: Rule = linear((a, t) => reshape(a.tape, t, shapeOf(a, a.y[0]!), a.y[0]))

const transposeRule: Rule = linear((a, t) => {
  const rank = t.shape.length
  const perm = attribute(a.node, 'perm', 'ints', undefined) ?? t.shape.map((_, axis) => rank - 1 - axis)
  return transpose(a.tape, t, perm, a.y[0])
})

const concatRule: Rule = (a) => {
  const out = firstOutput(a)
  const axis = positiveAxis(attribute(a.node, 'axis', 'int', 0), out.shape.length)
  const sizes = a.x.map((x) => shapeOf(a, x)[axis]!)
  const { type } = a.t.find((t) => t !== undefined)!
  if (sizes.every((n) => typeof n === 'number')) return [concat(a.tape, a.t, sizes as number[], axis, { ...out, type })]
  return [concatAtRunTime(a.tape, a.t, a.x, axis, { ...out, type })]
}

const split: Rule = (a) => {
  const t = a.t[0]!
  const axis = positiveAxis(attribute(a.node, 'axis', 'int', 0), t.shape.length)
  const sizes = a.y.map((y) => (y === '' ? undefined : shapeOf(a, y)[axis]))
  const known = typeof t.shape[axis] === 'number' && sizes.every((n) => typeof n === 'number')
  if (!known) return splitAtRunTime(a, t, axis)
  let start = 0
  return a.y.map((y, i) => {
    const from = start
    start += sizes[i] as number
    return slice(a.tape, t, axis, from, sizes[i] as number, y)
  })
}

/** Parts whose sizes are measured at run time. */
function splitAtRunTime(a: Application, t: Tangent, axis: number): (Tangent | undefined)[] {
  let start: Extent = 0
  return a.y.map((y) => {
    if (y === '') throw unsupported(a, 'every output used')
    const from = start
    const length = extent(a.g, y, axis)
    start = plusExtent(a.g, from, length)
    return piece(a.tape, t, axis, from, length, { shape: shapeOf(a, y), like: y })
  })
}

/** Static unit-step slices along one axis after the other; anything else as the operator itself. */
const sliceRule: Rule = linear((a, t) => {
  const rank = t.shape.length
  const known = [1, 2, 3, 4].map((i) => (a.x[i] ? (a.g.constantTensor(a.x[i]) ? intsOf(a, i) : undefined) : []))
  const [starts, ends, listed, steps] = known
  const axes = (listed?.length ? listed : starts)?.map((axis, i) => positiveAxis(listed?.length ? axis : i, rank))
  if (!starts || !ends || !steps || !axes) return sliceAtRunTime(a, t)
  const plain = axes.every((axis, i) => typeof t.shape[axis] === 'number' && (steps[i] ?? 1) === 1)
  if (!plain) return sliceAtRunTime(a, t)
  let out: Tangent | undefined = t
  axes.forEach((axis, i) => {
    const range = sliceRange(t.shape[axis] as number, starts[i]!, ends[i]!, 1)
    if (out) out = slice(a.tape, out, axis, range.start, range.length, i === axes.length - 1 ? a.y[0] : undefined)
  })
  return out
})

function sliceAtRunTime(a: Application, t: Tangent): Tangent {
  const rank = t.shape.length
  const listed = a.x[3] ? intsOf(a, 3) : shapeOf(a, a.x[1]!)[0]
  if (listed === undefined || typeof listed === 'string') throw unsupported(a, toBind('known axes'))
  const axes = typeof listed === 'number' ? Array.from({ length: listed }, (_, axis) => axis) : listed
  const steps = a.x[4] && a.g.constantTensor(a.x[4]) ? intsOf(a, 4) : undefined
  const bound = (input: number, i: number): string =>
    axes.length === 1 ? a.x[input]! : a.g.op('Gather', [a.x[input]!, a.g.int64([i])])
  const cuts = axes.map((axis, i) => ({
    axis: positiveAxis(axis, rank),
    start: bound(1, i),
    end: bound(2, i),
    step: a.x[4] ? bound(4, i) : a.g.int64([1]),
    plain: a.x[4] ? steps?.[i] === 1 : true,
  }))
  return cutAxes(a.tape, t, cuts, a.x[0]!, firstOutput(a))
}

const expand: Rule = linear((a, t) => {
  return combine(a.tape, [{ of: t, by: scalar(t.type, 1) }], shapeOf(a, a.y[0]!), a.y[0])
})

const tile: Rule = linear((a, t) => {
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent =>
    sumRepeats(c.tape, ct, x.shape, x.like ?? a.x[0])
  return custom(a.tape, 'Tile', t, { ...firstOutput(a), transpose }, (e, x) => {
    return e.g.op('Tile', [x, e.g.op('Concat', [e.g.int64([1]), a.x[1]!], { axis: int(0) })])
  })
})

/** Padding with a constant pads tangents with zeros; the other modes copy elements and stay as they are. */
const padded: Rule = linear((a, t) => {
  const rank = t.shape.length
  const mode = attribute(a.node, 'mode', 'string', 'constant')
  const axes = (a.x[3] ? intsOf(a, 3) : t.shape.map((_, axis) => axis)).map((axis) => positiveAxis(axis, rank))
  const known = a.g.constantTensor(a.x[1]!) ?? a.g.info(a.x[1]!).ints?.every((n) => typeof n === 'number')
  if (!known && mode === 'constant') return padZeros(a.tape, t, allPads(a, axes, rank), firstOutput(a))
  const pads = intsOf(a, 1)
  const full = new Array<number>(2 * rank).fill(0)
  axes.forEach((axis, i) => {
    full[axis] = pads[i]!
    full[axis + rank] = pads[i + axes.length]!
  })
  if (mode === 'constant') return padZeros(a.tape, t, full, firstOutput(a))
  if (full.some((n) => n < 0)) throw unsupported(a, `pads of 0 or more in mode ${mode}`)
  return padCopies(a.tape, t, full, mode as Mode, firstOutput(a))
})

/** The number padded with has a tangent too: it goes to every place outside. */
const padRule: Rule = (a) => {
  const value = a.t[2]
  const t = a.t.map((tangent, i) => (i === 2 ? undefined : tangent))
  const inside = t.some((tangent) => tangent !== undefined) ? padded({ ...a, t })[0] : undefined
  if (!value || attribute(a.node, 'mode', 'string', 'constant') !== 'constant') return [inside]
  const type = typeOf(a)
  const zeros = a.g.op('Expand', [a.g.scalar(type, 0), a.g.op('Shape', [a.x[0]!])])
  const outside = a.g.op('Pad', [zeros, a.x[1]!, a.g.scalar(type, 1), ...a.x.slice(3)], a.node.attributes)
  const terms = [{ of: value, by: factorOf(a.g, outside, { masked: true }) }]
  const whole = inside ? [{ of: inside, by: scalar(type, 1) }, ...terms] : terms
  return [combine(a.tape, whole, shapeOf(a, a.y[0]!), a.y[0])]
}

/** Pads known at run time, those of axes without any included. */
function allPads(a: Application, axes: readonly number[], rank: number): string {
  const { g } = a
  const parts: Extent[] = new Array<number>(2 * rank).fill(0)
  axes.forEach((axis, i) => {
    parts[axis] = g.op('Gather', [a.x[1]!, g.int64([i])])
    parts[axis + rank] = g.op('Gather', [a.x[1]!, g.int64([i + axes.length])])
  })
  return joined(g, parts)
}

const blockSize = (a: Application): number => attribute(a.node, 'blocksize', 'int', 1)

const toSpace: Rule = linear((a, t) => {
  const mode = attribute(a.node, 'mode', 'string', 'DCR') === 'CRD' ? 'CRD' : 'DCR'
  return depthToSpace(a.tape, t, blockSize(a), mode, firstOutput(a))
})

const toDepth: Rule = linear((a, t) => spaceToDepth(a.tape, t, blockSize(a), firstOutput(a)))

const trilu: Rule = linear((a, t) => triangle(a, t, firstOutput(a)))

/** The operator masks, so it is its own transpose. */
function triangle(a: Application, t: Tangent, out: Out): Tangent {
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent =>
    triangle({ ...a, tape: c.tape }, ct, { shape: x.shape, like: x.like })
  return mapped(a.tape, 'Trilu', t, { ...out, transpose }, a.x.slice(1), a.node.attributes)
}

/** Resize by scales or sizes that leave batch and channels alone. */
const resizeRule: Rule = (a) => {
  // Neighbours change at single scales only: in between, the slope by scales and regions is 0.
  const nearest = attribute(a.node, 'mode', 'string', 'nearest') === 'nearest'
  if (!nearest) return resized(a)
  return a.t[0] ? resized({ ...a, t: [a.t[0]] }) : []
}

const resized: Rule = linear((a, t) => {
  const out = firstOutput(a)
  const rank = t.shape.length
  const { axes: listed, keep_aspect_ratio_policy: policy, ...attributes } = a.node.attributes
  const axes = listed?.kind === 'ints' ? listed.value.map((axis) => positiveAxis(axis, rank)) : undefined
  const scales = resizeScales(a, axes, rank)
  const stays = (axis: number): boolean => {
    const scale = scales?.[axis]
    return t.shape[axis] === out.shape[axis] || scale === 1 || (axes !== undefined && !axes.includes(axis))
  }
  if (rank < 3 || !stays(0) || !stays(1)) throw unsupported(a, toBind('a resize of spatial axes'))
  if (attribute(a.node, 'coordinate_transformation_mode', 'string', '') === 'tf_crop_and_resize')
    throw unsupported(a, 'a resize of whole images')
  if (!scales && policy?.kind === 'string' && policy.value !== 'stretch')
    throw unsupported(a, 'scales, or sizes with keep_aspect_ratio_policy stretch')
  return resize(a.tape, t, { attributes, scales: scales?.slice(2), from: a.x[0]!, to: a.y[0]! }, out)
})

/**
 * The scale of each axis: a number, or a float32 list of one where scales are known only at run time. Undefined where
 * sizes decide: then a scale is the ratio of sizes. A scale may not be taken from the sizes it gave, because those are
 * rounded down and coordinates are not.
 */
function resizeScales(
  a: Application,
  axes: readonly number[] | undefined,
  rank: number,
): readonly (number | string)[] | undefined {
  const input = a.x[2]
  const constant = input ? a.g.constantTensor(input) : undefined
  const bySizes = a.x[3] && a.g.info(a.x[3]).shape?.[0] !== 0
  if (!input || bySizes || a.g.info(input).shape?.[0] === 0) return undefined
  const numbers = constant && plainNumbers(constant)
  const place = (axis: number): number => (axes ? axes.indexOf(axis) : axis)
  return Array.from({ length: rank }, (_, axis) => {
    const at = place(axis)
    if (at < 0) return 1
    return numbers ? numbers[at]! : a.g.op('Gather', [input, a.g.int64([at])])
  })
}

export const movementRules: RuleTable = {
  Reshape: sameElements,
  Flatten: sameElements,
  Squeeze: sameElements,
  Unsqueeze: sameElements,
  Transpose: transposeRule,
  Concat: concatRule,
  Split: split,
  Slice: sliceRule,
  Expand: expand,
  Tile: tile,
  Pad: padRule,
  DepthToSpace: toSpace,
  SpaceToDepth: toDepth,
  Trilu: trilu,
  Resize: resizeRule,
}
