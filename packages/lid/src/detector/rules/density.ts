// The density of the pair on the training set, by Gaussian kernels.
import { mismatch } from '@ood/core'
import { assertBetween } from '../../internal/check.ts'
import { pairMoments } from '../pairs.ts'
import { listOf, momentsOf, numberOf, type RuleDefinition, residualShare, standardise } from './pair-rule.ts'

/** Settings of the kernel density rule. */
export interface DensitySettings {
  /**
   * Kernel width as a multiple of the training covariance's square root: `'scott'` (default) is n^{-1/6}, which for two
   * dimensions is also Silverman's; or the factor itself.
   */
  bandwidth?: 'scott' | number
}

/**
 * Score = -log p̂(log p, LID), p̂ the Gaussian kernel density of the training pairs with kernel covariance h² Σ, Σ their
 * covariance (Scott 1992, Multivariate Density Estimation, 6.3). Training scores leave their own kernel out.
 *
 * It follows any shape the training pairs have, and is two-sided. Cost O(n) a score, O(n²) to fit; keep n below 10⁴.
 */
export const density: RuleDefinition<DensitySettings> = {
  fit(pairs, { bandwidth = 'scott' }) {
    const n = pairs.logProb.length
    const moments = pairMoments(pairs)
    residualShare(moments)
    if (bandwidth !== 'scott') assertBetween('density bandwidth', bandwidth, 0, Number.POSITIVE_INFINITY)
    const u: number[] = []
    const v: number[] = []
    for (let i = 0; i < n; i++) {
      const [a, b] = whiten(moments, pairs.logProb[i]!, pairs.lid[i]!)
      u.push(a)
      v.push(b)
    }
    return { ...moments, bandwidth: bandwidth === 'scott' ? n ** (-1 / 6) : bandwidth, u, v }
  },
  build(parameters) {
    const moments = momentsOf(parameters)
    const h = numberOf(parameters, 'bandwidth')
    const u = listOf(parameters, 'u')
    const v = listOf(parameters, 'v')
    const n = u.length
    if (v.length !== n) throw mismatch('E_FILE', 'detector parameter v', `${n} numbers`, v.length)
    if (!(h > 0)) throw mismatch('E_FILE', 'detector parameter bandwidth', 'a positive number', h)
    // log of 2π h² |Σ|^{1/2}
    const logNorm =
      Math.log(2 * Math.PI * h * h * moments.logProbDeviation * moments.lidDeviation) +
      0.5 * Math.log(residualShare(moments))
    const exponents = new Float64Array(n)
    const minusLogDensity = (a: number, b: number, skip: number): number => {
      let largest = Number.NEGATIVE_INFINITY
      for (let i = 0; i < n; i++) {
        exponents[i] = i === skip ? Number.NEGATIVE_INFINITY : -((a - u[i]!) ** 2 + (b - v[i]!) ** 2) / (2 * h * h)
        largest = Math.max(largest, exponents[i]!)
      }
      let sum = 0
      for (let i = 0; i < n; i++) sum += Math.exp(exponents[i]! - largest)
      return logNorm + Math.log(skip < 0 ? n : n - 1) - largest - Math.log(sum)
    }
    return {
      score: (logProb, lid) => minusLogDensity(...whiten(moments, logProb, lid), -1),
      trainingScores: () => u.map((a, i) => minusLogDensity(a, v[i]!, i)),
    }
  },
}

/** Coordinates in which the training covariance is the identity: z-scores, then Cholesky of their correlation. */
function whiten(moments: Parameters<typeof standardise>[0], logProb: number, lid: number): [number, number] {
  const [a, b] = standardise(moments, logProb, lid)
  return [a, (b - moments.correlation * a) / Math.sqrt(residualShare(moments))]
}
