// Shapes of matrix products.
import { attribute } from '../attributes.ts'
import type { Dim } from '../types.ts'
import { broadcast, broadcastDim } from './dims.ts'
import type { InferNode, InferRule, InferTable, Info } from './shape-rule.ts'

const matMul: InferRule = (n) => {
  const a = n.inputs[0]?.shape
  const b = n.inputs[1]?.shape
  const type = n.inputs[0]?.type ?? 'other'
  if (!a || !b) return [{ type, shape: undefined }]
  const rows = a.length > 1 ? [a[a.length - 2]!] : []
  const columns = b.length > 1 ? [b[b.length - 1]!] : []
  const batch = broadcast([a.slice(0, -2), b.slice(0, -2)])
  return [{ type, shape: batch && [...batch, ...rows, ...columns] }]
}

const quantizedMatMul =
  (right: number, type: (n: InferNode) => Info['type']): InferRule =>
  (n) => {
    const [info] = matMul({ ...n, inputs: [n.inputs[0], n.inputs[right]] })
    return [{ type: type(n), shape: info!.shape }]
  }

const gemm: InferRule = (n) => {
  const a = n.inputs[0]?.shape
  const b = n.inputs[1]?.shape
  const type = n.inputs[0]?.type ?? 'other'
  if (!a || !b) return [{ type, shape: undefined }]
  const rows = a[attribute(n.node, 'transA', 'int', 0) === 1 ? 1 : 0]!
  const columns = b[attribute(n.node, 'transB', 'int', 0) === 1 ? 0 : 1]!
  return [{ type, shape: [rows, columns] }]
}

/** Subscripts of an Einsum as one list of letters per operand and one for the result; undefined with an ellipsis. */
export function einsumTerms(equation: string): { inputs: string[]; output: string } | undefined {
  const [left = '', right] = equation.replaceAll(' ', '').split('->')
  if (left.includes('.')) return undefined
  const inputs = left.split(',')
  const letters = [...inputs.join('')]
  const once = [...new Set(letters)].filter((l) => letters.filter((o) => o === l).length === 1).sort()
  return { inputs, output: right ?? once.join('') }
}

const einsum: InferRule = (n) => {
  const terms = einsumTerms(attribute(n.node, 'equation', 'string', ''))
  const type = n.inputs[0]?.type ?? 'other'
  if (!terms || n.inputs.some((i) => !i?.shape)) return [{ type, shape: undefined }]
  const sizes = new Map<string, Dim>()
  terms.inputs.forEach((letters, i) => {
    ;[...letters].forEach((letter, axis) => {
      const dim = n.inputs[i]!.shape![axis]!
      const known = sizes.get(letter)
      sizes.set(letter, known === undefined ? dim : broadcastDim(known, dim))
    })
  })
  return [{ type, shape: [...terms.output].map((letter) => sizes.get(letter)!) }]
}

export const linalg: InferTable = {
  MatMulInteger: quantizedMatMul(1, () => 'int32'),
  QLinearMatMul: quantizedMatMul(3, (n) => n.inputs[7]?.type ?? 'other'),
  MatMul: matMul,
  Gemm: gemm,
  Einsum: einsum,
}
