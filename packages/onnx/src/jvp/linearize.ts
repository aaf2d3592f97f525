// Walks a primal graph and gives every value that a tangent reaches its tangent: the rule table and the walk.

import { mismatch, OodError, unknownName } from '@ood/core'
import { atNode } from '../at-node.ts'
import { describe } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { prune, usedValues } from '../prune.ts'
import type { Dim, Model, Node } from '../types.ts'
import type { Rule, RuleTable } from './derivative-rule.ts'
import { convolutionRules } from './rules/convolution.ts'
import { elementwiseRules } from './rules/elementwise.ts'
import { indexingRules } from './rules/indexing.ts'
import { linalgRules } from './rules/linalg.ts'
import { movementRules } from './rules/movement.ts'
import { normalizationRules } from './rules/normalization.ts'
import { carriers, quantizationRules, rounding, straightThroughRules } from './rules/quantization.ts'
import { reductionRules } from './rules/reduction.ts'
import { type Tangent, type Tape, tape } from './tangent.ts'

/** Derivative rules by operator. */
export const ruleTable: RuleTable = {
  ...elementwiseRules,
  ...movementRules,
  ...reductionRules,
  ...indexingRules,
  ...linalgRules,
  ...convolutionRules,
  ...normalizationRules,
  ...quantizationRules,
}

/** Operators that have a derivative rule. */
export const differentiableOperators: readonly string[] = Object.keys(ruleTable).sort()

/** How quantized models are differentiated; shared by `jvp`, `vjp` and `jacobian`. */
export interface QuantizationOptions {
  /**
   * Takes rounding to a quantized type as if it were not there, 1 where a number is not clipped and 0 where it is, as
   * training with fake quantization does. Without it derivatives are what they are: 0 through whatever rounds.
   */
  straightThrough?: boolean | undefined
  /** Told, once a call, that derivatives are 0 because a model rounds (default `console.warn`). */
  onWarning?: ((message: string) => void) | undefined
}

/**
 * Tangents of a model's values, by name: of those in `of`, and of what lies between them and the values in `wrt`, whose
 * tangents `seed` makes. The rest of the model may hold operators without rules.
 */
export function linearize(
  model: Model,
  g: GraphBuilder,
  wrt: readonly string[],
  of: readonly string[],
  seed: (name: string, tape: Tape) => Tangent,
  options: QuantizationOptions = {},
): Map<string, Tangent> {
  const { straightThrough = false, onWarning = (message) => console.warn(message) } = options
  const stopped: Node[] = []
  const program = tape()
  const tangents = new Map<string, Tangent>()
  for (const name of wrt) tangents.set(name, seed(name, program))
  const ends = of.map((name) => ({ name, ...g.info(name) }))
  const { nodes } = prune({ ...model.graph, outputs: ends })
  const optional = choices(nodes)
  for (const node of nodes) {
    if (!usedValues(node).some((name) => tangents.has(name))) continue
    const t = node.inputs.map((name) => tangents.get(name))
    if (!straightThrough && rounding.includes(node.opType)) stopped.push(node)
    checkCarrier(node, g, t)
    const rule = ruleOf(node, straightThrough)
    const mayBeDropped = optional.has(node.outputs[0]!)
    const given = { node, g, tape: program, x: node.inputs, y: node.outputs, t, mayBeDropped }
    const found = atNode(node, () => rule(given))
    node.outputs.forEach((name, i) => {
      // A value named in wrt is independent: what reaches it from before does not count.
      const tangent = found[i]
      if (tangent && !wrt.includes(name)) tangents.set(name, tangent)
    })
  }
  if (stopped.length > 0) onWarning(warningOf(stopped))
  return tangents
}

/** Values that a Where may drop, seen through casts and copies: where they are NaN, their derivative is 0 and not NaN. */
function choices(nodes: readonly Node[]): ReadonlySet<string> {
  const copies = new Map(
    nodes.flatMap((node): [string, string][] =>
      /^(Cast|CastLike|Identity|Dropout)$/.test(node.opType) ? [[node.outputs[0]!, node.inputs[0]!]] : [],
    ),
  )
  const found = new Set<string>()
  for (const node of nodes) {
    if (node.opType !== 'Where' || node.domain !== '') continue
    for (const choice of node.inputs.slice(1))
      for (let name: string | undefined = choice; name !== undefined; name = copies.get(name)) found.add(name)
  }
  return found
}

function warningOf(stopped: readonly Node[]): string {
  const [first] = stopped
  const more = stopped.length > 1 ? ` and ${stopped.length - 1} more` : ''
  return (
    `derivative: 0 through ${describe(first!)}${more}, because rounding has no slope ` +
    '(straightThrough: true takes it as if it were not there)'
  )
}

/** Refuses operators that compute with quantized numbers as with any integers. */
function checkCarrier(node: Node, g: GraphBuilder, t: readonly (Tangent | undefined)[]): void {
  const quantized = t.some((tangent, i) => tangent && !isFloating(g, node.inputs[i]!))
  if (!quantized || carriers.has(node.opType)) return
  const expected = 'an operator that straightThrough passes on'
  throw mismatch('E_UNSUPPORTED', `derivative by quantized numbers`, expected, describe(node))
}

/** Domains that have some of the standard's operators of quantization in more types. */
const quantizationDomains = ['', 'com.microsoft']

function ruleOf(node: Node, straightThrough: boolean): Rule {
  const own = (table: RuleTable): Rule | undefined =>
    Object.hasOwn(table, node.opType) ? table[node.opType] : undefined
  const straight = straightThrough && quantizationDomains.includes(node.domain) ? own(straightThroughRules) : undefined
  const linear = /^(Q|Deq)uantizeLinear$/.test(node.opType) && quantizationDomains.includes(node.domain)
  const rule = straight ?? (node.domain === '' || linear ? own(ruleTable) : undefined)
  if (!rule)
    throw new OodError('E_UNSUPPORTED', `derivative: expected an operator with a rule for it, got ${describe(node)}`)
  return rule
}

/** Refuses names that are no floating-point value of the model. */
export function checkNames(what: string, names: readonly string[], g: GraphBuilder, model: Model): void {
  if (names.length === 0) throw mismatch('E_ARGUMENT', what, 'at least one name', 'none')
  for (const name of names) {
    const { inputs, outputs } = model.graph
    const { type, shape } = g.info(name)
    if (type === 'other' && shape === undefined)
      throw unknownName(
        what,
        name,
        [...inputs, ...outputs].map((v) => v.name),
      )
    if (!isFloating(g, name)) throw mismatch('E_ARGUMENT', `${what} ${name}`, 'a floating-point value', type)
  }
}

/** Names of a model's floating-point outputs. */
export function floatingOutputs(model: Model, g: GraphBuilder): string[] {
  return model.graph.outputs.filter((y) => isFloating(g, y.name)).map((y) => y.name)
}

function isFloating(g: GraphBuilder, name: string): boolean {
  const { type } = g.info(name)
  return type.startsWith('float') || type === 'bfloat16'
}

/** Shape of a value to differentiate by. */
export function rankedShape(what: string, g: GraphBuilder, name: string): readonly Dim[] {
  const { shape } = g.info(name)
  if (!shape) throw mismatch('E_UNSUPPORTED', `${what} ${name}`, 'a known rank', 'none')
  return shape
}
