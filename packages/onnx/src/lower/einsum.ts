// Einstein sums with an ellipsis or a letter twice in one operand, in plain letters.
import { attribute, text } from '../attributes.ts'
import { tensorOf } from '../tensors.ts'
import { type Lowered, type Lowering, shapeOf, size, unsupported } from './lowering-rule.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** The axes an ellipsis stands for become letters; the second of two equal letters another one, and an identity matrix. */
export const einsum: Lowering = (l) => {
  const equation = attribute(l.node, 'equation', 'string', '').replaceAll(' ', '')
  const [left = '', right] = equation.split('->')
  const terms = left.split(',')
  const repeated = terms.some((term) => new Set(term.replace('...', '')).size < term.replace('...', '').length)
  if (!equation.includes('.') && !repeated) return undefined
  const used = new Set(equation)
  const free = [...ALPHABET].filter((letter) => !used.has(letter))
  const take = (n: number): string[] => {
    if (free.length < n) throw unsupported(l, 'free letters')
    return free.splice(0, n)
  }
  const hidden = terms.map((term, i) => (term.includes('...') ? shapeOf(l, l.x[i]!).length - (term.length - 3) : 0))
  const most = Math.max(...hidden)
  const dots = take(most)
  const inputs = [...l.x]
  const plain = terms.map((term, i) => term.replace('...', dots.slice(most - hidden[i]!).join('')))
  const output = (right ?? implied(terms)).replace('...', dots.join(''))
  const operands = [...plain]
  plain.forEach((term, i) => {
    const seen = new Set<string>()
    const letters = [...term].map((letter, axis) => {
      if (!seen.has(letter)) {
        seen.add(letter)
        return letter
      }
      const [other] = take(1)
      inputs.push(identity(l, size(l, shapeOf(l, l.x[i]!)[axis], 'size of a diagonal')))
      operands.push(letter + other!)
      return other!
    })
    operands[i] = letters.join('')
  })
  return [l.g.op('Einsum', inputs, { equation: text(`${operands.join(',')}->${output}`) })]
}

/** Without an arrow: the ellipsis, then the letters that occur once, in alphabetical order. */
function implied(terms: readonly string[]): string {
  const letters = [...terms.join('').replaceAll('.', '')]
  const once = [...new Set(letters)].filter((l) => letters.filter((o) => o === l).length === 1).sort()
  return (terms.some((term) => term.includes('...')) ? '...' : '') + once.join('')
}

function identity(l: Lowered, n: number): string {
  const eye = Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0))
  return l.g.constant('identity', tensorOf(l.type, [n, n], eye))
}
