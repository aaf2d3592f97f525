// Linear operators that pick elements by index, and their transposes, which add elements up by index.
import { int, text } from '../../attributes.ts'
import { times, unknownDim } from '../../infer/dims.ts'
import type { Dim } from '../../types.ts'
import type { Emitter, LinearOp, Tangent, Tape } from '../tangent.ts'
import { back, type Out } from './apply.ts'
import { reshape } from './movement.ts'

const add = { reduction: text('add') }

/** Slices along an axis: the index, a primal value of any rank, takes the axis's place in the result. */
export function gather(tape: Tape, t: Tangent, axis: number, index: string, out: Out): Tangent {
  const rank = t.shape.length
  const inner = out.shape.length - rank + 1
  const op: LinearOp = {
    name: 'Gather',
    emit: (e, _self, [x]) => ({ stacked: e.g.op('Gather', [e.stacked(x!), index], { axis: int(axis - rank) }) }),
    ...back((ct, x, c) => {
      // One axis of indices first, then their sum.
      const sizes = out.shape.slice(axis, axis + inner)
      const merged = merge(sizes)
      const flatShape = [...out.shape.slice(0, axis), merged, ...out.shape.slice(axis + inner)]
      const like = inner === 1 ? out.like : undefined
      const flat = inner === 1 ? ct : reshape(c.tape, ct, flatShape, like)
      const list = inner === 1 ? index : c.g.op('Reshape', [index, c.g.int64([-1])])
      return scatter(c.tape, flat, axis, list, x.shape, x.like)
    }),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, out.shape, t.type, out.like)
}

/** One size for several axes. */
function merge(sizes: readonly Dim[]): Dim {
  return sizes.length === 0 ? 1 : sizes.some((n) => String(n).includes('?')) ? unknownDim() : times(...sizes)
}

/** Slices added up along an axis: slice i of the tangent to position index[i], a primal list. */
export function scatter(
  tape: Tape,
  t: Tangent,
  axis: number,
  index: string,
  shape: readonly Dim[],
  like: string | undefined,
): Tangent {
  const rank = t.shape.length
  const op: LinearOp = {
    name: 'ScatterElements',
    emit(e, self, [x]) {
      const value = e.stacked(x!)
      const column = e.g.op('Reshape', [index, e.g.int64([-1, ...new Array<number>(rank - axis - 1).fill(1)])])
      const indices = e.g.op('Expand', [column, e.g.op('Shape', [value])])
      return { stacked: added(e, e.zeros(self), indices, value, axis - rank) }
    },
    ...back((ct, x, c) => gather(c.tape, ct, axis, index, { shape: x.shape, like: x.like })),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, shape, t.type, like)
}

const added = (e: Emitter, base: string, indices: string, value: string, axis: number): string =>
  e.g.op('ScatterElements', [base, indices, value], { axis: int(axis), ...add })

/** Elements along an axis, each result with an index of its own: a primal value of the result's shape. */
export function gatherElements(tape: Tape, t: Tangent, axis: number, indices: string, out: Out): Tangent {
  const rank = t.shape.length
  const op: LinearOp = {
    name: 'GatherElements',
    emit(e, self, [x]) {
      const all = e.g.op('Expand', [indices, e.sizes(self.shape, self.like ?? indices)])
      return { stacked: e.g.op('GatherElements', [e.stacked(x!), all], { axis: int(axis - rank) }) }
    },
    ...back((ct, x, c) => scatterElements(c.tape, ct, axis, indices, x.shape, x.like)),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, out.shape, t.type, out.like)
}

/** Elements added up along an axis: each to the position its index says. */
export function scatterElements(
  tape: Tape,
  t: Tangent,
  axis: number,
  indices: string,
  shape: readonly Dim[],
  like: string | undefined,
): Tangent {
  const rank = t.shape.length
  const op: LinearOp = {
    name: 'ScatterElements',
    emit(e, self, [x]) {
      const value = e.stacked(x!)
      const all = e.g.op('Expand', [indices, e.g.op('Shape', [value])])
      return { stacked: added(e, e.zeros(self), all, value, axis - rank) }
    },
    ...back((ct, x, c) => gatherElements(c.tape, ct, axis, indices, { shape: x.shape, like: x.like ?? indices })),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, shape, t.type, like)
}

/** Elements by their position in the whole tangent, row by row: a primal value of the result's shape. */
export function take(tape: Tape, t: Tangent, positions: string, out: Out): Tangent {
  const op: LinearOp = {
    name: 'Gather',
    emit(e, _self, [x]) {
      const flat = e.g.op('Reshape', [e.stacked(x!), e.g.int64([0, -1])])
      return { stacked: e.g.op('Gather', [flat, positions], { axis: int(1) }) }
    },
    ...back((ct, x, c) => put(c.tape, ct, positions, x.shape, x.like)),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, out.shape, t.type, out.like)
}

/** Elements added up by their position in the whole result. */
export function put(
  tape: Tape,
  t: Tangent,
  positions: string,
  shape: readonly Dim[],
  like: string | undefined,
): Tangent {
  const op: LinearOp = {
    name: 'ScatterElements',
    emit(e, self, [x]) {
      const value = e.g.op('Reshape', [e.stacked(x!), e.g.int64([0, -1])])
      const row = e.g.op('Reshape', [positions, e.g.int64([1, -1])])
      const indices = e.g.op('Expand', [row, e.g.op('Shape', [value])])
      const sizes = e.sizes(self.shape, self.like)
      const base = e.g.op('Reshape', [e.zeros(self), e.g.int64([0, -1])])
      return { stacked: e.g.op('Reshape', [added(e, base, indices, value, 1), sizes]) }
    },
    ...back((ct, x, c) => take(c.tape, ct, positions, { shape: x.shape, like: x.like ?? positions })),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, shape, t.type, like)
}
