// Rules on the bivariate Gaussian of the training pairs: distance from it, and the same with its unsuspicious side cut away.
import { pairMoments } from '../pairs.ts'
import { momentsOf, type RuleDefinition, residualShare, standardise } from './pair-rule.ts'

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
 * Score = min(0, u)² / (2 (1 + ρ)) + w² / (2 (1 - ρ)) with u = z(log p) + z(LID) and w = z(log p) - z(LID).
 *
 * u and w are uncorrelated with variances 2 (1 + ρ) and 2 (1 - ρ), so without the min this is the Mahalanobis distance.
 * Training points trade likelihood for dimension: w is where on that trade a point stands, and far from the training
 * points on either side is atypical; u is what it has of both together, and only too little of it is suspicious.
 * It is twice the log-likelihood ratio for "the mean is shifted, and u not upwards" against "it is the training mean",
 * a one-sided multivariate test (Perlman 1969). Unlike the standardised sum it also sees a point that has followed the
 * trade far beyond the training points.
 */
export const oneSided: RuleDefinition<unknown> = {
  fit: mahalanobis.fit,
  build(parameters) {
    const moments = momentsOf(parameters)
    residualShare(moments)
    const rho = moments.correlation
    return {
      score(logProb, lid) {
        const [a, b] = standardise(moments, logProb, lid)
        return Math.min(0, a + b) ** 2 / (2 * (1 + rho)) + (a - b) ** 2 / (2 * (1 - rho))
      },
    }
  },
}
