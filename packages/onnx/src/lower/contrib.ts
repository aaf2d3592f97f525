// Operators of domain com.microsoft that optimizers of exported models put in place of standard ones.
import { attribute, float, int, ints } from '../attributes.ts'
import { type Lowered, type Lowering, type LoweringTable, shapeOf, unsupported } from './lowering-rule.ts'

/** x Phi(x). */
const gelu = ({ p }: Lowered, x: string): string => p.mul(p.mul(0.5, x), p.add(1, p.un('Erf', p.mul(Math.SQRT1_2, x))))

/** The tanh form: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
const fastGelu: Lowering = (l) => {
  const { p } = l
  const x = l.x[1] ? p.add(l.x[0]!, l.x[1]) : l.x[0]!
  const inner = p.mul(x, p.add(Math.sqrt(2 / Math.PI), p.mul(Math.sqrt(2 / Math.PI) * 0.044715, p.mul(x, x))))
  return [p.mul(p.mul(0.5, x), p.add(1, p.un('Tanh', inner)))]
}

const quickGelu: Lowering = ({ p, x, node }) => {
  return [p.mul(x[0]!, p.un('Sigmoid', p.mul(attribute(node, 'alpha', 'float', 1.702), x[0]!)))]
}

const fusedMatMul: Lowering = (l) => {
  const { g, p, node } = l
  const flag = (name: string): boolean => attribute(node, name, 'int', 0) === 1
  const side = (i: number, name: string): string => {
    if (flag(`transBatch${name}`)) throw unsupported(l, `no transBatch${name}`)
    const rank = shapeOf(l, l.x[i]!).length
    if (!flag(`trans${name}`) || rank < 2) return l.x[i]!
    const perm = Array.from({ length: rank }, (_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis))
    return g.op('Transpose', [l.x[i]!], { perm: ints(perm) })
  }
  const product = g.op('MatMul', [side(0, 'A'), side(1, 'B')])
  const alpha = attribute(node, 'alpha', 'float', 1)
  return [alpha === 1 ? product : p.mul(product, alpha)]
}

/** Root-mean-square normalization over the last axes. */
function rms(l: Lowered, x: string, scale: string, axis: number): readonly [string, string] {
  const { g, p } = l
  const rank = shapeOf(l, x).length
  const first = axis < 0 ? axis + rank : axis
  const axes = g.int64(Array.from({ length: rank - first }, (_, i) => first + i))
  const square = g.op('ReduceMean', [p.mul(x, x), axes], { keepdims: int(1) })
  const inverse = p.un('Reciprocal', p.un('Sqrt', p.add(square, attribute(l.node, 'epsilon', 'float', 1e-5))))
  return [p.mul(p.mul(x, inverse), scale), inverse]
}

export const simplified: Lowering = (l) => rms(l, l.x[0]!, l.x[1]!, attribute(l.node, 'axis', 'int', -1))

const sumOf = (l: Lowered, values: readonly (string | undefined)[]): string =>
  values.filter((value): value is string => Boolean(value)).reduce((a, b) => l.p.add(a, b))

/** Epsilon of the skip variants where none is given. */
const SKIP_EPSILON = 1e-12

const skipLayer: Lowering = (l) => {
  const [x, skip, gamma, beta, bias] = l.x
  const sum = sumOf(l, [x, skip, bias])
  const epsilon = attribute(l.node, 'epsilon', 'float', SKIP_EPSILON)
  const inputs = [sum, gamma!, ...(beta ? [beta] : [])]
  return [l.g.op('LayerNormalization', inputs, { epsilon: float(epsilon) }), undefined, undefined, sum]
}

const skipSimplified: Lowering = (l) => {
  const [x, skip, gamma, bias] = l.x
  const sum = sumOf(l, [x, skip, bias])
  const node = { ...l.node, attributes: { epsilon: float(attribute(l.node, 'epsilon', 'float', SKIP_EPSILON)) } }
  const [y, inverse] = rms({ ...l, node }, sum, gamma!, -1)
  return [y, undefined, inverse, sum]
}

/** The activation that fused products end with. */
function activated(l: Lowered, y: string, parameters: readonly number[]): string {
  const { g, p, node } = l
  const name = attribute(node, 'activation', 'string', '')
  const [a, b] = parameters
  if (name === '') return y
  if (name === 'Clip') return g.op('Clip', [y, g.scalar(l.type, a!), g.scalar(l.type, b!)])
  if (name === 'LeakyRelu') return g.op('LeakyRelu', [y], { alpha: float(a ?? 0.01) })
  if (name === 'HardSigmoid') return g.op('HardSigmoid', [y], { alpha: float(a ?? 0.2), beta: float(b ?? 0.5) })
  if (['Relu', 'Tanh', 'Sigmoid'].includes(name)) return p.un(name, y)
  throw unsupported(l, `a known activation, but it has ${name}: one`)
}

const without = (l: Lowered, prefix: string): Lowered['node']['attributes'] =>
  Object.fromEntries(Object.entries(l.node.attributes).filter(([name]) => !name.startsWith(prefix)))

const fusedConv: Lowering = (l) => {
  const [x, w, b, z] = l.x
  const product = l.g.op('Conv', b ? [x!, w!, b] : [x!, w!], without(l, 'activation'))
  const sum = z ? l.p.add(product, z) : product
  return [activated(l, sum, attribute(l.node, 'activation_params', 'floats', [] as readonly number[]))]
}

const fusedGemm: Lowering = (l) => {
  const product = l.g.op('Gemm', l.x, without(l, 'activation'))
  const real = (name: string): number[] => {
    const value = attribute(l.node, name, 'float', undefined)
    return value === undefined ? [] : [value]
  }
  return [activated(l, product, [...real('activation_alpha'), ...real('activation_beta')])]
}

export const microsoftLowerings: LoweringTable = {
  Gelu: (l) => [gelu(l, l.x[0]!)],
  BiasGelu: (l) => [gelu(l, l.p.add(l.x[0]!, l.x[1]!))],
  FastGelu: fastGelu,
  QuickGelu: quickGelu,
  FusedMatMul: fusedMatMul,
  FusedConv: fusedConv,
  FusedGemm: fusedGemm,
  SkipLayerNormalization: skipLayer,
  SkipSimplifiedLayerNormalization: skipSimplified,
}
