// Derivatives of elementwise operators: each is its partial derivatives, written on primal values.
import { attribute } from '../../attributes.ts'
import { count, plainNumbers } from '../../tensors.ts'
import {
  type Application,
  elementwise,
  elementwiseBy,
  type Partial,
  type Rule,
  type RuleTable,
  shapeOf,
  typeOf,
  valueInType,
  zero,
} from '../derivative-rule.ts'
import { type Factor, factorOf, scalar } from '../factor.ts'
import { cast as castTangent } from '../ops/apply.ts'
import { type Primal, primal } from '../primal.ts'

/** Derivative of a function of one input from x, y = f(x) and arithmetic on primal values. */
type Derivative = (p: Primal, x: string, y: string, a: Application) => string

const SQRT_2_PI = Math.sqrt(2 * Math.PI)

/** A partial derivative given by a primal expression. */
function partial(derivative: Derivative, flags: { masked?: boolean; singular?: boolean } = {}, sign = 1): Partial {
  return (a) => {
    const f = factorOf(a.g, derivative(primal(a.g, typeOf(a)), a.x[0]!, a.y[0]!, a), flags)
    return { ...f, scale: f.scale * sign }
  }
}

const unary = (derivative: Derivative, flags = {}, sign = 1): Rule => elementwise(partial(derivative, flags, sign))
const number =
  (value: number): Partial =>
  (a) =>
    scalar(typeOf(a), value)

/** A rule that is 1 where a condition holds and 0 elsewhere. */
const masked = (condition: Derivative): Rule => unary((p, x, y, a) => p.mask(condition(p, x, y, a)), { masked: true })

/** A float attribute. */
const real = (a: Application, name: string, fallback: number): number => attribute(a.node, name, 'float', fallback)

const square = (p: Primal, x: string): string => p.mul(x, x)

/** Standard normal density times a constant: c exp(-x^2 / 2). */
const bell = (p: Primal, x: string, c: number): string => p.mul(c, p.un('Exp', p.mul(-0.5, square(p, x))))

const gelu: Derivative = (p, x, _y, a) => {
  if (attribute(a.node, 'approximate', 'string', 'none') === 'tanh') {
    // 0.5 x (1 + tanh u), u = sqrt(2 / pi) (x + 0.044715 x^3)
    const c = Math.sqrt(2 / Math.PI)
    const t = p.un('Tanh', p.mul(c, p.mul(x, p.add(1, p.mul(0.044715, square(p, x))))))
    const du = p.mul(c, p.add(1, p.mul(3 * 0.044715, square(p, x))))
    return p.mul(0.5, p.add(p.add(1, t), p.mul(x, p.mul(p.sub(1, square(p, t)), du))))
  }
  const cdf = p.mul(0.5, p.add(1, p.un('Erf', p.mul(Math.SQRT1_2, x))))
  return p.add(cdf, p.mul(x, bell(p, x, 1 / SQRT_2_PI)))
}

const hardSwish: Derivative = (p, x) => {
  const middle = p.add(p.mul(1 / 3, x), 0.5)
  return p.where(p.test('LessOrEqual', x, -3), 0, p.where(p.test('GreaterOrEqual', x, 3), 1, middle))
}

const mish: Derivative = (p, x) => {
  const t = p.un('Tanh', p.un('Softplus', x))
  return p.add(t, p.mul(p.mul(x, p.un('Sigmoid', x)), p.sub(1, square(p, t))))
}

const swish: Derivative = (p, x, y, a) => {
  const alpha = real(a, 'alpha', 1)
  const s = p.un('Sigmoid', p.mul(alpha, x))
  return p.add(s, p.mul(alpha, p.mul(y, p.sub(1, s))))
}

const SELU_ALPHA = 1.6732631921768188
const SELU_GAMMA = 1.0507010221481323
const positive = (p: Primal, x: string): string => p.test('Greater', x, 0)

const selu: Derivative = (p, x, y, a) => {
  const gamma = real(a, 'gamma', SELU_GAMMA)
  return p.where(positive(p, x), gamma, p.add(y, gamma * real(a, 'alpha', SELU_ALPHA)))
}

/** Functions of one input. At kinks the value is the one PyTorch takes. */
const functions: RuleTable = {
  Relu: masked((p, x) => positive(p, x)),
  Sigmoid: unary((p, _x, y) => p.mul(y, p.sub(1, y))),
  Tanh: unary((p, _x, y) => p.sub(1, square(p, y))),
  Exp: unary((_p, _x, y) => y),
  Log: unary((p, x) => p.un('Reciprocal', x), { singular: true }),
  Sqrt: unary((p, _x, y) => p.div(0.5, y), { singular: true }),
  Softplus: unary((p, x) => p.un('Sigmoid', x)),
  Softsign: unary((p, x) => p.un('Reciprocal', square(p, p.add(1, p.un('Abs', x))))),
  Neg: elementwise(number(-1)),
  Abs: unary((p, x) => p.un('Sign', x)),
  Reciprocal: unary((p, _x, y) => square(p, y), { singular: true }, -1),
  Elu: unary((p, x, y, a) => p.where(positive(p, x), 1, p.add(y, real(a, 'alpha', 1)))),
  Selu: unary(selu),
  Celu: unary((p, x, _y, a) => p.where(positive(p, x), 1, p.un('Exp', p.mul(1 / real(a, 'alpha', 1), x)))),
  LeakyRelu: unary((p, x, _y, a) => p.where(positive(p, x), 1, real(a, 'alpha', 0.01))),
  ThresholdedRelu: masked((p, x, _y, a) => p.test('Greater', x, real(a, 'alpha', 1))),
  Gelu: unary(gelu),
  HardSwish: unary(hardSwish),
  Shrink: masked((p, x, _y, a) => p.test('Greater', p.un('Abs', x), real(a, 'lambd', 0.5))),
  Mish: unary(mish),
  Swish: unary(swish),
  HardSigmoid: unary((p, _x, y, a) => {
    const inside = a.g.op('And', [p.test('Greater', y, 0), p.test('Less', y, 1)])
    return p.mul(real(a, 'alpha', 0.2), p.mask(inside))
  }),
  Erf: unary((p, x) => p.mul(2 / Math.sqrt(Math.PI), p.un('Exp', p.mul(-1, square(p, x))))),
  Sin: unary((p, x) => p.un('Cos', x)),
  Cos: unary((p, x) => p.un('Sin', x), {}, -1),
  Tan: unary((p, _x, y) => p.add(1, square(p, y))),
  Asin: unary((p, x) => p.pow(p.sub(1, square(p, x)), -0.5), { singular: true }),
  Acos: unary((p, x) => p.pow(p.sub(1, square(p, x)), -0.5), { singular: true }, -1),
  Atan: unary((p, x) => p.un('Reciprocal', p.add(1, square(p, x)))),
  Sinh: unary((p, x) => p.un('Cosh', x)),
  Cosh: unary((p, x) => p.un('Sinh', x)),
  Asinh: unary((p, x) => p.pow(p.add(square(p, x), 1), -0.5)),
  Acosh: unary((p, x) => p.pow(p.sub(square(p, x), 1), -0.5), { singular: true }),
  Atanh: unary((p, x) => p.un('Reciprocal', p.sub(1, square(p, x))), { singular: true }),
  Identity: elementwise(number(1)),
}

/** Input i itself as a factor. */
const input =
  (i: number): Partial =>
  (a) =>
    factorOf(a.g, a.x[i]!)

const reciprocal: Partial = (a) => {
  const b = factorOf(a.g, a.x[1]!)
  if (b.value === undefined) return scalar(b.type, 1 / b.scale)
  return factorOf(a.g, a.g.op('Reciprocal', [b.value]), { singular: true })
}

/** d(a^b)/da = b a^(b-1), with the common constant exponents written out. */
const powBase: Partial = (a) => {
  const p = primal(a.g, typeOf(a))
  const [base, exponent] = [a.x[0]!, a.x[1]!]
  const constant = a.g.constantTensor(exponent)
  const c = constant && count(constant.shape) === 1 ? plainNumbers(constant)[0]! : undefined
  if (c === 0) return scalar(typeOf(a), 0)
  if (c === 1) return scalar(typeOf(a), 1)
  if (c === 2) return { ...factorOf(a.g, base), scale: 2 }
  if (c !== undefined) return { ...factorOf(a.g, p.pow(base, c - 1), { singular: c < 1 }), scale: c }
  // Where the exponent is 0 the slope is 0, at the base 0 too.
  const b = valueInType(a, exponent, typeOf(a))
  const value = p.mul(b, p.pow(base, p.sub(b, 1)))
  return factorOf(a.g, p.where(p.test('Equal', b, 0), 0, value), { singular: true, masked: true })
}

/** d(a^b)/db = y log a, and 0 for the base 0 with exponents from 0 on. */
const powExponent: Partial = (a) => {
  const p = primal(a.g, typeOf(a))
  const [base, given] = a.x as [string, string]
  const exponent = valueInType(a, given, typeOf(a))
  const flat = a.g.op('And', [p.test('Equal', base, 0), p.test('GreaterOrEqual', exponent, 0)])
  const value = p.mul(a.y[0]!, p.un('Log', p.where(flat, 1, base)))
  return factorOf(a.g, value, { masked: true })
}

/** Largest or smallest of n inputs: the tangents of those that attain it, averaged over ties. */
const extreme: Rule = (a) => {
  const p = primal(a.g, typeOf(a))
  const attained = a.x.map((x) => p.mask(a.g.op('Equal', [x, a.y[0]!])))
  const ties = attained.reduce((sum, mask) => p.add(sum, mask))
  const share = (i: number): Factor => factorOf(a.g, p.div(attained[i]!, ties), { masked: true })
  return elementwiseBy((i) => () => share(i))(a)
}

/** 1 within the bounds, ends included. The bounds get a tangent where they bind. */
const clip: Rule = (a) => {
  const p = primal(a.g, typeOf(a))
  const [x, low, high] = a.x
  const above = low ? p.test('GreaterOrEqual', x!, low) : undefined
  const below = high ? p.test('LessOrEqual', x!, high) : undefined
  const inside = above && below ? a.g.op('And', [above, below]) : (above ?? below)
  const mask = (condition: string): Factor => factorOf(a.g, p.mask(condition), { masked: true })
  // Bounds that cross: the upper one wins.
  const crossed = (): string | undefined => (low && high ? p.test('Less', high, low) : undefined)
  const both = (opType: string, one: string, other: string | undefined): string =>
    other ? a.g.op(opType, [one, other]) : one
  return elementwise(
    () => (inside ? mask(inside) : scalar(typeOf(a), 1)),
    () => {
      const ordered = crossed()
      return mask(both('And', a.g.op('Not', [above!]), ordered && a.g.op('Not', [ordered])))
    },
    () => mask(both('Or', a.g.op('Not', [below!]), crossed())),
  )(a)
}

const prelu: Rule = elementwise(
  (a) => {
    const p = primal(a.g, typeOf(a))
    return factorOf(a.g, p.where(p.test('Greater', a.x[0]!, 0), 1, a.x[1]!))
  },
  (a) => {
    const p = primal(a.g, typeOf(a))
    return factorOf(a.g, p.where(p.test('Greater', a.x[0]!, 0), 0, a.x[0]!), { masked: true })
  },
)

const sum: Rule = (a) => elementwiseBy(() => number(1))(a)
const mean: Rule = (a) => elementwiseBy(() => number(1 / a.x.length))(a)

/** a - b trunc(a / b); the sign of the result is a's. */
const mod: Rule = elementwise(number(1), (a) => {
  const p = primal(a.g, typeOf(a))
  const [x, b] = a.x as [string, string]
  const whole = p.div(p.sub(x, a.y[0]!), b)
  return { ...factorOf(a.g, p.un('Round', whole)), scale: -1 }
})

/**
 * In inference nothing is dropped; in training, what the mask keeps is divided by 1 - ratio. Lowering has seen to it that
 * the node reports its mask where training is possible.
 */
const dropout: Rule = (a) => {
  const type = typeOf(a)
  const [, ratio, training] = a.x
  const known = training ? a.g.constantTensor(training) : undefined
  if (!training || (known && plainNumbers(known)[0] === 0)) return elementwise(number(1), number(0))(a)
  const p = primal(a.g, type)
  const kept = p.sub(1, ratio ? a.g.op('CastLike', [ratio, a.x[0]!]) : 0.5)
  const scale = p.where(training, p.div(p.mask(a.y[1]!), kept), 1)
  return elementwise(
    () => factorOf(a.g, scale, { masked: true }),
    () => factorOf(a.g, p.where(training, p.div(a.y[0]!, kept), 0), { masked: true }),
  )(a)
}

const where: Rule = (a) => {
  const [, yes, no] = a.t
  const shape = shapeOf(a, a.y[0]!)
  return [a.tape.make({ kind: 'select', condition: a.x[0]!, yes, no }, shape, typeOf(a), a.y[0])]
}

/** Between floating-point types a cast is linear; to anything else it is constant. */
const cast: Rule = (a) => {
  const to = typeOf(a)
  const t = a.t[0]
  // CastLike's second input only lends its type.
  if (!t || to === t.type) return [t]
  return to.startsWith('float') || to === 'bfloat16' ? [castTangent(a.tape, t, to, a.y[0])] : []
}

const constant =
  'Greater GreaterOrEqual Less LessOrEqual Equal Not And Or Xor IsNaN IsInf Sign Floor Ceil Round Shape Size ' +
  'ConstantOfShape EyeLike RandomNormalLike RandomUniformLike Bernoulli Multinomial Hardmax NonZero QuantizeLinear ' +
  'BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot NonMaxSuppression'

export const elementwiseRules: RuleTable = {
  ...functions,
  ...Object.fromEntries(constant.split(' ').map((op) => [op, zero])),
  Add: elementwise(number(1), number(1)),
  Sub: elementwise(number(1), number(-1)),
  Mul: elementwise(input(1), input(0)),
  Div: elementwise(reciprocal, (a) => {
    const p = primal(a.g, typeOf(a))
    return { ...factorOf(a.g, p.div(a.y[0]!, a.x[1]!), { singular: true }), scale: -1 }
  }),
  Pow: elementwise(powBase, powExponent),
  Max: extreme,
  Min: extreme,
  Sum: sum,
  Mean: mean,
  Clip: clip,
  PRelu: prelu,
  Mod: mod,
  Dropout: dropout,
  Where: where,
  Cast: cast,
  CastLike: cast,
}
