// What one direction of the example ends with.
import type { AucPair } from '../common/compare.ts'
import type { Direction, SplitName } from '../common/splits.ts'
import type { MethodResult } from './evaluate.ts'
import type { Measured } from './measure.ts'

/** Everything known about one direction when the run ends. */
export interface DirectionResult {
  direction: Direction
  splits: Record<SplitName, Measured>
  lpca: number
  /** By method; the first is the default. */
  methods: MethodResult[]
  referenceSingle: AucPair
}
