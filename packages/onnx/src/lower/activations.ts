// The activation functions recurrent operators know by name.
import { attribute } from '../attributes.ts'
import { type Lowered, unsupported } from './lowering-rule.ts'

/** A function of one value. */
export type Activation = (x: string) => string

interface Known {
  /** Defaults of the parameters it takes from the activation_alpha and activation_beta lists. */
  readonly alpha?: number
  readonly beta?: number
  apply(l: Lowered, x: string, alpha: number, beta: number): string
}

const attributeOf = (value: number) => ({ kind: 'float' as const, value })
const plain = (opType: string): Known => ({ apply: (l, x) => l.g.op(opType, [x]) })

const functions: Readonly<Record<string, Known>> = {
  relu: plain('Relu'),
  tanh: plain('Tanh'),
  sigmoid: plain('Sigmoid'),
  softsign: plain('Softsign'),
  softplus: plain('Softplus'),
  affine: { alpha: 1, beta: 0, apply: ({ p }, x, alpha, beta) => p.add(p.mul(x, alpha), beta) },
  scaledtanh: { alpha: 1, beta: 1, apply: ({ p }, x, alpha, beta) => p.mul(p.un('Tanh', p.mul(x, beta)), alpha) },
  leakyrelu: { alpha: 0.01, apply: (l, x, alpha) => l.g.op('LeakyRelu', [x], { alpha: attributeOf(alpha) }) },
  thresholdedrelu: { alpha: 1, apply: (l, x, alpha) => l.g.op('ThresholdedRelu', [x], { alpha: attributeOf(alpha) }) },
  elu: { alpha: 1, apply: (l, x, alpha) => l.g.op('Elu', [x], { alpha: attributeOf(alpha) }) },
  hardsigmoid: {
    alpha: 0.2,
    beta: 0.5,
    apply: (l, x, alpha, beta) => l.g.op('HardSigmoid', [x], { alpha: attributeOf(alpha), beta: attributeOf(beta) }),
  },
}

/** The activations of every direction, `each` of them per direction; parameters are consumed in order of the functions. */
export function activations(l: Lowered, defaults: readonly string[], directions: number): Activation[][] {
  const each = defaults.length
  const named = attribute(l.node, 'activations', 'strings', undefined)
  const names = named ?? Array.from({ length: directions }, () => defaults).flat()
  if (names.length !== each * directions) throw unsupported(l, `${each * directions} activations`)
  const alphas = [...attribute(l.node, 'activation_alpha', 'floats', [] as readonly number[])]
  const betas = [...attribute(l.node, 'activation_beta', 'floats', [] as readonly number[])]
  const all = names.map((name): Activation => {
    const known = functions[name.toLowerCase()]
    if (!known) throw unsupported(l, `activations of the standard, but there is ${name}: one of them`)
    const alpha = known.alpha === undefined ? 0 : (alphas.shift() ?? known.alpha)
    const beta = known.beta === undefined ? 0 : (betas.shift() ?? known.beta)
    return (x) => known.apply(l, x, alpha, beta)
  })
  return Array.from({ length: directions }, (_, d) => all.slice(d * each, (d + 1) * each))
}
