// Turns measured sets and frozen choices into AUCs and decisions. Nothing here feeds back into a choice.
import type { NdArray } from '@ood/core'
import { gainOf, judgeTwo } from '../common/decisions.ts'
import type { ModelFacts } from '../common/model-facts.ts'
import { byName, type Direction } from '../common/splits.ts'
import { type Choices, methods, scoresOf } from './choose.ts'
import { type Maps, type Measured, type SetName, setNames, type TestSet } from './measure.ts'

/** Everything evaluated in one direction. */
export type Evaluation = ReturnType<typeof evaluate>

/** Everything known about one direction when the run ends. */
export interface DirectionResult {
  direction: Direction
  /** The in-distribution images of the choices are validation images, not training images. */
  validation: boolean
  models: Record<'semantic' | 'background', ModelFacts>
  sets: Record<SetName, Measured>
  choices: Choices
  evaluation: Evaluation
  /** Of the first images of both test sets; undefined for models without log-probabilities of pixels. */
  maps: Record<TestSet, Maps> | undefined
  /** Images drawn from the semantic model; undefined when none were asked for. */
  samples: NdArray | undefined
  /** Seconds an image under both models. */
  secondsPerImage: number
}

/** Evaluates every score on the two test sets. */
export function evaluate(sets: Record<SetName, Measured>, choices: Choices) {
  const scores = byName(setNames, (set) => scoresOf(sets[set], choices))
  const { in_distr_test: inside, ood } = scores
  const results = byName(methods, (method) => judgeTwo(inside[method], ood[method], choices.thresholds[method]))
  return { scores, results, gain: gainOf(inside, ood, 'llr', 'likelihood') }
}
