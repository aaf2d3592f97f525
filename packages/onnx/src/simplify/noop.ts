// Nodes that give what they get.
import { attribute } from '../attributes.ts'
import type { Info } from '../infer/shape-rule.ts'
import { elementType } from '../proto.ts'
import { count, plainNumbers } from '../tensors.ts'
import type { Dim, Node, Tensor } from '../types.ts'

/** What is known about a node's surroundings. */
export interface Facts {
  info(name: string): Info | undefined
  constant(name: string): Tensor | undefined
}

/** The input a node's only used output equals bit for bit, or undefined. */
export function sameAs(node: Node, f: Facts): string | undefined {
  const test = node.domain === '' && Object.hasOwn(tests, node.opType) ? tests[node.opType] : undefined
  if (!test) return undefined
  const at = test(node, f)
  return at === undefined || node.inputs[at] === '' ? undefined : node.inputs[at]
}

/** Index of the input the first output equals. */
type Test = (node: Node, f: Facts) => number | undefined

const when = (holds: boolean | undefined): number | undefined => (holds === true ? 0 : undefined)

const ints = (node: Node, index: number, f: Facts): number[] | undefined => {
  const tensor = node.inputs[index] ? f.constant(node.inputs[index]) : undefined
  return tensor && plainNumbers(tensor)
}

const shapeOf = (node: Node, f: Facts): readonly Dim[] | undefined => f.info(node.inputs[0]!)?.shape

/** A constant of ones or zeros that cannot broaden the other operand. */
function neutral(node: Node, index: number, value: number, f: Facts): boolean {
  const tensor = node.inputs[index] ? f.constant(node.inputs[index]) : undefined
  const other = f.info(node.inputs[1 - index] ?? '')
  if (!tensor || !other?.shape || count(tensor.shape) !== 1 || tensor.shape.length > other.shape.length) return false
  return (tensor.type === 'float32' || tensor.type === 'float64') && Object.is(tensor.data[0], value)
}

const alone: Test = (node) => when(node.inputs.length === 1)

/** Does each start, end and step take the whole axis? */
const slice: Test = (node, f) => {
  const [starts, ends] = [ints(node, 1, f), ints(node, 2, f)]
  const axes = node.inputs[3] ? ints(node, 3, f) : starts?.map((_, axis) => axis)
  const steps = node.inputs[4] ? ints(node, 4, f) : starts?.map(() => 1)
  const shape = shapeOf(node, f)
  if (!starts || !ends || !axes || !steps) return undefined
  const whole = starts.every((start, i) => {
    const size = shape?.[axes[i]! < 0 ? axes[i]! + shape.length : axes[i]!]
    const toEnd = ends[i]! >= 2 ** 31 - 1 || (typeof size === 'number' && ends[i]! >= size)
    return start === 0 && steps[i] === 1 && toEnd
  })
  return when(whole)
}

const tests: Readonly<Record<string, Test>> = {
  Identity: () => 0,
  Cast: (node, f) => {
    const to = elementType(attribute(node, 'to', 'int', 0))
    return when(to !== 'other' && f.info(node.inputs[0]!)?.type === to)
  },
  Transpose: (node) => when(attribute(node, 'perm', 'ints', undefined)?.every((axis, i) => axis === i)),
  Reshape: (node, f) => {
    const shape = shapeOf(node, f)
    const target = ints(node, 1, f)
    if (!shape || !target || target.length !== shape.length || attribute(node, 'allowzero', 'int', 0) === 1)
      return undefined
    // One open axis is what the others leave: the same, when all others are.
    const open = target.filter((n) => n === -1).length
    return when(open <= 1 && target.every((n, axis) => n === 0 || n === -1 || n === shape[axis]) && !shape.includes(0))
  },
  Expand: (node, f) => {
    const shape = shapeOf(node, f)
    const target = ints(node, 1, f)
    return when(shape && target && target.length <= shape.length && target.every((n) => n === 1))
  },
  Slice: slice,
  Pad: (node, f) => {
    const pads = attribute(node, 'pads', 'ints', undefined) ?? ints(node, 1, f)
    return when(pads?.every((p) => p === 0))
  },
  Tile: (node, f) => when(ints(node, 1, f)?.every((n) => n === 1)),
  Concat: alone,
  Sum: alone,
  Max: alone,
  Min: alone,
  Mean: alone,
  Dropout: (node, f) => {
    const training = node.inputs[2] ? ints(node, 2, f)?.[0] : 0
    return when(training === 0 && node.outputs.slice(1).every((name) => name === ''))
  },
  Flatten: (node, f) => when(shapeOf(node, f)?.length === 2 && [1, -1].includes(attribute(node, 'axis', 'int', 1))),
  // x 1, x / 1 and x - 0 are exact; x + 0 is not (it makes +0 of -0).
  Mul: (node, f) => (neutral(node, 1, 1, f) ? 0 : neutral(node, 0, 1, f) ? 1 : undefined),
  Div: (node, f) => when(neutral(node, 1, 1, f)),
  Sub: (node, f) => when(neutral(node, 1, 0, f)),
  Unsqueeze: (node, f) => when(ints(node, 1, f)?.length === 0),
}

/** A node that does in one step what it and the node before it do, or undefined. */
export function merged(node: Node, before: (name: string) => Node | undefined, f: Facts): Node | undefined {
  const first = node.inputs[0] ? before(node.inputs[0]) : undefined
  if (node.domain !== '' || !first || first.domain !== '') return undefined
  if (node.opType === 'Transpose' && first.opType === 'Transpose') {
    const [outer, inner] = [node, first].map((n) => attribute(n, 'perm', 'ints', undefined)) as (number[] | undefined)[]
    if (!outer || !inner) return undefined
    const perm = outer.map((axis) => inner[axis]!)
    return { ...node, inputs: [first.inputs[0]!], attributes: { perm: { kind: 'ints', value: perm } } }
  }
  if (node.opType === 'Reshape' && ['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'].includes(first.opType)) {
    // Sizes of 0 stand for those of the value in between.
    const target = ints(node, 1, f)
    if (!target || target.includes(0)) return undefined
    return { ...node, inputs: [first.inputs[0]!, node.inputs[1]!] }
  }
  return undefined
}
