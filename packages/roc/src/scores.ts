// The inputs of this package: one score an item, or two scores an item for the dual-threshold rule.

/**
 * One finite score an item: a plain array, a typed array or anything with a length and numbers at its indices.
 * Which direction means "positive" is the caller's choice and is said by the argument's name: every curve function
 * takes `positives` first and expects positives to score **higher**.
 */
export type Scores = ArrayLike<number>

/**
 * Two scores an item, for the rule `x >= a and y >= b`. In the likelihood/LID detector `x` is log p and `y` the local
 * intrinsic dimension; positives are in-distribution. Both lists have the same length and order.
 */
export interface DualScores {
  readonly x: Scores
  readonly y: Scores
}

/** {@link DualScores} as the library holds them: checked copies, and what a bootstrap statistic receives. */
export interface DualColumns extends DualScores {
  readonly x: Float64Array
  readonly y: Float64Array
}

/** Outlier scores of both classes, named so that the two cannot be swapped by accident. Higher means more OOD. */
export interface OutlierScores {
  /** Outlier scores of in-distribution (ID) items. */
  readonly inDistribution: Scores
  /** Outlier scores of out-of-distribution (OOD) items. */
  readonly outOfDistribution: Scores
}
