// Derivatives of operators that move elements: the same movement on tangents.
import { attribute, int } from '../../attributes.ts'
import { positiveAxis } from '../../infer/dims.ts'
import { sliceRange } from '../../infer/movement.ts'
import type { Dim } from '../../types.ts'
import { scalar } from '../factor.ts'
import { batched, custom, mapped, type Out } from '../ops/apply.ts'
import { concat, reshape, slice, transpose } from '../ops/movement.ts'
import {
  type Application,
  combine,
  intsOf,
  linear,
  type Rule,
  type RuleTable,
  rankOf,
  shapeOf,
  typeOf,
  unsupported,
} from '../rule.ts'
import type { Tangent } from '../tangent.ts'

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
  if (sizes.every((n) => typeof n === 'number'))
    return [concat(a.tape, a.t, sizes as number[], axis, { ...out, type: typeOf(a) })]
  return [concatAtRunTime(a, axis, out)]
}

/** Joins along an axis of symbolic size: every part is written, zeros included. */
function concatAtRunTime(a: Application, axis: number, out: Out): Tangent {
  const type = typeOf(a)
  const shapes = a.x.map((x) => shapeOf(a, x))
  const op = {
    name: 'Concat',
    emit(e: Parameters<Parameters<typeof custom>[4]>[0], _self: Tangent, parts: readonly (Tangent | undefined)[]) {
      const values = parts.map((t, i) => (t ? e.stacked(t) : e.zeros({ shape: shapes[i]!, type, like: a.x[i] })))
      return { stacked: e.g.op('Concat', values, { axis: int(axis - out.shape.length) }) }
    },
  }
  return a.tape.make({ kind: 'apply', op, operands: a.t }, out.shape, type, out.like)
}

const split: Rule = (a) => {
  const t = a.t[0]!
  const axis = positiveAxis(attribute(a.node, 'axis', 'int', 0), t.shape.length)
  const sizes = a.y.map((y) => (y === '' ? undefined : shapeOf(a, y)[axis]))
  if (!sizes.every((n) => typeof n === 'number')) return splitAtRunTime(a, t, axis)
  let start = 0
  return a.y.map((y, i) => {
    const from = start
    start += sizes[i] as number
    return slice(a.tape, t, axis, from, sizes[i] as number, y)
  })
}

/** Parts whose sizes are not known: the operator itself, once for all parts. */
function splitAtRunTime(a: Application, t: Tangent, axis: number): (Tangent | undefined)[] {
  const attributes = { ...a.node.attributes, axis: int(axis - t.shape.length) }
  return a.y.map((y, i) => {
    if (y === '') return undefined
    const out = { shape: shapeOf(a, y), like: y }
    return custom(a.tape, 'Split', t, out, (e, x) => e.g.ops('Split', [x, ...a.x.slice(1)], attributes, a.y.length)[i]!)
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
  const axes = a.x[3] ? intsOf(a, 3) : shapeOf(a, a.x[1]!)[0]
  if (axes === undefined || typeof axes === 'string') throw unsupported(a, 'known axes')
  const list = typeof axes === 'number' ? Array.from({ length: axes }, (_, axis) => axis) : axes
  const fromRight = a.g.int64(list.map((axis) => positiveAxis(axis, rank) - rank))
  const rest = [a.x[1]!, a.x[2]!, fromRight, ...(a.x[4] ? [a.x[4]] : [])]
  return mapped(a.tape, 'Slice', t, firstOutput(a), rest)
}

const expand: Rule = linear((a, t) => {
  return combine(a.tape, [{ of: t, by: scalar(t.type, 1) }], shapeOf(a, a.y[0]!), a.y[0])
})

const tile: Rule = linear((a, t) => {
  return custom(a.tape, 'Tile', t, firstOutput(a), (e, x) => {
    return e.g.op('Tile', [x, e.g.op('Concat', [e.g.int64([1]), a.x[1]!], { axis: int(0) })])
  })
})

/** Padding with a constant pads tangents with zeros; the other modes copy elements and stay as they are. */
const pad: Rule = linear((a, t) => {
  const rank = t.shape.length
  const mode = attribute(a.node, 'mode', 'string', 'constant')
  const pads = intsOf(a, 1)
  const axes = (a.x[3] ? intsOf(a, 3) : t.shape.map((_, axis) => axis)).map((axis) => positiveAxis(axis, rank))
  const full = new Array<number>(2 * rank + 2).fill(0)
  axes.forEach((axis, i) => {
    full[axis + 1] = pads[i]!
    full[axis + rank + 2] = pads[i + axes.length]!
  })
  return custom(a.tape, 'Pad', t, firstOutput(a), (e, x) => {
    return e.g.op('Pad', [x, e.g.int64(full)], mode === 'constant' ? {} : { mode: { kind: 'string', value: mode } })
  })
})

/** The operator itself, K folded into the batch. */
const overBatch: Rule = linear((a, t) => {
  return batched(a.tape, a.node.opType, t, firstOutput(a), (e, x) =>
    e.g.op(a.node.opType, [x, ...a.x.slice(1)], a.node.attributes),
  )
})

const trilu: Rule = linear((a, t) => {
  return mapped(a.tape, 'Trilu', t, firstOutput(a), a.x.slice(1), a.node.attributes)
})

/** Resize by scales or sizes that leave batch and channels alone. */
const resize: Rule = linear((a, t) => {
  const out = firstOutput(a)
  const same = (axis: number): boolean => t.shape[axis] === out.shape[axis]
  if (rankOf(a, a.x[0]!) < 3 || !same(1)) throw unsupported(a, 'a resize of spatial axes')
  const sizes = out.shape.slice(2)
  const scaled = a.x[2] && a.g.constantTensor(a.x[2])?.data.length === t.shape.length
  if (!scaled && sizes.some((n: Dim) => typeof n !== 'number')) throw unsupported(a, 'known sizes')
  return batched(a.tape, 'Resize', t, out, (e, x) => {
    if (scaled) return e.g.op('Resize', [x, '', a.x[2]!], a.node.attributes)
    const head = e.g.op('Slice', [e.g.op('Shape', [x]), e.g.int64([0]), e.g.int64([2])])
    const target = e.g.op('Concat', [head, e.g.int64(sizes as number[])], { axis: int(0) })
    return e.g.op('Resize', [x, '', '', target], a.node.attributes)
  })
})

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
  Pad: pad,
  DepthToSpace: overBatch,
  SpaceToDepth: overBatch,
  Trilu: trilu,
  Resize: resize,
}
