// Rules on the standardised pair: the sum of the z-scores, and the worse of the two.
import { pairMoments } from '../pairs.ts'
import { momentsOf, type RuleDefinition, standardise } from './pair-rule.ts'

/**
 * Score = -(z(log p) + z(LID)).
 *
 * For a bivariate Gaussian it is the most powerful test against an equal shift down of both (R⁻¹(1, 1) is proportional
 * to (1, 1) for every correlation), and the more powerful the more negative the correlation: where training points
 * trade likelihood for dimension, their sum hardly varies.
 */
export const standardisedSum: RuleDefinition<unknown> = {
  fit: (pairs) => ({ ...pairMoments(pairs) }),
  build(parameters) {
    const moments = momentsOf(parameters)
    return {
      score(logProb, lid) {
        const [a, b] = standardise(moments, logProb, lid)
        return -(a + b)
      },
    }
  },
}

/**
 * Score = -min(z(log p), z(LID)): a cut on it is a dual threshold with both cuts equally many standard deviations below
 * the training mean, so this is the paper's rectangle with one number left to choose.
 */
export const standardisedMinimum: RuleDefinition<unknown> = {
  fit: (pairs) => ({ ...pairMoments(pairs) }),
  build(parameters) {
    const moments = momentsOf(parameters)
    return { score: (logProb, lid) => -Math.min(...standardise(moments, logProb, lid)) }
  },
}
