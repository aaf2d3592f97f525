// Tangents as a linear program: what a derivative is made of, before any of it is written as ONNX nodes.
import type { GraphBuilder } from '../builder.ts'
import type { Dim, ElementType } from '../types.ts'
import type { Factor, Factors } from './factor.ts'

/**
 * The derivative of one primal value, K directions at once, as a node of a linear program.
 * `shape` is the primal's shape; the leading K is understood.
 */
export interface Tangent {
  /** Grows from operands to results. */
  readonly id: number
  readonly shape: readonly Dim[]
  readonly type: ElementType
  /** A primal value of the same shape, for sizes only known at run time. */
  readonly like: string | undefined
  readonly def: Definition
}

/** What a tangent is made of. */
type Definition =
  /** A graph input [K, ...shape]. */
  | { readonly kind: 'seed'; readonly input: string }
  /** A sum of tangents times factors, broadcast: every elementwise operator. */
  | { readonly kind: 'combine'; readonly terms: readonly Term[] }
  /** One tangent where a condition holds, another elsewhere; undefined is 0. */
  | {
      readonly kind: 'select'
      readonly condition: string
      readonly yes: Tangent | undefined
      readonly no: Tangent | undefined
    }
  /** A linear operator on tangents; undefined operands are 0. */
  | { readonly kind: 'apply'; readonly op: LinearOp; readonly operands: readonly (Tangent | undefined)[] }

/** One term of a combination. */
export interface Term {
  readonly of: Tangent
  readonly by: Factor
}

/**
 * How each axis of a tangent relates to the tangent being computed: its axis number there, or SUMMED.
 * While pulling a factor back, every element of an operand reaches exactly one element of the result.
 */
export type Labels = readonly number[]
export const SUMMED = -1

/** A factor on its way from a result to an operand. */
export interface Pulled {
  readonly factor: Factor
  readonly labels: Labels
}

/** A linear operator: how to write it, and, where it acts within summed axes, how a factor passes it backwards. */
export interface LinearOp {
  readonly name: string
  /** Writes the operator on tangents with a leading K. */
  emit(e: Emitter, self: Tangent, operands: readonly (Tangent | undefined)[]): Written
  /**
   * The transpose on factors: what a factor on the result is on each operand (undefined for a zero operand).
   * Returns undefined when the operator mixes axes in a way that factors cannot follow.
   */
  pull?(
    pulled: Pulled,
    self: Tangent,
    operands: readonly (Tangent | undefined)[],
    f: Factors,
  ): (Pulled | undefined)[] | undefined
  /**
   * The transpose: the part of each operand's cotangent that a cotangent of the result makes (undefined for a zero
   * operand). It is a program of the same kind, on the tape of cotangents, so everything that makes tangents fast makes
   * cotangents fast too. `vjp` refuses operators without it.
   */
  transpose?(
    cotangent: Tangent,
    self: Tangent,
    operands: readonly (Tangent | undefined)[],
    c: Transposer,
  ): readonly (Tangent | undefined)[]
  /** Multiplications per direction, where they outweigh reading and writing the result. */
  readonly cost?: number | undefined
  /** Marks slices and concatenations, which simplify each other. */
  readonly slice?: { readonly axis: number; readonly start: number; readonly length: number }
  readonly concat?: { readonly axis: number; readonly sizes: readonly number[] }
}

/** What linear operators write with, for one tangent. K is the number of directions that tangent carries. */
export interface Emitter {
  readonly g: GraphBuilder
  /** An operand as [K, ...shape]. */
  stacked(t: Tangent): string
  /** An operand with K folded into its first axis, [K * shape[0], ...]: what batch operators take. */
  folded(t: Tangent): string
  /** [K, ...shape] as an int64 list; `like` is a primal value of that shape for sizes not known before run time. */
  sizes(shape: readonly Dim[], like: string | undefined): string
  /** Zeros of [K, ...shape]. */
  zeros(t: { shape: readonly Dim[]; type: Tangent['type']; like: string | undefined }): string
  /** The elements of a value in a shape given as numbers, one of them -1. */
  view(value: string, shape: readonly number[]): string
  /** Gives a value whose leading axis is K, or K folded into the next, the shape [K, ...shape]. */
  reshape(value: string, shape: readonly Dim[], like: string | undefined, leadsWithK: boolean): string
  /** A value that carries an operand's directions, with zeros for those of this tangent that the operand lacks. */
  aligned(value: string, operand: Tangent): string
}

/** What a transpose is written with: the tape of cotangents, and the graph for primal-sized values. */
export interface Transposer {
  readonly tape: Tape
  readonly g: GraphBuilder
}

/** The transpose of an operator with one operand `x`. */
export type Transpose = (cotangent: Tangent, x: Tangent, c: Transposer) => Tangent | undefined

/** A written tangent: [K, ...shape], or with K folded into the first axis, [K * shape[0], ...]. */
export type Written = { readonly stacked: string } | { readonly folded: string }

/** Makes tangents with growing ids. */
export interface Tape {
  seed(input: string, shape: readonly Dim[], type: ElementType, like: string): Tangent
  make(def: Definition, shape: readonly Dim[], type: ElementType, like?: string): Tangent
}

export function tape(): Tape {
  let id = 0
  const make: Tape['make'] = (def, shape, type, like) => ({ id: id++, shape, type, like, def })
  return { make, seed: (input, shape, type, like) => make({ kind: 'seed', input }, shape, type, like) }
}

/** The tangents a tangent is directly made of. */
export function operandsOf(t: Tangent): Tangent[] {
  const { def } = t
  if (def.kind === 'seed') return []
  if (def.kind === 'combine') return def.terms.map((term) => term.of)
  const operands = def.kind === 'select' ? [def.yes, def.no] : def.operands
  return operands.filter((operand) => operand !== undefined)
}
