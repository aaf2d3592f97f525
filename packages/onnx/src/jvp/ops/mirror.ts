// Padding of tangents with copies of their own elements: reflected, repeated from the edge, or wrapped round.
import { text } from '../../attributes.ts'
import type { Tangent, Tape, Transposer } from '../tangent.ts'
import { custom, type Out } from './apply.ts'
import { countTo, reverse } from './cut.ts'
import { extent, joined } from './extent.ts'
import { scatter } from './indexing.ts'
import { pad, slice } from './movement.ts'
import { behindK } from './padding.ts'
import { reduceSum } from './reduction.ts'
import { sumOf } from './sum.ts'

export type Mode = 'reflect' | 'edge' | 'wrap'

/** Pad in a mode other than constant; pads are [before..., after...], all of them 0 or more. */
export function padCopies(tape: Tape, t: Tangent, pads: readonly number[], mode: Mode, out: Out): Tangent {
  const rank = t.shape.length
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent => {
    let part = ct
    for (let axis = 0; axis < rank; axis++) {
      const [before, after] = [pads[axis]!, pads[axis + rank]!]
      if (before === 0 && after === 0) continue
      const shape = part.shape.map((n, a) => (a === axis ? x.shape[a]! : n))
      part = foldBack(c, part, axis, before, after, mode, { ...x, shape, like: undefined }, x.like!)
    }
    return sumOf(c.tape, [part], x.shape, x.like)
  }
  return custom(tape, 'Pad', t, { ...out, transpose }, (e, x) => {
    return e.g.op('Pad', [x, behindK(e.g, pads, rank)], { mode: text(mode) })
  })
}

/** Adds what lies in the padding of one axis to the elements it was copied from. */
function foldBack(
  c: Transposer,
  t: Tangent,
  axis: number,
  before: number,
  after: number,
  mode: Mode,
  whole: Tangent,
  like: string,
): Tangent {
  const { tape, g } = c
  const n = whole.shape[axis]
  if (typeof n !== 'number') {
    const numbers = countTo(g, joined(g, [extent(g, like, axis)]))
    const places = g.op('Pad', [numbers, g.int64([before, after])], { mode: text(mode) })
    return scatter(tape, t, axis, places, whole.shape, whole.like)
  }
  const cut = (start: number, length: number): Tangent => slice(tape, t, axis, start, length, undefined)!
  const put = (part: Tangent, start: number): Tangent => pad(tape, part, axis, start, whole)!
  const copies = (start: number, length: number): Tangent => {
    if (mode === 'wrap') return cut(start, length)
    return mode === 'edge' ? reduceSum(tape, cut(start, length), [axis], true) : reverse(tape, cut(start, length), axis)
  }
  const origin = { reflect: [1, n - 1 - after], edge: [0, n - 1], wrap: [n - before, 0] }[mode] as [number, number]
  const parts = [cut(before, n)]
  if (before > 0) parts.push(put(copies(0, before), origin[0]))
  if (after > 0) parts.push(put(copies(before + n, after), origin[1]))
  return sumOf(tape, parts, whole.shape, undefined)
}
