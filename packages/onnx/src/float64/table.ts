// Operators that onnxruntime's CPU provider has no float64 kernel for: those with another form, and those without.
import { attribute, int } from '../attributes.ts'
import { positiveAxis } from '../infer/dims.ts'
import type { Lowering, LoweringTable } from '../lower/lowering-rule.ts'
import { tensorOf } from '../tensors.ts'
import { convolutionForms } from './convolution.ts'
import { elementwiseForms } from './elementwise.ts'
import { shapeOf } from './float64-rule.ts'
import { normalizationForms } from './normalization.ts'
import { poolingForms } from './pooling.ts'
import { quantizationForms } from './quantization.ts'
import { resizeForms } from './resize.ts'

/** A choice between two numbers: off and on, as the operator takes them. */
const oneHot: Lowering = (l) => {
  const { g, p } = l
  const off = g.op('Gather', [l.x[2]!, g.scalar('int64', 0)])
  const on = g.op('Gather', [l.x[2]!, g.scalar('int64', 1)])
  const whole = (value: string): string =>
    g.info(value).type === 'int64' ? value : g.op('Cast', [value], { to: int(7) })
  const bits = g.op('OneHot', [whole(l.x[0]!), whole(l.x[1]!), g.int64([0, 1])], {
    axis: int(attribute(l.node, 'axis', 'int', -1)),
  })
  return [p.where(g.op('Cast', [bits], { to: int(9) }), on, off)]
}

/** 1 at the first largest number along the axis, 0 elsewhere. */
const hardmax: Lowering = (l) => {
  const { g } = l
  const rank = shapeOf(l, l.x[0]!).length
  const axis = positiveAxis(attribute(l.node, 'axis', 'int', -1), rank)
  const first = g.op('ArgMax', [l.x[0]!], { axis: int(axis), keepdims: int(0) })
  const depth = g.op('Shape', [l.x[0]!], { start: int(axis), end: int(axis + 1) })
  const bits = g.op('OneHot', [first, depth, g.constant('off_on', tensorOf('int64', [2], [0, 1]))], { axis: int(axis) })
  return [g.op('Cast', [bits], { to: int(11) })]
}

/** Other forms of operators, for float64 operands. */
export const forms: LoweringTable = {
  ...elementwiseForms,
  ...convolutionForms,
  ...poolingForms,
  ...normalizationForms,
  ...resizeForms,
  ...quantizationForms,
  OneHot: oneHot,
  Hardmax: hardmax,
}

/** Operators with no float64 kernel whose derivative lowering serves here too. */
export const throughLowering: readonly string[] = [
  'LSTM',
  'GRU',
  'RNN',
  'RotaryEmbedding',
  'Col2Im',
  'Det',
  'MaxUnpool',
  'LinearAttention',
  'CausalConvWithState',
  'SwiGLU',
]

/**
 * Draws of random numbers, and choices of boxes by index: computed between casts, because what comes out holds no more
 * than float32 has (24 random bits), or no floating-point numbers at all.
 */
export const draws: readonly string[] = [
  'Bernoulli',
  'Multinomial',
  'NonMaxSuppression',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
]

/** Operators that only take or give float32, or have no float64 kernel and no other form here. */
export const float32Only: readonly string[] = ['MaxRoiPool', 'MelWeightMatrix', 'RoiAlign', 'TfIdfVectorizer']

/** Operators of the standard that are written in another form for float64. */
export const float64Forms: readonly string[] = Object.keys(forms).sort()
