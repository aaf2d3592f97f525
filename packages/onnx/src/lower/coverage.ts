// What becomes of every operator of the standard when it is differentiated: the table that documentation is made of.

import { zero } from '../jvp/derivative-rule.ts'
import { ruleTable } from '../jvp/linearize.ts'
import { otherLowerings, standardLowerings } from './table.ts'

/** How derivatives of an operator come about. */
export interface Coverage {
  /** Forward mode. */
  readonly jvp: boolean
  /** Reverse mode. */
  readonly vjp: boolean
  /**
   * `rule`: a derivative rule of its own. `zero`: piecewise constant, or no floating-point input or output. `lowering`:
   * written in operators with rules first. `folded`: disappears where its contents are known. `refused`: an error that
   * names operator and node, as soon as a derivative reaches it.
   */
  readonly how: 'rule' | 'zero' | 'lowering' | 'folded' | 'refused'
  /** Limits, or why not. */
  readonly note: string
}

const notes: Readonly<Record<string, string>> = {
  CumProd: 'size of the axis known',
  DequantizeLinear: 'by the scale; by quantized numbers with straightThrough',
  DynamicQuantizeLinear: 'by the scale; rounding with straightThrough',
  LinearAttention: 'sequence length known: unrolled',
  Det: 'matrices up to 3 x 3',
  DFT: 'signal length known',
  FusedMatMul: 'without transBatchA and transBatchB',
  GridSample: 'image size known',
  GRU: 'sequence length known: unrolled',
  If: 'constant condition: its branch; otherwise both branches and Where, results of one shape',
  Loop: 'known number of rounds, up to 4096: unrolled',
  LpPool: 'without ceil_mode',
  LSTM: 'sequence length known: unrolled',
  ConvInteger: 'not 0 with straightThrough',
  MatMulInteger: 'not 0 with straightThrough',
  QLinearConv: 'not 0 with straightThrough',
  QLinearMatMul: 'not 0 with straightThrough',
  QuantizeLinear: 'not 0 with straightThrough',
  Resize: 'spatial axes',
  RNN: 'sequence length known: unrolled',
  Scan: 'sequence length known: unrolled',
  STFT: 'signal length known',
  Upsample: 'as Resize',
}

/** Control flow and what only occurs in older operator sets, handled by the pass itself. */
const byPass = ['If', 'Loop', 'Scan', 'Upsample', 'Scatter']

const folded = (
  'Optional OptionalGetElement OptionalHasElement SequenceAt SequenceConstruct SequenceEmpty SequenceErase ' +
  'SequenceInsert SequenceLength SplitToSequence ConcatFromSequence Constant'
).split(' ')

/** Operators that never carry a derivative: no floating-point numbers in, or none out. */
const constants = (
  'BitCast BlackmanWindow ConvInteger HammingWindow HannWindow ImageDecoder MatMulInteger QLinearConv QLinearMatMul ' +
  'RandomNormal RandomUniform RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer'
).split(' ')

const refused: Readonly<Record<string, string>> = {
  DeformConv: 'no exporter of the common frameworks writes it',
  MaxRoiPool: 'replaced by RoiAlign in every detector of the last years',
  MelWeightMatrix: 'its inputs are sizes and frequencies of a filter bank, which are constants in models',
  RoiAlign: 'regions of interest come from a selection that has no derivative',
  SequenceMap: 'write it as a Loop',
}

function entries(): [string, Coverage][] {
  const note = (operator: string): string => notes[operator.replace(/^.*\./, '')] ?? ''
  const works = (operator: string, how: Coverage['how']): [string, Coverage] => {
    return [operator, { jvp: true, vjp: true, how, note: note(operator) }]
  }
  return [
    ...Object.entries(ruleTable).map(([operator, rule]) => works(operator, rule === zero ? 'zero' : 'rule')),
    ...Object.keys(standardLowerings)
      .filter((operator) => !Object.hasOwn(ruleTable, operator))
      .map((operator) => works(operator, 'lowering')),
    ...byPass.map((operator) => works(operator, 'lowering')),
    ...folded.map((operator) => works(operator, 'folded')),
    ...constants.map((operator) => works(operator, 'zero')),
    ...Object.entries(refused).map(([operator, why]): [string, Coverage] => {
      return [operator, { jvp: false, vjp: false, how: 'refused', note: why }]
    }),
    ...Object.entries(otherLowerings).flatMap(([domain, table]) =>
      Object.keys(table).map((operator) => works(`${domain}.${operator}`, 'lowering')),
    ),
  ]
}

/** Every operator of the standard by name, then those of other domains with the domain before the name. */
export const coverage: Readonly<Record<string, Coverage>> = Object.fromEntries(
  entries().sort(([a], [b]) => Number(a.includes('.')) - Number(b.includes('.')) || (a < b ? -1 : 1)),
)
