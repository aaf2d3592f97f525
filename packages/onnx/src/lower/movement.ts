// Operators that move or choose elements, in terms of gathers, slices and pads.
import { attribute, int, ints } from '../attributes.ts'
import { positiveAxis } from '../infer/dims.ts'
import { elementNumber } from '../proto.ts'
import { plainNumbers } from '../tensors.ts'
import { type Lowered, type Lowering, type LoweringTable, numbersOf, shapeOf, size } from './lowering-rule.ts'

/** The elements where a list of booleans is true: their positions, then a gather. */
const compress: Lowering = ({ g, x, node }) => {
  const axis = attribute(node, 'axis', 'int', undefined)
  const data = axis === undefined ? g.op('Reshape', [x[0]!, g.int64([-1])]) : x[0]!
  const constant = g.constantTensor(x[1]!)
  const kept = constant && plainNumbers(constant).flatMap((yes, i) => (yes ? [i] : []))
  const positions = kept ? g.int64(kept) : g.op('Reshape', [g.op('NonZero', [x[1]!]), g.int64([-1])])
  return [g.op('Gather', [data, positions], { axis: int(axis ?? 0) })]
}

/** off + (on - off) where the index is. Indices and depth may be floats, but only whole numbers count: no slope. */
const oneHot: Lowering = ({ g, x, node }) => {
  const values = g.info(x[2]!).type
  const whole = (value: string): string =>
    g.info(value).type === 'int64' ? value : g.op('Cast', [value], { to: int(elementNumber('int64')) })
  const indices = [whole(x[0]!), whole(x[1]!)]
  if (!values.startsWith('float') && values !== 'bfloat16')
    return [g.op('OneHot', [...indices, x[2]!], node.attributes)]
  const bits = g.op('OneHot', [...indices, g.int64([0, 1])], node.attributes)
  const hot = g.op('Cast', [bits], { to: int(elementNumber(values)) })
  const [off, on] = [0, 1].map((i) => g.op('Gather', [x[2]!, g.scalar('int64', i)], { axis: int(0) })) as [
    string,
    string,
  ]
  return [g.op('Add', [g.op('Mul', [hot, g.op('Sub', [on, off])]), off])]
}

/** Each sequence of a batch backwards up to its own length. */
const reverseSequence: Lowering = (l) => {
  const { g, p, x, node } = l
  const [time, batch] = [attribute(node, 'time_axis', 'int', 0), attribute(node, 'batch_axis', 'int', 1)]
  const rank = shapeOf(l, x[0]!).length
  const perm = [
    batch,
    time,
    ...Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== batch && axis !== time),
  ]
  const ordered = g.op('Transpose', [x[0]!], { perm: ints(perm) })
  const steps = g.op('Gather', [g.op('Shape', [ordered]), g.scalar('int64', 1)], { axis: int(0) })
  const at = g.op('Unsqueeze', [g.op('Range', [g.scalar('int64', 0), steps, g.scalar('int64', 1)]), g.int64([0])])
  const lengths = g.op('Unsqueeze', [x[1]!, g.int64([1])])
  const backwards = g.op('Sub', [g.op('Sub', [lengths, g.scalar('int64', 1)]), at])
  const from = p.where(g.op('Less', [at, lengths]), backwards, at)
  const picked = g.op('GatherND', [ordered, g.op('Unsqueeze', [from, g.int64([2])])], { batch_dims: int(1) })
  const back = perm.map((_, axis) => perm.indexOf(axis))
  return [g.op('Transpose', [picked], { perm: ints(back) })]
}

/** Axes cut around their middle, or padded with zeros on both sides. */
const centerCropPad: Lowering = (l) => {
  const { g, x, node } = l
  const shape = shapeOf(l, x[0]!)
  const sizes = numbersOf(l, 1, 'target shape')
  const axes = attribute(node, 'axes', 'ints', undefined) ?? shape.map((_, axis) => axis)
  let value = x[0]!
  axes.forEach((given, i) => {
    const axis = positiveAxis(given, shape.length)
    const [from, to] = [size(l, shape[axis], 'size'), sizes[i]!]
    const start = Math.floor(Math.abs(from - to) / 2)
    if (to < from) value = g.op('Slice', [value, g.int64([start]), g.int64([start + to]), g.int64([axis])])
    if (to <= from) return
    const pads = new Array<number>(2 * shape.length).fill(0)
    pads[axis] = start
    pads[axis + shape.length] = to - from - start
    value = g.op('Pad', [value, g.int64(pads)])
  })
  return [value]
}

/** Values at the positions a MaxPool reported, zeros elsewhere. */
const maxUnpool: Lowering = (l) => {
  const { g, x } = l
  const sizes = unpooledSizes(l)
  const total = g.op('ReduceProd', [sizes], { keepdims: int(1) })
  const zeros = g.op('Expand', [g.scalar(l.type, 0), total])
  const flat = (value: string): string => g.op('Reshape', [value, g.int64([-1])])
  const placed = g.op('ScatterElements', [zeros, flat(x[1]!), flat(x[0]!)], { axis: int(0) })
  return [g.op('Reshape', [placed, sizes])]
}

/** The result's shape: given, or what undoes the pooling. */
function unpooledSizes(l: Lowered): string {
  const { g, x, node } = l
  if (x[2]) return x[2]
  const kernel = attribute(node, 'kernel_shape', 'ints', [] as readonly number[])
  const strides = attribute(
    node,
    'strides',
    'ints',
    kernel.map(() => 1),
  )
  const pads = attribute(
    node,
    'pads',
    'ints',
    [...kernel, ...kernel].map(() => 0),
  )
  const spatial = shapeOf(l, x[0]!)
    .slice(2)
    .map((n, i) => (size(l, n, 'size') - 1) * strides[i]! - pads[i]! - pads[i + kernel.length]! + kernel[i]!)
  const head = g.op('Slice', [g.op('Shape', [x[0]!]), g.int64([0]), g.int64([2])])
  return g.op('Concat', [head, g.int64(spatial)], { axis: int(0) })
}

/** The node with an output that its derivative is written with, which it may not have yet. */
const reporting: Lowering = ({ g, x, node }) => {
  if (node.outputs[1]) return undefined
  const outputs = Math.max(2, node.outputs.length)
  const values = g.ops(node.opType, x, node.attributes, outputs)
  return node.outputs.map((name, i) => (name === '' ? undefined : values[i]))
}

/** A dropout that can never drop anything needs no mask. */
const dropout: Lowering = (l) => {
  const training = l.x[2] ? l.g.constantTensor(l.x[2]) : undefined
  return !l.x[2] || (training && Number(training.data[0]) === 0) ? undefined : reporting(l)
}

/** start + i delta, as many as lie before the limit. */
const range: Lowering = ({ g, p, x, type }) => {
  const [start, limit, delta] = x as [string, string, string]
  const steps = p.un('Ceil', p.div(p.sub(limit, start), delta))
  const [zero, one] = [g.scalar('int64', 0), g.scalar('int64', 1)]
  const numbers = g.op('Range', [zero, g.op('Cast', [steps], { to: int(7) }), one])
  return [p.add(start, p.mul(g.op('Cast', [numbers], { to: int(elementNumber(type)) }), delta))]
}

export const movementLowerings: LoweringTable = {
  Range: range,
  Unique: reporting,
  Dropout: dropout,
  Compress: compress,
  OneHot: oneHot,
  ReverseSequence: reverseSequence,
  CenterCropPad: centerCropPad,
  MaxUnpool: maxUnpool,
}
