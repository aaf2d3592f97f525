// Scale by coupling: where the LID of training points explains their log-likelihood best.
import { mismatch, OodError } from '@ood/core'
import { linspace } from '../curve.ts'
import { mean } from '../internal/statistics.ts'
import type { ScaleChoice } from './training-curve.ts'
import type { TrainingLid } from './training-lid.ts'

/** Options of `couplingScale`. */
export interface CouplingOptions {
  /** Scales to try, increasing (default linspace(-6, 2, 81)). */
  scales?: ArrayLike<number>
}

/**
 * The scale at which log-likelihood and LID of the training points are most strongly anti-correlated.
 *
 * Why there: with singular values σ_i of the decoder's Jacobian, log p(x) = log N(z; 0, I) - Σ log σ_i, and
 * Σ log σ_i = ∫ (LID(s) - D [s < 0]) ds, because LID(s) counts the σ_i above e^s. So the log-volume term of a flow's
 * log-likelihood is the integral of its LID curve over all scales. Reading LID at one scale is a quadrature of that
 * integral with one node, and the best node is the one whose LID leaves the least of log p unexplained on training
 * points, which is where the squared correlation is largest. At that scale the law
 * "more likely by so much, lower-dimensional by so much" is tightest on the training distribution, hence a point that
 * breaks it (a likelihood bought by directions that are thinner than the training data's ever are) stands out most;
 * `standardisedSum` of the pair has variance 2 (1 + correlation) there, the smallest over scales.
 *
 * Only training points are read. Cost: one `lidAt` per scale.
 *
 * @param training - with log-likelihoods of at least 8 points
 * @returns `diagnostics.correlation` and the correlation over scales as `diagnostics` are for the record
 * @throws OodError `E_ARGUMENT` without log-likelihoods, `E_EMPTY` with fewer than 8 points, and `E_ARGUMENT` when LID
 *   and log-likelihood are nowhere anti-correlated
 * @example
 * couplingScale(trainingLid(estimator, artifact, 784, logProb)).scale
 */
export function couplingScale(training: TrainingLid, options: CouplingOptions = {}): ScaleChoice {
  const { logProb } = training
  if (!logProb)
    throw new OodError('E_ARGUMENT', 'couplingScale: expected log-likelihoods of the training points, got none')
  if (logProb.length < 8) throw mismatch('E_EMPTY', 'couplingScale', 'at least 8 training points', logProb.length)
  const scales = options.scales ?? linspace(-6, 2, 81)
  const trace: ScaleChoice['trace'] = []
  let best: { scale: number; correlation: number; meanLid: number } | undefined
  for (let i = 0; i < scales.length; i++) {
    const scale = scales[i]!
    const lid = training.lidAt(scale)
    if (lid.length !== logProb.length) throw mismatch('E_SHAPE', 'couplingScale', `${logProb.length} LIDs`, lid.length)
    const correlation = correlationOf(lid, logProb)
    const meanLid = mean(lid)
    trace.push({ scale, meanLid })
    if (correlation < (best?.correlation ?? 0)) best = { scale, correlation, meanLid }
  }
  if (!best)
    throw new OodError(
      'E_ARGUMENT',
      'couplingScale: expected LID and log-likelihood to be anti-correlated at some scale, got none',
    )
  return {
    scale: best.scale,
    rule: 'coupling',
    meanLid: best.meanLid,
    trace,
    diagnostics: { correlation: best.correlation, points: logProb.length },
  }
}

/** Pearson correlation; 0 where either side does not vary. */
function correlationOf(a: Float64Array, b: Float64Array): number {
  const meanA = mean(a)
  const meanB = mean(b)
  let ab = 0
  let aa = 0
  let bb = 0
  for (let i = 0; i < a.length; i++) {
    const x = a[i]! - meanA
    const y = b[i]! - meanB
    ab += x * y
    aa += x * x
    bb += y * y
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0
}
