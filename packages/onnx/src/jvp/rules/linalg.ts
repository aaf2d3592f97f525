// Derivatives of matrix products.
import { attribute } from '../../attributes.ts'
import { broadcast } from '../../infer/dims.ts'
import { einsumTerms } from '../../infer/linalg.ts'
import type { Dim } from '../../types.ts'
import {
  type Application,
  bilinear,
  combine,
  type Rule,
  type RuleTable,
  shapeOf,
  unsupported,
} from '../derivative-rule.ts'
import { scalar } from '../factor.ts'
import type { Out } from '../ops/apply.ts'
import { einsum as einsumOf } from '../ops/einsum.ts'
import { reshape, transpose } from '../ops/movement.ts'
import { flip, gemmRows, product } from '../ops/product.ts'
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

/** A vector is a row on the left of a product and a column on its right. */
function matMulSide(side: 0 | 1): (a: Application, t: Tangent) => Tangent {
  return (a, t) => {
    const held = a.x[1 - side]!
    const out = productOutput(a)
    const [left, right] = [shapeOf(a, a.x[0]!), shapeOf(a, a.x[1]!)]
    if (left.length > 1 && right.length > 1) return product(a.tape, t, held, side, out)
    const matrix = (shape: readonly Dim[], first: boolean): readonly Dim[] =>
      shape.length > 1 ? shape : first ? [1, ...shape] : [...shape, 1]
    const [rows, columns] = [matrix(left, true), matrix(right, false)]
    const other = side === 0 ? right : left
    const full = other.length > 1 ? held : a.g.op('Unsqueeze', [held, a.g.int64([side === 0 ? 1 : 0])])
    const shape = [...broadcast([rows.slice(0, -2), columns.slice(0, -2)])!, rows.at(-2)!, columns.at(-1)!]
    const wide = reshape(a.tape, t, side === 0 ? rows : columns, undefined)
    return reshape(a.tape, product(a.tape, wide, full, side, { ...out, shape, like: undefined }), out.shape, out.like)
  }
}

/** alpha A' B' + beta C. With A untransposed, K folds into its rows and the weights are used as they are. */
const gemm: Rule = (a) => {
  const [ta, tb, tc] = a.t
  const alpha = attribute(a.node, 'alpha', 'float', 1)
  const beta = attribute(a.node, 'beta', 'float', 1)
  const transA = attribute(a.node, 'transA', 'int', 0) === 1
  const transB = attribute(a.node, 'transB', 'int', 0) === 1
  const out = productOutput(a)
  const turned = (t: Tangent, yes: boolean): Tangent => (yes ? transpose(a.tape, t, [1, 0], undefined) : t)
  const parts: { of: Tangent; scale: number }[] = []
  if (ta) parts.push({ of: gemmRows(a.tape, turned(ta, transA), a.x[1]!, transB, alpha, out), scale: 1 })
  if (tb) {
    const left = transA ? flip(a.g, a.x[0]!) : a.x[0]!
    parts.push({ of: product(a.tape, turned(tb, transB), left, 1, out), scale: alpha })
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
  const parts = a.t.flatMap((t, i): Tangent[] => {
    if (!t) return []
    const others = terms.inputs.flatMap((letters, j) => (j === i ? [] : [{ letters, value: a.x[j]! }]))
    const equation = { operand: terms.inputs[i]!, others, output: terms.output, free: k }
    return [einsumOf(a.tape, t, equation, out)]
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
