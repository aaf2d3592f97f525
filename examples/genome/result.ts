// What the example ends with.
import type { ModelFacts } from '../common/model-facts.ts'
import type { Choices } from './choose.ts'
import type { Sequences, SplitName } from './data.ts'
import type { Evaluation } from './evaluate.ts'
import type { BaseRatios, MeasuredSplit } from './measure.ts'

/** Everything known when the run ends. */
export interface Result {
  splits: Record<SplitName, Sequences>
  measured: Record<SplitName, MeasuredSplit>
  choices: Choices
  evaluation: Evaluation
  maps: Record<'test_in' | 'test_ood', BaseRatios>
  /** Bases in a sequence. */
  length: number
  /** The sequences are public data, not synthetic. */
  real: boolean
  models: Record<'semantic' | 'background', ModelFacts>
}
