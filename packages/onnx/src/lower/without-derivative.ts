// What of a model derivatives do not pass: operators that are refused, and operators that round.
import { functionKey, functionTable } from '../functions.ts'
import { rounding } from '../jvp/rules/quantization.ts'
import type { Model, Node } from '../types.ts'
import { coverage } from './coverage.ts'

/** Operators of a model, by what derivatives make of them; with their domain in front unless it is the standard one. */
export interface DerivativeLimits {
  /** Refused by `jvp` and `vjp` when a derivative reaches them. */
  readonly refused: readonly string[]
  /** The derivative is 0 because they round to a quantized type (see `straightThrough`). */
  readonly rounding: readonly string[]
}

/**
 * Says what derivatives of a model do not pass, by operators; sizes and constants that have to be known are not looked at.
 * Subgraphs and called functions count.
 *
 * @example
 * derivativeLimits(readModel(bytes)).refused // ['NonMaxSuppression'], or [] when every operator has its derivative
 */
export function derivativeLimits(model: Model): DerivativeLimits {
  const functions = functionTable(model)
  const refused = new Set<string>()
  const rounds = new Set<string>()
  const walked = new Set<string>()
  const walk = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      for (const a of Object.values(node.attributes)) if (a.kind === 'graph') walk(a.value.nodes)
      const key = functionKey(node, node.opType)
      const called = functions.get(key)
      if (called) {
        if (!walked.has(key)) {
          walked.add(key)
          walk(called.nodes)
        }
        continue
      }
      const name = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`
      if (rounding.includes(node.opType)) rounds.add(name)
      else if (!Object.hasOwn(coverage, name) || coverage[name]!.how === 'refused') refused.add(name)
    }
  }
  walk(model.graph.nodes)
  return { refused: [...refused].sort(), rounding: [...rounds].sort() }
}
