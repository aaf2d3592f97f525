// Every choice of the example: entropy, the joint score's spreads and thresholds. This file is handed training and validation images, nothing else.
import { calibration, fitWorst, type Spread, worst } from '@ood/detect'
import { complexityScore, ratioScores } from '@ood/llr'
import { falsePositiveRateOf } from '../common/judge.ts'
import { byName, mean } from '../common/splits.ts'
import { type ChoiceSet, CONTAMINATED_HALF, type Measured } from './measure.ts'

/** Scores compared, all with higher = more OOD. */
export const methods = ['llr', 'joint', 'likelihood', 'typicality', 'complexity', 'background'] as const
export type Method = (typeof methods)[number]

/** Scores of one set by method. */
export type Scores = Record<Method, Float64Array>

/** Everything chosen. */
export type Choices = ReturnType<typeof choose>

/** Scores of a measured set, given what was learnt of in-distribution images. */
export function scoresOf(
  { semantic, background, complexity }: Measured,
  { entropy, joint }: { entropy: number; joint: readonly Spread[] },
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
export function choose(sets: Record<ChoiceSet, Measured>) {
  const { semantic, background } = sets.in_distr_train
  const entropy = -mean(semantic)
  const ratio = ratioOf(semantic, background)
  // A model against itself has a ratio of 0 everywhere, which has no spread: its joint score is the likelihood's.
  const scores = [semantic.map((value) => -value), ratio].slice(0, ratio.some((value) => value !== ratio[0]) ? 2 : 1)
  const joint = fitWorst(scores)
  const clean = scoresOf(sets.in_distr_train, { entropy, joint })
  const ood = scoresOf(sets.ood_train, { entropy, joint })
  const half = Math.min(CONTAMINATED_HALF, clean.llr.length, ood.llr.length)
  const falsePositiveRate = falsePositiveRateOf(clean.llr.length)
  const thresholds = byName(methods, (method) => {
    const batch = Float64Array.of(...clean[method].subarray(0, half), ...ood[method].subarray(0, half))
    return {
      /** Percentile 50 of a batch of which half is OOD: the notebook's. Needs OOD images, and to know their share. */
      contaminated: calibration(batch).threshold({ percentile: 50 }),
      /** (1 - 5 %) quantile of in-distribution images alone: what can be had before anything went wrong. */
      clean: calibration(clean[method]).threshold({ falsePositiveRate }),
    }
  })
  return {
    /** Minus the mean log p of in-distribution images, which typicality measures distances from. */
    entropy,
    /** Spreads of -log p and of the ratio's score over in-distribution images, for the joint score. */
    joint,
    thresholds,
    /** False positive rate the clean thresholds are for. */
    falsePositiveRate,
    /** Images the contaminated thresholds were read from, half of them OOD. */
    contaminatedImages: 2 * half,
  }
}
