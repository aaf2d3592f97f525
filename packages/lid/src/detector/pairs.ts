// The pair every likelihood + LID detector looks at, and its moments on the training set.
import { mean, mismatch, OodError, standardDeviation } from '@ood/core'
import { varies } from '@ood/detect'
import { assertFiniteList, assertSameLength } from '../internal/check.ts'

/** Log-likelihoods and local intrinsic dimensions of the same N points. */
export interface LogProbLid {
  /** log p(x) in nats. */
  logProb: Float64Array
  /** LID(x) at one scale. */
  lid: Float64Array
}

/** Means, standard deviations and correlation of training pairs. */
export interface PairMoments {
  logProbMean: number
  logProbDeviation: number
  lidMean: number
  lidDeviation: number
  correlation: number
}

/** Throws unless both lists have equal length, at least one entry and no NaN (infinities pass when scoring). */
export function assertPairs(what: string, pairs: LogProbLid, finite: boolean): void {
  assertSameLength(what, pairs.logProb, pairs.lid)
  if (finite) {
    assertFiniteList(`${what} logProb`, pairs.logProb)
    assertFiniteList(`${what} lid`, pairs.lid)
    return
  }
  for (const part of ['logProb', 'lid'] as const) {
    const at = pairs[part].findIndex(Number.isNaN)
    if (at >= 0) throw mismatch('E_NOT_FINITE', `${what} ${part}`, 'numbers', `NaN at position ${at}`)
  }
}

/** Moments of training pairs (standard deviations and correlation with n - 1). */
export function pairMoments(pairs: LogProbLid): PairMoments {
  const n = pairs.logProb.length
  if (n < 2) throw new OodError('E_EMPTY', `fit: expected at least 2 training pairs, got ${n}`)
  const logProbMean = mean(pairs.logProb)
  const lidMean = mean(pairs.lid)
  const logProbDeviation = standardDeviation(pairs.logProb)
  const lidDeviation = standardDeviation(pairs.lid)
  // A constant, or one but for rounding, cannot be standardised; for LID it means a scale at which every point has dimension D or 0.
  if (!varies(logProbDeviation, logProbMean))
    throw mismatch('E_ARGUMENT', 'fit logProb', 'values that vary', `${logProbMean} only`)
  if (!varies(lidDeviation, lidMean))
    throw mismatch('E_ARGUMENT', 'fit lid', 'values that vary (choose another scale)', `${lidMean} only`)
  let covariance = 0
  for (let i = 0; i < n; i++) covariance += (pairs.logProb[i]! - logProbMean) * (pairs.lid[i]! - lidMean)
  const correlation = covariance / (n - 1) / (logProbDeviation * lidDeviation)
  return { logProbMean, logProbDeviation, lidMean, lidDeviation, correlation }
}
