// Forward-mode derivatives: an ONNX model in, the same model with tangents beside its outputs out.
import { mismatch, OodError, unknownName } from '@ood/core'
import { describe, int } from '../attributes.ts'
import { type GraphBuilder, graphBuilder } from '../builder.ts'
import { usedValues } from '../prune.ts'
import type { Dim, Model, Node } from '../types.ts'
import { emitTangents } from './emit.ts'
import { tangentsToWrite } from './plan.ts'
import type { Rule, RuleTable } from './rule.ts'
import { convolutionRules } from './rules/convolution.ts'
import { elementwiseRules } from './rules/elementwise.ts'
import { linalgRules } from './rules/linalg.ts'
import { movementRules } from './rules/movement.ts'
import { normalizationRules } from './rules/normalization.ts'
import { reductionRules } from './rules/reduction.ts'
import { type Tangent, tape } from './tangent.ts'

const rules: RuleTable = {
  ...elementwiseRules,
  ...movementRules,
  ...reductionRules,
  ...linalgRules,
  ...convolutionRules,
  ...normalizationRules,
}

/** Oldest operator set whose operators the rules write. */
const OLDEST_OPSET = 13

/** Operators `jvp` has a rule for. */
export const differentiableOperators: readonly string[] = Object.keys(rules).sort()

/** Options of `jvp`. */
export interface JvpOptions {
  /** Values to differentiate by: inputs, or any inner value, which is then treated as independent. */
  wrt: readonly string[]
  /** Values to differentiate; every floating-point output by default. */
  of?: readonly string[]
  /** Name of the leading axis of the tangents (default 'K'). */
  tangentAxis?: string
  /** What a tangent's name adds to its value's (default '_tangent'); another one lets a result be differentiated again. */
  suffix?: string
}

/**
 * Differentiates a model in forward mode.
 *
 * The result computes y = f(x) and, for K directions v_k at once, the products J(x) v_k (Pearlmutter 1994; the rules are
 * those of any forward-mode text, for instance Griewank & Walther, Evaluating Derivatives, chapter 3). It has the
 * inputs of `model`, then `<x>_tangent` [K, ...x.shape] for each `wrt`, and the outputs `<y>` and `<y>_tangent`
 * [K, ...y.shape] for each `of`. K >= 1 is free at run time.
 *
 * The primal runs once whatever K is. Elementwise regions cost the tangents one product per region input: their
 * derivatives are accumulated at the primal's size first. Convolutions and matrix products fold K into the batch and
 * share the model's weights.
 *
 * @param model - operator set 13 or newer
 * @throws OodError `E_UNKNOWN_NAME` for a name the model does not have; `E_UNSUPPORTED` naming operator and node when a
 *   tangent reaches an operator without a rule (operators no tangent reaches do not matter)
 * @example
 * const decode = jvp(readModel(bytes), { wrt: ['z'] })
 * // inputs z [N, 784], z_tangent [K, N, 784]; outputs x [N, 1, 28, 28], x_tangent [K, N, 1, 28, 28]
 */
export function jvp(model: Model, options: JvpOptions): Model {
  const opset = model.opsets[''] ?? 0
  if (opset < OLDEST_OPSET) throw mismatch('E_UNSUPPORTED', 'jvp operator set', `${OLDEST_OPSET} or newer`, opset)
  const g = graphBuilder({ from: model })
  const axis = options.tangentAxis ?? 'K'
  const suffix = options.suffix ?? '_tangent'
  const of = options.of ?? model.graph.outputs.filter((y) => isFloating(g, y.name)).map((y) => y.name)
  check('jvp wrt', options.wrt, g, model)
  check('jvp of', of, g, model)

  const tangents = linearize(model, g, options.wrt, axis, suffix)
  const outputs = of.map((name) => ({ name, tangent: tangents.get(name) }))
  const wanted = outputs.flatMap(({ tangent }) => (tangent ? [tangent] : []))
  const seeds = options.wrt.map((name) => tangents.get(name)!)
  const written = emitTangents(g, tangentsToWrite([...seeds, ...wanted]))

  for (const { name, tangent } of outputs) {
    const { type, shape } = model.graph.outputs.find((y) => y.name === name) ?? g.info(name)
    g.output(name, name, { type, shape: shape && named(shape, name) })
    const value = tangent ? written(tangent) : zeros(g, name, options.wrt[0] + suffix)
    g.output(name + suffix, value, { type, shape: shape && [axis, ...named(shape, name)] })
  }
  return g.model()
}

/** Walks the primal graph and gives every value a tangent reaches its tangent. */
function linearize(
  model: Model,
  g: GraphBuilder,
  wrt: readonly string[],
  axis: string,
  suffix: string,
): Map<string, Tangent> {
  const program = tape()
  const tangents = new Map<string, Tangent>()
  for (const name of wrt) {
    const { type, shape } = g.info(name)
    if (!shape) throw mismatch('E_UNSUPPORTED', `jvp wrt ${name}`, 'a known rank', 'none')
    const input = g.input(name + suffix, type, [axis, ...named(shape, name)])
    tangents.set(name, program.seed(input, shape, type, name))
  }
  for (const node of model.graph.nodes) {
    const t = node.inputs.map((name) => tangents.get(name))
    const captured = usedValues(node).some((name) => tangents.has(name))
    if (!captured) continue
    const found = ruleOf(node)({ node, g, tape: program, x: node.inputs, y: node.outputs, t })
    node.outputs.forEach((name, i) => {
      // A value named in wrt is independent: what reaches it from before does not count.
      const tangent = found[i]
      if (tangent && !wrt.includes(name)) tangents.set(name, tangent)
    })
  }
  return tangents
}

function ruleOf(node: Node): Rule {
  const rule = node.domain === '' && Object.hasOwn(rules, node.opType) ? rules[node.opType] : undefined
  if (!rule)
    throw new OodError('E_UNSUPPORTED', `jvp: expected an operator with a derivative rule, got ${describe(node)}`)
  return rule
}

function check(what: string, names: readonly string[], g: GraphBuilder, model: Model): void {
  if (names.length === 0) throw mismatch('E_ARGUMENT', what, 'at least one name', 'none')
  for (const name of names) {
    const { inputs, outputs } = model.graph
    if (g.info(name).type === 'other' && g.info(name).shape === undefined)
      throw unknownName(
        what,
        name,
        [...inputs, ...outputs].map((v) => v.name),
      )
    if (!isFloating(g, name))
      throw mismatch('E_ARGUMENT', `${what} ${name}`, 'a floating-point value', g.info(name).type)
  }
}

function isFloating(g: GraphBuilder, name: string): boolean {
  const { type } = g.info(name)
  return type.startsWith('float') || type === 'bfloat16'
}

/** Axes whose size has no name of its own get one, so that the declared shape can be written. */
function named(shape: readonly Dim[], value: string): Dim[] {
  return shape.map((dim, i) => (typeof dim === 'string' && /[?#(]/.test(dim) ? `${value}_${i}` : dim))
}

/** The tangent of a value nothing reaches. */
function zeros(g: GraphBuilder, name: string, seed: string): string {
  const k = g.op('Slice', [g.op('Shape', [seed]), g.int64([0]), g.int64([1])])
  const sizes = g.op('Concat', [k, g.op('Shape', [name])], { axis: int(0) })
  return g.op('Expand', [g.scalar(g.info(name).type, 0), sizes])
}
