// Several scores as one: each standardised on training rows, the one furthest out decides.
import { mismatch } from '@ood/core'

/** What `fitJointScore` learnt: mean and standard deviation of each score over training rows, in order. */
export type JointScoreFit = readonly { readonly mean: number; readonly standardDeviation: number }[]

/**
 * Means and standard deviations of several scores of the same training rows, for `jointScore`.
 *
 * @param scores - one array a score, higher = more OOD, all of the same training rows
 * @throws OodError `E_EMPTY` for no score or fewer than two rows, `E_SHAPE` for lengths that differ, `E_ARGUMENT` for a
 *   score that is the same for all rows or not finite
 * @example
 * const fit = fitJointScore([trainNegativeLogLikelihood, trainRatioScore])
 */
export function fitJointScore(scores: readonly Float64Array[]): JointScoreFit {
  const n = rows('fitJointScore', scores)
  if (n < 2) throw mismatch('E_EMPTY', 'fitJointScore scores', 'at least two rows', n)
  return scores.map((values, i) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / n
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    const standardDeviation = Math.sqrt(squares / (n - 1))
    if (!(standardDeviation > 0 && Number.isFinite(standardDeviation)))
      throw mismatch('E_ARGUMENT', `fitJointScore scores[${i}]`, 'rows that differ', `a spread of ${standardDeviation}`)
    return { mean, standardDeviation }
  })
}

/**
 * max_i (score_i - mean_i) / standardDeviation_i; **higher = more OOD**.
 *
 * A likelihood ratio is one-sided, like the likelihood itself: against a background model that knows only neighbouring
 * pixels, images simpler than the training data have too small a ratio, images more complex a large one, and it is the
 * other way round with the likelihood. Either being out of place is enough. This is the rule of two cuts on likelihood
 * and LID (Kamkari et al. 2024) as one number, with the ratio for LID. N numbers a score, O(N).
 *
 * @param scores - one array a score, in the order of the fit
 * @throws OodError `E_SHAPE` for another number of scores than the fit's, or lengths that differ
 * @example
 * const score = jointScore([negativeLogLikelihood, ratioScore], fit) // both of the same rows
 */
export function jointScore(scores: readonly Float64Array[], fit: JointScoreFit): Float64Array {
  const n = rows('jointScore', scores)
  if (scores.length !== fit.length)
    throw mismatch('E_SHAPE', 'jointScore scores', `${fit.length} scores, as the fit has`, scores.length)
  return Float64Array.from({ length: n }, (_, row) =>
    scores.reduce((most, values, i) => {
      const { mean, standardDeviation } = fit[i]!
      return Math.max(most, (values[row]! - mean) / standardDeviation)
    }, Number.NEGATIVE_INFINITY),
  )
}

/** Rows of the scores, which must agree. */
function rows(what: string, scores: readonly Float64Array[]): number {
  const n = scores[0]?.length
  if (n === undefined) throw mismatch('E_EMPTY', `${what} scores`, 'at least one score', 'none')
  const odd = scores.findIndex((values) => values.length !== n)
  if (odd >= 0) throw mismatch('E_SHAPE', `${what} scores[${odd}]`, `${n} rows`, scores[odd]!.length)
  return n
}
