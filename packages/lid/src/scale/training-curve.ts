// What a scale rule returns, and the mean training LID curve that most rules read.
import { mismatch } from '@ood/core'
import { assertFiniteList, assertSameLength } from '../internal/check.ts'

/** Mean LID of the training points over a grid of scales: `trainingLid(...).curve()`. */
export interface TrainingCurve {
  /** Scales, increasing. */
  readonly scales: Float64Array
  /** Mean LID of the training points at each scale. */
  readonly meanLid: Float64Array
  /** Ambient dimension D, the limit of LID for scale → -∞. */
  readonly dimension: number
}

/** A chosen scale, how it was chosen and what the rule saw. */
export interface ScaleChoice {
  /** Log of a standard deviation. */
  scale: number
  /** Name of the rule. */
  rule: string
  /** Mean training LID at `scale`; null where the rule did not read it. */
  meanLid: number | null
  /** Every (scale, mean LID) the rule read, in order. */
  trace: { scale: number; meanLid: number }[]
  /** Rule-specific numbers for the record (target, tolerance, window, ...). */
  diagnostics: Record<string, number>
}

/** Returns `curve` after checking it: increasing scales, finite numbers, equal lengths, D at least 1. */
export function checkedCurve(what: string, curve: TrainingCurve): TrainingCurve {
  assertFiniteList(`${what} scales`, curve.scales)
  assertFiniteList(`${what} meanLid`, curve.meanLid)
  assertSameLength(what, curve.scales, curve.meanLid)
  for (let i = 1; i < curve.scales.length; i++) {
    if (!(curve.scales[i]! > curve.scales[i - 1]!))
      throw mismatch('E_ARGUMENT', `${what} scales`, 'increasing scales', `${curve.scales[i]} at position ${i}`)
  }
  if (!(curve.dimension >= 1)) throw mismatch('E_ARGUMENT', `${what} dimension`, 'at least 1', curve.dimension)
  return curve
}

/** The trace of a rule that read a whole curve. */
export function traceOf(curve: TrainingCurve): { scale: number; meanLid: number }[] {
  return Array.from(curve.scales, (scale, i) => ({ scale, meanLid: curve.meanLid[i]! }))
}
