// What one direction of the example ends with.
import type { NdArray } from '@ood/core'
import type { Direction } from '../common/splits.ts'
import type { Evaluation, Scored } from './evaluate.ts'
import type { SetName } from './images.ts'

/** A set with its images [n, 1, 28, 28]. */
export interface ScoredImages extends Scored {
  images: NdArray
}

/** Everything known about one direction when the run ends. */
export interface DirectionResult {
  direction: Direction
  /** What kind of model: `flow`, `PixelCNN++`. */
  model: string
  /** Names of the codecs, in the order of the sizes. */
  codecs: string[]
  sets: Record<SetName, ScoredImages>
  evaluation: Evaluation
}
