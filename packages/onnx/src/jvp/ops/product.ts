// Matrix products of a tangent with a value that is held.
import { float, int, ints } from '../../attributes.ts'
import type { GraphBuilder } from '../../builder.ts'
import { broadcast, times } from '../../infer/dims.ts'
import type { Dim } from '../../types.ts'
import type { Tangent, Tape } from '../tangent.ts'
import { batched, custom, type Out } from './apply.ts'
import { reshape } from './movement.ts'
import { sumTo } from './unbroadcast.ts'

/**
 * t times `held` (side 0) or `held` times t (side 1), both of rank 2 or more; leading axes broadcast. A leading K passes
 * through, so that on side 0 it multiplies the rows of one product.
 */
export function product(tape: Tape, t: Tangent, held: string, side: 0 | 1, out: Out): Tangent {
  const rank = t.shape.length
  return custom(
    tape,
    'MatMul',
    t,
    {
      ...out,
      transpose: (ct, x, { tape, g }) => {
        const other = g.info(held).shape!
        if (side === 1 && rank === 2 && other.length > 2) return sharedFactor(tape, ct, x, flatten(g, held), out.cost)
        const flipped = flip(g, held)
        const [rows, columns] = x.shape.slice(-2) as [Dim, Dim]
        const leading = broadcast([ct.shape.slice(0, -2), other.slice(0, -2)])!
        const back = { shape: [...leading, rows, columns], like: undefined, cost: out.cost }
        return sumTo(tape, product(tape, ct, flipped, side, back), x.shape, x.like)
      },
    },
    (e, x) => {
      const missing = Math.max(0, e.g.info(held).shape!.length - rank)
      const axes = Array.from({ length: missing }, (_, i) => i + 1)
      const wide = axes.length > 0 ? e.g.op('Unsqueeze', [x, e.g.int64(axes)]) : x
      return e.g.op('MatMul', side === 0 ? [wide, held] : [held, wide])
    },
  )
}

/**
 * One matrix on the right of a batch: the batch is rows of one product, so its cotangent is one product too, and the sum
 * over the batch happens inside.
 */
function sharedFactor(tape: Tape, ct: Tangent, x: Tangent, rows: string, cost: number | undefined): Tangent {
  const columns = ct.shape.at(-1)!
  const flat = reshape(tape, ct, [times(...ct.shape.slice(0, -1)), columns], undefined)
  return custom(tape, 'MatMul', flat, { shape: x.shape, like: x.like, cost }, (e, value) => {
    return e.g.op('MatMul', [flip(e.g, rows), value])
  })
}

/** [..., m, k] as [all rows, k]. */
function flatten(g: GraphBuilder, value: string): string {
  return g.op('Flatten', [value], { axis: int(g.info(value).shape!.length - 1) })
}

/** The last two axes exchanged. */
export function flip(g: GraphBuilder, value: string): string {
  const rank = g.info(value).shape!.length
  const perm = Array.from({ length: rank }, (_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis))
  return g.op('Transpose', [value], { perm: ints(perm) })
}

/** alpha t B or alpha t B': K folds into the rows. */
export function gemmRows(tape: Tape, t: Tangent, held: string, transposed: boolean, alpha: number, out: Out): Tangent {
  const attributes = { alpha: float(alpha), transB: int(transposed ? 1 : 0) }
  return batched(
    tape,
    'Gemm',
    t,
    {
      ...out,
      transpose: (ct, x, c) =>
        gemmRows(c.tape, ct, held, !transposed, alpha, { shape: x.shape, like: x.like, cost: out.cost }),
    },
    (e, x) => e.g.op('Gemm', [x, held], attributes),
  )
}
