// Scale by coupling: where the LID of training points explains their log-likelihood best.
import { assertOptions, mean, mismatch, OodError } from '@ood/core'
import { varies } from '@ood/detect'
import { linspace } from '../curve.ts'
import { assertBetween } from '../internal/check.ts'
import type { ScaleChoice } from './training-curve.ts'
import type { TrainingLid } from './training-lid.ts'

/** Options of `couplingScale`. */
export interface CouplingOptions {
  /** Scales to try, increasing (default linspace(-6, 2, 81)). */
  scales?: ArrayLike<number> | undefined
  /** How many standard errors weaker than the best a finer scale may be and still be preferred (default 1). */
  standardErrors?: number | undefined
}

/**
 * The scale at which log-likelihood and LID of the training points are most strongly anti-correlated (up to one standard
 * error).
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
 * The correlation is an estimate from n points, flat near its best. Of the scales that cannot be told from the best, the
 * finest is taken, which counts the most directions: the smallest scale, reached without a gap, whose correlation is
 * within one standard error, 1 / √(n - 3) in Fisher's atanh transform (the one-standard-error rule of Breiman et al.).
 *
 * Only training points are read. Cost: one `lidAt` per scale.
 *
 * @param training - with log-likelihoods of at least 8 points
 * @returns `diagnostics`: correlation at the chosen scale, the strongest one and its scale, the number of points
 * @throws OodError `E_ARGUMENT` without log-likelihoods, `E_EMPTY` with fewer than 8 points, and `E_ARGUMENT` when LID
 *   and log-likelihood are nowhere anti-correlated
 * @example
 * couplingScale(trainingLid(estimator, artifact, 784, logProb)).scale
 */
export function couplingScale(training: TrainingLid, options: CouplingOptions = {}): ScaleChoice {
  assertOptions('couplingScale', options, ['scales', 'standardErrors'])
  const { logProb } = training
  const { standardErrors = 1 } = options
  assertBetween('couplingScale standardErrors', standardErrors, -1e-300, 100)
  if (!logProb)
    throw new OodError('E_ARGUMENT', 'couplingScale: expected log-likelihoods of the training points, got none')
  if (logProb.length < 8) throw mismatch('E_EMPTY', 'couplingScale', 'at least 8 training points', logProb.length)
  const scales = options.scales ?? linspace(-6, 2, 81)
  const trace: ScaleChoice['trace'] = []
  const correlations = new Float64Array(scales.length)
  let best = -1
  for (let i = 0; i < scales.length; i++) {
    const lid = training.lidAt(scales[i]!)
    if (lid.length !== logProb.length) throw mismatch('E_SHAPE', 'couplingScale', `${logProb.length} LIDs`, lid.length)
    correlations[i] = correlationOf(lid, logProb)
    trace.push({ scale: scales[i]!, meanLid: mean(lid) })
    if (correlations[i]! < (best < 0 ? 0 : correlations[best]!)) best = i
  }
  if (best < 0)
    throw new OodError(
      'E_ARGUMENT',
      'couplingScale: expected LID and log-likelihood to be anti-correlated at some scale, got none',
    )
  const limit = Math.atanh(clamped(correlations[best]!)) + standardErrors / Math.sqrt(logProb.length - 3)
  let chosen = best
  while (chosen > 0 && Math.atanh(clamped(correlations[chosen - 1]!)) <= limit) chosen--
  return {
    scale: scales[chosen]!,
    rule: 'coupling',
    meanLid: trace[chosen]!.meanLid,
    trace,
    diagnostics: {
      correlation: correlations[chosen]!,
      bestScale: scales[best]!,
      bestCorrelation: correlations[best]!,
      points: logProb.length,
    },
  }
}

/** Keeps atanh finite for a perfect correlation. */
function clamped(correlation: number): number {
  return Math.max(correlation, -1 + 1e-12)
}

/** Pearson correlation; 0 where either side does not vary by more than rounding. */
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
  const spread = (squares: number): number => Math.sqrt(squares / a.length)
  return varies(spread(aa), meanA) && varies(spread(bb), meanB) ? ab / Math.sqrt(aa * bb) : 0
}
