// Sums of tangents, broadcast to a shape.
import { sameShape } from '../../infer/dims.ts'
import type { Dim } from '../../types.ts'
import { scalar } from '../factor.ts'
import type { Tangent, Tape, Term } from '../tangent.ts'

/** The tangent broadcast to a shape. */
export function expand(tape: Tape, t: Tangent, shape: readonly Dim[], like: string | undefined): Tangent {
  return sumOf(tape, [t], shape, like)
}

/** The sum of tangents that broadcast to a shape. */
export function sumOf(tape: Tape, parts: readonly Tangent[], shape: readonly Dim[], like: string | undefined): Tangent {
  const [first] = parts
  if (parts.length === 1 && sameShape(first!.shape, shape)) return first!
  const terms = parts.map((of): Term => ({ of, by: scalar(of.type, 1) }))
  return tape.make({ kind: 'combine', terms }, shape, first!.type, like)
}
