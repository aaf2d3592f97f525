// What one direction of the example ends with.
import type { NdArray } from '@ood/core'
import type { Direction } from '../common/splits.ts'
import type { Choices } from './choose.ts'
import type { Evaluation } from './evaluate.ts'
import type { SetName } from './images.ts'
import type { Maps, Measured } from './measure.ts'

/** Everything known about one direction when the run ends. */
export interface DirectionResult {
  direction: Direction
  /** The in-distribution images of the choices are validation images, not training images. */
  validation: boolean
  models: { semantic: ModelFacts; background: ModelFacts }
  sets: Record<SetName, Measured>
  choices: Choices
  evaluation: Evaluation
  /** Of the first images of both test sets; undefined for models without log-probabilities of pixels. */
  maps: Record<'in_distr_test' | 'ood', Maps> | undefined
  /** Images drawn from the semantic model; undefined when none were asked for. */
  samples: NdArray | undefined
  /** Images scored under both models, and the seconds that took over all starts of the run. */
  images: number
  seconds: number
}

/** A model as the report describes it: its size and the figures recorded when it was trained. */
export interface ModelFacts {
  name: string
  kind: string
  parameters: number | null
  /** Multiplications of one evaluation of its network. */
  multiplications: number | null
  /** Bits a dimension by split, as recorded in its manifest; a background model's are of mutated or plain images. */
  bitsPerDim: unknown
  mutation: unknown
  steps: number | null
  sha256: Record<string, string>
}
