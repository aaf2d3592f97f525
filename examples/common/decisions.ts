// Decisions at a threshold counted: confusion matrix, accuracy, precision, recall, F1. Outliers are the positives.

/** Counts of decisions and the rates made of them; a rate over nothing is 0, as in scikit-learn. */
export interface Decisions {
  /** Images called in-distribution: rightly, and wrongly. */
  trueNegatives: number
  falseNegatives: number
  /** Images called OOD: rightly, and wrongly. */
  truePositives: number
  falsePositives: number
  accuracy: number
  /** Share of the images called OOD that are. */
  precision: number
  /** Share of the OOD images called OOD. */
  recall: number
  /** Harmonic mean of precision and recall. */
  f1: number
}

/** Decisions at one threshold. */
export interface Decided extends Decisions {
  threshold: number
}

/** Decides score > threshold, strictly, for scores where higher = more OOD. */
export function decide(inDistribution: ArrayLike<number>, ood: ArrayLike<number>, threshold: number): Decisions {
  const above = (scores: ArrayLike<number>): number => Array.from(scores).filter((score) => score > threshold).length
  const [falsePositives, truePositives] = [above(inDistribution), above(ood)]
  const trueNegatives = inDistribution.length - falsePositives
  const falseNegatives = ood.length - truePositives
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
  return {
    trueNegatives,
    falseNegatives,
    truePositives,
    falsePositives,
    accuracy: share(trueNegatives + truePositives, inDistribution.length + ood.length),
    precision: share(truePositives, truePositives + falsePositives),
    recall: share(truePositives, ood.length),
    f1: share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
  }
}
