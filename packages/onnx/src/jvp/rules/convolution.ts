// Derivatives of convolutions and pooling: K folds into the batch, the bias disappears.
import { attribute, ints } from '../../attributes.ts'
import { count } from '../../tensors.ts'
import { type Factor, scalar } from '../factor.ts'
import { batched, custom } from '../ops/apply.ts'
import { reshape } from '../ops/movement.ts'
import { reduceSum } from '../ops/reduction.ts'
import { type Application, combine, linear, type Rule, type RuleTable, shapeOf, unsupported } from '../rule.ts'
import type { Tangent } from '../tangent.ts'
import { firstOutput } from './movement.ts'
import { inverseCount } from './reduction.ts'

/** The operator on the input's tangent with the same weights, plus the weights' and the bias's own tangents. */
const conv: Rule = (a) => {
  const { opType, attributes } = a.node
  const out = { ...firstOutput(a), cost: multiplications(a) }
  const [tx, tw, tb] = a.t
  const parts: Tangent[] = []
  if (tx) {
    const mix = channelMix(a)
    if (mix) parts.push(mix(tx))
    else parts.push(batched(a.tape, opType, tx, out, (e, x) => e.g.op(opType, [x, a.x[1]!], attributes)))
  }
  if (tw) parts.push(convWeight(a, tw))
  if (tb) {
    const spatial = out.shape.slice(2).map(() => 1)
    parts.push(reshape(a.tape, tb, [...tb.shape, ...spatial], undefined))
  }
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
 * A 1x1 convolution of few channels as a matrix product over channels: the runtime's convolutions work on blocks of 8 or
 * 16 channels and reorder memory for them, which costs two to three times as much there.
 */
function channelMix(a: Application): ((t: Tangent) => Tangent) | undefined {
  const out = { ...firstOutput(a), cost: multiplications(a) }
  const [rows, columns, ...kernel] = shapeOf(a, a.x[1]!)
  const spatial = out.shape.slice(2)
  const list = (name: string): readonly number[] => attribute(a.node, name, 'ints', [])
  const plain =
    a.node.opType === 'Conv' &&
    kernel.every((n) => n === 1) &&
    list('strides').every((n) => n === 1) &&
    list('pads').every((n) => n === 0) &&
    attribute(a.node, 'group', 'int', 1) === 1
  if (!plain || typeof rows !== 'number' || typeof columns !== 'number' || Math.max(rows, columns) > FEW_CHANNELS)
    return undefined
  if (!spatial.every((n) => typeof n === 'number' && n > 0)) return undefined
  const sizes = spatial as number[]
  return (t) =>
    batched(a.tape, 'MatMul', t, out, (e, x) => {
      const weights = e.g.op('Reshape', [a.x[1]!, e.g.int64([rows, columns])])
      const flat = e.view(x, [-1, columns, count(sizes)])
      return e.view(e.g.op('MatMul', [weights, flat]), [-1, rows, ...sizes])
    })
}

/** Multiplications of one row: every output of a Conv, every input of a ConvTranspose meets its share of the weights. */
function multiplications(a: Application): number | undefined {
  const side = a.node.opType === 'Conv' ? a.y[0]! : a.x[0]!
  const positions = shapeOf(a, side).slice(2)
  const weights = shapeOf(a, a.x[1]!)
  if (![...positions, ...weights].every((n) => typeof n === 'number')) return undefined
  return count(positions as number[]) * count(weights as number[])
}

/** K weight tangents act as K times as many output channels on the same input. */
function convWeight(a: Application, tw: Tangent): Tangent {
  if (a.node.opType !== 'Conv' || attribute(a.node, 'group', 'int', 1) !== 1)
    throw unsupported(a, 'a Conv of one group when its weights have a tangent')
  const out = firstOutput(a)
  const spatial = out.shape.slice(2)
  if (spatial.some((n) => typeof n !== 'number')) throw unsupported(a, 'known sizes when its weights have a tangent')
  return custom(a.tape, 'Conv', tw, out, (e) => {
    const all = e.g.op('Conv', [a.x[0]!, e.folded(tw)], a.node.attributes)
    const channels = out.shape[1] as number
    const split = e.g.op('Reshape', [all, e.g.int64([0, -1, channels, ...(spatial as number[])])])
    return e.g.op('Transpose', [split], { perm: ints([1, 0, 2, ...spatial.map((_, i) => i + 3)]) })
  })
}

const averagePool: Rule = linear((a, t) => {
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
  AveragePool: averagePool,
  GlobalAveragePool: globalPool((a, axes) => inverseCount(a, a.x[0]!, axes)),
}
