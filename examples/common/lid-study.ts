// One LID method on the four splits: a scale by every rule, a score fitted on training images for each, and their AUCs.
import { fitPairs, type LogProbLid, type PairRuleName, type ScaleChoice, scorePairs } from '@ood/lid'
import { type Comparison, compare } from './compare.ts'
import { byName, type SplitName, splitNames } from './splits.ts'

/**
 * Model-free dimension of the training sets, the target of the rule 'lpca': mean pointwise local PCA dimension
 * (alphaFO = 0.001, k = 1000 neighbours) of 4096 training images, in Kamkari et al. Recorded, because it needs all 60,000
 * images and minutes of work: `npm run lpca-target` gives 217.6 ± 1.4 and 249.6 ± 1.0 on another 4096 (docs/results/lid.md).
 */
export const lpcaTarget: Record<'fashion-mnist' | 'mnist', number> = { 'fashion-mnist': 222.48, mnist: 251.62 }

/** The comparison at one scale. */
export interface RuleResult extends Comparison {
  scale: number
  meanTrainLid: number
}

/** What was chosen from training images. */
export interface LidChoices<Rule extends string> {
  /** The rules, the default first. */
  rules: readonly Rule[]
  /** The chosen scale of every rule. */
  scales: Record<Rule, ScaleChoice>
  /** How log p and LID become one score. */
  pairRule: PairRuleName
}

/** What one LID method reaches. */
export interface LidStudy<Rule extends string> {
  choices: LidChoices<Rule>
  /** Of the rules at whose scale the LIDs of training images vary at all; the default's is always there. */
  results: Partial<Record<Rule, RuleResult>>
  /** The default rule's. */
  chosen: RuleResult
  /** LID of every split at the default rule's scale. */
  lid: Record<SplitName, Float64Array>
  /** Fitted score of every split at that scale; higher = more OOD. */
  score: Record<SplitName, Float64Array>
}

/** Evaluates every rule at its scale. Nothing here feeds back into a choice. */
export function studyLid<Rule extends string>(
  choices: LidChoices<Rule>,
  logProb: Record<SplitName, Float64Array>,
  lidAt: (split: SplitName, rule: Rule, scale: number) => Float64Array,
): LidStudy<Rule> {
  const results: Partial<Record<Rule, RuleResult>> = {}
  let whole: Pick<LidStudy<Rule>, 'chosen' | 'lid' | 'score'> | undefined
  for (const rule of choices.rules) {
    const { scale, meanLid } = choices.scales[rule]
    const lid = byName(splitNames, (split) => lidAt(split, rule, scale))
    const train = lid.in_distr_train
    // A scale outside the curve counts every direction or none, for every image: nothing can be fitted to that.
    if (whole && train.every((value) => value === train[0])) continue
    const pairs = byName(splitNames, (split): LogProbLid => ({ logProb: logProb[split], lid: lid[split] }))
    const fit = fitPairs(pairs.in_distr_train, choices.pairRule)
    const chosen = { scale, meanTrainLid: meanLid ?? Number.NaN, ...compare(pairs, fit) }
    results[rule] = chosen
    whole ??= { chosen, lid, score: byName(splitNames, (split) => scorePairs(pairs[split], fit)) }
  }
  return { choices, results, ...whole! }
}

/** `auc`, `scale` and `rules` of `summary.json`. */
export function studySummary<Rule extends string>({ choices, chosen, results }: LidStudy<Rule>) {
  const { single, lid, dual, dualReference, fitted, fittedInterval } = chosen
  return {
    auc: { single, lid, dual, dualReference, fitted, fittedInterval },
    scale: { rule: choices.rules[0], value: chosen.scale },
    rules: results,
  }
}
