// The general makers of linear operators: one ONNX operator applied to tangents as they are or K folded into the batch.
import { int } from '../../attributes.ts'
import { elementNumber } from '../../proto.ts'
import type { Attribute, Dim, ElementType } from '../../types.ts'
import type { Emitter, LinearOp, Tangent, Tape, Transpose } from '../tangent.ts'

/** Result of a linear operator: where it goes. */
export interface Out {
  readonly shape: readonly Dim[]
  readonly like: string | undefined
  /** Multiplications per direction, for operators that do many. */
  readonly cost?: number | undefined
  /** How a cotangent of the result goes back to the operand; without it the operator works in forward mode only. */
  readonly transpose?: Transpose | undefined
}

/** The transpose of an operator of one operand as the operator wants it. */
export function back(transpose: Transpose | undefined): Pick<LinearOp, 'transpose'> {
  return transpose ? { transpose: (ct, _self, [x], c) => [transpose(ct, x!, c)] } : {}
}

/** Writes [K, ...] -> [K, ...] by any nodes at all. */
export function custom(
  tape: Tape,
  name: string,
  t: Tangent,
  out: Out,
  write: (e: Emitter, stacked: string) => string,
): Tangent {
  const op: LinearOp = {
    name,
    cost: out.cost,
    emit: (e, _self, [x]) => ({ stacked: write(e, e.stacked(x!)) }),
    ...back(out.transpose),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, out.shape, t.type, out.like)
}

/** Writes [K * N, ...] -> [K * N, ...]: the operator treats the first axis as a batch. */
export function batched(
  tape: Tape,
  name: string,
  t: Tangent,
  out: Out,
  write: (e: Emitter, folded: string) => string,
): Tangent {
  const op: LinearOp = {
    name,
    cost: out.cost,
    emit: (e, _self, [x]) => ({ folded: write(e, e.folded(x!)) }),
    ...back(out.transpose),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, out.shape, t.type, out.like)
}

/** An operator whose axes are counted from the right, so that a leading K does not disturb it. */
export function mapped(
  tape: Tape,
  opType: string,
  t: Tangent,
  out: Out,
  rest: readonly string[] = [],
  attributes: Readonly<Record<string, Attribute>> = {},
): Tangent {
  return custom(tape, opType, t, out, (e, x) => e.g.op(opType, [x, ...rest], attributes))
}

/** The tangent in another floating-point type. */
export function cast(tape: Tape, t: Tangent, type: ElementType, like: string | undefined): Tangent {
  const op: LinearOp = {
    name: 'Cast',
    emit: (e, _self, [x]) => ({ stacked: e.g.op('Cast', [e.stacked(x!)], { to: int(elementNumber(type)) }) }),
    // Factors do not pass a cast: what they round to on one side is not what they are on the other.
    ...back((ct, x, c) => cast(c.tape, ct, x.type, x.like)),
  }
  return tape.make({ kind: 'apply', op, operands: [t] }, t.shape, type, like)
}
