// Derivatives of reductions, softmax and running sums.
import { attribute, int } from '../../attributes.ts'
import { positiveAxis } from '../../infer/dims.ts'
import {
  type Application,
  combine,
  intsOf,
  linear,
  type Rule,
  type RuleTable,
  shapeOf,
  typeOf,
  zero,
} from '../derivative-rule.ts'
import { type Factor, factorOf, scalar } from '../factor.ts'
import { cumSum, reduceSum } from '../ops/reduction.ts'
import { type Primal, primal } from '../primal.ts'
import type { Tangent } from '../tangent.ts'

/** The axes a reduction runs over, as 0..rank-1. */
function reducedAxes(a: Application): number[] {
  const rank = shapeOf(a, a.x[0]!).length
  const listed = attribute(a.node, 'axes', 'ints', undefined) ?? (a.x[1] ? intsOf(a, 1) : [])
  const none = listed.length === 0 && attribute(a.node, 'noop_with_empty_axes', 'int', 0) === 1
  if (none) return []
  const axes = listed.length > 0 ? listed : shapeOf(a, a.x[0]!).map((_, axis) => axis)
  return axes.map((axis) => positiveAxis(axis, rank))
}

const keepsDims = (a: Application): boolean => attribute(a.node, 'keepdims', 'int', 1) === 1

/** The reduced value with its axes kept, so that it broadcasts against the input. */
function keptOutput(a: Application, axes: readonly number[]): string {
  return keepsDims(a) || axes.length === 0 ? a.y[0]! : a.g.op('Unsqueeze', [a.y[0]!, a.g.int64(axes)])
}

/** Reductions that are no identity over no axes. */
const perElement = ['ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSum']

/** Sum over the reduced axes of factor x tangent. */
function weightedSum(
  weight?: (a: Application, p: Primal, kept: () => string, axes: readonly number[]) => Factor,
): Rule {
  return linear((a, t) => {
    const axes = reducedAxes(a)
    // Over no axes at all, what a reduction does to each element is left: |x|, x^2, log x.
    if (axes.length === 0 && !perElement.includes(a.node.opType)) return t
    const p = primal(a.g, typeOf(a))
    const weighted = weight
      ? combine(a.tape, [{ of: t, by: weight(a, p, () => keptOutput(a, axes), axes) }], t.shape, a.x[0])
      : t
    return reduceSum(a.tape, weighted, axes, keepsDims(a), a.y[0])
  })
}

/** 1 / (number of elements along the axes), a plain number where the sizes are known. */
export function inverseCount(a: Application, value: string, axes: readonly number[]): Factor {
  const sizes = axes.map((axis) => shapeOf(a, value)[axis]!)
  const type = typeOf(a)
  if (sizes.every((n): n is number => typeof n === 'number')) return scalar(type, 1 / sizes.reduce((p, n) => p * n, 1))
  const picked = a.g.op('Gather', [a.g.op('Shape', [value]), a.g.int64(axes)])
  const total = a.g.op('ReduceProd', [picked], { keepdims: int(0) })
  return factorOf(a.g, a.g.op('Reciprocal', [primal(a.g, type).mask(total)]))
}

/** Elements that attain the extreme share its tangent equally. */
const extreme: Rule = weightedSum((a, p, kept, axes) => {
  const attained = p.mask(a.g.op('Equal', [a.x[0]!, kept()]))
  const ties = a.g.op('ReduceSum', [attained, a.g.int64(axes)], { keepdims: int(1) })
  return factorOf(a.g, p.div(attained, ties), { masked: true })
})

/** The product of all other elements, which is not 0 beside one zero: at that zero. */
function productOfOthers(a: Application, p: Primal, _kept: () => string, axes: readonly number[]): Factor {
  const x = a.x[0]!
  const isZero = p.test('Equal', x, 0)
  const filled = p.where(isZero, 1, x)
  const over = (opType: string, value: string): string => a.g.op(opType, [value, a.g.int64(axes)], { keepdims: int(1) })
  const rest = over('ReduceProd', filled)
  const zeros = over('ReduceSum', p.mask(isZero))
  const atZero = p.where(p.test('Equal', zeros, 1), rest, 0)
  const elsewhere = p.where(p.test('Equal', zeros, 0), p.div(rest, filled), 0)
  return factorOf(a.g, p.where(isZero, atZero, elsewhere), { masked: true })
}

const softmaxAxis = (a: Application, t: Tangent): number =>
  positiveAxis(attribute(a.node, 'axis', 'int', -1), t.shape.length)

/** The first output with 0 for NaN: what the model puts in place of NaN is not reached by a product of NaN and 0. */
function withoutNaN(a: Application): string {
  return primal(a.g, typeOf(a)).where(a.g.op('IsNaN', [a.y[0]!]), 0, a.y[0]!)
}

/** dy = y dx - y sum(y dx). */
const softmax: Rule = linear((a, t) => {
  const y = factorOf(a.g, a.mayBeDropped ? withoutNaN(a) : a.y[0]!)
  const weighted = combine(a.tape, [{ of: t, by: y }], t.shape, a.y[0])
  const total = reduceSum(a.tape, weighted, [softmaxAxis(a, t)], true)
  return combine(
    a.tape,
    [
      { of: t, by: y },
      { of: total, by: { ...y, scale: -1 } },
    ],
    t.shape,
    a.y[0],
  )
})

/** dy = dx - sum(softmax(x) dx). */
const logSoftmax: Rule = linear((a, t) => {
  const p = factorOf(a.g, a.g.op('Exp', [a.y[0]!]))
  const weighted = combine(a.tape, [{ of: t, by: p }], t.shape, a.y[0])
  const total = reduceSum(a.tape, weighted, [softmaxAxis(a, t)], true)
  return combine(
    a.tape,
    [
      { of: t, by: scalar(t.type, 1) },
      { of: total, by: scalar(t.type, -1) },
    ],
    t.shape,
    a.y[0],
  )
})

const cumSumRule: Rule = linear((a, t) => {
  const axis = positiveAxis(intsOf(a, 1)[0]!, t.shape.length)
  const flag = (name: string): boolean => attribute(a.node, name, 'int', 0) === 1
  return cumSum(a.tape, t, axis, flag('exclusive'), flag('reverse'), a.y[0])
})

export const reductionRules: RuleTable = {
  ReduceSum: weightedSum(),
  ReduceMean: weightedSum((a, _p, _kept, axes) => inverseCount(a, a.x[0]!, axes)),
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceL1: weightedSum((a, p) => factorOf(a.g, p.un('Sign', a.x[0]!))),
  ReduceL2: weightedSum((a, p, kept) => {
    // PyTorch's convention: the norm has slope 0 at 0.
    const isZero = p.test('Equal', kept(), 0)
    return factorOf(a.g, p.where(isZero, 0, p.div(a.x[0]!, p.where(isZero, 1, kept()))))
  }),
  ReduceProd: weightedSum(productOfOthers),
  ReduceSumSquare: weightedSum((a) => ({ ...factorOf(a.g, a.x[0]!), scale: 2 })),
  ReduceLogSum: weightedSum((a, p, kept) => factorOf(a.g, p.un('Exp', p.mul(-1, kept())), { singular: true })),
  ReduceLogSumExp: weightedSum((a, p, kept) => factorOf(a.g, p.un('Exp', p.sub(a.x[0]!, kept())))),
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  CumSum: cumSumRule,
  ArgMax: zero,
  ArgMin: zero,
}
