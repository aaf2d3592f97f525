// The paper's decision rule: two cuts, one on the likelihood and one on the dimension. For evaluation: only OOD data place them.
import { mismatch } from '@ood/core'
import { assertPairs, type LogProbLid } from './pairs.ts'

/** The two cuts: a point is in-distribution iff log p >= logProb and LID >= lid. */
export interface DualCuts {
  /** ψ_L in nats; -Infinity for none. */
  logProb: number
  /** ψ_LID in dimensions; -Infinity for none. */
  lid: number
}

/**
 * The dual threshold (Kamkari et al. 2024): 1 for an outlier, which is a point unless log p >= ψ_L and
 * LID >= ψ_LID.
 *
 * Two cuts make a decision and no score. `@ood/roc` sweeps all pairs of cuts; `fitPairs` gives one score where no OOD
 * data exist to place them.
 *
 * @param pairs - log p and LID of N points
 * @param cuts - both cuts; ±Infinity allowed, NaN not
 * @throws OodError `E_ARGUMENT` for a NaN cut, `E_SHAPE`, `E_NOT_FINITE`
 * @example
 * dualThreshold({ logProb, lid }, { logProb: 700, lid: 150 }) // Uint8Array of N
 */
export function dualThreshold(pairs: LogProbLid, cuts: DualCuts): Uint8Array {
  for (const key of ['logProb', 'lid'] as const) {
    if (typeof cuts[key] !== 'number' || Number.isNaN(cuts[key]))
      throw mismatch('E_ARGUMENT', `dualThreshold ${key}`, 'a number', cuts[key])
  }
  assertPairs('dualThreshold', pairs, false)
  return Uint8Array.from(pairs.logProb, (logProb, i) => (logProb >= cuts.logProb && pairs.lid[i]! >= cuts.lid ? 0 : 1))
}
