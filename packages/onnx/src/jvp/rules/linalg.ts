// Derivatives of matrix products.
import { attribute, float, int, text } from '../../attributes.ts'
import { einsumTerms } from '../../infer/linalg.ts'
import { scalar } from '../factor.ts'
import { batched, custom, type Out } from '../ops/apply.ts'
import { type Application, bilinear, combine, type Rule, type RuleTable, shapeOf, unsupported } from '../rule.ts'
import type { Tangent } from '../tangent.ts'
import { firstOutput } from './movement.ts'

/** The result of a product with its multiplications: each number of it sums over the inner axis. */
function productOutput(a: Application): Out {
  const out = firstOutput(a)
  const left = shapeOf(a, a.x[0]!)
  const inner = left[a.node.opType === 'Gemm' && attribute(a.node, 'transA', 'int', 0) === 1 ? 0 : left.length - 1]
  const sizes = [...out.shape, inner]
  if (!sizes.every((n) => typeof n === 'number')) return out
  return { ...out, cost: sizes.reduce((p, n) => p * n, 1) }
}

/**
 * MatMul broadcasts leading axes, so a leading K passes through; a tangent of lower rank than the other operand, or a
 * vector, first gets axes of size 1 that keep K in front.
 */
function matMulSide(side: 0 | 1): (a: Application, t: Tangent) => Tangent {
  return (a, t) => {
    const held = a.x[1 - side]!
    const other = shapeOf(a, held).length
    const rank = t.shape.length
    const vector = rank === 1
    if (other === 1 && vector) return dot(a, t, held)
    return custom(a.tape, 'MatMul', t, productOutput(a), (e, x) => {
      const ones = Math.max(0, Math.max(other, 2) - Math.max(rank, 2))
      const axes = Array.from({ length: ones }, (_, i) => i + 1)
      // A vector is a row on the left and a column on the right.
      if (vector) axes.push(side === 0 ? ones + 1 : ones + 2)
      const shifted = axes.length > 0 ? e.g.op('Unsqueeze', [x, e.g.int64(axes)]) : x
      const product = e.g.op('MatMul', side === 0 ? [shifted, held] : [held, shifted])
      if (!vector) return product
      return e.g.op('Squeeze', [product, e.g.int64([side === 0 ? -2 : -1])])
    })
  }
}

/** Inner product of two vectors: [K, n] x [n] -> [K]. */
function dot(a: Application, t: Tangent, held: string): Tangent {
  return custom(a.tape, 'MatMul', t, firstOutput(a), (e, x) => e.g.op('MatMul', [x, held]))
}

/** alpha A' B' + beta C. With A untransposed, K folds into its rows and the weights are used as they are. */
const gemm: Rule = (a) => {
  const [ta, tb, tc] = a.t
  const alpha = attribute(a.node, 'alpha', 'float', 1)
  const beta = attribute(a.node, 'beta', 'float', 1)
  const transA = attribute(a.node, 'transA', 'int', 0) === 1
  const transB = attribute(a.node, 'transB', 'int', 0) === 1
  const out = productOutput(a)
  const parts: { of: Tangent; scale: number }[] = []
  if (ta && !transA) {
    const attributes = { alpha: float(alpha), transB: int(transB ? 1 : 0) }
    const of = batched(a.tape, 'Gemm', ta, out, (e, x) => e.g.op('Gemm', [x, a.x[1]!], attributes))
    parts.push({ of, scale: 1 })
  }
  const flip = (value: string, rank: number): string =>
    a.g.op('Transpose', [value], { perm: { kind: 'ints', value: rank === 3 ? [0, 2, 1] : [1, 0] } })
  if (ta && transA) {
    const of = custom(a.tape, 'Gemm', ta, out, (e, x) => {
      return e.g.op('MatMul', [flip(x, 3), transB ? flip(a.x[1]!, 2) : a.x[1]!])
    })
    parts.push({ of, scale: alpha })
  }
  if (tb) {
    const of = custom(a.tape, 'Gemm', tb, out, (e, x) => {
      return e.g.op('MatMul', [transA ? flip(a.x[0]!, 2) : a.x[0]!, transB ? flip(x, 3) : x])
    })
    parts.push({ of, scale: alpha })
  }
  if (tc) parts.push({ of: tc, scale: beta })
  const terms = parts.map(({ of, scale }) => ({ of, by: scalar(of.type, scale) }))
  return [combine(a.tape, terms, out.shape, out.like)]
}

/** Einsum is linear in every operand: K becomes one more letter of that operand and of the result. */
const einsum: Rule = (a) => {
  const terms = einsumTerms(attribute(a.node, 'equation', 'string', ''))
  if (!terms) throw unsupported(a, 'an equation without ellipsis')
  const used = new Set([...terms.inputs.join(''), ...terms.output])
  const k = [...'zyxwvutsrqponmlkjihgfedcbaABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((letter) => !used.has(letter))
  if (!k) throw unsupported(a, 'a free letter')
  const out = firstOutput(a)
  const parts: Tangent[] = []
  a.t.forEach((t, i) => {
    if (!t) return
    const inputs = terms.inputs.map((letters, j) => (j === i ? k + letters : letters))
    const equation = `${inputs.join(',')}->${k}${terms.output}`
    parts.push(
      custom(a.tape, 'Einsum', t, out, (e, x) =>
        e.g.op(
          'Einsum',
          a.x.map((name, j) => (j === i ? x : name)),
          { equation: text(equation) },
        ),
      ),
    )
  })
  return [
    combine(
      a.tape,
      parts.map((of) => ({ of, by: scalar(of.type, 1) })),
      out.shape,
      out.like,
    ),
  ]
}

export const linalgRules: RuleTable = {
  MatMul: bilinear(matMulSide(0), matMulSide(1)),
  Gemm: gemm,
  Einsum: einsum,
}
