// Inner values of a model as further outputs: what a network computes on the way, without exporting it again.
import { mismatch, OodError, unknownName } from '@ood/core'
import { atModel } from './at-node.ts'
import { graphBuilder } from './builder.ts'
import type { Model } from './types.ts'

/** Options of `withOutputs`. */
export interface WithOutputsOptions {
  /** Leave out the outputs that the model has, and every node that only they need (default false). */
  only?: boolean | undefined
}

/**
 * The model with inner values as outputs, under their own names, behind those it has. Type and shape are inferred; what
 * no output needs is dropped.
 *
 * @param model - any model
 * @param names - values of the graph: outputs of nodes, inputs, or initializers; outputs it already has may be named
 * @throws OodError `E_UNKNOWN_NAME` for a value that the graph does not have, giving the nearest names; `E_ARGUMENT` for
 *   a name given twice, or no output at all
 * @example
 * const maps = withOutputs(readModel(bytes), ['coupling.0.s', 'coupling.0.t'], { only: true })
 */
export function withOutputs(model: Model, names: readonly string[], options: WithOutputsOptions = {}): Model {
  return atModel('withOutputs', () => {
    const { graph } = model
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    if (twice !== undefined) throw mismatch('E_ARGUMENT', 'withOutputs', 'each name once', twice)
    const values = new Set([
      ...graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== '')),
      ...graph.inputs.map(({ name }) => name),
      ...graph.initializers.keys(),
    ])
    for (const name of names) if (!values.has(name)) throw unknownName('value of the graph', name, [...values])
    const kept = options.only ? [] : graph.outputs
    const g = graphBuilder({ from: model })
    for (const { name, type, shape } of kept) g.output(name, name, { type, shape })
    for (const name of names) {
      if (kept.some((output) => output.name === name)) continue
      const declared = graph.outputs.find((output) => output.name === name)
      g.output(name, name, declared && { type: declared.type, shape: declared.shape })
    }
    const out = g.model()
    if (out.graph.outputs.length === 0)
      throw new OodError('E_ARGUMENT', 'withOutputs: expected at least one name, got none')
    return out
  })
}
