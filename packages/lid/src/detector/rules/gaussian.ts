// Rules on the bivariate Gaussian of the training pairs: distance from it, and distance on the suspicious side only.
import { pairMoments } from '../pairs.ts'
import { momentsOf, type RuleDefinition, residualShare, standardise } from './rule.ts'

/**
 * Score = zᵀR⁻¹z, the squared Mahalanobis distance of the pair from the training mean: -2 log of the bivariate Gaussian
 * density up to a constant. Two-sided: a point with unusually high LID and likelihood scores as high as its mirror image.
 */
export const mahalanobis: RuleDefinition<unknown> = {
  fit(pairs) {
    const moments = pairMoments(pairs)
    residualShare(moments)
    return { ...moments }
  },
  build(parameters) {
    const moments = momentsOf(parameters)
    const share = residualShare(moments)
    return {
      score(logProb, lid) {
        const [a, b] = standardise(moments, logProb, lid)
        return (a * a - 2 * moments.correlation * a * b + b * b) / share
      },
    }
  },
}

/**
 * Score = twice the log-likelihood ratio of "the pair's mean is shifted down in log p, LID or both" against "it is the
 * training mean", under the training covariance (Kudô 1963, a one-sided multivariate test):
 *
 *   max over m <= 0 of 2 mᵀR⁻¹z - mᵀR⁻¹m  (>= 0).
 *
 * The Mahalanobis distance with its typical side cut away. A shift of LID alone is judged given log p (and the reverse),
 * which is what catches a high likelihood at a dimension too low for it. Where the ratio is 0 (neither value is low given
 * the other) the score continues below 0 as minus the smaller squared residual, so that typical points are ordered too.
 */
export const oneSided: RuleDefinition<unknown> = {
  fit: mahalanobis.fit,
  build(parameters) {
    const moments = momentsOf(parameters)
    const share = residualShare(moments)
    const rho = moments.correlation
    return {
      score(logProb, lid) {
        const [a, b] = standardise(moments, logProb, lid)
        // Best m with both free is z itself, where allowed; else the best on one axis, judged by its residual; else 0.
        if (a <= 0 && b <= 0) return (a * a - 2 * rho * a * b + b * b) / share
        const lower = Math.min(a - rho * b, b - rho * a)
        return (-Math.sign(lower) * lower * lower) / share
      },
    }
  },
}
