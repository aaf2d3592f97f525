// Scale by plateau: the middle of the longest stretch over which the mean training LID hardly moves.
import { assertOptions, OodError } from '@ood/core'
import { assertBetween } from '../internal/check.ts'
import { checkedCurve, type ScaleChoice, type TrainingCurve, traceOf } from './training-curve.ts'

/** Options of `plateauScale`. */
export interface PlateauOptions {
  /** A window is a plateau while its max - min stays below this many dimensions (default 1). */
  tolerance?: number | undefined
}

/** LID this close to D or to 0 is an end of the curve, not a plateau. */
const EDGE = 1e-6

/**
 * The centre of the longest window of consecutive scales with max - min < tolerance, max < D - 1e-6 and min > 1e-6,
 * the first of equally long ones (the intended rule; the published search loop never ends). The
 * centre is the mean of the window's two end scales. The reference grid is `linspace(-20, 20, 100)`.
 *
 * The rule assumes that the curve has a plateau. On image flows it falls smoothly and the longest nearly flat window
 * is often its tail next to D or to 0; `diagnostics.length` (in scales) tells, and 1 means that there is none.
 *
 * @param training - mean LID of training points, at evenly spaced scales
 * @throws OodError `E_ARGUMENT` when every scale has LID 0 or D
 * @example
 * plateauScale(trainingLid(estimator, artifact, 784).curve(linspace(-20, 20, 100)))
 */
export function plateauScale(training: TrainingCurve, options: PlateauOptions = {}): ScaleChoice {
  assertOptions('plateauScale', options, ['tolerance'])
  const { tolerance = 1 } = options
  assertBetween('plateauScale tolerance', tolerance, 0, Number.POSITIVE_INFINITY)
  const { scales, meanLid, dimension } = checkedCurve('plateauScale', training)
  let best: { from: number; to: number } | undefined
  for (let from = 0; from < scales.length; from++) {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let to = from; to < scales.length; to++) {
      low = Math.min(low, meanLid[to]!)
      high = Math.max(high, meanLid[to]!)
      if (!(high - low < tolerance && high < dimension - EDGE && low > EDGE)) break
      if (!best || to - from > best.to - best.from) best = { from, to }
    }
  }
  if (!best)
    throw new OodError(
      'E_ARGUMENT',
      `plateauScale: expected a mean LID strictly between 0 and ${dimension} at some scale, got none`,
    )
  const scale = (scales[best.from]! + scales[best.to]!) / 2
  const middle = meanLid.subarray(best.from, best.to + 1)
  return {
    scale,
    rule: 'plateau',
    meanLid: (Math.min(...middle) + Math.max(...middle)) / 2,
    trace: traceOf(training),
    diagnostics: {
      tolerance,
      from: scales[best.from]!,
      to: scales[best.to]!,
      length: best.to - best.from + 1,
    },
  }
}
