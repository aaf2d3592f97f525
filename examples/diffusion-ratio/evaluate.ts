// AUCs of the likelihood, of every ratio at every t_frac, and of the detector that training images made.
import { fitWorst, type Spread, worst } from '@ood/detect'
import { type DenoisingLosses, lossRatio, type RatioForm, wholeLoss } from '@ood/llr'
import { aucPair, intervalOf, judge } from '../common/judge.ts'
import { byName, type Direction, mean, type SplitName, splitNames } from '../common/splits.ts'
import { chooseFractions, DEFAULT_RULE, fractionRules } from './choose.ts'
import { type DirectionMeasures, lossAt } from './losses.ts'

/** Scores compared: which losses, and how they are held against each other. The first is the default of `@ood/llr`. */
export const variants = [
  { key: 'likelihood-log-ratio', losses: 'losses', form: 'log-ratio' },
  { key: 'likelihood-difference', losses: 'losses', form: 'difference' },
  { key: 'published-log-ratio', losses: 'reference', form: 'log-ratio' },
  { key: 'published-difference', losses: 'reference', form: 'difference' },
] as const
export type VariantKey = (typeof variants)[number]['key']

/** Everything evaluated in one direction. */
export type Evaluation = ReturnType<typeof evaluate>

/** Everything known about one direction when the run ends. */
export interface DirectionResult extends DirectionMeasures {
  direction: Direction
  evaluation: Evaluation
}

/** Evaluates one direction. Nothing here feeds back into a choice. */
export function evaluate({ splits, turned }: Pick<DirectionMeasures, 'splits' | 'turned'>) {
  const choices = chooseFractions(splits.in_distr_train.losses, turned)
  const { tFrac } = choices[DEFAULT_RULE]
  const scoreOf = (losses: DenoisingLosses, at: number, form: RatioForm) => lossRatio(losses, { tFrac: at, form })
  const ratioAt = (at: number) => (split: SplitName) => scoreOf(splits[split].losses, at, 'log-ratio').score
  const score = byName(splitNames, ratioAt(tFrac))
  const fit = fitJoint(splits.in_distr_train.losses, tFrac)
  const joint = byName(splitNames, (split) => worst(jointParts(splits[split].losses, tFrac), fit))
  const byFraction = ({ losses, form }: (typeof variants)[number]) =>
    [...splits.ood[losses].fractions.subarray(0, -1)].map((at) => ({
      tFrac: at,
      auc: aucPair((split) => scoreOf(splits[split][losses], at, form).score),
      standardError: relativeNoise(scoreOf(splits.in_distr_test[losses], at, form)),
    }))
  return {
    choices,
    tFrac,
    /** log p by the ODE alone. */
    likelihood: aucPair((split) => splits[split].logProb.map((value) => -value)),
    /** Minus L(1) of the same evaluations, the variational bound: a likelihood without derivatives. */
    bound: aucPair((split) => lossAt(splits[split].losses, 1)),
    variants: Object.fromEntries(variants.map((variant) => [variant.key, byFraction(variant)])) as Record<
      VariantKey,
      ReturnType<typeof byFraction>
    >,
    /** The default ratio at the t_frac of every rule. */
    rules: byName(fractionRules, (rule) => ({
      tFrac: choices[rule].tFrac,
      auc: aucPair(ratioAt(choices[rule].tFrac)),
    })),
    /** Scores of the default ratio at the chosen t_frac; higher = more OOD. */
    score,
    chosen: aucPair((split) => score[split]),
    /** 95 % DeLong interval of `chosen.inDistr`. */
    interval: intervalOf(score.ood, score.in_distr_test),
    /** Ratio and bound as one score, fitted on training images: the default detector. */
    joint: { score: joint, ...judge(joint) },
  }
}

/** Spreads of log L(1) and of the log-ratio over training images, as the method `diffusionRatio` fits them. */
export function fitJoint(train: DenoisingLosses, tFrac: number): Spread[] {
  return fitWorst(jointParts(train, tFrac))
}

function jointParts(losses: DenoisingLosses, tFrac: number): Float64Array[] {
  return [wholeLoss(losses).map(Math.log), lossRatio(losses, { tFrac }).score]
}

/** Mean standard error of the scores over their standard deviation across images. */
function relativeNoise({ score, standardError }: { score: Float64Array; standardError: Float64Array }): number {
  const centre = mean(score)
  const spread = Math.sqrt(score.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (score.length - 1))
  return mean(standardError) / spread
}

/** The ratio of every image at every t_frac below 1, in standard deviations from the mean of training images. */
export function ratioCurves(losses: DenoisingLosses, train: DenoisingLosses): Float64Array[] {
  const scores = Array.from(losses.fractions.subarray(0, -1), (tFrac) => {
    const ratio = fitJoint(train, tFrac)[1]!
    return lossRatio(losses, { tFrac }).score.map((value) => (value - ratio.mean) / ratio.standardDeviation)
  })
  return Array.from({ length: losses.loss.shape[0]! }, (_, i) => Float64Array.from(scores, (score) => score[i]!))
}
