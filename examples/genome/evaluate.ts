// Turns measured splits and frozen choices into AUCs and decisions. Nothing here feeds back into a choice.
import { auroc } from '@ood/roc'
import { gainOf, judgeTwo } from '../common/decisions.ts'
import { byName } from '../common/splits.ts'
import { type Choices, methods, type Scores, scoresOf } from './choose.ts'
import { type Sequences, type SplitName, splitNames } from './data.ts'
import type { MeasuredSplit } from './measure.ts'

/** Everything evaluated. */
export type Evaluation = ReturnType<typeof evaluate>

/** AUCs with exact models, which tell whether a network, the score or the data is the limit. */
export interface ExactEvaluation {
  /** Both models exact: what no pair of networks can beat on average. */
  ratio: number
  likelihood: number
  /** Semantic network over exact background: what the semantic network costs. */
  semanticNetwork: number
  /** Exact semantic model over background network: what the background network costs. */
  backgroundNetwork: number
  /** Exact semantic model over nearly the best model of mutated sequences: what mutation itself costs; null if unknown. */
  bestMutated: number | null
  /** As `gcCorrelation` of a method, of the exact ratio. */
  gcCorrelation: number
}

/** Evaluates every score on the test splits. */
export function evaluate(
  measured: Record<SplitName, MeasuredSplit>,
  splits: Record<SplitName, Pick<Sequences, 'gcContent'>>,
  choices: Choices,
) {
  const scores = byName(splitNames, (split): Scores => scoresOf(measured[split].lstm, splits[split].gcContent))
  const { test_in: inside, test_ood: outside } = scores
  const extremes = [...inside.gc, ...outside.gc].map((score) => -score)
  const results = byName(methods, (method) => ({
    ...judgeTwo(inside[method], outside[method], choices.thresholds[method]),
    /** AUC between the validation splits, whose OOD classes are others. */
    validation: auroc(scores.val_ood[method], scores.val_in[method]),
    /** Correlation with the G and C content's distance from one half, over both test splits. */
    gcCorrelation: correlation([...inside[method], ...outside[method]], extremes),
  }))
  return {
    scores,
    results,
    /** AUC of the ratio minus that of the likelihood on the same sequences, with its standard error (DeLong). */
    gain: gainOf(inside, outside, 'ratio', 'likelihood'),
    /** The exact models of the synthetic genomes in place of the networks; null for public data. */
    exact: exactEvaluation(measured, splits),
  }
}

function exactEvaluation(
  measured: Record<SplitName, MeasuredSplit>,
  splits: Record<SplitName, Pick<Sequences, 'gcContent'>>,
): ExactEvaluation | null {
  const { test_in: inside, test_ood: outside } = measured
  if (!inside.exact || !outside.exact) return null
  const auc = (score: (split: MeasuredSplit) => Float64Array): number => auroc(score(outside), score(inside))
  const minus = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value - b[i]!)
  const extremes = [...splits.test_in.gcContent, ...splits.test_ood.gcContent].map((share) => Math.abs(share - 0.5))
  return {
    ratio: auc(({ exact }) => exact!.score),
    likelihood: auc(({ exact }) => exact!.semantic.map((value) => -value)),
    semanticNetwork: auc(({ exact, lstm }) => minus(exact!.background, lstm.semantic)),
    backgroundNetwork: auc(({ exact, lstm }) => minus(lstm.background, exact!.semantic)),
    bestMutated:
      inside.mutated && outside.mutated ? auc(({ exact, mutated }) => minus(mutated!, exact!.semantic)) : null,
    gcCorrelation: correlation([...inside.exact.score, ...outside.exact.score], extremes),
  }
}

/** Pearson's correlation; 0 where one side is constant. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (const [i, value] of a.entries()) {
    const [da, db] = [value - ma, b[i]! - mb]
    ab += da * db
    aa += da * da
    bb += db * db
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0
}
