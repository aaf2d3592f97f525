// Elementwise operators in float64 from those that have float64 kernels: Exp, Log, Sqrt, Sin, Cos, Tanh and arithmetic.
//
// Each form is accurate to a few units in the last place over the whole domain, 0 and infinities included, and so is its
// derivative: where subtraction would cancel (asinh near 0, log(1 + u)), one Newton step on the inverse function follows,
// whose residual is computed without cancellation.
import { attribute } from '../attributes.ts'
import type { Lowered, Lowering, LoweringTable } from '../lower/lowering-rule.ts'
import { ERF_SMALL, ERF_TAIL, ERF_TAIL_RANGE, ERF_TAIL_SHIFT } from './erf.ts'
import { decimal, unsupported } from './float64-rule.ts'

/** One operator of one input. */
const unary = (f: (l: Lowered, x: string) => string): Lowering => {
  return (l) => [f(l, l.x[0]!)]
}

/** e^x - 1 = tanh(x/2) (e^x + 1), without cancellation. */
function expm1({ p }: Lowered, x: string): string {
  return p.mul(p.un('Tanh', p.mul(x, 0.5)), p.add(p.un('Exp', x), 1))
}

/** log(1 + u) for u >= 0: y = log(1 + u) rounded, then a Newton step on e^y - 1 = u. */
function log1p(l: Lowered, u: string): string {
  const { p } = l
  const y = p.un('Log', p.add(u, 1))
  return p.sub(y, p.mul(p.sub(expm1(l, y), u), p.un('Exp', p.un('Neg', y))))
}

const cosh = ({ p }: Lowered, x: string): string => p.mul(p.add(p.un('Exp', x), p.un('Exp', p.un('Neg', x))), 0.5)

/** sinh = tanh cosh: (e^x - e^-x) / 2 cancels near 0. */
const sinh = (l: Lowered, x: string): string => l.p.mul(l.p.un('Tanh', x), cosh(l, x))

/**
 * sign(x) log(|x| + sqrt(x^2 + 1)), scaled by max(|x|, 1) against overflow, then a Newton step on sinh y = x:
 * y - tanh y + x / cosh y. The logarithm is off by 1e-16 and not by 1e-16 |y|; the step makes up for it near 0.
 */
function asinh(l: Lowered, x: string): string {
  const { p } = l
  const a = p.un('Abs', x)
  const m = l.g.op('Clip', [a, l.g.scalar('float64', 1), l.g.scalar('float64', 1e300)])
  const [u, v] = [p.div(a, m), p.div(1, m)]
  const root = p.un('Sqrt', p.add(p.mul(u, u), p.mul(v, v)))
  const y = p.mul(p.un('Sign', x), p.add(p.un('Log', m), p.un('Log', p.add(u, root))))
  return p.where(p.test('Less', a, 1e8), p.add(p.sub(y, p.un('Tanh', y)), p.div(x, cosh(l, y))), y)
}

/** sqrt((1 - x)(1 + x)), exact near the ends. */
const cathetus = ({ p }: Lowered, x: string): string => p.un('Sqrt', p.mul(p.sub(1, x), p.add(x, 1)))

/**
 * atan: y from the float32 kernel (right to 1e-7), then what is left, exactly: the angle between directions y and x is
 * atan((x cos y - sin y) / (cos y + x sin y)) = r - r^3 / 3 + ..., and r^5 is below 1e-34.
 */
function atan(l: Lowered, x: string): string {
  const { p, g } = l
  const bounded = g.op('Clip', [x, g.scalar('float64', -1e300), g.scalar('float64', 1e300)])
  const cast = (value: string, to: number): string => g.op('Cast', [value], { to: { kind: 'int', value: to } })
  const y = cast(g.op('Atan', [cast(bounded, 1)]), 11)
  const [s, c] = [p.un('Sin', y), p.un('Cos', y)]
  const r = p.div(p.sub(p.mul(bounded, c), s), p.add(c, p.mul(bounded, s)))
  return p.add(y, p.sub(r, p.mul(p.mul(r, p.mul(r, r)), 1 / 3)))
}

/** Polynomial in u by Horner's rule, lowest coefficient first. */
function polynomial({ p }: Lowered, coefficients: readonly number[], u: string): string {
  const [last, ...rest] = coefficients.toReversed()
  return rest.reduce((sum: string | number, c) => p.add(p.mul(sum, u), c), last!) as string
}

/**
 * erf: x P(x^2) for |x| < 1 and 1 - e^(-x^2) Q(1/(|x| + 2)) beyond, P and Q fitted to 3e-16 and 4e-15 (tail: relative to
 * erfc) by Chebyshev
 * interpolation in 50 digits, see erf.ts.
 */
export function erf(l: Lowered, x: string): string {
  const { p } = l
  const a = p.un('Abs', x)
  const near = p.test('Less', a, 1)
  const small = p.where(near, x, 0)
  const square = p.sub(p.mul(p.mul(small, small), 2), 1)
  const inner = p.mul(small, polynomial(l, ERF_SMALL, square))
  const [low, high] = ERF_TAIL_RANGE
  const z = l.g.op('Clip', [a, l.g.scalar('float64', 1), l.g.scalar('float64', 6.5)])
  const t = p.div(1, p.add(z, ERF_TAIL_SHIFT))
  const u = p.sub(p.mul(t, 2 / (high - low)), (high + low) / (high - low))
  const tail = p.mul(p.un('Exp', p.un('Neg', p.mul(z, z))), polynomial(l, ERF_TAIL, u))
  return p.where(near, inner, p.mul(p.un('Sign', x), p.sub(1, tail)))
}

const gelu: Lowering = (l) => {
  const { p } = l
  const x = l.x[0]!
  const approximate = attribute(l.node, 'approximate', 'string', 'none')
  if (approximate === 'tanh') {
    const cubic = p.add(x, p.mul(p.mul(x, p.mul(x, x)), 0.044715))
    return [p.mul(p.mul(x, 0.5), p.add(p.un('Tanh', p.mul(cubic, Math.sqrt(2 / Math.PI))), 1))]
  }
  if (approximate !== 'none') throw unsupported(l, 'approximate none or tanh')
  return [p.mul(p.mul(x, 0.5), p.add(erf(l, p.mul(x, Math.SQRT1_2)), 1))]
}

/** The negative part, held at 0 where it is not taken, so that no infinity meets a 0 in derivatives. */
const negative = (l: Lowered, x: string): string => l.p.where(l.p.test('Greater', x, 0), 0, x)

const elu = (l: Lowered, x: string, alpha: number, gamma: number, inner = 1): string => {
  const { p } = l
  const below = p.mul(expm1(l, p.mul(negative(l, x), 1 / inner)), alpha * gamma)
  return p.where(p.test('Greater', x, 0), gamma === 1 ? x : p.mul(x, gamma), below)
}

/** e^-|x|, with the slope of e^x at 0, so that sums of branches have theirs there too. */
const shrunk = ({ p }: Lowered, x: string): string => p.un('Exp', p.where(p.test('Greater', x, 0), p.un('Neg', x), x))

const hardSigmoid = (l: Lowered, x: string, alpha: number, beta: number): string => {
  const { p, g } = l
  return g.op('Clip', [p.add(p.mul(x, alpha), beta), g.scalar('float64', 0), g.scalar('float64', 1)])
}

/** x tanh(softplus x) = x n / (n + 2), n = e^x (e^x + 2), in e^-|x| so that nothing overflows. */
const mish = (l: Lowered, x: string): string => {
  const { p } = l
  const t = shrunk(l, x)
  const square = p.mul(t, t)
  const above = p.div(p.add(p.mul(t, 2), 1), p.add(p.mul(square, 2), p.add(p.mul(t, 2), 1)))
  const n = p.add(square, p.mul(t, 2))
  return p.mul(x, p.where(p.test('Greater', x, 0), above, p.div(n, p.add(n, 2))))
}

const softplus = (l: Lowered, x: string): string => {
  const { p } = l
  return p.add(p.where(p.test('Greater', x, 0), x, 0), log1p(l, shrunk(l, x)))
}

/** 0 between -lambda and lambda; beyond, moved towards 0 by the bias. The kernel computes it in float32. */
const shrink = (l: Lowered, x: string): string => {
  const { p } = l
  const [limit, bias] = [decimal(l, 'lambd', 0.5), decimal(l, 'bias', 0)]
  const above = p.where(p.test('Greater', x, limit), p.sub(x, bias), 0)
  return p.where(p.test('Less', x, -limit), p.add(x, bias), above)
}

export const elementwiseForms: LoweringTable = {
  Tan: unary(({ p }, x) => p.div(p.un('Sin', x), p.un('Cos', x))),
  Sinh: unary(sinh),
  Cosh: unary(cosh),
  Asinh: unary(asinh),
  // acosh x = asinh sqrt(x^2 - 1) and atanh x = asinh(x / sqrt(1 - x^2)): well conditioned, unlike their logarithms.
  Acosh: unary((l, x) => asinh(l, l.p.mul(l.p.un('Sqrt', l.p.sub(x, 1)), l.p.un('Sqrt', l.p.add(x, 1))))),
  Atanh: unary((l, x) => asinh(l, l.p.div(x, cathetus(l, x)))),
  Atan: unary(atan),
  Asin: unary((l, x) => atan(l, l.p.div(x, cathetus(l, x)))),
  Acos: unary((l, x) => l.p.mul(atan(l, l.p.un('Sqrt', l.p.div(l.p.sub(1, x), l.p.add(x, 1)))), 2)),
  Erf: unary(erf),
  Gelu: gelu,
  Softplus: unary(softplus),
  Softsign: unary(({ p }, x) => p.div(x, p.add(p.un('Abs', x), 1))),
  Mish: unary(mish),
  Elu: unary((l, x) => elu(l, x, decimal(l, 'alpha', 1), 1)),
  Celu: unary((l, x) => elu(l, x, decimal(l, 'alpha', 1), 1, decimal(l, 'alpha', 1))),
  // The standard gives these two to more digits than float32 holds; the defaults are meant, not their roundings.
  Selu: unary((l, x) => {
    const alpha = decimal(l, 'alpha', 1.6732632423543772)
    const gamma = decimal(l, 'gamma', 1.0507009873554805)
    return elu(
      l,
      x,
      Math.abs(alpha - 1.6732632) < 1e-6 ? 1.6732632423543772 : alpha,
      Math.abs(gamma - 1.050701) < 1e-6 ? 1.0507009873554805 : gamma,
    )
  }),
  LeakyRelu: unary((l, x) => l.p.where(l.p.test('Greater', x, 0), x, l.p.mul(x, decimal(l, 'alpha', 0.01)))),
  PRelu: (l) => [l.p.where(l.p.test('Greater', l.x[0]!, 0), l.x[0]!, l.p.mul(l.x[0]!, l.x[1]!))],
  ThresholdedRelu: unary((l, x) => l.p.where(l.p.test('Greater', x, decimal(l, 'alpha', 1)), x, 0)),
  HardSigmoid: unary((l, x) => hardSigmoid(l, x, decimal(l, 'alpha', 0.2), decimal(l, 'beta', 0.5))),
  Shrink: unary(shrink),
  HardSwish: unary((l, x) => l.p.mul(x, hardSigmoid(l, x, 1 / 6, 0.5))),
  Swish: unary((l, x) => l.p.mul(x, l.p.un('Sigmoid', l.p.mul(x, decimal(l, 'alpha', 1))))),
  Mean: (l) => [l.p.mul(l.g.op('Sum', l.x), 1 / l.x.length)],
}
