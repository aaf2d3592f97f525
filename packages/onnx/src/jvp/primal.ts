// Shorthand for the primal-sized arithmetic that derivative factors are made of.
import { int } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { elementNumber } from '../proto.ts'
import type { ElementType } from '../types.ts'

/** Arithmetic on primal values; a number stands for a constant of the type. */
export interface Primal {
  add(a: Operand, b: Operand): string
  sub(a: Operand, b: Operand): string
  mul(a: Operand, b: Operand): string
  div(a: Operand, b: Operand): string
  pow(a: Operand, b: Operand): string
  /** One operator of one input. */
  un(opType: string, x: Operand): string
  /** Comparison or logical operator, giving booleans. */
  test(opType: string, a: Operand, b: Operand): string
  where(condition: string, a: Operand, b: Operand): string
  /** Booleans as 0 and 1. */
  mask(condition: string): string
}

type Operand = string | number

export function primal(g: Pick<GraphBuilder, 'op' | 'scalar'>, type: ElementType): Primal {
  const value = (x: Operand): string => (typeof x === 'number' ? g.scalar(type, x) : x)
  const binary = (opType: string) => (a: Operand, b: Operand) => g.op(opType, [value(a), value(b)])
  return {
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    pow: binary('Pow'),
    un: (opType, x) => g.op(opType, [value(x)]),
    test: (opType, a, b) => g.op(opType, [value(a), value(b)]),
    where: (condition, a, b) => g.op('Where', [condition, value(a), value(b)]),
    mask: (condition) => g.op('Cast', [condition], { to: int(elementNumber(type)) }),
  }
}
