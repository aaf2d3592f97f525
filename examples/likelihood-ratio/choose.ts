// Every choice of the example: entropy, the joint score's spreads and thresholds. This file is handed training and validation images, nothing else.
import { calibration, fitWorst, type Spread, type ThresholdTarget, worst } from '@ood/detect'
import { complexityScore, ratioScores } from '@ood/llr'
import { mean } from '../common/splits.ts'
import { type ChoiceSet, CONTAMINATED_HALF } from './images.ts'
import type { Measured } from './measure.ts'

/** Scores compared, all with higher = more OOD. */
export const methods = ['llr', 'joint', 'likelihood', 'typicality', 'complexity', 'background'] as const
export type Method = (typeof methods)[number]

/** Share of in-distribution images that the clean threshold may flag. */
export const FALSE_POSITIVE_RATE = 0.05

/** Scores of one set by method. */
export type Scores = Record<Method, Float64Array>

/** What was chosen for one method. */
export interface Thresholds {
  /** Percentile 50 of a batch of which half is OOD: the notebook's. Needs OOD images, and to know their share. */
  contaminated: number
  /** (1 - 5 %) quantile of in-distribution images alone: what can be had before anything went wrong. */
  clean: number
}

/** Everything chosen. */
export interface Choices {
  /** Minus the mean log p of in-distribution images, which typicality measures distances from. */
  entropy: number
  /** Spreads of -log p and of the ratio's score over in-distribution images, for the joint score. */
  joint: readonly Spread[]
  thresholds: Record<Method, Thresholds>
  /** False positive rate the clean thresholds are for: 5 %, or what fewer than 20 images can resolve. */
  falsePositiveRate: number
  /** Images the contaminated thresholds were read from, half of them OOD. */
  contaminatedImages: number
}

/** Scores of a measured set, given what was learnt of in-distribution images. */
export function scoresOf(
  { semantic, background, complexity }: Measured,
  { entropy, joint }: Pick<Choices, 'entropy' | 'joint'>,
): Scores {
  const likelihood = semantic.map((value) => -value)
  const llr = ratioOf(semantic, background)
  return {
    llr,
    joint: worst([likelihood, llr].slice(0, joint.length), joint),
    likelihood,
    typicality: likelihood.map((value) => Math.abs(value - entropy)),
    complexity: complexityScore(semantic, complexity),
    background: background.map((value) => -value),
  }
}

const ratioOf = (semantic: Float64Array, background: Float64Array): Float64Array =>
  ratioScores({ instance: semantic }, { instance: background }).instance

/** Chooses from the two sets that choices may look at. */
export function choose(sets: Record<ChoiceSet, Measured>): Choices {
  const { semantic, background } = sets.in_distr_train
  const entropy = -mean(semantic)
  const ratio = ratioOf(semantic, background)
  // A model against itself has a ratio of 0 everywhere, which has no spread: its joint score is the likelihood's.
  const scores = [semantic.map((value) => -value), ratio].slice(0, ratio.some((value) => value !== ratio[0]) ? 2 : 1)
  const joint = fitWorst(scores)
  const clean = scoresOf(sets.in_distr_train, { entropy, joint })
  const ood = scoresOf(sets.ood_train, { entropy, joint })
  const half = Math.min(CONTAMINATED_HALF, clean.llr.length, ood.llr.length)
  const falsePositiveRate = Math.max(FALSE_POSITIVE_RATE, 1 / clean.llr.length)
  const thresholds = methods.map((method) => {
    const infer = (scores: Float64Array, target: ThresholdTarget): number => calibration(scores).threshold(target)
    const batch = Float64Array.of(...clean[method].subarray(0, half), ...ood[method].subarray(0, half))
    return [
      method,
      { contaminated: infer(batch, { percentile: 50 }), clean: infer(clean[method], { falsePositiveRate }) },
    ] as const
  })
  return {
    entropy,
    joint,
    thresholds: Object.fromEntries(thresholds) as Record<Method, Thresholds>,
    falsePositiveRate,
    contaminatedImages: 2 * half,
  }
}
