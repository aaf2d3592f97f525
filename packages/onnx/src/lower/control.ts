// Branches and loops as straight-line nodes.
import { mismatch, type OodError } from '@ood/core'
import { attribute, describe, int } from '../attributes.ts'
import { toBind } from '../hints.ts'
import { positiveAxis } from '../infer/dims.ts'
import { count, plainNumbers, tensorOf } from '../tensors.ts'
import type { Graph, Node } from '../types.ts'
import { type Body, bodyOf, inline } from './body.ts'
import type { Rewriter } from './rewriter.ts'

/** Most rounds a loop is unrolled to. */
const MOST_ROUNDS = 4096
/** Most nodes an unrolled loop may have: a graph beyond that takes longer to load than to run. */
const MOST_NODES = 200_000

/** What control flow is lowered with. */
export interface Control {
  readonly w: Rewriter
  readonly emit: (node: Node) => void
}

const unsupported = (node: Node, expected: string): OodError =>
  mismatch('E_UNSUPPORTED', `derivative of ${describe(node)}`, expected, 'otherwise')

function subgraph(node: Node, name: string): Graph {
  const found = node.attributes[name]
  if (found?.kind !== 'graph') throw mismatch('E_FILE', describe(node), `a graph ${name}`, found?.kind)
  return found.value
}

/** The number a constant of one element holds. */
function constantNumber(w: Rewriter, value: string): number | undefined {
  const tensor = w.constantTensor(value)
  return tensor && count(tensor.shape) === 1 ? plainNumbers(tensor)[0] : undefined
}

/** The branch a constant condition takes; undefined when the condition is not constant. */
export function takenBranch(c: Control, node: Node): string[] | undefined {
  const condition = constantNumber(c.w, node.inputs[0]!)
  if (condition === undefined) return undefined
  const branch = subgraph(node, condition === 0 ? 'else_branch' : 'then_branch')
  return inline(c.w, bodyOf(branch), new Map(), c.emit)
}

/**
 * Both branches, and at the end the results of one: operators have no side effects, so computing the other too costs
 * time but changes nothing, and `Where` keeps its infinities out of values and derivatives.
 */
export function bothBranches(c: Control, node: Node): string[] {
  const { w } = c
  const [yes, no] = ['then_branch', 'else_branch'].map((name) =>
    inline(w, bodyOf(subgraph(node, name)), new Map(), c.emit),
  ) as [string[], string[]]
  return yes.map((value, i) => chosen(w, node, node.inputs[0]!, value, no[i]!))
}

/** One of two values of the same shape, by a condition of one element. */
function chosen(w: Rewriter, node: Node, condition: string, yes: string, no: string): string {
  if (yes === no) return yes
  const [a, b] = [w.info(yes), w.info(no)]
  const agree = a.shape?.every((n, axis) => {
    const m = b.shape?.[axis]
    return n === m || typeof n === 'string' || typeof m === 'string'
  })
  if (a.type !== b.type || !agree || a.shape?.length !== b.shape?.length)
    throw unsupported(node, toBind('a constant condition, or results of the same known rank and shape either way'))
  return w.op('Where', [w.op('Reshape', [condition, w.int64([])]), yes, no])
}

/** Refuses to unroll beyond the limits. */
function checkSize(node: Node, rounds: number, body: Body): void {
  if (rounds > MOST_ROUNDS) throw unsupported(node, `at most ${MOST_ROUNDS} rounds, but it has ${rounds}: fewer`)
  const nodes = rounds * body.nodes.length
  if (nodes > MOST_NODES)
    throw unsupported(node, `at most ${MOST_NODES} nodes when unrolled, but it has ${nodes}: fewer`)
}

/**
 * Writes a loop's body once per round. The number of rounds must be known, from a constant count or a constant condition.
 * A condition that depends on data may end a counted loop early: the rounds after it keep the values as they are.
 */
export function unrollLoop(c: Control, node: Node): string[] {
  const { w } = c
  const graph = subgraph(node, 'body')
  const body = bodyOf(graph)
  const [trip, start, ...initial] = node.inputs
  const limit = trip ? constantNumber(w, trip) : Number.POSITIVE_INFINITY
  if (limit === undefined) throw unsupported(node, toBind('a constant trip count'))
  if (Number.isFinite(limit)) checkSize(node, limit, body)
  const names = graph.inputs.map((input) => input.name)
  let going = start ? constantNumber(w, start) : 1
  let condition = start || w.constant('condition', tensorOf('bool', [], [1]))
  let carried = [...initial]
  const scanned: string[][] = []
  let round = 0
  for (; round < limit; round++) {
    if (going === 0) break
    checkSize(node, round + 1, body)
    const open = going === undefined
    if (open && (!Number.isFinite(limit) || body.outputs.length > 1 + initial.length))
      throw unsupported(node, toBind('a condition known before run time'))
    const values = [w.scalar('int64', round), condition, ...carried]
    const outputs = inline(w, body, new Map(names.map((name, i) => [name, values[i]!])), c.emit)
    const before = condition
    condition = open ? w.op('And', [before, outputs[0]!]) : outputs[0]!
    going = constantNumber(w, condition)
    const next = outputs.slice(1, 1 + initial.length)
    carried = open ? next.map((value, i) => chosen(w, node, before, value, carried[i]!)) : next
    scanned.push(outputs.slice(1 + initial.length))
  }
  if (round === 0 && body.outputs.length > 1 + initial.length) throw unsupported(node, 'at least one round')
  const stacks = (scanned[0] ?? []).map((_, i) =>
    stack(
      w,
      scanned.map((list) => list[i]!),
      0,
    ),
  )
  return [...carried, ...stacks]
}

/** Values of one shape joined along a new axis. */
function stack(w: Rewriter, values: readonly string[], axis: number): string {
  const at = w.int64([axis])
  const parts = values.map((value) => w.op('Unsqueeze', [value, at]))
  return parts.length === 1 ? parts[0]! : w.op('Concat', parts, { axis: int(axis) })
}

/** Writes a scan's body once per element of its sequences. */
export function unrollScan(c: Control, node: Node): string[] {
  const { w } = c
  const graph = subgraph(node, 'body')
  const body = bodyOf(graph)
  const sequences = attribute(node, 'num_scan_inputs', 'int', 0)
  const states = node.inputs.length - sequences
  const list = (name: string): readonly number[] => attribute(node, name, 'ints', [])
  const inputs = node.inputs.slice(states).map((value, i) => {
    const { shape } = w.info(value)
    const axis = positiveAxis(list('scan_input_axes')[i] ?? 0, shape?.length ?? 1)
    return { value, axis, length: shape?.[axis], backwards: list('scan_input_directions')[i] === 1 }
  })
  const rounds = inputs[0]?.length
  if (typeof rounds !== 'number') throw unsupported(node, toBind('a sequence of known length'))
  if (rounds === 0) throw unsupported(node, 'at least one element')
  checkSize(node, rounds, body)
  let carried = node.inputs.slice(0, states)
  const scanned: string[][] = []
  for (let round = 0; round < rounds; round++) {
    const elements = inputs.map(({ value, axis, backwards }) => {
      const at = w.scalar('int64', backwards ? rounds - 1 - round : round)
      return w.op('Gather', [value, at], { axis: int(axis) })
    })
    const values = [...carried, ...elements]
    const outputs = inline(w, body, new Map(graph.inputs.map(({ name }, i) => [name, values[i]!])), c.emit)
    carried = outputs.slice(0, states)
    scanned.push(outputs.slice(states))
  }
  const stacks = (scanned[0] ?? []).map((value, i) => {
    const rank = (w.info(value).shape?.length ?? 0) + 1
    const axis = positiveAxis(list('scan_output_axes')[i] ?? 0, rank)
    const values = scanned.map((outputs) => outputs[i]!)
    return stack(w, list('scan_output_directions')[i] === 1 ? values.reverse() : values, axis)
  })
  return [...carried, ...stacks]
}
