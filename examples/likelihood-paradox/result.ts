// What one direction of the example ends with, and which scale rule its headline figures use.
import type { Direction, SplitName } from '../common/splits.ts'
import type { Choices, ScaleRuleName } from './choose.ts'
import type { ScaleResult } from './evaluate.ts'
import type { Measured } from './measure.ts'
import type { Recommended } from './recommended.ts'

/** Everything known about one direction when the run ends. */
export interface DirectionResult {
  direction: Direction
  splits: Record<SplitName, Measured>
  /** Model-free dimension of the training set that the lPCA rule aims for. */
  lpca: number
  choices: Choices
  results: Record<ScaleRuleName, ScaleResult>
  recommended: Recommended
}

/** Scale rule of the headline figures. */
export const DEFAULT_RULE: ScaleRuleName = 'scalingRegion'
