// Derivatives of convolutions and pooling: K folds into the batch, the bias disappears.
import { attribute } from '../../attributes.ts'
import { toBind } from '../../hints.ts'
import { times } from '../../infer/dims.ts'
import { count } from '../../tensors.ts'
import type { Dim } from '../../types.ts'
import {
  type Application,
  combine,
  linear,
  type Rule,
  type RuleTable,
  shapeOf,
  unsupported,
} from '../derivative-rule.ts'
import { type Factor, scalar } from '../factor.ts'
import { batched, type Out } from '../ops/apply.ts'
import { convolve, convolveBack } from '../ops/convolution.ts'
import { extents, joined } from '../ops/extent.ts'
import { convolveWeights } from '../ops/kernels.ts'
import { reshape } from '../ops/movement.ts'
import { averagePool } from '../ops/pooling.ts'
import { product } from '../ops/product.ts'
import { reduceSum } from '../ops/reduction.ts'
import { type Window, windowOf } from '../ops/window.ts'
import type { Tangent } from '../tangent.ts'
import { firstOutput } from './movement.ts'
import { inverseCount } from './reduction.ts'

/** The operator on the input's tangent with the same weights, plus the weights' and the bias's own tangents. */
const conv: Rule = (a) => {
  const { opType, attributes } = a.node
  const out = { ...firstOutput(a), cost: multiplications(a) }
  const [tx, tw, tb] = a.t
  const weights = a.x[1]!
  const [big, small] = opType === 'Conv' ? [a.x[0]!, a.y[0]!] : [a.y[0]!, a.x[0]!]
  const spatial = (value: string): readonly Dim[] => shapeOf(a, value).slice(2)
  const window = windowOf(a.node, spatial(weights), spatial(big), spatial(small))
  const mixes = opType === 'Conv' && window !== undefined && isPointwise(window)
  const parts: Tangent[] = []
  if (tx) {
    if (mixes && fewChannels(a)) parts.push(mixChannels(a, tx, out))
    else if (!window) parts.push(batched(a.tape, opType, tx, out, (e, x) => e.g.op(opType, [x, weights], attributes)))
    else if (opType === 'Conv') parts.push(convolve(a.tape, tx, weights, window, out))
    else parts.push(convolveBack(a.tape, tx, weights, window, out))
  }
  if (tw) {
    if (!window?.kernel.every((n) => typeof n === 'number'))
      throw unsupported(a, toBind('kernel and padding known before run time when its weights have a tangent'))
    const side = opType === 'Conv' ? 'big' : 'small'
    if (mixes) parts.push(mixWeights(a, tw, out))
    else parts.push(convolveWeights(a.tape, tw, { data: a.x[0]!, weights, result: a.y[0]!, side, window }, out))
  }
  if (tb) parts.push(reshape(a.tape, tb, [...tb.shape, ...out.shape.slice(2).map(() => 1)], undefined))
  return [
    combine(
      a.tape,
      parts.map((of) => ({ of, by: scalar(of.type, 1) })),
      out.shape,
      out.like,
    ),
  ]
}

/** Most channels up to which the runtime multiplies matrices faster than it convolves with 1x1 kernels. */
const FEW_CHANNELS = 32

/**
 * A 1x1 convolution of few channels is better a matrix product over channels: the runtime's convolutions work on blocks of
 * 8 or 16 channels and reorder memory for them, which costs two to three times as much there.
 */
function fewChannels(a: Application): boolean {
  const [rows, columns] = shapeOf(a, a.x[1]!)
  if (typeof rows !== 'number' || typeof columns !== 'number' || Math.max(rows, columns) > FEW_CHANNELS) return false
  return shapeOf(a, a.y[0]!)
    .slice(2)
    .every((n) => typeof n === 'number' && n > 0)
}

/** Does the convolution look at one position at a time, with all channels? */
function isPointwise(w: Window): boolean {
  const plain = w.kernel.every((k, i) => k === 1 && w.strides[i] === 1 && w.before[i] === 0 && w.after[i] === 0)
  return plain && w.group === 1
}

/** [N, C, n...] with its positions as one axis. */
function positionsJoined(shape: readonly Dim[]): Dim[] {
  return [...shape.slice(0, 2), times(...shape.slice(2))]
}

/** A 1x1 convolution: its weights [M, C] times [N, C, positions], as an image again. */
function mixChannels(a: Application, t: Tangent, out: Out): Tangent {
  const matrix = a.g.op('Flatten', [a.x[1]!])
  const flat = reshape(a.tape, t, positionsJoined(t.shape), undefined)
  const shape = positionsJoined(out.shape)
  return reshape(a.tape, product(a.tape, flat, matrix, 1, { ...out, shape, like: undefined }), out.shape, out.like)
}

/** The same with weights that vary. */
function mixWeights(a: Application, tw: Tangent, out: Out): Tangent {
  const matrix = reshape(a.tape, tw, tw.shape.slice(0, 2), undefined)
  const [n, c] = extents(a.g, a.x[0]!, 0)
  const data = a.g.op('Reshape', [a.x[0]!, joined(a.g, [n!, c!, -1])])
  const shape = positionsJoined(out.shape)
  return reshape(a.tape, product(a.tape, matrix, data, 0, { ...out, shape, like: undefined }), out.shape, out.like)
}

/** Multiplications of one row: every output of a Conv, every input of a ConvTranspose meets its share of the weights. */
function multiplications(a: Application): number | undefined {
  const side = a.node.opType === 'Conv' ? a.y[0]! : a.x[0]!
  const positions = shapeOf(a, side).slice(2)
  const weights = shapeOf(a, a.x[1]!)
  if (![...positions, ...weights].every((n) => typeof n === 'number')) return undefined
  return count(positions as number[]) * count(weights as number[])
}

const averagePoolRule: Rule = linear((a, t) => {
  const kernel = attribute(a.node, 'kernel_shape', 'ints', [] as readonly number[])
  const window = windowOf(a.node, kernel, shapeOf(a, a.x[0]!).slice(2), shapeOf(a, a.y[0]!).slice(2))
  if (window) return averagePool(a.tape, t, a.node, window, firstOutput(a))
  return batched(a.tape, 'AveragePool', t, firstOutput(a), (e, x) => e.g.op('AveragePool', [x], a.node.attributes))
})

const spatialAxes = (a: Application): number[] => shapeOf(a, a.x[0]!).flatMap((_, axis) => (axis < 2 ? [] : [axis]))

/** Sum over the spatial axes of factor x tangent. */
function globalPool(weight: (a: Application, axes: readonly number[]) => Factor): Rule {
  return linear((a, t) => {
    const axes = spatialAxes(a)
    const weighted = combine(a.tape, [{ of: t, by: weight(a, axes) }], t.shape, a.x[0])
    return reduceSum(a.tape, weighted, axes, true, a.y[0])
  })
}

export const convolutionRules: RuleTable = {
  Conv: conv,
  ConvTranspose: conv,
  AveragePool: averagePoolRule,
  GlobalAveragePool: globalPool((a, axes) => inverseCount(a, a.x[0]!, axes)),
}
