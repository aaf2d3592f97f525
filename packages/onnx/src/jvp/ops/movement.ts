// Linear operators that move, cut and join tangents.
import { int, ints } from '../../attributes.ts'
import { sameShape, times } from '../../infer/dims.ts'
import type { Dim } from '../../types.ts'
import type { ReshapeGroup } from '../factor.ts'
import type { Emitter } from '../tangent.ts'
import { type Labels, type LinearOp, SUMMED, type Tangent, type Tape } from '../tangent.ts'
import { back } from './apply.ts'

/** The tangent in another shape with the same elements in the same order. */
export function reshape(tape: Tape, t: Tangent, shape: readonly Dim[], like: string | undefined): Tangent {
  if (sameShape(t.shape, shape)) return t
  const groups = reshapeGroups(t.shape, shape)
  const symbolic = t.shape.filter((dim) => typeof dim !== 'number').length
  const op: LinearOp = {
    name: 'Reshape',
    emit(e, self, [x]) {
      const several = shape.filter((dim) => typeof dim !== 'number').length > 1
      const ones = several && groups ? onlyOnes(groups) : undefined
      if (ones) return { stacked: changeOnes(e, e.stacked(x!), ones, t.shape.length, shape.length) }
      return { stacked: e.reshape(e.stacked(x!), self.shape, self.like, true) }
    },
    pull({ factor, labels }, self, [x], f) {
      if (!groups || symbolic > 1) return undefined
      const inner = new Array<number>(x!.shape.length).fill(SUMMED)
      for (const { ins, outs } of groups) {
        if (ins.length === 1 && outs.length === 1) inner[ins[0]!] = labels[outs[0]!]!
        else if (ins.length > 0 && outs.some((axis) => labels[axis] !== SUMMED)) return undefined
      }
      return [{ factor: f.reshape(factor, groups, self.shape, x!.shape), labels: inner }]
    },
    ...back((ct, x, c) => reshape(c.tape, ct, x.shape, x.like)),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, shape, t.type, like)
}

/** The axes of size 1 a reshape drops and adds when it does nothing else. */
function onlyOnes(groups: readonly ReshapeGroup[]): { drop: number[]; add: number[] } | undefined {
  if (groups.some(({ ins, outs }) => ins.length > 1 || outs.length > 1)) return undefined
  return {
    drop: groups.flatMap(({ ins, outs }) => (outs.length === 0 ? ins : [])),
    add: groups.flatMap(({ ins, outs }) => (ins.length === 0 ? outs : [])),
  }
}

function changeOnes(
  e: Emitter,
  value: string,
  { drop, add }: { drop: readonly number[]; add: readonly number[] },
  before: number,
  after: number,
): string {
  const less = drop.length > 0 ? e.g.op('Squeeze', [value, e.g.int64(drop.map((axis) => axis - before))]) : value
  return add.length > 0 ? e.g.op('Unsqueeze', [less, e.g.int64(add.map((axis) => axis - after))]) : less
}

/** Matches the axes of a reshape; undefined when sizes cannot be compared. */
function reshapeGroups(inner: readonly Dim[], outer: readonly Dim[]): ReshapeGroup[] | undefined {
  const groups: ReshapeGroup[] = []
  let i = 0
  let o = 0
  while (i < inner.length || o < outer.length) {
    if (i < inner.length && inner[i] === outer[o]) groups.push({ ins: [i++], outs: [o++] })
    else if (outer[o] === 1) groups.push({ ins: [], outs: [o++] })
    else if (inner[i] === 1) groups.push({ ins: [i++], outs: [] })
    else {
      const ins = [i++]
      const outs = [o++]
      let a = inner[ins[0]!]
      let b = outer[outs[0]!]
      while (a !== b) {
        if (a === undefined || b === undefined) return undefined
        const growInner = typeof a === 'number' && (typeof b === 'string' || a < b)
        if (!growInner && typeof b === 'string') return undefined
        if (growInner ? i >= inner.length : o >= outer.length) return undefined
        if (growInner) {
          a = times(a, inner[i]!)
          ins.push(i++)
        } else {
          b = times(b, outer[o]!)
          outs.push(o++)
        }
      }
      // Merged sizes have to be known for a factor to follow.
      if ([...ins.map((x) => inner[x]), ...outs.map((x) => outer[x])].some((dim) => typeof dim !== 'number'))
        return undefined
      groups.push({ ins, outs })
    }
  }
  return groups
}

/** Axes in another order: axis a of the result is axis perm[a] of the tangent. */
export function transpose(tape: Tape, t: Tangent, perm: readonly number[], like: string | undefined): Tangent {
  if (perm.every((from, axis) => from === axis)) return t
  const inverse = perm.map((_, axis) => perm.indexOf(axis))
  const op: LinearOp = {
    name: 'Transpose',
    emit(e, self, [x]) {
      const block = blockMove(t, perm)
      if (!block) {
        const shifted = [0, ...perm.map((axis) => axis + 1)]
        return { stacked: e.g.op('Transpose', [e.stacked(x!)], { perm: ints(shifted) }) }
      }
      const { opType, size, image } = block
      const moved = e.g.op(opType, [e.view(e.stacked(x!), [-1, ...image])], { blocksize: int(size) })
      return { stacked: e.reshape(moved, self.shape, self.like, false) }
    },
    pull({ factor, labels }, _self, _operands, f) {
      const inner = inverse.map((axis) => labels[axis]!)
      return inOrder(inner) ? [{ factor: f.permute(factor, inverse), labels: inner }] : undefined
    },
    ...back((ct, x, c) => transpose(c.tape, ct, inverse, x.like)),
  }
  const shape = perm.map((axis) => t.shape[axis]!)
  return tape.make({ kind: 'apply', op, operands: [t] }, shape, t.type, like)
}

/**
 * Trading resolution for channels, the usual squeeze of flows, is a transpose of the last four axes. On one-channel
 * images the runtime has operators for it that are about twice as fast as its general transpose.
 */
function blockMove(
  t: Tangent,
  perm: readonly number[],
): { opType: 'SpaceToDepth' | 'DepthToSpace'; size: number; image: readonly number[] } | undefined {
  const base = perm.length - 4
  const last = t.shape.slice(base)
  if (base < 0 || !perm.slice(0, base).every((from, axis) => from === axis)) return undefined
  if (!last.every((n) => typeof n === 'number' && n > 0) || !t.type.startsWith('float') || t.type === 'float16')
    return undefined
  const [a, b, c, d] = last as [number, number, number, number]
  const order = perm
    .slice(base)
    .map((axis) => axis - base)
    .join('')
  if (order === '1302' && b === d) return { opType: 'SpaceToDepth', size: b, image: [1, a * b, c * d] }
  if (order === '2031' && a === b) return { opType: 'DepthToSpace', size: a, image: [a * b, c, d] }
  return undefined
}

function inOrder(labels: Labels): boolean {
  const kept = labels.filter((label) => label !== SUMMED)
  return kept.every((label, i) => i === 0 || label > kept[i - 1]!)
}

/** A contiguous piece along one axis; undefined when it is known to be zero. */
export function slice(
  tape: Tape,
  t: Tangent,
  axis: number,
  start: number,
  length: number,
  like: string | undefined,
): Tangent | undefined {
  if (t.shape[axis] === length) return t
  const { def } = t
  if (def.kind === 'apply' && def.op.slice?.axis === axis)
    return slice(tape, def.operands[0]!, axis, def.op.slice.start + start, length, like)
  if (def.kind === 'apply' && def.op.concat?.axis === axis) {
    const within = sliceOfConcat(tape, t, def.op.concat.sizes, def.operands, axis, start, length, like)
    if (within !== 'no') return within
  }
  const rank = t.shape.length
  const op: LinearOp = {
    name: 'Slice',
    slice: { axis, start, length },
    emit(e, _self, [x]) {
      const [from, to, at] = [start, start + length, axis - rank].map((v) => e.g.int64([v]))
      return { stacked: e.g.op('Slice', [e.stacked(x!), from!, to!, at!]) }
    },
    pull({ factor, labels }, _self, [x], f) {
      const n = x!.shape[axis]
      if (labels[axis] !== SUMMED || typeof n !== 'number') return undefined
      return [{ factor: f.pad(factor, axis - rank, length, start, n - start - length), labels }]
    },
    ...back((ct, x, c) => pad(c.tape, ct, axis, start, x)),
  }
  const shape = t.shape.map((dim, a) => (a === axis ? length : dim))
  return tape.make({ kind: 'apply', op, operands: [t] }, shape, t.type, like)
}

/** Zeros around a tangent along one axis, to the size it has in `whole`. */
export function pad(tape: Tape, t: Tangent, axis: number, start: number, whole: Tangent): Tangent | undefined {
  const { shape, type, like } = whole
  const [length, n] = [t.shape[axis] as number, shape[axis] as number]
  const blocks = [
    { part: undefined, size: start },
    { part: t, size: length },
    { part: undefined, size: n - start - length },
  ].filter((block) => block.size > 0)
  const parts = blocks.map((block) => block.part)
  const sizes = blocks.map((block) => block.size)
  return concat(tape, parts, sizes, axis, { shape, type, like })
}

/** A slice that covers whole parts of a concatenation, or lies within one, needs no copy of the whole. */
function sliceOfConcat(
  tape: Tape,
  t: Tangent,
  sizes: readonly number[],
  parts: readonly (Tangent | undefined)[],
  axis: number,
  start: number,
  length: number,
  like: string | undefined,
): Tangent | undefined | 'no' {
  let from = 0
  const covered: { part: Tangent | undefined; size: number }[] = []
  for (const [i, size] of sizes.entries()) {
    const part = parts[i]
    if (start >= from && start + length <= from + size)
      return part && slice(tape, part, axis, start - from, length, like)
    if (from >= start && from + size <= start + length) covered.push({ part, size })
    from += size
  }
  if (covered.reduce((sum, c) => sum + c.size, 0) !== length) return 'no'
  const shape = t.shape.map((dim, a) => (a === axis ? length : dim))
  return concat(
    tape,
    covered.map((c) => c.part),
    covered.map((c) => c.size),
    axis,
    { shape, type: t.type, like },
  )
}

/** Tangents joined along an axis; missing ones are zero blocks. All sizes along the axis are known. */
export function concat(
  tape: Tape,
  parts: readonly (Tangent | undefined)[],
  sizes: readonly number[],
  axis: number,
  out: { shape: readonly Dim[]; type: Tangent['type']; like: string | undefined },
): Tangent | undefined {
  const present = parts.filter((part) => part !== undefined)
  if (present.length === 0) return undefined
  if (parts.length === 1) return parts[0]
  const rank = out.shape.length
  const op: LinearOp = {
    name: 'Concat',
    concat: { axis, sizes },
    emit(e, self, operands) {
      const only = present.length === 1 ? operands.findIndex((x) => x !== undefined) : -1
      if (only >= 0) {
        const total = sizes.reduce((sum, n) => sum + n, 0)
        const before = sizes.slice(0, only).reduce((sum, n) => sum + n, 0)
        const pads = new Array<number>(2 * rank + 2).fill(0)
        pads[axis + 1] = before
        pads[axis + 2 + rank] = total - before - sizes[only]!
        return { stacked: e.g.op('Pad', [e.stacked(operands[only]!), e.g.int64(pads)]) }
      }
      const values = operands.map((x, i) => {
        if (x) return e.stacked(x)
        const shape = self.shape.map((dim, a) => (a === axis ? sizes[i]! : dim))
        return zeroBlock(e, shape, self, axis, sizes, i)
      })
      return { stacked: e.g.op('Concat', values, { axis: int(axis - rank) }) }
    },
    pull({ factor, labels }, _self, operands, f) {
      if (labels[axis] !== SUMMED) return undefined
      let from = 0
      return operands.map((x, i) => {
        const start = from
        from += sizes[i]!
        return x && { factor: f.slice(factor, axis - rank, start, sizes[i]!), labels }
      })
    },
    transpose(ct, _self, operands, c) {
      let from = 0
      return operands.map((x, i) => {
        const start = from
        from += sizes[i]!
        return x && slice(c.tape, ct, axis, start, sizes[i]!, x.like)
      })
    },
  }
  return tape.make({ kind: 'apply', op, operands: parts }, out.shape, out.type, out.like)
}

/** Zeros for a missing part; other axes may be symbolic, so they come from the primal result, cut to size. */
function zeroBlock(
  e: Parameters<LinearOp['emit']>[0],
  shape: readonly Dim[],
  self: Tangent,
  axis: number,
  sizes: readonly number[],
  part: number,
): string {
  if (shape.every((dim) => typeof dim === 'number') || self.like === undefined)
    return e.zeros({ shape, type: self.type, like: undefined })
  const start = sizes.slice(0, part).reduce((sum, n) => sum + n, 0)
  const [from, to, at] = [start, start + sizes[part]!, axis].map((v) => e.g.int64([v]))
  const like = e.g.op('Slice', [self.like, from!, to!, at!])
  return e.zeros({ shape, type: self.type, like })
}
