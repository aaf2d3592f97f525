// How much each scored item counts.
import type { Scores } from './scores.ts'

/**
 * Weights of the items of two classes, one number >= 0 for each score: how many items it stands for, or the inverse of
 * the chance with which it was drawn. Only ratios inside a class matter for rates; precision compares the classes, too.
 */
export interface ClassWeights {
  readonly positives: Scores
  readonly negatives: Scores
}

/** The same for outlier scores of the two named classes. */
export interface OutlierWeights {
  readonly inDistribution: Scores
  readonly outOfDistribution: Scores
}

/** Options of what takes weights. */
export interface WeightOptions {
  /** Without it every item counts once. */
  readonly weights?: ClassWeights | undefined
}
