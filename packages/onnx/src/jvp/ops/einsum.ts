// Einstein sums of a tangent with values that are held.
import { text } from '../../attributes.ts'
import type { Dim } from '../../types.ts'
import type { Tangent, Tape } from '../tangent.ts'
import { custom, type Out } from './apply.ts'
import { reshape } from './movement.ts'
import { expand } from './sum.ts'
import { sumTo } from './unbroadcast.ts'

/** Letters of an Einstein sum around one operand that varies. */
interface Equation {
  readonly operand: string
  readonly others: readonly { readonly letters: string; readonly value: string }[]
  readonly output: string
  /** A letter not used otherwise, for K. */
  readonly free: string
}

/** The sum with the tangent in place of its operand. */
export function einsum(tape: Tape, t: Tangent, equation: Equation, out: Out): Tangent {
  const { operand, others, output, free } = equation
  const repeated = new Set(operand).size < operand.length
  return custom(
    tape,
    'Einsum',
    t,
    {
      ...out,
      ...(!repeated && {
        transpose: (ct: Tangent, x: Tangent, c: { tape: Tape }) => back(c.tape, ct, x, equation, out),
      }),
    },
    (e, x) => {
      const left = [free + operand, ...others.map((other) => other.letters)].join(',')
      return e.g.op('Einsum', [x, ...others.map((other) => other.value)], {
        equation: text(`${left}->${free}${output}`),
      })
    },
  )
}

/**
 * The cotangent takes the result's place and the operand the result's. A letter only the operand has was summed over:
 * its axis is filled again.
 */
function back(tape: Tape, ct: Tangent, x: Tangent, equation: Equation, out: Out): Tangent {
  const { operand, others, output, free } = equation
  const elsewhere = new Set(output + others.map((other) => other.letters).join(''))
  const found = [...operand].filter((letter) => elsewhere.has(letter)).join('')
  const sizes = new Map<string, Dim>([...operand].map((letter, axis) => [letter, x.shape[axis]!]))
  ;[...output].forEach((letter, axis) => {
    sizes.set(letter, ct.shape[axis]!)
  })
  const shape = [...found].map((letter) => sizes.get(letter)!)
  const sum = einsum(
    tape,
    ct,
    { operand: output, others, output: found, free },
    { shape, like: undefined, cost: out.cost },
  )
  const ones = [...operand].map((letter) => (elsewhere.has(letter) ? sizes.get(letter)! : 1))
  const full = [...operand].map((letter, axis) => (elsewhere.has(letter) ? sizes.get(letter)! : x.shape[axis]!))
  return sumTo(tape, expand(tape, reshape(tape, sum, ones, undefined), full, x.like), x.shape, x.like)
}
