// Walks a linear program backwards: the program of its transpose, from cotangents of results to cotangents of seeds.
import { OodError } from '@ood/core'
import { sumTo } from '../jvp/ops/unbroadcast.ts'
import { operandsOf, type Tangent, type Transposer } from '../jvp/tangent.ts'
import { accumulate } from './accumulate.ts'

/**
 * The transpose of the program that makes `results`.
 *
 * @param results - tangents with the cotangents that reach them from outside
 * @returns the cotangent of every seed the results depend on; a seed that is missing has the cotangent 0
 */
export function transposed(
  results: readonly { readonly tangent: Tangent; readonly cotangent: Tangent }[],
  c: Transposer,
): Map<Tangent, Tangent> {
  const parts = new Map<Tangent, Tangent[]>()
  const add = (t: Tangent, part: Tangent): void => {
    const list = parts.get(t)
    if (list) list.push(part)
    else parts.set(t, [part])
  }
  for (const { tangent, cotangent } of results) add(tangent, cotangent)
  const seeds = new Map<Tangent, Tangent>()
  for (const t of latestFirst(results.map((result) => result.tangent))) {
    const list = parts.get(t)
    if (!list) continue
    const cotangent = accumulate(t, list, c)
    if (t.def.kind === 'seed') seeds.set(t, cotangent)
    else passBack(t, cotangent, c, add)
  }
  return seeds
}

/** Hands the cotangent of a tangent to what the tangent is made of. */
function passBack(t: Tangent, cotangent: Tangent, c: Transposer, add: (t: Tangent, part: Tangent) => void): void {
  const { def } = t
  const { tape } = c
  if (def.kind === 'combine') {
    for (const { of, by } of def.terms) {
      const plain = by.value === undefined && by.scale === 1
      const scaled = { kind: 'combine', terms: [{ of: cotangent, by }] } as const
      const whole = plain ? cotangent : tape.make(scaled, t.shape, t.type, t.like)
      add(of, sumTo(tape, whole, of.shape, of.like))
    }
  } else if (def.kind === 'select') {
    const { condition, yes, no } = def
    const branch = (one: 'yes' | 'no'): Tangent => {
      const only = { kind: 'select', condition, yes: undefined, no: undefined, [one]: cotangent } as const
      return tape.make(only, t.shape, t.type, t.like)
    }
    if (yes) add(yes, sumTo(tape, branch('yes'), yes.shape, yes.like))
    if (no) add(no, sumTo(tape, branch('no'), no.shape, no.like))
  } else if (def.kind === 'apply') {
    const { op, operands } = def
    if (!op.transpose)
      throw new OodError(
        'E_UNSUPPORTED',
        `vjp: expected an operator with a transpose, got ${op.name}${t.like ? ` "${t.like}"` : ''}`,
      )
    op.transpose(cotangent, t, operands, c).forEach((part, i) => {
      const operand = operands[i]
      if (part && operand) add(operand, part)
    })
  }
}

/** Everything the tangents are made of, results before operands. */
function latestFirst(tangents: readonly Tangent[]): Tangent[] {
  const found = new Set<Tangent>()
  const stack = [...tangents]
  for (let t = stack.pop(); t; t = stack.pop()) {
    if (found.has(t)) continue
    found.add(t)
    for (const operand of operandsOf(t)) stack.push(operand)
  }
  return [...found].sort((a, b) => b.id - a.id)
}
