// The transpose of broadcasting: sums over the axes along which a tangent was repeated.
import { int } from '../../attributes.ts'
import { sameShape } from '../../infer/dims.ts'
import type { Dim } from '../../types.ts'
import type { LinearOp, Tangent, Tape } from '../tangent.ts'
import { reduceSum, sumOver } from './reduction.ts'

/**
 * The transpose of broadcasting from `shape`: the sum over every axis along which a tangent was repeated. Axes known to
 * have been of size 1 are summed; sizes known only at run time are compared there.
 */
export function sumTo(tape: Tape, t: Tangent, shape: readonly Dim[], like: string | undefined): Tangent {
  const extra = t.shape.length - shape.length
  const leading = Array.from({ length: extra }, (_, axis) => axis)
  const level = reduceSum(tape, t, leading, false)
  const ones = shape.flatMap((dim, axis) => (dim === 1 && level.shape[axis] !== 1 ? [axis] : []))
  const summed = reduceSum(tape, level, ones, true)
  return sameShape(summed.shape, shape) ? summed : sumRepeats(tape, summed, shape, like)
}

/**
 * The transpose of repeating: an axis of n elements repeats one of m n / m times, so as [n / m, m] its sum over the first
 * part is what is wanted, also where m is n or 1. Every axis is treated so at once, with sizes from run time.
 */
export function sumRepeats(tape: Tape, t: Tangent, shape: readonly Dim[], like: string | undefined): Tangent {
  const op: LinearOp = {
    name: 'ReduceSum',
    emit(e, self, [x]) {
      const { g } = e
      const value = e.stacked(x!)
      const target = e.sizes(self.shape, self.like)
      const repeats = g.op('Div', [g.op('Shape', [value]), g.op('Max', [target, g.int64([1])])])
      const rank = shape.length + 1
      const pairs = Array.from({ length: 2 * rank }, (_, i) => (i % 2 === 0 ? i / 2 : rank + (i - 1) / 2))
      const sizes = g.op('Gather', [g.op('Concat', [repeats, target], { axis: int(0) }), g.int64(pairs)])
      const split = g.op('Reshape', [value, sizes], g.opset >= 14 ? { allowzero: int(1) } : {})
      const axes = Array.from({ length: rank }, (_, axis) => 2 * axis)
      return { stacked: sumOver(g, split, axes, false) }
    },
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, shape, t.type, like)
}
