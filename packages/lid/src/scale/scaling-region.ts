// Scale in the middle of the scaling region: above the noise floor, below the scale of the likelihood's own structure.
import { assertOptions, mean } from '@ood/core'

import { linspace } from '../curve.ts'
import { couplingScale } from './coupling.ts'
import { kneeScale } from './knee.ts'
import type { ScaleChoice } from './training-curve.ts'
import type { TrainingLid } from './training-lid.ts'

/** Options of `scalingRegionScale`. */
export interface ScalingRegionOptions {
  /** Scales at which both ends are looked for, increasing (default linspace(-8, 4, 121)). */
  scales?: ArrayLike<number> | undefined
}

/**
 * The middle of the range of scales over which LID measures the data manifold, found on training points alone.
 *
 * A dimension read off a scale is meaningful in a scaling region only, as in every estimate of a fractal dimension
 * (Theiler 1990, "Estimating fractal dimension"): below it the data's noise fills all directions, above it the estimate
 * sees the global shape. Both ends show in the training points of a flow:
 *
 * - The lower end is the knee of the mean LID curve (`kneeScale`): left of it the flow's thinnest directions - those it
 *   gave to dequantisation noise and flat background - are still being counted, and LID falls steeply.
 * - The upper end is where LID and log p are most strongly anti-correlated (`couplingScale` without its allowance):
 *   there LID says almost nothing that log p does not say already, and beyond it the directions that tell the training
 *   images apart are lost one after another.
 *
 * In the middle LID is past the noise and still says something of its own, which is what a rule with a cut on each of
 * log p and LID needs. Neither end reads anything but training points.
 *
 * @param training - with log-likelihoods of at least 8 points
 * @returns `diagnostics.lower` and `diagnostics.upper` are the ends
 * @throws OodError as `kneeScale` and `couplingScale`
 * @example
 * scalingRegionScale(trainingLid(estimator, artifact, 784, logProb)).scale
 */
export function scalingRegionScale(training: TrainingLid, options: ScalingRegionOptions = {}): ScaleChoice {
  assertOptions('scalingRegionScale', options, ['scales'])
  const scales = options.scales ?? linspace(-8, 4, 121)
  const knee = kneeScale(training.curve(scales))
  const coupling = couplingScale(training, { scales, standardErrors: 0 })
  const scale = (knee.scale + coupling.scale) / 2
  return {
    scale,
    rule: 'scalingRegion',
    meanLid: mean(training.lidAt(scale)),
    trace: knee.trace,
    diagnostics: {
      lower: knee.scale,
      upper: coupling.scale,
      correlation: coupling.diagnostics.correlation ?? Number.NaN,
    },
  }
}
