// How a score (higher = more OOD) is judged: its AUC with DeLong's interval, and what a threshold of training rows flags.
import { calibration } from '@ood/detect'
import { auroc, delongInterval } from '@ood/roc'
import { byName, type SplitName, splitNames } from './splits.ts'

/** AUC of in-distribution test images against OOD images, and of the model's own samples against OOD images. */
export interface AucPair {
  inDistr: number
  generated: number
}

/** False-positive rate that thresholds are set for on in-distribution images. */
export const FALSE_POSITIVE_RATE = 0.05

/** That rate, or what fewer than 20 rows can resolve. */
export function falsePositiveRateOf(rows: number): number {
  return Math.max(FALSE_POSITIVE_RATE, 1 / rows)
}

/** The threshold of in-distribution scores. */
export function thresholdOf(scores: Float64Array): number {
  return calibration(scores).threshold(falsePositiveRateOf(scores.length))
}

/** Share of scores above a threshold. */
export function shareAbove(scores: Float64Array, threshold: number): number {
  return scores.filter((value) => value > threshold).length / scores.length
}

/** 95 % DeLong interval of the AUC of OOD scores over in-distribution scores. */
export function intervalOf(ood: Float64Array, inside: Float64Array, scale?: 'logit'): [number, number] {
  const { lower, upper } = delongInterval(ood, inside, scale ? { scale } : {})
  return [lower, upper]
}

/** Both AUCs of a score. */
export function aucPair(score: (split: SplitName) => Float64Array): AucPair {
  const ood = score('ood')
  return { inDistr: auroc(ood, score('in_distr_test')), generated: auroc(ood, score('generated')) }
}

/** A score of the four splits, judged. */
export interface Judged {
  auc: AucPair
  /** 95 % DeLong interval of `auc.inDistr`. */
  interval: [number, number]
  /** The threshold of training images. */
  threshold: number
  /** Share of each split above it. */
  flagged: Record<SplitName, number>
}

/** Judges a score of the four splits. Nothing here feeds back into a choice. */
export function judge(score: Record<SplitName, Float64Array>): Judged {
  const threshold = thresholdOf(score.in_distr_train)
  return {
    auc: aucPair((split) => score[split]),
    interval: intervalOf(score.ood, score.in_distr_test),
    threshold,
    flagged: byName(splitNames, (split) => shareAbove(score[split], threshold)),
  }
}
