// What one direction of the example ends with.
import type { Direction } from '../common/splits.ts'
import type { Evaluation } from './evaluate.ts'
import type { DirectionMeasures } from './measure.ts'

/** Everything known about one direction when the run ends. */
export interface DirectionResult extends DirectionMeasures {
  direction: Direction
  evaluation: Evaluation
}
