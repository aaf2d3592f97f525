// Reverse-mode derivatives: an ONNX model in, the same model with cotangents of inner values beside its outputs out.

import { mismatch } from '@ood/core'
import { atModel } from '../at-node.ts'
import { graphBuilder } from '../builder.ts'
import { checkNames, floatingOutputs, linearize, type QuantizationOptions, rankedShape } from '../jvp/linearize.ts'
import { tangentsToWrite } from '../jvp/plan.ts'
import { checkSuffix, directionAxis, directionCount, named, noDerivative } from '../jvp/ports.ts'
import { sizeSource } from '../jvp/sizes.ts'
import { tape } from '../jvp/tangent.ts'
import { tangentWriter } from '../jvp/writer.ts'
import { lower } from '../lower/lower.ts'
import type { Model } from '../types.ts'
import { transposed } from './transpose.ts'

/** Options of `vjp`. */
export interface VjpOptions extends QuantizationOptions {
  /** Values to differentiate by: inputs, weights (initializers), or any inner value, which is then independent. */
  wrt: readonly string[]
  /** Values to differentiate; every floating-point output by default. */
  of?: readonly string[] | undefined
  /** Name of the leading axis of the cotangents (default 'K', or the first of K2, K3 ... the model does not have). */
  cotangentAxis?: string | undefined
  /** What a cotangent's name adds to its value's (default '_cotangent'); the second `vjp` of a model needs another. */
  suffix?: string | undefined
}

/**
 * Differentiates a model in reverse mode.
 *
 * The result computes y = f(x) and, for K cotangents u_k at once, the products u_kᵀ J(x) (reverse accumulation: Griewank &
 * Walther, Evaluating Derivatives, section 3.2). It has the inputs of `model`, then `<y>_cotangent` [K, ...y.shape] for
 * each `of`, and the outputs `<y>` for each `of` and `<x>_cotangent` [K, ...x.shape] for each `wrt`: the sum over all
 * `of` of the cotangents that arrive at x. K >= 1 is free at run time; for the gradient of a loss feed one cotangent of
 * ones.
 *
 * The derivative is linearized as for `jvp` and the linear program is transposed (Radul et al., You Only Linearize Once,
 * 2023), so that both modes come from one rule per operator and agree where f has kinks. The primal runs once whatever K
 * is, regions of elementwise operators cost one product per value they lead back to, and what no cotangent reaches is
 * not computed. Cost for K = 1, the model's own run included: about three times the model, four with the cotangents of
 * all its weights.
 *
 * The result is an ordinary model: `jvp` of it gives Hessian-vector products, `vjp` of it (with another suffix)
 * derivatives of gradients.
 *
 * @param given - a model of operator set 7 or newer; the result is in set 18 or newer
 * @throws OodError as `jvp`; `E_UNSUPPORTED` also for an operator that only forward mode has; `E_ARGUMENT` for a suffix
 *   or an axis name that the model already uses
 * @example
 * const loss = vjp(readModel(bytes), { wrt: ['x', 'fc.weight'], of: ['loss'] })
 * // inputs x [N, 784], loss_cotangent [K]; outputs loss [], x_cotangent [K, N, 784], fc.weight_cotangent [K, 10, 784]
 * const hvp = jvp(loss, { wrt: ['x'], of: ['x_cotangent'] }) // x_cotangent_tangent: the Hessian times x_tangent
 */
export function vjp(given: Model, options: VjpOptions): Model {
  return atModel('vjp', () => writeCotangents(given, options))
}

function writeCotangents(given: Model, options: VjpOptions): Model {
  const model = lower('vjp', given, options.wrt, options.of, options)
  const g = graphBuilder({ from: model })
  const { wrt, suffix = '_cotangent' } = options
  const axis = directionAxis('vjp cotangentAxis', model, options.cotangentAxis)
  const of = options.of ?? floatingOutputs(model, g)
  checkNames('vjp wrt', wrt, g, model)
  checkNames('vjp of', of, g, model)
  const both = of.find((name) => wrt.includes(name))
  if (both !== undefined) throw mismatch('E_ARGUMENT', 'vjp of', 'a value other than those in wrt', both)
  checkSuffix('vjp', suffix, [...wrt, ...of], g)

  const seeds = new Map(wrt.map((name) => [name, rankedShape('vjp wrt', g, name)]))
  const tangents = linearize(
    model,
    g,
    wrt,
    of,
    (name, program) => {
      return program.seed('', seeds.get(name)!, g.info(name).type, name)
    },
    options,
  )
  const cotangents = tape()
  const arriving = of.map((name) => {
    const shape = rankedShape('vjp of', g, name)
    const { type } = g.info(name)
    const input = g.input(name + suffix, type, [axis, ...named(shape, name)])
    return { input, tangent: tangents.get(name), cotangent: cotangents.seed(input, shape, type, name) }
  })
  const results = arriving.flatMap(({ tangent, cotangent }) => (tangent ? [{ tangent, cotangent }] : []))
  const found = transposed(results, { tape: cotangents, g })
  const wanted = wrt.map((name) => ({ name, cotangent: found.get(tangents.get(name)!) }))

  const list = tangentsToWrite([
    ...results.map((result) => result.cotangent),
    ...wanted.flatMap(({ cotangent }) => (cotangent ? [cotangent] : [])),
  ])
  const writing = new Set(list)
  const k = (): string => directionCount(g, arriving[0]!.input)
  const writer = tangentWriter(g, (t) => writing.has(t), { kind: 'free', k }, sizeSource(model, g))
  for (const t of list) writer.write(t)

  for (const name of of) {
    const { type, shape } = model.graph.outputs.find((y) => y.name === name) ?? g.info(name)
    g.output(name, name, { type, shape: shape && named(shape, name) })
  }
  for (const { name, cotangent } of wanted) {
    const value = cotangent ? writer.stacked(cotangent) : noDerivative(g, name, k())
    g.output(name + suffix, value, { type: g.info(name).type, shape: [axis, ...named(seeds.get(name)!, name)] })
  }
  return g.model()
}
