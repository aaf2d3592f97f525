// Forward-mode derivatives: an ONNX model in, the same model with tangents beside its outputs out.
import { atModel } from '../at-node.ts'
import { graphBuilder } from '../builder.ts'
import { lower } from '../lower/lower.ts'
import type { Model } from '../types.ts'
import { checkNames, floatingOutputs, linearize, type QuantizationOptions, rankedShape } from './linearize.ts'
import { tangentsToWrite } from './plan.ts'
import { directionAxis, directionCount, named, noDerivative } from './ports.ts'
import { sizeSource } from './sizes.ts'
import { tangentWriter } from './writer.ts'

/** Options of `jvp`. */
export interface JvpOptions extends QuantizationOptions {
  /** Values to differentiate by: inputs, weights (initializers), or any inner value, which is then independent. */
  wrt: readonly string[]
  /** Values to differentiate; every floating-point output by default. */
  of?: readonly string[] | undefined
  /** Name of the leading axis of the tangents (default 'K', or the first of K2, K3 ... the model does not have). */
  tangentAxis?: string | undefined
  /** What a tangent's name adds to its value's (default '_tangent'); another one lets a result be differentiated again. */
  suffix?: string | undefined
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
 * share the model's weights. For the whole Jacobian at one point `jacobian` is faster.
 *
 * @param given - a model of operator set 7 or newer; the result is in set 18 or newer
 * @throws OodError `E_UNKNOWN_NAME` for a name the model does not have; `E_UNSUPPORTED` naming operator and node when a
 *   tangent reaches an operator without a rule (operators no tangent reaches do not matter)
 * @example
 * const decode = jvp(readModel(bytes), { wrt: ['z'] })
 * // inputs z [N, 784], z_tangent [K, N, 784]; outputs x [N, 1, 28, 28], x_tangent [K, N, 1, 28, 28]
 */
export function jvp(given: Model, options: JvpOptions): Model {
  return atModel('jvp', () => writeTangents(given, options))
}

function writeTangents(given: Model, options: JvpOptions): Model {
  const model = lower('jvp', given, options.wrt, options.of, options)
  const g = graphBuilder({ from: model })
  const axis = directionAxis('jvp tangentAxis', model, options.tangentAxis)
  const suffix = options.suffix ?? '_tangent'
  const of = options.of ?? floatingOutputs(model, g)
  checkNames('jvp wrt', options.wrt, g, model)
  checkNames('jvp of', of, g, model)

  const tangents = linearize(
    model,
    g,
    options.wrt,
    of,
    (name, tape) => {
      const shape = rankedShape('jvp wrt', g, name)
      const { type } = g.info(name)
      const input = g.input(name + suffix, type, [axis, ...named(shape, name)])
      return tape.seed(input, shape, type, name)
    },
    options,
  )
  const outputs = of.map((name) => ({ name, tangent: tangents.get(name) }))
  const wanted = outputs.flatMap(({ tangent }) => (tangent ? [tangent] : []))
  const list = tangentsToWrite([...options.wrt.map((name) => tangents.get(name)!), ...wanted])
  const writing = new Set(list)
  const k = (): string => directionCount(g, options.wrt[0] + suffix)
  const writer = tangentWriter(g, (t) => writing.has(t), { kind: 'free', k }, sizeSource(model, g))
  for (const t of list) writer.write(t)

  for (const { name, tangent } of outputs) {
    const { type, shape } = model.graph.outputs.find((y) => y.name === name) ?? g.info(name)
    g.output(name, name, { type, shape: shape && named(shape, name) })
    const value = tangent ? writer.stacked(tangent) : noDerivative(g, name, k())
    g.output(name + suffix, value, { type, shape: shape && [axis, ...named(shape, name)] })
  }
  return g.model()
}
