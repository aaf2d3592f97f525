// Zeros around tangents, and their removal: one operator with paddings of either sign.
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
  const rank = t.shape.length
  const transpose = (ct: Tangent, x: Tangent, { tape, g }: Transposer): Tangent =>
    padZeros(tape, ct, typeof pads === 'string' ? g.op('Neg', [pads]) : pads.map((n) => -n || 0), x)
  return custom(tape, 'Pad', t, { shape: out.shape, like: out.like, transpose }, (e, x) => {
    const { g } = e
    if (typeof pads !== 'string') {
      return g.op('Pad', [x, g.int64([0, ...pads.slice(0, rank), 0, ...pads.slice(rank)])])
    }
    const part = (from: number): string => g.op('Slice', [pads, g.int64([from]), g.int64([from + rank])])
    return g.op('Pad', [x, joined(g, [0, part(0), 0, part(rank)])])
  })
}
