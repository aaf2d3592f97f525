// Zeros around tangents, and their removal: one operator with paddings of either sign.
import type { GraphBuilder } from '../../builder.ts'
import type { Dim } from '../../types.ts'
import type { Tangent, Tape, Transposer } from '../tangent.ts'
import { custom } from './apply.ts'
import { joined } from './extent.ts'

/**
 * Zeros before and after each axis, [before..., after...]; a negative number cuts off. The transpose has the signs turned:
 * what was added is cut off, and what was cut off was zero.
 *
 * @param pads - numbers, or an int64 list of the graph
 */
export function padZeros(
  tape: Tape,
  t: Tangent,
  pads: readonly number[] | string,
  out: { readonly shape: readonly Dim[]; readonly like: string | undefined },
): Tangent {
  const { shape, like } = out
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent =>
    padZeros(c.tape, ct, typeof pads === 'string' ? c.g.op('Neg', [pads]) : pads.map((n) => -n || 0), x)
  return custom(tape, 'Pad', t, { shape, like, transpose }, (e, x) => {
    return e.g.op('Pad', [x, behindK(e.g, pads, t.shape.length)])
  })
}

/** The same paddings with a leading axis that has none. */
export function behindK(g: GraphBuilder, pads: readonly number[] | string, rank: number): string {
  if (typeof pads !== 'string') return g.int64([0, ...pads.slice(0, rank), 0, ...pads.slice(rank)])
  const part = (from: number): string => g.op('Slice', [pads, g.int64([from]), g.int64([from + rank])])
  return joined(g, [0, part(0), 0, part(rank)])
}
