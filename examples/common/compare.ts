// AUCs of log p alone, LID alone and both together, for one LID of every split and one detector fitted before.
import { calibration } from '@ood/detect'
import { type LogProbLid, type PairFit, scorePairs } from '@ood/lid'
import { auroc, delongInterval, dualAuroc } from '@ood/roc'
import { type SplitName, splitNames } from './splits.ts'

/** AUC of in-distribution test images against OOD images, and of the model's own samples against OOD images. */
export interface AucPair {
  inDistr: number
  generated: number
}

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

/** False-positive rate that the fitted detector's threshold is set for on training images. */
export const FALSE_POSITIVE_RATE = 0.05

/** Evaluates a detector that was fitted on training pairs. Nothing here feeds back into a choice. */
export function compare(pairs: Record<SplitName, LogProbLid>, detector: PairFit): Comparison {
  const { in_distr_train: train, ood } = pairs
  const sides = { inDistr: pairs.in_distr_test, generated: pairs.generated }
  const both = (auc: (positives: LogProbLid) => number): AucPair => ({
    inDistr: auc(sides.inDistr),
    generated: auc(sides.generated),
  })
  const dualOf = ({ logProb, lid }: LogProbLid) => ({ x: logProb, y: lid })
  const score = (split: LogProbLid): Float64Array => scorePairs(split, detector)
  const threshold = calibration(score(train)).threshold(Math.max(FALSE_POSITIVE_RATE, 1 / train.lid.length))
  const interval = delongInterval(score(ood), score(sides.inDistr))
  const flagged = (split: LogProbLid): number => {
    const scores = score(split)
    return scores.filter((value) => value > threshold).length / scores.length
  }
  return {
    single: both((side) => auroc(side.logProb, ood.logProb)),
    lid: both((side) => auroc(side.lid, ood.lid)),
    dual: both((side) => dualAuroc(dualOf(side), dualOf(ood))),
    dualReference: both((side) => dualAuroc(dualOf(side), dualOf(ood), { compat: 'reference' })),
    // Higher score = more OOD, so OOD images are the positives here.
    fitted: both((side) => auroc(score(ood), score(side))),
    fittedInterval: [interval.lower, interval.upper],
    flagged: Object.fromEntries(splitNames.map((name) => [name, flagged(pairs[name])])) as Record<SplitName, number>,
  }
}
