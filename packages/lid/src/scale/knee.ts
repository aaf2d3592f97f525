// Scale by knee: where the mean training LID curve, having fallen, bends into its flat tail (or begins to fall).
import { assertOptions, OodError } from '@ood/core'
import { assertBetween } from '../internal/check.ts'
import { checkedCurve, type ScaleChoice, type TrainingCurve, traceOf } from './training-curve.ts'

/** Options of `kneeScale`. */
export interface KneeOptions {
  /**
   * `'lower'` (default): the convex bend at the foot of the fall, where most noise directions are gone.
   * `'upper'`: the concave bend at its top, where directions begin to be lost.
   */
  bend?: 'lower' | 'upper' | undefined
  /** Kneedle sensitivity S: how many mean grid steps the difference curve must fall after a maximum (default 1). */
  sensitivity?: number | undefined
  /** Flat ends are cut where the mean LID is within this share of D of D or of 0 (default 0.01). */
  trim?: number | undefined
}

/**
 * The knee of the mean training LID curve by the Kneedle rule (Satopää et al. 2011, Finding a "Kneedle" in a Haystack).
 *
 * 1. Cut the flat ends (`trim`), keeping one scale on either side, so that the result does not depend on how far the
 *    grid reaches beyond the fall.
 * 2. Scale what is left to the unit square: x from the scales, y from the mean LID.
 * 3. Difference from the falling diagonal: δ = (1 - y) - x for the lower bend, y + x - 1 for the upper.
 * 4. Among local maxima of δ, the first whose δ later falls below δ_max - S · mean step of x before δ exceeds it again;
 *    if none does, the global maximum.
 *
 * The original smooths first; a mean over training points is smooth already.
 *
 * @param training - mean LID of training points
 * @throws OodError `E_ARGUMENT` when fewer than three scales lie on the falling part, or no point lies off the diagonal
 * @example
 * kneeScale(trainingLid(estimator, artifact, 784).curve()).scale
 */
export function kneeScale(training: TrainingCurve, options: KneeOptions = {}): ScaleChoice {
  const knee = findKnee(training, options)
  if (knee instanceof OodError) throw knee
  return knee
}

/** `kneeScale` that returns what is wrong with a sound curve that has no knee; bad arguments it throws. */
export function findKnee(training: TrainingCurve, options: KneeOptions = {}): ScaleChoice | OodError {
  assertOptions('kneeScale', options, ['bend', 'sensitivity', 'trim'])
  const { bend = 'lower', sensitivity = 1, trim = 0.01 } = options
  assertBetween('kneeScale trim', trim, -1e-300, 0.5)
  assertBetween('kneeScale sensitivity', sensitivity, -1e-300, Number.POSITIVE_INFINITY)
  const { scales, meanLid, dimension } = checkedCurve('kneeScale', training)
  const margin = trim * dimension
  let from = 0
  while (from + 1 < scales.length && meanLid[from + 1]! >= dimension - margin) from++
  let to = scales.length - 1
  while (to - 1 > from && meanLid[to - 1]! <= margin) to--
  if (to - from < 2)
    return new OodError('E_ARGUMENT', `kneeScale: expected at least 3 scales on the falling part, got ${to - from + 1}`)
  const height = meanLid[from]! - meanLid[to]!
  // A flat curve falls by rounding.
  if (!(height > 1e-9 * dimension))
    return new OodError('E_ARGUMENT', `kneeScale: expected a falling curve, got a rise of ${-height}`)
  const width = scales[to]! - scales[from]!
  const difference = Float64Array.from({ length: to - from + 1 }, (_, i) => {
    const x = (scales[from + i]! - scales[from]!) / width
    const y = (meanLid[from + i]! - meanLid[to]!) / height
    return bend === 'lower' ? 1 - y - x : y + x - 1
  })
  const knee = kneedle(difference, sensitivity / (difference.length - 1))
  if (!(difference[knee]! > 0))
    return new OodError('E_ARGUMENT', `kneeScale: expected a curve with a ${bend} bend, got none`)
  return {
    scale: scales[from + knee]!,
    rule: 'knee',
    meanLid: meanLid[from + knee]!,
    trace: traceOf(training),
    diagnostics: { from: scales[from]!, to: scales[to]!, sensitivity, trim, difference: difference[knee]! },
  }
}

/** Index of the first confirmed local maximum of the difference curve, else of the global maximum. */
function kneedle(difference: Float64Array, drop: number): number {
  let candidate = -1
  for (let i = 1; i < difference.length; i++) {
    const peak =
      difference[i]! > difference[i - 1]! && difference[i]! >= (difference[i + 1] ?? Number.NEGATIVE_INFINITY)
    if (peak && difference[i]! > 0 && (candidate < 0 || difference[i]! >= difference[candidate]!)) candidate = i
    else if (candidate >= 0 && difference[i]! < difference[candidate]! - drop) return candidate
  }
  let best = 0
  for (let i = 1; i < difference.length; i++) if (difference[i]! > difference[best]!) best = i
  return best
}
