// AUCs of the likelihood, of every ratio at every t_frac, and of the detector that training images made.
import { flatData } from '@ood/core'
import { calibration, fitWorst, type Spread, worst } from '@ood/detect'
import { type DenoisingLosses, type FractionChoice, lossRatio, type RatioForm, wholeLoss } from '@ood/llr'
import { auroc, delongInterval } from '@ood/roc'
import { type AucPair, FALSE_POSITIVE_RATE } from '../common/compare.ts'
import { mean, type SplitName, splitNames } from '../common/splits.ts'
import { chooseFractions, DEFAULT_RULE, type FractionRule, fractionRules } from './choose.ts'
import type { DirectionMeasures } from './measure.ts'

/** Scores compared: which losses, and how they are held against each other. The first is the default of `@ood/llr`. */
export const variants = [
  { key: 'likelihood-log-ratio', losses: 'losses', form: 'log-ratio' },
  { key: 'likelihood-difference', losses: 'losses', form: 'difference' },
  { key: 'published-log-ratio', losses: 'reference', form: 'log-ratio' },
  { key: 'published-difference', losses: 'reference', form: 'difference' },
] as const
export type VariantKey = (typeof variants)[number]['key']

/** Everything evaluated in one direction. Nothing here feeds back into a choice. */
export interface Evaluation {
  choices: Record<FractionRule, FractionChoice>
  tFrac: number
  /** log p by the ODE alone. */
  likelihood: AucPair
  /** Minus L(1) of the same evaluations, the variational bound: a likelihood without derivatives. */
  bound: AucPair
  /** By variant and by t_frac. */
  variants: Record<VariantKey, { tFrac: number; auc: AucPair; standardError: number }[]>
  /** The default ratio at the t_frac of every rule. */
  rules: Record<FractionRule, { tFrac: number; auc: AucPair }>
  /** Scores of the default ratio at the chosen t_frac; higher = more OOD. */
  score: Record<SplitName, Float64Array>
  chosen: AucPair
  /** 95 % DeLong interval of `chosen.inDistr`. */
  interval: [number, number]
  /** Ratio and bound as one score, fitted on training images: the default detector. */
  joint: { score: Record<SplitName, Float64Array>; auc: AucPair; interval: [number, number] }
  /** Of the joint score: 5 % false positives on training images. */
  threshold: number
  /** Share of images above it. */
  flagged: Record<SplitName, number>
}

/** Evaluates one direction. */
export function evaluate({ splits, turned }: DirectionMeasures): Evaluation {
  const choices = chooseFractions(splits.in_distr_train.losses, turned)
  const { tFrac } = choices[DEFAULT_RULE]
  const pair = (higherIsOod: (name: SplitName) => Float64Array): AucPair => {
    const ood = higherIsOod('ood')
    return {
      inDistr: auroc(ood, higherIsOod('in_distr_test')),
      generated: auroc(ood, higherIsOod('generated')),
    }
  }
  const scoreOf = (losses: DenoisingLosses, at: number, form: RatioForm) => lossRatio(losses, { tFrac: at, form })
  const ratioAt = (at: number): AucPair => pair((name) => scoreOf(splits[name].losses, at, 'log-ratio').score)
  const score = bySplit((name) => scoreOf(splits[name].losses, tFrac, 'log-ratio').score)
  const fit = fitJoint(splits.in_distr_train.losses, tFrac)
  const joint = bySplit((name) => worst(jointParts(splits[name].losses, tFrac), fit))
  const rate = Math.max(FALSE_POSITIVE_RATE, 1 / joint.in_distr_train.length)
  const threshold = calibration(joint.in_distr_train).threshold(rate)
  return {
    choices,
    tFrac,
    likelihood: pair((name) => splits[name].logProb.map((value) => -value)),
    bound: pair((name) => columnAt(splits[name].losses, 1)),
    variants: Object.fromEntries(
      variants.map(({ key, losses, form }) => [
        key,
        [...splits.ood[losses].fractions.subarray(0, -1)].map((at) => ({
          tFrac: at,
          auc: pair((name) => scoreOf(splits[name][losses], at, form).score),
          standardError: relativeNoise(scoreOf(splits.in_distr_test[losses], at, form)),
        })),
      ]),
    ) as Evaluation['variants'],
    rules: Object.fromEntries(
      fractionRules.map((rule) => [rule, { tFrac: choices[rule].tFrac, auc: ratioAt(choices[rule].tFrac) }]),
    ) as Evaluation['rules'],
    score,
    chosen: pair((name) => score[name]),
    interval: intervalOf(score),
    joint: { score: joint, auc: pair((name) => joint[name]), interval: intervalOf(joint) },
    threshold,
    flagged: bySplit((name) => joint[name].filter((value) => value > threshold).length / joint[name].length),
  }
}

/** Spreads of log L(1) and of the log-ratio over training images, as the method `diffusionRatio` fits them. */
export function fitJoint(train: DenoisingLosses, tFrac: number): Spread[] {
  return fitWorst(jointParts(train, tFrac))
}

function jointParts(losses: DenoisingLosses, tFrac: number): Float64Array[] {
  return [wholeLoss(losses).map(Math.log), lossRatio(losses, { tFrac }).score]
}

function intervalOf({ ood, in_distr_test: test }: Record<SplitName, Float64Array>): [number, number] {
  const { lower, upper } = delongInterval(ood, test)
  return [lower, upper]
}

/** L(t_frac) of every image. */
export function columnAt(losses: DenoisingLosses, tFrac: number): Float64Array {
  const k = losses.fractions.length
  const column = losses.fractions.indexOf(tFrac)
  const data = flatData(losses.loss)
  return Float64Array.from({ length: data.length / k }, (_, i) => data[i * k + column]!)
}

/** Mean standard error of the scores over their standard deviation across images. */
function relativeNoise({ score, standardError }: { score: Float64Array; standardError: Float64Array }): number {
  const centre = mean(score)
  const spread = Math.sqrt(score.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (score.length - 1))
  return mean(standardError) / spread
}

function bySplit<T>(value: (name: SplitName) => T): Record<SplitName, T> {
  return Object.fromEntries(splitNames.map((name) => [name, value(name)])) as Record<SplitName, T>
}
