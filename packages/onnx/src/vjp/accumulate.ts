// Adds up the parts of a cotangent: pieces that lie side by side are joined, the rest is summed.
import { concat } from '../jvp/ops/movement.ts'
import { sumOf } from '../jvp/ops/sum.ts'
import type { Tangent, Transposer } from '../jvp/tangent.ts'

/** A part that is zero but for a range along one axis. */
interface Piece {
  readonly axis: number
  readonly start: number
  readonly size: number
  readonly part: Tangent
}

/**
 * The cotangent of a tangent that several others were made of. The slices of a value give parts that are zero outside
 * their range: joining those is one copy, adding them as they are would be one pass over the whole for each.
 */
export function accumulate(t: Tangent, parts: readonly Tangent[], c: Transposer): Tangent {
  const groups: Piece[][] = []
  const others: Tangent[] = []
  for (const part of parts) {
    const piece = pieceOf(part)
    const group = piece && groups.find((list) => list[0]!.axis === piece.axis && list.every((p) => apart(p, piece)))
    if (group) group.push(piece)
    else if (piece) groups.push([piece])
    else others.push(part)
  }
  return sumOf(c.tape, [...others, ...groups.map((group) => join(t, group, c))], t.shape, t.like)
}

function pieceOf({ def }: Tangent): Piece | undefined {
  if (def.kind !== 'apply' || !def.op.concat) return undefined
  const { axis, sizes } = def.op.concat
  const present = def.operands.flatMap((part, i) => (part ? [{ part, i }] : []))
  const [only] = present
  if (!only || present.length > 1) return undefined
  const start = sizes.slice(0, only.i).reduce((sum, n) => sum + n, 0)
  return { axis, start, size: sizes[only.i]!, part: only.part }
}

function apart(a: Piece, b: Piece): boolean {
  return a.start + a.size <= b.start || b.start + b.size <= a.start
}

function join(t: Tangent, pieces: readonly Piece[], c: Transposer): Tangent {
  const { axis } = pieces[0]!
  const parts: (Tangent | undefined)[] = []
  const sizes: number[] = []
  const push = (part: Tangent | undefined, size: number): void => {
    if (size === 0) return
    parts.push(part)
    sizes.push(size)
  }
  let reached = 0
  for (const { start, size, part } of [...pieces].sort((a, b) => a.start - b.start)) {
    push(undefined, start - reached)
    push(part, size)
    reached = start + size
  }
  push(undefined, (t.shape[axis] as number) - reached)
  return concat(c.tape, parts, sizes, axis, t)!
}
