// Turns measured splits and frozen choices into AUCs. Nothing here feeds back into a choice.
import { thresholdDimension } from '@ood/lid'
import { auroc, delongInterval, dualAuroc } from '@ood/roc'
import { type Choices, type ScaleRuleName, scaleRules } from './choose.ts'
import type { Measured } from './measure.ts'
import type { SplitName } from './splits.ts'

/** AUC of in-distribution test images against OOD images, and of the model's own samples against OOD images. */
export interface AucPair {
  inDistr: number
  generated: number
}

/** The comparison at one scale. */
export interface ScaleResult {
  scale: number
  meanTrainLid: number
  /** log p alone; the same at every scale. */
  single: AucPair
  /** LID alone. */
  lid: AucPair
  /** Exact dual threshold on (log p, LID), step interpolation: what two cuts reach without randomisation. */
  dual: AucPair
  /** The same by the reference's algorithm (trapezoid over its greedy frontier), for comparison with published tables. */
  dualReference: AucPair
  /** One score fitted on training images: the standardised sum of log p and LID. */
  fitted: AucPair
  /** 95 % DeLong interval of `fitted.inDistr`. */
  fittedInterval: [number, number]
  /** Share of images flagged at the threshold set for 5 % false positives on training images. */
  flagged: Record<SplitName, number>
}

/** False-positive rate that the fitted detector's threshold is set for on training images. */
export const FALSE_POSITIVE_RATE = 0.05

/** Evaluates every scale rule of one direction. */
export function evaluate(splits: Record<SplitName, Measured>, choices: Choices): Record<ScaleRuleName, ScaleResult> {
  return Object.fromEntries(scaleRules.map((rule) => [rule, evaluateRule(splits, choices, rule)])) as Record<
    ScaleRuleName,
    ScaleResult
  >
}

function evaluateRule(splits: Record<SplitName, Measured>, choices: Choices, rule: ScaleRuleName): ScaleResult {
  const { scale, meanLid } = choices.scales[rule]
  const detector = choices.detectors[rule]
  const pairsOf = (name: SplitName) => {
    const { logProb, artifact } = splits[name]
    return { logProb, lid: thresholdDimension(artifact, scale) }
  }
  const train = pairsOf('in_distr_train')
  const ood = pairsOf('ood')
  const sides = { inDistr: pairsOf('in_distr_test'), generated: pairsOf('generated') }
  const both = (auc: (positives: typeof ood) => number): AucPair => ({
    inDistr: auc(sides.inDistr),
    generated: auc(sides.generated),
  })
  const dualOf = ({ logProb, lid }: typeof ood) => ({ x: logProb, y: lid })
  const score = detector.score
  const threshold = detector.inferThreshold(train, Math.max(FALSE_POSITIVE_RATE, 1 / train.lid.length))
  const flagged = (pairs: typeof ood): number => {
    const scores = score(pairs)
    return scores.filter((value) => value > threshold).length / scores.length
  }
  const interval = delongInterval(score(ood), score(sides.inDistr))
  return {
    scale,
    meanTrainLid: meanLid ?? Number.NaN,
    single: both((side) => auroc(side.logProb, ood.logProb)),
    lid: both((side) => auroc(side.lid, ood.lid)),
    dual: both((side) => dualAuroc(dualOf(side), dualOf(ood))),
    dualReference: both((side) => dualAuroc(dualOf(side), dualOf(ood), { compat: 'reference' })),
    // Higher score = more OOD, so OOD images are the positives here.
    fitted: both((side) => auroc(score(ood), score(side))),
    fittedInterval: [interval.lower, interval.upper],
    flagged: {
      in_distr_train: flagged(train),
      in_distr_test: flagged(sides.inDistr),
      ood: flagged(ood),
      generated: flagged(sides.generated),
    },
  }
}
