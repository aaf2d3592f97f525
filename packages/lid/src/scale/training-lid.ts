// What a scale rule may look at: LIDs (and log-likelihoods) of training points, and nothing else.
import { type LidEstimator, mean, mismatch } from '@ood/core'
import { defaultScales } from '../curve.ts'
import { assertFiniteList } from '../internal/check.ts'
import { checkedCurve, type ScaleChoice, type TrainingCurve } from './training-curve.ts'

/**
 * The training points as every scale rule sees them. Rules take this, its curve or its mean, never scores of
 * evaluation data, so that no evaluation score can reach the choice of a scale.
 */
export interface TrainingLid {
  /** Ambient dimension D, the limit of LID for scale → -∞. */
  readonly dimension: number
  /** Log-likelihoods of the training points in nats, where a rule wants them. */
  readonly logProb?: Float64Array | undefined
  /** LID of each training point at a scale. */
  lidAt(scale: number): Float64Array
  /** Their mean. */
  meanLidAt(scale: number): number
  /** Mean LID over increasing scales (default `defaultScales()`). */
  curve(scales?: ArrayLike<number>): TrainingCurve
}

/** Chooses a scale from training points, for `likelihoodLid` and configurations. */
export type ScaleRule = (training: TrainingLid) => ScaleChoice

/**
 * A view of a training artifact for scale rules.
 *
 * @param estimator - any LID estimator
 * @param artifact - its `prepare` of training points only
 * @param dimension - ambient dimension D
 * @param logProb - log-likelihoods of the same points, where a rule wants them
 * @throws OodError `E_ARGUMENT` for a dimension below 1; when read, `E_EMPTY` or `E_NOT_FINITE` for bad LIDs
 * @example
 * const training = trainingLid(estimator, await estimator.prepare(train), 784)
 * bisectScale(training.meanLidAt, 222).scale
 * kneeScale(training.curve()).scale
 */
export function trainingLid<Artifact>(
  estimator: LidEstimator<Artifact>,
  artifact: Artifact,
  dimension: number,
  logProb?: Float64Array,
): TrainingLid {
  if (!(dimension >= 1)) throw mismatch('E_ARGUMENT', 'trainingLid dimension', 'at least 1', dimension)
  const lidAt = (scale: number): Float64Array => {
    const lid = estimator.lid(artifact, scale)
    assertFiniteList('training lid', lid)
    return lid
  }
  const meanLidAt = (scale: number): number => mean(lidAt(scale))
  return {
    dimension,
    logProb,
    lidAt,
    meanLidAt,
    curve(scales = defaultScales()) {
      const grid = Float64Array.from(scales)
      return checkedCurve('trainingLid curve', { scales: grid, meanLid: grid.map(meanLidAt), dimension })
    },
  }
}
