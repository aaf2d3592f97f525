// AUCs of the likelihood, of every ratio at every t_frac, and of the detector that training images made.
import { fitWorst, type Spread, worst } from '@ood/detect'
import { type DenoisingLosses, type FractionChoice, lossRatio, type RatioForm, wholeLoss } from '@ood/llr'
import { type AucPair, aucPair, intervalOf, type Judged, judge } from '../common/judge.ts'
import { byName, type Direction, mean, type SplitName, splitNames } from '../common/splits.ts'
import { chooseFractions, DEFAULT_RULE, type FractionRule, fractionRules } from './choose.ts'
import { type DirectionMeasures, lossAt } from './losses.ts'

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
  joint: Judged & { score: Record<SplitName, Float64Array> }
}

/** Everything known about one direction when the run ends. */
export interface DirectionResult extends DirectionMeasures {
  direction: Direction
  evaluation: Evaluation
}

/** Evaluates one direction. */
export function evaluate({ splits, turned }: Pick<DirectionMeasures, 'splits' | 'turned'>): Evaluation {
  const choices = chooseFractions(splits.in_distr_train.losses, turned)
  const { tFrac } = choices[DEFAULT_RULE]
  const scoreOf = (losses: DenoisingLosses, at: number, form: RatioForm) => lossRatio(losses, { tFrac: at, form })
  const ratioAt = (at: number) => (split: SplitName) => scoreOf(splits[split].losses, at, 'log-ratio').score
  const score = byName(splitNames, ratioAt(tFrac))
  const fit = fitJoint(splits.in_distr_train.losses, tFrac)
  const joint = byName(splitNames, (split) => worst(jointParts(splits[split].losses, tFrac), fit))
  return {
    choices,
    tFrac,
    likelihood: aucPair((split) => splits[split].logProb.map((value) => -value)),
    bound: aucPair((split) => lossAt(splits[split].losses, 1)),
    variants: Object.fromEntries(
      variants.map(({ key, losses, form }) => [
        key,
        [...splits.ood[losses].fractions.subarray(0, -1)].map((at) => ({
          tFrac: at,
          auc: aucPair((split) => scoreOf(splits[split][losses], at, form).score),
          standardError: relativeNoise(scoreOf(splits.in_distr_test[losses], at, form)),
        })),
      ]),
    ) as Evaluation['variants'],
    rules: byName(fractionRules, (rule) => {
      const at = choices[rule].tFrac
      return { tFrac: at, auc: aucPair(ratioAt(at)) }
    }),
    score,
    chosen: aucPair((split) => score[split]),
    interval: intervalOf(score.ood, score.in_distr_test),
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
