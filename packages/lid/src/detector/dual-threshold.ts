// The paper's decision rule: two cuts, one on the likelihood and one on the dimension.
import { mismatch, type Prediction } from '@ood/core'
import { VERSION } from '../internal/version.ts'
import { assertPairs, type LogProbLid } from './pairs.ts'

/** The two cuts: a point is in-distribution iff log p >= logProb and LID >= lid. */
export interface DualCuts {
  /** ψ_L in nats; -Infinity for none. */
  logProb: number
  /** ψ_LID in dimensions; -Infinity for none. */
  lid: number
}

/**
 * The dual threshold (Kamkari et al. 2024; spec dgm 1.6.2): a point is an outlier unless log p >= ψ_L and LID >= ψ_LID.
 *
 * Two cuts make a decision, not a score, so `instanceScore` and `pValue` of the prediction are null. `@ood/roc` sweeps
 * all pairs of cuts; `pairDetector` gives one score where no OOD data exist to place them.
 *
 * @param cuts - both cuts; ±Infinity allowed, NaN not
 * @throws OodError `E_ARGUMENT` for a NaN cut; from `predict`, `E_SHAPE` or `E_NOT_FINITE`
 * @example
 * dualThreshold({ logProb: 700, lid: 150 }).predict({ logProb, lid }).data.isOutlier
 */
export function dualThreshold(cuts: DualCuts): { predict(pairs: LogProbLid): Prediction } {
  for (const key of ['logProb', 'lid'] as const) {
    if (typeof cuts[key] !== 'number' || Number.isNaN(cuts[key]))
      throw mismatch('E_ARGUMENT', `dualThreshold ${key}`, 'a number', cuts[key])
  }
  return {
    predict(pairs) {
      assertPairs('dualThreshold', pairs, false)
      const isOutlier = Uint8Array.from(pairs.logProb, (logProb, i) =>
        logProb >= cuts.logProb && pairs.lid[i]! >= cuts.lid ? 0 : 1,
      )
      return {
        meta: { name: 'DualThreshold', online: false, dataType: null, version: VERSION, detectorType: 'outlier' },
        data: { instanceScore: null, featureScore: null, isOutlier, pValue: null, threshold: null },
      }
    },
  }
}
