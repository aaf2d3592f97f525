// What a lowering sees and returns.
import { mismatch, type OodError } from '@ood/core'
import { describe } from '../attributes.ts'
import { toBind } from '../hints.ts'
import { type Primal, primal } from '../jvp/primal.ts'
import { plainNumbers } from '../tensors.ts'
import type { Dim, ElementType, Node } from '../types.ts'
import type { NodeWriter } from './rewriter.ts'

/** One operator application that is to become others. */
export interface Lowered {
  readonly node: Node
  readonly g: NodeWriter
  /** Arithmetic in the type of the first input. */
  readonly p: Primal
  readonly type: ElementType
  /** Input values; '' and undefined are left out. */
  readonly x: readonly string[]
}

/** Values in place of the outputs; undefined for one that nothing may read, or the whole for "leave it as it is". */
export type Lowering = (l: Lowered) => readonly (string | undefined)[] | undefined

export type LoweringTable = Readonly<Record<string, Lowering>>

export function lowered(node: Node, g: NodeWriter): Lowered {
  const { type } = g.info(node.inputs.find((name) => name !== '') ?? '')
  return { node, g, p: primal(g, type), type, x: node.inputs }
}

/** Error for what a lowering cannot do: names operator and node. */
export function unsupported(l: Lowered, expected: string): OodError {
  return mismatch('E_UNSUPPORTED', `derivative of ${describe(l.node)}`, expected, 'otherwise')
}

/** Shape of an input whose rank has to be known. */
export function shapeOf(l: Lowered, value: string): readonly Dim[] {
  const { shape } = l.g.info(value)
  if (!shape) throw unsupported(l, `a known rank of ${value}`)
  return shape
}

/** A size that has to be known. */
export function size(l: Lowered, dim: Dim | undefined, what: string): number {
  if (typeof dim !== 'number') throw unsupported(l, toBind(`a known ${what}`))
  return dim
}

/** Numbers of a constant input. */
export function numbersOf(l: Lowered, index: number, what: string): readonly number[] {
  const tensor = l.x[index] ? l.g.constantTensor(l.x[index]) : undefined
  if (!tensor) throw unsupported(l, toBind(`a constant ${what}`))
  return plainNumbers(tensor)
}
