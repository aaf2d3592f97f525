// Scale by bisection: where the mean training LID meets a model-free estimate.
import { assertOptions, mismatch } from '@ood/core'
import { assertCount, assertNumber } from '../internal/check.ts'
import type { ScaleChoice } from './training-curve.ts'

/** Options of `bisectScale`. */
export interface BisectOptions {
  /** Left end of the search (default -20; the published runs use -100). */
  lower?: number | undefined
  /** Right end of the search (default 20; the published runs use 100). */
  upper?: number | undefined
  /** Halvings (default 20). */
  steps?: number | undefined
}

/**
 * The scale at which the mean training LID meets `target`: l, r = lower, upper; repeat `steps` times
 * mid = (l + r) / 2, r = mid if meanLid(mid) < target, else l = mid; the result is (l + r) / 2.
 *
 * Mean LID falls with the scale, so this converges to the largest scale that still reaches the target. A target above
 * D or below 0 ends at an end of the interval: `diagnostics.error` = meanLid - target shows it.
 *
 * @param meanLid - mean training LID at a scale, `trainingLid(...).meanLidAt`
 * @param target - model-free estimate of the training set's dimension, for instance `(await lpca(...)).mean`
 * @throws OodError `E_ARGUMENT` for a target that is not finite or lower >= upper
 * @example
 * const { scale } = bisectScale(trainingLid(estimator, trainArtifact, 784).meanLidAt, 222)
 */
export function bisectScale(
  meanLid: (scale: number) => number,
  target: number,
  options: BisectOptions = {},
): ScaleChoice {
  assertOptions('bisectScale', options, ['lower', 'upper', 'steps'])
  const { lower = -20, upper = 20, steps = 20 } = options
  assertNumber('bisectScale target', target)
  assertCount('bisectScale steps', steps, 1)
  if (!(lower < upper)) throw mismatch('E_ARGUMENT', 'bisectScale', 'lower < upper', `${lower}, ${upper}`)
  let [l, r] = [lower, upper]
  const trace: ScaleChoice['trace'] = []
  for (let step = 0; step < steps; step++) {
    const mid = (l + r) / 2
    const value = meanLid(mid)
    trace.push({ scale: mid, meanLid: value })
    if (value < target) r = mid
    else l = mid
  }
  const scale = (l + r) / 2
  const reached = meanLid(scale)
  return {
    scale,
    rule: 'bisection',
    meanLid: reached,
    trace,
    diagnostics: { target, lower, upper, steps, error: reached - target },
  }
}
