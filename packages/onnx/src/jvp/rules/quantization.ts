// Derivatives of quantization: by scales; and straight through rounding, as training with fake quantization takes them
// (Bengio et al., arXiv 1308.3432; PyTorch's fake_quantize: 1 where a number is not clipped, 0 where it is).
//
// A quantized value's tangent is that of the number it stands for in units of its scale: a float, whatever the type.
import { attribute } from '../../attributes.ts'
import { positiveAxis } from '../../infer/dims.ts'
import { integerRanges } from '../../integer-ranges.ts'
import type { ElementType } from '../../types.ts'
import {
  type Application,
  combine,
  inType,
  type Rule,
  type RuleTable,
  shapeOf,
  unsupported,
  valueInType,
} from '../derivative-rule.ts'
import { factorOf } from '../factor.ts'
import { reshape } from '../ops/movement.ts'
import { reduceSum } from '../ops/reduction.ts'
import { type Primal, primal } from '../primal.ts'
import type { Tangent, Term } from '../tangent.ts'
import { convolutionRules } from './convolution.ts'
import { linalgRules } from './linalg.ts'

const isOne = (a: Application, value: string): boolean => shapeOf(a, value).every((n) => n === 1)

/** Shape in which a scale or zero point of one number, or of one per slice of an axis, broadcasts against `x`. */
function parameterShape(a: Application, value: string, x: string, axis: number): readonly number[] | undefined {
  const own = shapeOf(a, value)
  const rank = shapeOf(a, x).length
  if (own.length === 0 || own.length > 1) {
    if (own.length === 0 || isOne(a, value)) return []
    throw unsupported(a, 'a scale of one number, or of one per slice of an axis')
  }
  if (isOne(a, value)) return []
  return [-1, ...new Array<number>(rank - 1 - positiveAxis(axis, rank)).fill(1)]
}

/** A parameter in a floating-point type and a shape that broadcasts; one left out is 0. */
function parameter(a: Application, index: number, x: string, axis: number, type: ElementType): string | undefined {
  const value = a.x[index]
  if (!value) return undefined
  const shape = parameterShape(a, value, x, axis)
  return a.g.op('Reshape', [valueInType(a, value, type), a.g.int64(shape ?? [])])
}

/** What a quantized value stands for in units of its scale, q - z. */
function centred(a: Application, p: Primal, q: string, z: string | undefined, type: ElementType): string {
  const number = valueInType(a, q, type)
  return z ? p.sub(number, z) : number
}

/** A scale's tangent in the shape of the scale as it broadcasts. */
function scaleTangent(a: Application, ts: Tangent, index: number, x: string, axis: number): Tangent {
  const [first, ...ones] = parameterShape(a, a.x[index]!, x, axis) ?? []
  return reshape(a.tape, ts, first === undefined ? [] : [ts.shape[0]!, ...ones], undefined)
}

/** y = (q - z) s: by the scale, and straight through by q. */
const dequantize: Rule = (a) => {
  const [tq, ts] = a.t
  const q = a.x[0]!
  const { type } = a.g.info(a.y[0]!)
  const p = primal(a.g, type)
  const axis = attribute(a.node, 'axis', 'int', 1)
  const terms: Term[] = []
  if (tq) terms.push({ of: inType(a.tape, tq, type), by: factorOf(a.g, parameter(a, 1, q, axis, type)!) })
  if (ts) {
    const of = inType(a.tape, scaleTangent(a, ts, 1, q, axis), type)
    terms.push({ of, by: factorOf(a.g, centred(a, p, q, parameter(a, 2, q, axis, type), type)) })
  }
  return [combine(a.tape, terms, shapeOf(a, a.y[0]!), a.y[0])]
}

/** q = round(x / s) + z, clipped; straight through: dq = dx / s - x / s^2 ds where it is not clipped. */
const quantize: Rule = (a) => {
  const [tx, ts] = a.t
  const x = a.x[0]!
  const { type } = (tx ?? ts)!
  const p = primal(a.g, type)
  const axis = attribute(a.node, 'axis', 'int', 1)
  const [s, z] = [parameter(a, 1, x, axis, type)!, parameter(a, 2, x, axis, type)]
  const value = valueInType(a, x, type)
  const whole = p.un('Round', p.div(value, s))
  const range = integerRanges[a.g.info(a.y[0]!).type]
  const moved = z ? p.add(whole, z) : whole
  const inside =
    range && a.g.op('And', [p.test('GreaterOrEqual', moved, range[0]), p.test('LessOrEqual', moved, range[1])])
  const kept = (slope: string) =>
    inside ? factorOf(a.g, p.where(inside, slope, 0), { masked: true }) : factorOf(a.g, slope)
  const terms: Term[] = []
  if (tx) terms.push({ of: tx, by: kept(p.un('Reciprocal', s)) })
  if (ts) {
    const of = inType(a.tape, scaleTangent(a, ts, 1, x, axis), type)
    terms.push({ of, by: kept(p.div(p.un('Neg', value), p.mul(s, s))) })
  }
  return [combine(a.tape, terms, shapeOf(a, a.y[0]!), a.y[0])]
}

/** The scale is (max(x, 0) - min(x, 0)) / 255 over all of x: it has a slope although rounding has none. */
const dynamicScale: Rule = (a) => {
  const [t] = a.t
  const x = a.x[0]!
  const p = primal(a.g, t!.type)
  const axes = shapeOf(a, x).map((_, axis) => axis)
  const over = (opType: string, value: string): string => a.g.op(opType, [value, a.g.int64(axes)])
  const share = (extreme: string, beyond: 'Greater' | 'Less'): string => {
    const attained = p.mask(a.g.op('And', [p.test('Equal', x, extreme), p.test(beyond, extreme, 0)]))
    return p.div(attained, a.g.op('Max', [over('ReduceSum', attained), a.g.scalar(t!.type, 1)]))
  }
  const slope = p.sub(share(over('ReduceMax', x), 'Greater'), share(over('ReduceMin', x), 'Less'))
  const by = { ...factorOf(a.g, slope, { masked: true }), scale: 1 / 255 }
  const weighted = combine(a.tape, [{ of: t!, by }], t!.shape, x)
  return [undefined, reduceSum(a.tape, weighted, axes, false, a.y[1]), undefined]
}

/** Straight through: q moves as x / s, the scale and zero point being held. Nothing is clipped. */
const dynamic: Rule = (a) => {
  const [t] = a.t
  const slope = factorOf(a.g, a.g.op('Reciprocal', [a.y[1]!]))
  return [combine(a.tape, [{ of: t!, by: slope }], t!.shape, a.y[0])]
}

/** The same operator on numbers: `x` and `w` as floats in units of their scales. */
function inUnits(a: Application, rule: Rule, opType: string, x: string, w: string, t: Application['t']): Tangent {
  const [tangent] = rule({ ...a, node: { ...a.node, opType }, x: [x, w], t })
  return tangent!
}

/** Where the operands of a quantized product are: their values, scales and zero points; and those of the result. */
interface Places {
  readonly opType: 'Conv' | 'MatMul'
  readonly rule: Rule
  readonly left: readonly [number, number, number]
  readonly right: readonly [number, number, number]
  readonly result?: readonly [number, number]
}

/** A product of quantized operands, straight through: y = s_a s_b / s_y (a - z_a)(b - z_b), 0 where y is at a limit. */
function product({ opType, rule, left, right, result }: Places): Rule {
  return (a) => {
    const sides = [left, right].map(([value, scale, zero], i) => {
      const name = a.x[value]!
      return { value, scale, zero, name, axis: opType === 'Conv' ? 0 : i === 1 ? -1 : -2 }
    })
    const { type } = sides.map(({ value }) => a.t[value]).find((t) => t !== undefined)!
    const p = primal(a.g, type)
    const numbers = sides.map(({ scale, zero, name, axis }) => {
      const z = zero >= 0 ? parameter(a, zero, name, axis, type) : undefined
      const units = centred(a, p, name, z, type)
      const s = scale >= 0 ? parameter(a, scale, name, axis, type) : undefined
      return { units, real: s ? p.mul(units, s) : units, s }
    })
    const tangents = sides.map(({ value, name }, i) => {
      const t = a.t[value]
      const s = numbers[i]!.s
      return t && s ? combine(a.tape, [{ of: t, by: factorOf(a.g, s) }], t.shape, name) : t
    })
    const real = inUnits(a, rule, opType, numbers[0]!.real, numbers[1]!.real, tangents)
    if (!result) return [real]
    const [scale, zero] = result
    const s = parameter(a, scale, a.y[0]!, 1, type)!
    const y = a.y[0]!
    const range = integerRanges[a.g.info(a.x[zero] || y).type] ?? [0, 255]
    const value = valueInType(a, y, type)
    const inside = a.g.op('And', [p.test('Greater', value, range[0]), p.test('Less', value, range[1])])
    const by = factorOf(a.g, p.where(inside, p.un('Reciprocal', s), 0), { masked: true })
    return [combine(a.tape, [{ of: real, by }], shapeOf(a, y), y)]
  }
}

const conv = { opType: 'Conv', rule: convolutionRules.Conv! } as const
const matMul = { opType: 'MatMul', rule: linalgRules.MatMul! } as const

/** What is true of them as they are. */
export const quantizationRules: RuleTable = {
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicScale,
}

/** In place of the true rules, when asked for. */
export const straightThroughRules: RuleTable = {
  QuantizeLinear: quantize,
  DynamicQuantizeLinear: dynamic,
  QLinearConv: product({ ...conv, left: [0, 1, 2], right: [3, 4, 5], result: [6, 7] }),
  QLinearMatMul: product({ ...matMul, left: [0, 1, 2], right: [3, 4, 5], result: [6, 7] }),
  ConvInteger: product({ ...conv, left: [0, -1, 2], right: [1, -1, 3] }),
  MatMulInteger: product({ ...matMul, left: [0, -1, 2], right: [1, -1, 3] }),
}

/** Operators at which derivatives end because they round. */
export const rounding: readonly string[] = ['QuantizeLinear', 'DynamicQuantizeLinear']

/** Operators that pass tangents of quantized values on. */
export const carriers: ReadonlySet<string> = new Set(
  (
    'DequantizeLinear Cast Identity Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Gather GatherElements ' +
    `Pad Expand Tile MaxPool DepthToSpace SpaceToDepth ${Object.keys(straightThroughRules).join(' ')}`
  ).split(' '),
)
