// What a derivative rule sees and returns, and the rule makers most operators need nothing beyond.
import { mismatch, OodError } from '@ood/core'
import { describe, int } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { toBind } from '../hints.ts'
import { broadcast } from '../infer/dims.ts'
import { elementNumber } from '../proto.ts'
import { plainNumbers } from '../tensors.ts'
import type { Dim, ElementType, Node } from '../types.ts'
import { type Factor, scalar } from './factor.ts'
import { cast } from './ops/apply.ts'
import type { Tangent, Tape, Term } from './tangent.ts'

/** One operator application with its primals and, in parallel, the tangents of its inputs. */
export interface Application {
  readonly node: Node
  /** Writes primal-sized nodes: derivative factors, shapes. */
  readonly g: GraphBuilder
  readonly tape: Tape
  /** Names of the primal inputs and outputs. */
  readonly x: readonly string[]
  readonly y: readonly string[]
  /** Tangents of the inputs; undefined is 0. */
  readonly t: readonly (Tangent | undefined)[]
  /** May a Where drop the first output (rows of attention that see nothing, which are NaN)? */
  readonly mayBeDropped?: boolean
}

/** Tangents of a node's outputs; missing or undefined is 0. At least one input tangent is there. */
export type Rule = (a: Application) => readonly (Tangent | undefined)[]

export type RuleTable = Readonly<Record<string, Rule>>

/** Derivative of an output by one input, elementwise. */
export type Partial = (a: Application) => Factor

/** The operator is piecewise constant: no tangent ever. */
export const zero: Rule = () => []

/** The operator is elementwise with broadcasting: one partial derivative per input. */
export function elementwise(...partials: Partial[]): Rule {
  return elementwiseBy((i) => partials[i])
}

/** The same for operators of any number of inputs. */
export function elementwiseBy(partialOf: (input: number) => Partial | undefined): Rule {
  return (a) => {
    const terms: Term[] = []
    a.t.forEach((of, i) => {
      if (!of) return
      const partial = partialOf(i)
      if (!partial) throw unsupported(a, `no tangent on input ${i + 1}`)
      terms.push({ of: inType(a.tape, of, typeOf(a)), by: partial(a) })
    })
    return [combine(a.tape, terms, shapeOf(a, a.y[0]!), a.y[0])]
  }
}

/** The operator is linear in its first input; the others shape it and have no tangents. */
export function linear(apply: (a: Application, t: Tangent) => Tangent | undefined): Rule {
  return (a) => {
    a.t.forEach((t, i) => {
      if (t && i > 0) throw unsupported(a, `no tangent on input ${i + 1}`)
    })
    return [a.t[0] && apply(a, a.t[0])]
  }
}

/** The operator is linear in each of two inputs while the other is held: f(da, b) + f(a, db). */
export function bilinear(
  left: (a: Application, t: Tangent) => Tangent,
  right: (a: Application, t: Tangent) => Tangent,
): Rule {
  return (a) => {
    const parts = [a.t[0] && left(a, a.t[0]), a.t[1] && right(a, a.t[1])].filter((part) => part !== undefined)
    return [add(a, parts)]
  }
}

/** The tangent in a type, cast where it has another: some operators mix floating-point types. */
export function inType(tape: Tape, t: Tangent, type: ElementType): Tangent {
  return t.type === type || type === 'other' ? t : cast(tape, t, type, t.like)
}

/** A primal value in a type, cast where it has another. */
export function valueInType(a: Application, value: string, type: ElementType): string {
  return a.g.info(value).type === type ? value : a.g.op('Cast', [value], { to: int(elementNumber(type)) })
}

/** Sum of tangents of the shape of the first output. */
export function add(a: Application, parts: readonly Tangent[]): Tangent {
  const terms = parts.map((of): Term => ({ of, by: scalar(of.type, 1) }))
  return combine(a.tape, terms, shapeOf(a, a.y[0]!), a.y[0])
}

/** A sum of factors times tangents, broadcast to `shape` (by default to what the terms give). */
export function combine(tape: Tape, terms: readonly Term[], shape?: readonly Dim[], like?: string): Tangent {
  const first = terms[0]!
  const out = shape ?? broadcast(terms.map((term) => term.of.shape))!
  const alone = terms.length === 1 && first.by.value === undefined && first.by.scale === 1
  if (alone && out.length === first.of.shape.length && out.every((dim, i) => dim === first.of.shape[i])) return first.of
  return tape.make({ kind: 'combine', terms }, out, first.of.type, like)
}

/** Shape of a primal value, whose rank must be known. */
export function shapeOf(a: Application, value: string): readonly Dim[] {
  const { shape } = a.g.info(value)
  if (!shape)
    throw new OodError(
      'E_UNSUPPORTED',
      `derivative: expected a known rank of value ${value} at ${describe(a.node)}, got none`,
    )
  return shape
}

export function rankOf(a: Application, value: string): number {
  return shapeOf(a, value).length
}

/** Element type of the first output. */
export function typeOf(a: Application): ElementType {
  return a.g.info(a.y[0]!).type
}

/** Integers of a constant input; an input left out gives `fallback`. */
export function intsOf(a: Application, index: number, fallback?: readonly number[]): readonly number[] {
  const name = a.x[index]
  if (!name && fallback) return fallback
  const info = a.g.info(name ?? '')
  if (info.shape?.length === 1 && info.shape[0] === 0) return []
  const constant = name ? a.g.constantTensor(name) : undefined
  const known = constant ? plainNumbers(constant) : name ? info.ints : undefined
  if (!known?.every((v) => typeof v === 'number')) throw unsupported(a, toBind(`a constant input ${index + 1}`))
  return known as number[]
}

/** Error for what a rule cannot do: names operator and node. */
export function unsupported(a: Application, expected: string): OodError {
  return mismatch('E_UNSUPPORTED', `derivative of ${describe(a.node)}`, expected, 'otherwise')
}
