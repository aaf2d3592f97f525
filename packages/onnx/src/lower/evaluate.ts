// Computes operators on small constants: shapes, axes, pads, conditions and trip counts that exporters spell out.
import { atNode } from '../at-node.ts'
import { attribute } from '../attributes.ts'
import { broadcast, positiveAxis } from '../infer/dims.ts'
import { sliceRange } from '../infer/movement.ts'
import { elementType } from '../proto.ts'
import { count, plainNumbers, tensorOf } from '../tensors.ts'
import type { ElementType, Node, Tensor } from '../types.ts'

/** Numbers with a shape and a type. */
interface Values {
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** Numbers a computed constant may have where its inputs do not bound them. */
const LARGEST = 4096

type Evaluate = (node: Node, x: readonly (Values | undefined)[]) => Values | undefined

const known: readonly ElementType[] = ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool']

/** Outputs of a node with constant inputs; undefined for operators or types that are left to the runtime. */
export function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] | undefined {
  const rule = node.domain === '' && Object.hasOwn(rules, node.opType) ? rules[node.opType] : undefined
  if (!rule || node.outputs.length !== 1 || inputs.some((t) => t && !known.includes(t.type))) return undefined
  const x = inputs.map((t) => t && { type: t.type, shape: t.shape, data: plainNumbers(t) })
  if (!x.every((v) => v === undefined || isExact(v))) return undefined
  const y = atNode(node, () => rule(node, x))
  if (!y || !known.includes(y.type) || !isExact(y) || !isFilled(y)) return undefined
  return [tensorOf(y.type, y.shape, integer(y.type) ? y.data.map(Math.trunc) : y.data)]
}

/** Integers that a number holds, or what slices say "to the end" with: the ends of int64, which saturate. */
function isExact({ type, data }: Values): boolean {
  return !integer(type) || data.every((v) => Math.abs(v) <= 2 ** 53 || Math.abs(v) === 2 ** 63)
}

/** Sizes that the numbers fill: [0, 2, -1] asked of one number would be [1, 2, 0.5]. */
function isFilled({ shape, data }: Values): boolean {
  return shape.every((n) => Number.isSafeInteger(n) && n >= 0) && count(shape) === data.length
}

const strides = (shape: readonly number[]): number[] => shape.map((_, axis) => count(shape.slice(axis + 1)))

/** Builds a tensor by saying where each of its numbers comes from. */
function pick(x: Values, shape: readonly number[], from: (at: readonly number[]) => number): Values {
  const step = strides(shape)
  const data = Array.from({ length: count(shape) }, (_, i) => {
    const at = shape.map((n, axis) => Math.floor(i / step[axis]!) % n)
    return x.data[from(at)]!
  })
  return { type: x.type, shape, data }
}

function expand(x: Values, shape: readonly number[]): Values {
  const step = strides(x.shape)
  const lead = shape.length - x.shape.length
  return pick(x, shape, (at) =>
    x.shape.reduce((sum, n, axis) => sum + (n === 1 ? 0 : at[axis + lead]! * step[axis]!), 0),
  )
}

const integer = (type: ElementType): boolean => type.includes('int')

function elementwise(compute: (type: ElementType, ...v: number[]) => number, result?: ElementType): Evaluate {
  return (_node, x) => {
    const all = x.filter((v) => v !== undefined)
    const shape = broadcast(all.map((v) => v.shape)) as number[]
    const { type } = all[0]!
    const spread = all.map((v) => expand(v, shape).data)
    const data = Array.from({ length: count(shape) }, (_, i) => compute(type, ...spread.map((v) => v[i]!)))
    return { type: result ?? type, shape, data }
  }
}

const test = (compare: (a: number, b: number) => boolean): Evaluate =>
  elementwise((_type, a, b) => Number(compare(a!, b!)), 'bool')

const axesOf = (node: Node, x: readonly (Values | undefined)[], rank: number): number[] | undefined => {
  const axes = attribute(node, 'axes', 'ints', undefined) ?? x[1]?.data
  return axes?.map((axis) => positiveAxis(axis, rank))
}

const reshape: Evaluate = (_node, [x, target]) => {
  const shape = target!.data.map((n, axis) => (n === 0 ? (x!.shape[axis] ?? 0) : n))
  const open = shape.indexOf(-1)
  if (open >= 0) shape[open] = count(x!.shape) / Math.max(1, -count(shape))
  return count(shape) === x!.data.length ? { ...x!, shape } : undefined
}

const concat: Evaluate = (node, x) => {
  const parts = x.filter((v) => v !== undefined)
  const rank = parts[0]!.shape.length
  const axis = positiveAxis(attribute(node, 'axis', 'int', 0), rank)
  const outer = count(parts[0]!.shape.slice(0, axis))
  const rows = parts.map((v) => v.data.length / Math.max(1, outer))
  const data = Array.from({ length: outer }, (_, i) =>
    parts.flatMap((v, j) => v.data.slice(i * rows[j]!, (i + 1) * rows[j]!)),
  )
  const total = parts.reduce((sum, v) => sum + v.shape[axis]!, 0)
  return { type: parts[0]!.type, shape: parts[0]!.shape.map((n, a) => (a === axis ? total : n)), data: data.flat() }
}

const slice: Evaluate = (_node, [x, starts, ends, listed, steps]) => {
  const { shape } = x!
  const axes = (listed?.data ?? starts!.data.map((_, i) => i)).map((axis) => positiveAxis(axis, shape.length))
  const from = shape.map(() => 0)
  const by = shape.map(() => 1)
  const out = [...shape]
  axes.forEach((axis, i) => {
    const step = steps?.data[i] ?? 1
    const range = sliceRange(shape[axis]!, starts!.data[i]!, ends!.data[i]!, step)
    from[axis] = range.start
    by[axis] = step
    out[axis] = range.length
  })
  const step = strides(shape)
  return pick(x!, out, (at) => at.reduce((sum, i, axis) => sum + (from[axis]! + i * by[axis]!) * step[axis]!, 0))
}

const gather: Evaluate = (node, [x, indices]) => {
  const axis = positiveAxis(attribute(node, 'axis', 'int', 0), x!.shape.length)
  const step = strides(x!.shape)
  const inner = indices!.shape.length
  const within = strides(indices!.shape)
  const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)]
  return pick(x!, shape, (at) => {
    const where = at.slice(axis, axis + inner).reduce((sum, i, a) => sum + i * within[a]!, 0)
    const chosen = positiveAxis(indices!.data[where]!, x!.shape[axis]!)
    const full = [...at.slice(0, axis), chosen, ...at.slice(axis + inner)]
    return full.reduce((sum, i, a) => sum + i * step[a]!, 0)
  })
}

const transpose: Evaluate = (node, [x]) => {
  const { shape } = x!
  const perm = attribute(node, 'perm', 'ints', undefined) ?? shape.map((_, axis) => shape.length - 1 - axis)
  const step = strides(shape)
  return pick(
    x!,
    perm.map((axis) => shape[axis]!),
    (at) => at.reduce((sum, i, a) => sum + i * step[perm[a]!]!, 0),
  )
}

function reduce(combine: (a: number, b: number) => number, start: number): Evaluate {
  return (node, [x, axes]) => {
    const listed = axesOf(node, [x, axes], x!.shape.length)
    // Lists are all that occurs; anything else is left to the runtime.
    if (x!.shape.length !== 1 || (listed && (listed.length !== 1 || listed[0] !== 0))) return undefined
    const keep = attribute(node, 'keepdims', 'int', 1) === 1
    return { type: x!.type, shape: keep ? [1] : [], data: [x!.data.reduce(combine, start)] }
  }
}

const rules: Readonly<Record<string, Evaluate>> = {
  Identity: (_node, [x]) => x,
  Add: elementwise((_t, a, b) => a! + b!),
  Sub: elementwise((_t, a, b) => a! - b!),
  Mul: elementwise((_t, a, b) => a! * b!),
  Div: elementwise((t, a, b) => (integer(t) ? Math.trunc(a! / b!) : a! / b!)),
  Mod(node, x) {
    const truncated = attribute(node, 'fmod', 'int', 0) === 1
    return elementwise((_t, a, b) => (truncated ? a! % b! : a! - b! * Math.floor(a! / b!)))(node, x)
  },
  Neg: elementwise((_t, a) => -a!),
  Abs: elementwise((_t, a) => Math.abs(a!)),
  Floor: elementwise((_t, a) => Math.floor(a!)),
  Ceil: elementwise((_t, a) => Math.ceil(a!)),
  Min: elementwise((_t, ...v) => v.reduce((a, b) => Math.min(a, b))),
  Max: elementwise((_t, ...v) => v.reduce((a, b) => Math.max(a, b))),
  Equal: test((a, b) => a === b),
  Greater: test((a, b) => a > b),
  GreaterOrEqual: test((a, b) => a >= b),
  Less: test((a, b) => a < b),
  LessOrEqual: test((a, b) => a <= b),
  And: test((a, b) => a !== 0 && b !== 0),
  Or: test((a, b) => a !== 0 || b !== 0),
  Xor: test((a, b) => (a !== 0) !== (b !== 0)),
  Not: elementwise((_t, a) => Number(a === 0), 'bool'),
  Where(node, [condition, a, b]) {
    const chosen = elementwise((_t, c, yes, no) => (c !== 0 ? yes! : no!))(node, [condition, a, b])
    return chosen && { ...chosen, type: a!.type }
  },
  Cast(node, [x]) {
    const type = elementType(attribute(node, 'to', 'int', 0))
    const data = type === 'bool' ? x!.data.map((v) => Number(v !== 0)) : x!.data
    return { ...x!, type, data: integer(type) ? data.map(Math.trunc) : data }
  },
  Reshape: reshape,
  Squeeze(node, [x, axes]) {
    const gone = axesOf(node, [x, axes], x!.shape.length)
    return { ...x!, shape: x!.shape.filter((n, axis) => (gone ? !gone.includes(axis) : n !== 1)) }
  },
  Unsqueeze(node, [x, axes]) {
    const rank = x!.shape.length + (attribute(node, 'axes', 'ints', undefined) ?? axes!.data).length
    const ones = axesOf(node, [x, axes], rank)!
    const rest = [...x!.shape]
    return { ...x!, shape: Array.from({ length: rank }, (_, axis) => (ones.includes(axis) ? 1 : rest.shift()!)) }
  },
  Concat: concat,
  Slice: slice,
  Gather: gather,
  Transpose: transpose,
  Expand(_node, [x, shape]) {
    const target = broadcast([x!.shape, shape!.data]) as number[]
    return count(target) > LARGEST ? undefined : expand(x!, target)
  },
  Shape(node, [x]) {
    const sizes = x!.shape.slice(attribute(node, 'start', 'int', 0), attribute(node, 'end', 'int', undefined))
    return { type: 'int64', shape: [sizes.length], data: sizes }
  },
  Size: (_node, [x]) => ({ type: 'int64', shape: [], data: [x!.data.length] }),
  ConstantOfShape(node, [shape]) {
    const value = attribute(node, 'value', 'tensor', undefined)
    if (count(shape!.data) > LARGEST) return undefined
    const fill = value ? plainNumbers(value)[0]! : 0
    return {
      type: value?.type ?? 'float32',
      shape: shape!.data,
      data: new Array<number>(count(shape!.data)).fill(fill),
    }
  },
  Range(_node, [start, limit, delta]) {
    const [from, to, by] = [start!.data[0]!, limit!.data[0]!, delta!.data[0]!]
    const length = Math.max(0, Math.ceil((to - from) / by))
    if (!integer(start!.type) || length > LARGEST) return undefined
    return { type: start!.type, shape: [length], data: Array.from({ length }, (_, i) => from + i * by) }
  },
  ReduceProd: reduce((a, b) => a * b, 1),
  ReduceSum: reduce((a, b) => a + b, 0),
  ReduceMax: reduce(Math.max, Number.NEGATIVE_INFINITY),
  ReduceMin: reduce(Math.min, Number.POSITIVE_INFINITY),
}
