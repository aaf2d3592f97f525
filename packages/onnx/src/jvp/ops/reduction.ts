// Linear operators that sum tangents.
import { int } from '../../attributes.ts'
import type { GraphBuilder } from '../../builder.ts'
import type { Dim } from '../../types.ts'
import { type LinearOp, SUMMED, type Tangent, type Tape } from '../tangent.ts'
import { back } from './apply.ts'
import { reshape } from './movement.ts'
import { expand } from './sum.ts'

/**
 * Sum over axes of a value. They are numbered from the left: onnxruntime 1.30 does not reduce an axis of no elements
 * that is numbered from the right.
 */
export function sumOver(g: GraphBuilder, value: string, axes: readonly number[], keepDims: boolean): string {
  return g.op('ReduceSum', [value, g.int64(axes)], { keepdims: int(keepDims ? 1 : 0) })
}

/** Sum over axes (0..rank-1). */
export function reduceSum(
  tape: Tape,
  t: Tangent,
  axes: readonly number[],
  keepDims: boolean,
  like?: string | undefined,
): Tangent {
  if (axes.length === 0) return t
  const rank = t.shape.length
  const gone = new Set(axes)
  const fromRight = axes.map((axis) => axis - rank)
  const shape: Dim[] = keepDims
    ? t.shape.map((dim, axis) => (gone.has(axis) ? 1 : dim))
    : t.shape.filter((_, axis) => !gone.has(axis))
  const op: LinearOp = {
    name: 'ReduceSum',
    emit: (e, _self, [x]) => ({
      stacked: sumOver(
        e.g,
        e.stacked(x!),
        axes.map((axis) => axis + 1),
        keepDims,
      ),
    }),
    pull({ factor, labels }, _self, _operands, f) {
      let next = 0
      const inner = t.shape.map((_, axis) => {
        const label = keepDims ? labels[axis]! : gone.has(axis) ? SUMMED : labels[next++]!
        return gone.has(axis) ? SUMMED : label
      })
      return [{ factor: keepDims ? factor : f.insert(factor, fromRight), labels: inner }]
    },
    ...back((ct, x, c) => {
      const ones = x.shape.map((dim, axis) => (gone.has(axis) ? 1 : dim))
      return expand(c.tape, keepDims ? ct : reshape(c.tape, ct, ones, undefined), x.shape, x.like)
    }),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, shape, t.type, like)
}

/** Running sum along an axis. */
export function cumSum(
  tape: Tape,
  t: Tangent,
  axis: number,
  exclusive: boolean,
  reverse: boolean,
  like: string | undefined,
): Tangent {
  const rank = t.shape.length
  const op: LinearOp = {
    name: 'CumSum',
    emit: (e, _self, [x]) => ({
      stacked: e.g.op('CumSum', [e.stacked(x!), e.g.scalar('int64', axis - rank)], {
        exclusive: int(exclusive ? 1 : 0),
        reverse: int(reverse ? 1 : 0),
      }),
    }),
    pull({ factor, labels }, _self, _operands, f) {
      const n = t.shape[axis]
      if (labels[axis] !== SUMMED || typeof n !== 'number') return undefined
      return [{ factor: f.cumSum(factor, axis - rank, n, exclusive, !reverse), labels }]
    },
    ...back((ct, x, c) => cumSum(c.tape, ct, axis, exclusive, !reverse, x.like)),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, t.shape, t.type, like)
}
