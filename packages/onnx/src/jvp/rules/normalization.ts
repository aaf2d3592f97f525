// Derivatives of normalization layers.
import { attribute, int } from '../../attributes.ts'
import { positiveAxis, sameShape } from '../../infer/dims.ts'
import type { Dim } from '../../types.ts'
import {
  type Application,
  combine,
  inType,
  type Rule,
  type RuleTable,
  shapeOf,
  typeOf,
  valueInType,
} from '../derivative-rule.ts'
import { type Factor, factorOf, scalar } from '../factor.ts'
import { reshape } from '../ops/movement.ts'
import { reduceSum } from '../ops/reduction.ts'
import { primal } from '../primal.ts'
import type { Tangent, Term } from '../tangent.ts'
import { inverseCount } from './reduction.ts'

interface Normalized {
  /** (x - mean) / sqrt(variance + epsilon). */
  readonly value: string
  /** 1 / sqrt(variance + epsilon), axes kept. */
  readonly inverse: string
}

/** Normalizes a primal value over axes; without centring the root mean square takes the deviation's place. */
function normalize(a: Application, x: string, axes: readonly number[], centred: boolean): Normalized {
  const p = primal(a.g, typeOf(a))
  const mean = (v: string): string => {
    const total = a.g.op('ReduceSum', [v, a.g.int64(axes)], { keepdims: int(1) })
    const share = inverseCount(a, x, axes)
    return p.mul(total, share.value ?? share.scale)
  }
  const shifted = centred ? p.sub(x, mean(x)) : x
  const epsilon = attribute(a.node, 'epsilon', 'float', 1e-5)
  const inverse = p.un('Reciprocal', p.un('Sqrt', p.add(mean(p.mul(shifted, shifted)), epsilon)))
  return { value: p.mul(shifted, inverse), inverse }
}

/** d normalized = inverse (dx - mean(dx) - normalized mean(normalized dx)). */
function normalizedTangent(
  a: Application,
  t: Tangent,
  x: string,
  axes: readonly number[],
  centred: boolean,
): { tangent: Tangent; normalized: Normalized } {
  const normalized = normalize(a, x, axes, centred)
  const share = inverseCount(a, x, axes)
  const value = factorOf(a.g, normalized.value)
  const meanOf = (of: Tangent): Tangent =>
    combine(a.tape, [{ of: reduceSum(a.tape, of, axes, true), by: share }], undefined, undefined)
  const along = meanOf(combine(a.tape, [{ of: t, by: value }], t.shape, x))
  const inverse = factorOf(a.g, normalized.inverse)
  const p = primal(a.g, typeOf(a))
  const terms: Term[] = [
    { of: t, by: inverse },
    { of: along, by: { ...factorOf(a.g, p.mul(normalized.value, normalized.inverse)), scale: -1 } },
  ]
  if (centred) terms.push({ of: meanOf(t), by: { ...inverse, scale: -1 } })
  return { tangent: combine(a.tape, terms, t.shape, x), normalized }
}

/** scale * normalized + bias, where scale and bias are reshaped to broadcast against x. */
function scaleAndShift(
  a: Application,
  tangent: Tangent | undefined,
  normalized: () => string,
  perValue: readonly Dim[],
  out: { shape: readonly Dim[]; like: string | undefined } = { shape: shapeOf(a, a.y[0]!), like: a.y[0] },
): Tangent {
  const [, ts, tb] = a.t
  const target = perValue.map((n) => (typeof n === 'number' ? n : -1))
  const asItIs = sameShape(shapeOf(a, a.x[1]!), perValue)
  const reshapedScale = (): Factor => factorOf(a.g, asItIs ? a.x[1]! : a.g.op('Reshape', [a.x[1]!, a.g.int64(target)]))
  const terms: Term[] = []
  if (tangent) terms.push({ of: tangent, by: reshapedScale() })
  if (ts) terms.push({ of: reshape(a.tape, ts, perValue, undefined), by: factorOf(a.g, normalized()) })
  if (tb) terms.push({ of: reshape(a.tape, tb, perValue, undefined), by: scalar(tb.type, 1) })
  return combine(a.tape, terms, out.shape, out.like)
}

/** LayerNormalization and RMSNormalization: over the last axes, scale of the shape of those axes. */
function lastAxes(centred: boolean): Rule {
  return (given) => {
    const a = inOneType(given)
    const shape = shapeOf(a, a.x[0]!)
    const first = positiveAxis(attribute(a.node, 'axis', 'int', -1), shape.length)
    const axes = shape.flatMap((_, axis) => (axis < first ? [] : [axis]))
    const done = a.t[0] && normalizedTangent(a, a.t[0], a.x[0]!, axes, centred)
    const value = (): string => done?.normalized.value ?? normalize(a, a.x[0]!, axes, centred).value
    return [scaleAndShift(a, done?.tangent, value, shapeOf(a, a.x[1]!))]
  }
}

/** The operator with every input in the type of its result: parameters may be kept in a wider one. */
function inOneType(a: Application): Application {
  const type = typeOf(a)
  const x = a.x.map((value) => (value === '' ? value : valueInType(a, value, type)))
  return { ...a, x, t: a.t.map((t) => t && inType(a.tape, t, type)) }
}

/** Per-channel parameters [C] as [C, 1, 1 ...]. */
function perChannel(a: Application): readonly Dim[] {
  const [, channels, ...spatial] = shapeOf(a, a.x[0]!)
  return [channels!, ...spatial.map(() => 1)]
}

const instance: Rule = (a) => {
  const axes = shapeOf(a, a.x[0]!).flatMap((_, axis) => (axis < 2 ? [] : [axis]))
  const done = a.t[0] && normalizedTangent(a, a.t[0], a.x[0]!, axes, true)
  const value = (): string => done?.normalized.value ?? normalize(a, a.x[0]!, axes, true).value
  return [scaleAndShift(a, done?.tangent, value, perChannel(a))]
}

/** Channels in groups, each normalized with its positions; computed on [N, groups, rest]. */
const group: Rule = (a) => {
  const [x, t] = [a.x[0]!, a.t[0]]
  const groups = attribute(a.node, 'num_groups', 'int', 1)
  const inGroups = a.g.op('Reshape', [x, a.g.int64([0, groups, -1])])
  const shape = shapeOf(a, inGroups)
  const done = t && normalizedTangent(a, reshape(a.tape, t, shape, inGroups), inGroups, [2], true)
  const value = (): string => done?.normalized.value ?? normalize(a, inGroups, [2], true).value
  const out = { shape: shapeOf(a, x), like: x }
  // Up to operator set 20 there is one scale per group.
  if (a.g.opset < 21) {
    const whole = scaleAndShift(a, done?.tangent, value, [groups, 1], { shape, like: inGroups })
    return [reshape(a.tape, whole, out.shape, out.like)]
  }
  const tangent = done && reshape(a.tape, done.tangent, out.shape, out.like)
  const normalized = (): string => a.g.op('Reshape', [value(), a.g.op('Shape', [x])])
  return [scaleAndShift(a, tangent, normalized, perChannel(a))]
}

/** In inference a batch normalization is linear in all but the variance: (x - mean) scale / deviation + bias. */
const batch: Rule = (given) => {
  const a = inOneType(given)
  const p = primal(a.g, typeOf(a))
  const [tx, ts, tb, tm, tv] = a.t
  const target = perChannel(a)
  const sizes = a.g.int64(target.map((n) => (typeof n === 'number' ? n : -1)))
  const channels = (value: string): string => a.g.op('Reshape', [value, sizes])
  const deviation = p.un('Sqrt', p.add(a.x[4]!, attribute(a.node, 'epsilon', 'float', 1e-5)))
  const slope = (): string => channels(p.div(a.x[1]!, deviation))
  const normalized = (): string => p.div(p.sub(a.x[0]!, channels(a.x[3]!)), channels(deviation))
  const terms: Term[] = []
  const term = (t: Tangent | undefined, by: () => Factor, perValue = true): void => {
    if (t) terms.push({ of: perValue ? reshape(a.tape, t, target, undefined) : t, by: by() })
  }
  term(tx, () => factorOf(a.g, slope()), false)
  term(ts, () => factorOf(a.g, normalized()))
  term(tb, () => scalar(typeOf(a), 1))
  term(tm, () => ({ ...factorOf(a.g, slope()), scale: -1 }))
  term(tv, () => ({ ...factorOf(a.g, p.div(p.mul(normalized(), slope()), channels(deviation))), scale: -0.5 }))
  return [combine(a.tape, terms, shapeOf(a, a.y[0]!), a.y[0])]
}

export const normalizationRules: RuleTable = {
  LayerNormalization: lastAxes(true),
  RMSNormalization: lastAxes(false),
  InstanceNormalization: instance,
  GroupNormalization: group,
  BatchNormalization: batch,
}
