// Normalization, pooling and other layers without a derivative rule of their own.
import { attribute, int, ints } from '../attributes.ts'
import { positiveAxis } from '../infer/dims.ts'
import { count, tensorOf } from '../tensors.ts'
import {
  type Lowered,
  type Lowering,
  type LoweringTable,
  numbersOf,
  shapeOf,
  size,
  unsupported,
} from './lowering-rule.ts'

/** x / |x| along an axis, and 0 where |x| is 0. */
const lpNormalization: Lowering = (l) => {
  const { g, p, x, node } = l
  const axes = g.int64([attribute(node, 'axis', 'int', -1)])
  const norm = g.op(attribute(node, 'p', 'int', 2) === 1 ? 'ReduceL1' : 'ReduceL2', [x[0]!, axes], { keepdims: int(1) })
  const isZero = p.test('Equal', norm, 0)
  return [p.where(isZero, 0, p.div(x[0]!, p.where(isZero, 1, norm)))]
}

/** (x - mean) / (deviation + 1e-9) over the axes (batch and space by default). */
const meanVariance: Lowering = (l) => {
  const { g, p, x, node } = l
  const axes = g.int64(attribute(node, 'axes', 'ints', [0, 2, 3]))
  const mean = (value: string): string => g.op('ReduceMean', [value, axes], { keepdims: int(1) })
  const centred = p.sub(x[0]!, mean(x[0]!))
  const deviation = p.un('Sqrt', mean(p.mul(centred, centred)))
  return [p.div(centred, p.add(deviation, 1e-9))]
}

/** x / (bias + alpha / size * sum of squares over neighbouring channels)^beta. */
const lrn: Lowering = (l) => {
  const { g, p, x, node } = l
  const width = attribute(node, 'size', 'int', 1)
  const shape = shapeOf(l, x[0]!)
  const channels = size(l, shape[1], 'number of channels')
  const before = Math.floor((width - 1) / 2)
  const pads = shape.map(() => 0)
  const padded = g.op('Pad', [
    p.mul(x[0]!, x[0]!),
    g.int64([...pads.map((_, a) => (a === 1 ? before : 0)), ...pads.map((_, a) => (a === 1 ? width - 1 - before : 0))]),
  ])
  const shifted = Array.from({ length: width }, (_, i) =>
    g.op('Slice', [padded, g.int64([i]), g.int64([i + channels]), g.int64([1])]),
  )
  const total = shifted.reduce((sum, one) => p.add(sum, one))
  const share = attribute(node, 'alpha', 'float', 1e-4) / width
  const base = p.add(p.mul(total, share), attribute(node, 'bias', 'float', 1))
  return [p.mul(x[0]!, p.pow(base, -attribute(node, 'beta', 'float', 0.75)))]
}

const powered = ({ p }: Lowered, x: string, exponent: number): string =>
  exponent === 1 ? p.un('Abs', x) : exponent === 2 ? p.mul(x, x) : p.pow(p.un('Abs', x), exponent)

const rooted = ({ p }: Lowered, x: string, exponent: number): string =>
  exponent === 1 ? x : exponent === 2 ? p.un('Sqrt', x) : p.pow(x, 1 / exponent)

/** (sum over windows of |x|^p)^(1/p): the sum as a convolution of each channel with ones. */
const lpPool: Lowering = (l) => {
  const { g, x, node } = l
  const exponent = attribute(node, 'p', 'int', 2)
  const [, c] = shapeOf(l, x[0]!)
  const channels = size(l, c, 'number of channels')
  const kernel = attribute(node, 'kernel_shape', 'ints', [] as readonly number[])
  if (attribute(node, 'ceil_mode', 'int', 0) === 1) throw unsupported(l, 'ceil_mode 0')
  const shape = [channels, 1, ...kernel]
  const ones = g.constant('window', tensorOf(l.type, shape, new Array<number>(count(shape)).fill(1)))
  const kept = ['strides', 'pads', 'dilations', 'auto_pad', 'kernel_shape']
  const attributes = Object.fromEntries(Object.entries(node.attributes).filter(([name]) => kept.includes(name)))
  const sum = g.op('Conv', [powered(l, x[0]!, exponent), ones], { ...attributes, group: int(channels) })
  return [rooted(l, sum, exponent)]
}

const globalLpPool: Lowering = (l) => {
  const exponent = attribute(l.node, 'p', 'int', 2)
  const axes = shapeOf(l, l.x[0]!).flatMap((_, axis) => (axis < 2 ? [] : [axis]))
  const sum = l.g.op('ReduceSum', [powered(l, l.x[0]!, exponent), l.g.int64(axes)], { keepdims: int(1) })
  return [rooted(l, sum, exponent)]
}

/** Columns put back into images: a transposed convolution whose kernels are unit vectors. */
const col2Im: Lowering = (l) => {
  const { g, x, node } = l
  const [image, block] = [numbersOf(l, 1, 'image shape'), numbersOf(l, 2, 'block shape')]
  const list = (name: string, value: number): readonly number[] =>
    attribute(
      node,
      name,
      'ints',
      block.map(() => value),
    )
  const [strides, dilations] = [list('strides', 1), list('dilations', 1)]
  const pads = attribute(
    node,
    'pads',
    'ints',
    [...block, ...block].map(() => 0),
  )
  const axes = block.map((k, i) => {
    const padded = image[i]! + pads[i]! + pads[i + block.length]!
    const windows = Math.floor((padded - dilations[i]! * (k - 1) - 1) / strides[i]!) + 1
    return { windows, rest: padded - ((windows - 1) * strides[i]! + dilations[i]! * (k - 1) + 1) }
  })
  const area = count(block)
  const channels = size(l, shapeOf(l, x[0]!)[1], 'number of channels') / area
  const units = new Array<number>(channels * area * area).fill(0)
  for (let c = 0; c < channels; c++) for (let k = 0; k < area; k++) units[(c * area + k) * area + k] = 1
  const kernels = g.constant('units', tensorOf(l.type, [channels * area, 1, ...block], units))
  const columns = g.op('Reshape', [x[0]!, g.int64([0, 0, ...axes.map((axis) => axis.windows)])])
  return [
    g.op('ConvTranspose', [columns, kernels], {
      group: int(channels),
      strides: ints(strides),
      dilations: ints(dilations),
      pads: ints(pads),
      output_padding: ints(axes.map((axis) => axis.rest)),
    }),
  ]
}

/** Batch statistics in training; otherwise the operator has a rule. */
const batchNormalization: Lowering = (l) => {
  const { g, p, x, node } = l
  if (attribute(node, 'training_mode', 'int', 0) !== 1) return undefined
  const shape = shapeOf(l, x[0]!)
  const axes = g.int64(shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])))
  const perChannel = g.int64(shape.flatMap((_, axis) => (axis === 0 ? [] : [axis === 1 ? -1 : 1])))
  const mean = g.op('ReduceMean', [x[0]!, axes], { keepdims: int(1) })
  const centred = p.sub(x[0]!, mean)
  const variance = g.op('ReduceMean', [p.mul(centred, centred), axes], { keepdims: int(1) })
  const deviation = p.un('Sqrt', p.add(variance, attribute(node, 'epsilon', 'float', 1e-5)))
  const [scale, bias] = [x[1]!, x[2]!].map((value) => g.op('Reshape', [value, perChannel])) as [string, string]
  const momentum = attribute(node, 'momentum', 'float', 0.9)
  const running = (old: string, now: string): string => {
    const list = g.op('Reshape', [now, g.int64([-1])])
    return p.add(p.mul(old, momentum), p.mul(list, 1 - momentum))
  }
  return [p.add(p.mul(p.div(centred, deviation), scale), bias), running(x[3]!, mean), running(x[4]!, variance)]
}

/** The mean and deviation that some models read too come from the input. */
const layerNormalization: Lowering = (l) => {
  const { g, p, x, node } = l
  if (!node.outputs.slice(1).some((name) => name !== '')) return undefined
  const rank = shapeOf(l, x[0]!).length
  const first = positiveAxis(attribute(node, 'axis', 'int', -1), rank)
  const axes = g.int64(Array.from({ length: rank - first }, (_, i) => first + i))
  const mean = g.op('ReduceMean', [x[0]!, axes], { keepdims: int(1) })
  const centred = p.sub(x[0]!, mean)
  const variance = g.op('ReduceMean', [p.mul(centred, centred), axes], { keepdims: int(1) })
  const inverse = p.un('Reciprocal', p.un('Sqrt', p.add(variance, attribute(node, 'epsilon', 'float', 1e-5))))
  const scaled = p.mul(p.mul(centred, inverse), x[1]!)
  return [x[2] ? p.add(scaled, x[2]) : scaled, mean, inverse]
}

/** Determinants of matrices up to 3 x 3 by their formula. */
const det: Lowering = (l) => {
  const { g, p, x } = l
  const n = size(l, shapeOf(l, x[0]!).at(-1), 'size of the matrices')
  if (n < 1 || n > 3) throw unsupported(l, 'matrices of at most 3 x 3')
  const at = (i: number, j: number): string => {
    const row = g.op('Gather', [x[0]!, g.scalar('int64', i)], { axis: int(-2) })
    return g.op('Gather', [row, g.scalar('int64', j)], { axis: int(-1) })
  }
  const minor = (i: number, j: number, k: number, m: number): string =>
    p.sub(p.mul(at(i, j), at(k, m)), p.mul(at(i, m), at(k, j)))
  if (n === 1) return [at(0, 0)]
  if (n === 2) return [minor(0, 0, 1, 1)]
  const terms = [
    p.mul(at(0, 0), minor(1, 1, 2, 2)),
    p.mul(at(0, 1), minor(1, 0, 2, 2)),
    p.mul(at(0, 2), minor(1, 0, 2, 1)),
  ]
  return [p.add(p.sub(terms[0]!, terms[1]!), terms[2]!)]
}

/** The positions of a regular grid moved by an affine map: base grid times theta. */
const affineGrid: Lowering = (l) => {
  const { g, x, node } = l
  const [, , ...spatial] = numbersOf(l, 1, 'size')
  const corners = attribute(node, 'align_corners', 'int', 0) === 1
  const along = spatial.map((n) =>
    Array.from({ length: n }, (_, i) => (corners ? (n === 1 ? 0 : (2 * i) / (n - 1) - 1) : (2 * i + 1) / n - 1)),
  )
  // Coordinates run x, y(, z): the last axis first.
  const points: number[] = []
  for (let i = 0; i < count(spatial); i++) {
    let rest = i
    const at = new Array<number>(spatial.length)
    for (let axis = spatial.length - 1; axis >= 0; axis--) {
      at[spatial.length - 1 - axis] = along[axis]![rest % spatial[axis]!]!
      rest = Math.floor(rest / spatial[axis]!)
    }
    points.push(...at, 1)
  }
  const dims = spatial.length
  const base = g.constant('grid', tensorOf(l.type, [count(spatial), dims + 1], points))
  const moved = g.op('MatMul', [base, g.op('Transpose', [x[0]!], { perm: ints([0, 2, 1]) })])
  return [g.op('Reshape', [moved, g.int64([0, ...spatial, dims])])]
}

export const layerLowerings: LoweringTable = {
  LpNormalization: lpNormalization,
  MeanVarianceNormalization: meanVariance,
  LRN: lrn,
  LpPool: lpPool,
  GlobalLpPool: globalLpPool,
  Col2Im: col2Im,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Det: det,
  AffineGrid: affineGrid,
}
