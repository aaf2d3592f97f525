// The shape of a shape-inference rule and what all rules share.
import { attribute } from '../attributes.ts'
import { plainNumbers } from '../tensors.ts'
import type { Dim, ElementType, Node, Tensor } from '../types.ts'
import { positiveAxis } from './dims.ts'

/** What is known about a value before anything runs. */
export interface Info {
  readonly type: ElementType
  /** Undefined when not even the rank is known. */
  readonly shape: readonly Dim[] | undefined
  /** Contents of a small integer tensor (a shape being computed), where known. */
  readonly ints?: readonly Dim[] | undefined
}

/** One operator application as its rule sees it. */
export interface InferNode {
  readonly node: Node
  readonly opset: number
  /** Infos of the inputs; undefined where one is left out. */
  readonly inputs: readonly (Info | undefined)[]
  /** The constant an input is bound to, if it is one. */
  constant(index: number): Tensor | undefined
}

/** Infos of a node's outputs. */
export type InferRule = (n: InferNode) => readonly Info[]

export type InferTable = Readonly<Record<string, InferRule>>

/** Same type and shape as the first input. */
export const likeFirst: InferRule = (n) => [{ type: n.inputs[0]?.type ?? 'other', shape: n.inputs[0]?.shape }]

/** Integers of an input that is a constant or a computed shape with every entry known; else undefined. */
export function knownInts(n: InferNode, index: number): number[] | undefined {
  // A list of no elements is known whatever it comes from.
  if (n.inputs[index]?.shape?.length === 1 && n.inputs[index].shape[0] === 0) return []
  const constant = n.constant(index)
  if (constant) return plainNumbers(constant)
  const computed = n.inputs[index]?.ints
  return computed?.every((v) => typeof v === 'number') ? (computed as number[]) : undefined
}

/** Contents of an integer input, names allowed. */
export function partialInts(n: InferNode, index: number): readonly Dim[] | undefined {
  return n.inputs[index]?.ints ?? knownInts(n, index)
}

/** Axes from the attribute (older operator sets) or from the second input (newer ones); undefined if not static. */
export function axesOf(n: InferNode, inputIndex = 1): number[] | undefined {
  const listed = attribute(n.node, 'axes', 'ints', undefined)
  return listed ? [...listed] : knownInts(n, inputIndex)
}

/** The axis attribute as 0..rank-1. */
export function axisOf(n: InferNode, rank: number, fallback: number): number {
  return positiveAxis(attribute(n.node, 'axis', 'int', fallback), rank)
}
