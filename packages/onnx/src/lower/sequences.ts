// Sequences and optionals that are known value by value: nodes that take from them read the values themselves.
import { attribute, int } from '../attributes.ts'
import { positiveAxis } from '../infer/dims.ts'
import { plainNumbers, tensorOf } from '../tensors.ts'
import type { Node } from '../types.ts'
import type { Rewriter } from './rewriter.ts'

/** Contents of the sequences and optionals met so far, by name. */
export interface Sequences {
  /** Values that replace a node's outputs; undefined when the node has to stay as it is. */
  lower(node: Node): readonly string[] | undefined
}

export function sequences(w: Rewriter): Sequences {
  const known = new Map<string, readonly string[]>()
  const listOf = (name: string | undefined): readonly string[] | undefined =>
    name === undefined ? undefined : known.get(w.resolve(name))
  /** An index input as a number; `fallback` where it is left out. */
  const indexOf = (name: string | undefined, size: number, fallback: number): number | undefined => {
    if (!name) return fallback
    const tensor = w.constantTensor(name)
    return tensor && positiveAxis(plainNumbers(tensor)[0]!, size)
  }
  const remember = (node: Node, list: readonly string[] | undefined): undefined => {
    if (list) known.set(node.outputs[0]!, list)
    return undefined
  }

  const rules: Record<string, (node: Node) => readonly string[] | undefined> = {
    SequenceEmpty: (node) => remember(node, []),
    SequenceConstruct: (node) => remember(node, node.inputs),
    Optional: (node) => remember(node, node.inputs.length > 0 ? (listOf(node.inputs[0]) ?? node.inputs) : undefined),
    Identity: (node) => remember(node, listOf(node.inputs[0])),
    SequenceInsert(node) {
      const list = listOf(node.inputs[0])
      const at = list && indexOf(node.inputs[2], list.length, list.length)
      if (!list || at === undefined) return undefined
      return remember(node, [...list.slice(0, at), node.inputs[1]!, ...list.slice(at)])
    },
    SequenceErase(node) {
      const list = listOf(node.inputs[0])
      const at = list && indexOf(node.inputs[1], list.length, list.length - 1)
      return remember(node, at === undefined ? undefined : list!.filter((_, i) => i !== at))
    },
    SequenceAt(node) {
      const list = listOf(node.inputs[0])
      const at = list && indexOf(node.inputs[1], list.length, 0)
      return at === undefined || !list?.[at] ? undefined : [list[at]]
    },
    SequenceLength(node) {
      const list = listOf(node.inputs[0])
      return list && [w.scalar('int64', list.length)]
    },
    OptionalGetElement(node) {
      const list = listOf(node.inputs[0])
      // Newer operator sets also take a tensor itself.
      if (!list) return w.info(node.inputs[0]!).shape ? [node.inputs[0]!] : undefined
      return list.length === 1 ? list : remember(node, list)
    },
    OptionalHasElement(node) {
      const has = node.inputs[0] ? listOf(node.inputs[0]) || w.info(node.inputs[0]).shape : undefined
      return has ? [w.constant('has', tensorOf('bool', [], [1]))] : undefined
    },
    ConcatFromSequence(node) {
      const list = listOf(node.inputs[0])
      if (!list || list.length === 0) return undefined
      const stacked = attribute(node, 'new_axis', 'int', 0) === 1
      const rank = (w.info(list[0]!).shape?.length ?? 0) + (stacked ? 1 : 0)
      const axis = positiveAxis(attribute(node, 'axis', 'int', 0), rank)
      const parts = stacked ? list.map((value) => w.op('Unsqueeze', [value, w.int64([axis])])) : list
      return [parts.length === 1 ? parts[0]! : w.op('Concat', parts, { axis: int(axis) })]
    },
    SplitToSequence: (node) => remember(node, splitParts(w, node)),
  }
  return {
    lower: (node) => (node.domain === '' && Object.hasOwn(rules, node.opType) ? rules[node.opType]!(node) : undefined),
  }
}

/** The parts of a split whose number is known, as values of their own. */
function splitParts(w: Rewriter, node: Node): readonly string[] | undefined {
  const { shape } = w.info(node.inputs[0]!)
  if (!shape) return undefined
  const axis = positiveAxis(attribute(node, 'axis', 'int', 0), shape.length)
  const size = shape[axis]
  if (typeof size !== 'number') return undefined
  const asked = node.inputs[1] ? w.constantTensor(node.inputs[1]) : undefined
  if (node.inputs[1] && !asked) return undefined
  const numbers = asked ? plainNumbers(asked) : [1]
  const chunk = numbers[0]!
  const sizes =
    asked && asked.shape.length === 1
      ? numbers
      : Array.from({ length: Math.ceil(size / chunk) }, (_, i) => Math.min(chunk, size - i * chunk))
  if (sizes.length === 0) return []
  const parts = w.ops('Split', [node.inputs[0]!, w.int64(sizes)], { axis: int(axis) }, sizes.length)
  const dropped = !asked && attribute(node, 'keepdims', 'int', 1) === 0
  return dropped ? parts.map((part) => w.op('Squeeze', [part, w.int64([axis])])) : parts
}
