// Channels traded for resolution, and back.
import { int, text } from '../../attributes.ts'
import type { Tangent, Tape, Transposer } from '../tangent.ts'
import { batched, type Out } from './apply.ts'
import { gather } from './indexing.ts'

/** SpaceToDepth; its transpose is its inverse. */
export function spaceToDepth(tape: Tape, t: Tangent, size: number, out: Out): Tangent {
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent => depthToSpace(c.tape, ct, size, 'DCR', x)
  return batched(tape, 'SpaceToDepth', t, { ...out, transpose }, (e, x) =>
    e.g.op('SpaceToDepth', [x], { blocksize: int(size) }),
  )
}

/** DepthToSpace in one of its two orders of channels; SpaceToDepth inverts DCR, and CRD up to that order. */
export function depthToSpace(
  tape: Tape,
  t: Tangent,
  size: number,
  mode: 'DCR' | 'CRD',
  { shape, like }: Pick<Out, 'shape' | 'like'>,
): Tangent {
  const channels = shape[1]
  const transpose = (ct: Tangent, x: Tangent, c: Transposer): Tangent => {
    const { g } = c
    if (mode === 'DCR') return spaceToDepth(c.tape, ct, size, { shape: x.shape, like: x.like })
    const deep = spaceToDepth(c.tape, ct, size, { shape: x.shape, like: x.like })
    // Channel c * size^2 + place is found at place * channels + c.
    const places = size * size
    const n = channels as number
    const order = Array.from({ length: n * places }, (_, i) => (i % places) * n + Math.floor(i / places))
    return gather(c.tape, deep, 1, g.int64(order), { shape: x.shape, like: x.like })
  }
  const known = mode === 'DCR' || typeof channels === 'number'
  return batched(tape, 'DepthToSpace', t, { shape, like, transpose: known ? transpose : undefined }, (e, x) =>
    e.g.op('DepthToSpace', [x], { blocksize: int(size), mode: text(mode) }),
  )
}
