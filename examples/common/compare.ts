// AUCs of log p alone, LID alone and both together, for one LID of every split and one detector fitted before.
import { type LogProbLid, type PairFit, scorePairs } from '@ood/lid'
import { auroc, dualAuroc } from '@ood/roc'
import { type AucPair, judge } from './judge.ts'
import { byName, type SplitName, splitNames } from './splits.ts'

/** Everything compared at one LID. */
export interface Comparison {
  /** log p alone; the same at every scale. */
  single: AucPair
  /** LID alone. */
  lid: AucPair
  /** Exact dual threshold on (log p, LID), step interpolation: what two cuts reach without randomisation. */
  dual: AucPair
  /** The same by the reference's algorithm (trapezoid over its greedy frontier), for comparison with published tables. */
  dualReference: AucPair
  /** One score of log p and LID, fitted on training images. */
  fitted: AucPair
  /** 95 % DeLong interval of `fitted.inDistr`. */
  fittedInterval: [number, number]
  /** Share of images flagged at the threshold set for 5 % false positives on training images. */
  flagged: Record<SplitName, number>
}

/** Evaluates a detector that was fitted on training pairs. Nothing here feeds back into a choice. */
export function compare(pairs: Record<SplitName, LogProbLid>, detector: PairFit): Comparison {
  const { ood, in_distr_test: test, generated } = pairs
  const both = (auc: (positives: LogProbLid) => number): AucPair => ({
    inDistr: auc(test),
    generated: auc(generated),
  })
  const dualOf = ({ logProb, lid }: LogProbLid) => ({ x: logProb, y: lid })
  const { auc, interval, flagged } = judge(byName(splitNames, (split) => scorePairs(pairs[split], detector)))
  return {
    single: both((side) => auroc(side.logProb, ood.logProb)),
    lid: both((side) => auroc(side.lid, ood.lid)),
    dual: both((side) => dualAuroc(dualOf(side), dualOf(ood))),
    dualReference: both((side) => dualAuroc(dualOf(side), dualOf(ood), { compat: 'reference' })),
    fitted: auc,
    fittedInterval: interval,
    flagged,
  }
}
