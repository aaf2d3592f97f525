// The one walk behind ROC and PR curves: true and false positive counts at every distinct score, ties grouped.
import type { Scores } from '../scores.ts'
import { copyScores } from './check.ts'
import { sortAscending } from './sort.ts'

/** Counts of the rule `score >= threshold` at each distinct pooled score, thresholds descending from +Infinity. */
export interface ThresholdCounts<Counts extends Uint32Array | Float64Array = Uint32Array> {
  readonly thresholds: Float64Array
  readonly truePositives: Counts
  readonly falsePositives: Counts
  readonly positiveCount: number
  readonly negativeCount: number
}

/** Checks, sorts and merges both classes. O(n log n) at worst. */
export function thresholdCounts(positives: Scores, negatives: Scores): ThresholdCounts {
  const pos = sortAscending(copyScores('positives', positives))
  const neg = sortAscending(copyScores('negatives', negatives))
  const capacity = pos.length + neg.length + 1
  const thresholds = new Float64Array(capacity)
  const truePositives = new Uint32Array(capacity)
  const falsePositives = new Uint32Array(capacity)
  thresholds[0] = Number.POSITIVE_INFINITY
  let size = 1
  let i = pos.length - 1
  let j = neg.length - 1
  while (i >= 0 || j >= 0) {
    const threshold = j < 0 || (i >= 0 && pos[i]! > neg[j]!) ? pos[i]! : neg[j]!
    while (i >= 0 && pos[i]! === threshold) i--
    while (j >= 0 && neg[j]! === threshold) j--
    thresholds[size] = threshold
    truePositives[size] = pos.length - 1 - i
    falsePositives[size] = neg.length - 1 - j
    size++
  }
  return {
    thresholds: thresholds.slice(0, size),
    truePositives: truePositives.slice(0, size),
    falsePositives: falsePositives.slice(0, size),
    positiveCount: pos.length,
    negativeCount: neg.length,
  }
}

/** counts / total, as float64. */
export function rates(counts: Uint32Array | Float64Array, total: number): Float64Array {
  const out = new Float64Array(counts.length)
  for (let i = 0; i < out.length; i++) out[i] = counts[i]! / total
  return out
}

/** -v for each score: turns outlier scores into scores that are higher for ID. */
export function negated(scores: Float64Array): Float64Array {
  return scores.map((value) => -value)
}
