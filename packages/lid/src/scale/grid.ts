// Scale from a grid: the point of the mean training curve nearest to a model-free estimate.
import { assertNumber } from '../internal/check.ts'
import { checkedCurve, type ScaleChoice, type TrainingCurve, traceOf } from './training-curve.ts'

/**
 * The grid scale whose mean training LID is nearest to `target`, the first of equals.
 *
 * @param training - mean LID of training points
 * @param target - model-free estimate of the training set's dimension
 * @throws OodError `E_ARGUMENT` for a target that is not finite
 * @example
 * gridScale(trainingLid(estimator, artifact, 784).curve(), 222).scale
 */
export function gridScale(training: TrainingCurve, target: number): ScaleChoice {
  const { scales, meanLid } = checkedCurve('gridScale', training)
  assertNumber('gridScale target', target)
  let best = 0
  for (let i = 1; i < scales.length; i++) {
    if (Math.abs(meanLid[i]! - target) < Math.abs(meanLid[best]! - target)) best = i
  }
  return {
    scale: scales[best]!,
    rule: 'grid',
    meanLid: meanLid[best]!,
    trace: traceOf(training),
    diagnostics: { target, index: best, error: meanLid[best]! - target },
  }
}
