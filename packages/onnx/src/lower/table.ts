// Operators that are lowered: one table, by operator and domain.
import type { Node } from '../types.ts'
import { attentionLowerings } from './attention.ts'
import { microsoftLowerings, simplified } from './contrib.ts'
import { einsum } from './einsum.ts'
import { gridSample } from './grid.ts'
import { layerLowerings } from './layers.ts'
import { linearAttentionLowerings } from './linear-attention.ts'
import { type LoweringTable, lowered } from './lowering-rule.ts'
import { movementLowerings } from './movement.ts'
import { recurrentLowerings } from './recurrent.ts'
import type { NodeWriter } from './rewriter.ts'
import { signalLowerings } from './signal.ts'

/** Lowerings of the standard domain. */
export const standardLowerings: LoweringTable = {
  ...recurrentLowerings,
  ...attentionLowerings,
  ...layerLowerings,
  ...movementLowerings,
  ...signalLowerings,
  ...linearAttentionLowerings,
  Einsum: einsum,
  GridSample: gridSample,
  // The runtime writes it without a domain.
  SimplifiedLayerNormalization: simplified,
}

/** Lowerings of operators that runtimes add, by domain. */
export const otherLowerings: Readonly<Record<string, LoweringTable>> = { 'com.microsoft': microsoftLowerings }

/** Values in place of a node's outputs; undefined for operators that are not lowered. */
export function lowerNode(node: Node, g: NodeWriter): readonly (string | undefined)[] | undefined {
  const table = node.domain === '' ? standardLowerings : otherLowerings[node.domain]
  const rule = table && Object.hasOwn(table, node.opType) ? table[node.opType] : undefined
  return rule?.(lowered(node, g))
}
