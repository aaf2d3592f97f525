// Attention with functions of its scores and its probabilities, given as subgraphs.
import { attribute, int, ints } from '../attributes.ts'
import { primal } from '../jvp/primal.ts'
import { elementNumber, elementType } from '../proto.ts'
import type { ElementType, Node } from '../types.ts'
import { repeatHeads } from './attention.ts'
import { bodyOf, inline } from './body.ts'
import type { Control } from './control.ts'
import { lowered, shapeOf, size } from './lowering-rule.ts'

/** The domain of operators that the standard still tries out. */
export const PREVIEW = 'ai.onnx.preview'

/** prob_mod(softmax(score_mod(scale Q K'))) V; softmax and both functions in `softmax_precision`. */
export function flexAttention(c: Control, node: Node): string[] {
  const { w } = c
  const l = lowered(node, w)
  const [query, key, value] = node.inputs as [string, string, string]
  const [heads, kvHeads] = [query, key].map((x) => size(l, shapeOf(l, x)[1], 'number of heads')) as [number, number]
  const scale =
    attribute(node, 'scale', 'float', undefined) ?? 1 / Math.sqrt(size(l, shapeOf(l, query)[3], 'head size'))
  const precise: ElementType = l.type === 'float64' ? 'float64' : 'float32'
  const said = attribute(node, 'softmax_precision', 'int', undefined)
  const type = said === undefined ? precise : elementType(said)
  const cast = (x: string, to: ElementType): string =>
    w.info(x).type === to ? x : w.op('Cast', [x], { to: int(elementNumber(to)) })
  const modified = (name: string, x: string): string => {
    const graph = node.attributes[name]
    if (graph?.kind !== 'graph') return x
    return inline(w, bodyOf(graph.value), new Map([[graph.value.inputs[0]!.name, x]]), c.emit)[0]!
  }
  const p = primal(w, l.type)
  const root = Math.sqrt(scale)
  const keys = repeatHeads(l, key, heads / kvHeads, heads)
  const turned = w.op('Transpose', [keys], { perm: ints([0, 1, 3, 2]) })
  const scores = cast(w.op('MatMul', [p.mul(query, root), p.mul(turned, root)]), type)
  const weights = modified('prob_mod', w.op('Softmax', [modified('score_mod', scores)], { axis: int(-1) }))
  const y = w.op('MatMul', [weights, cast(repeatHeads(l, value, heads / kvHeads, heads), type)])
  return [cast(y, l.type)]
}
