// The walk behind weighted ROC and PR curves: sums of weights at every distinct score, ties grouped.
import { RocError } from '../errors.ts'
import type { Scores } from '../scores.ts'
import { checkObject, checkSameLength, copyScores } from './check.ts'
import type { ThresholdCounts } from './counts.ts'
import { orderDescending } from './sort.ts'

/** Names of the two lists of scores and their weights, for error lines. */
type ClassNames = readonly [positives: string, negatives: string]

/** Checks, sorts and merges both classes; `positiveCount` and `negativeCount` are sums of weights. O(n log n). */
export function weightedCounts(
  positives: Scores,
  negatives: Scores,
  weights: readonly [positives: Scores, negatives: Scores],
  names: ClassNames = ['positives', 'negatives'],
): ThresholdCounts<Float64Array> {
  const pos = weighted(names[0], positives, weights[0])
  const neg = weighted(names[1], negatives, weights[1])
  const capacity = pos.scores.length + neg.scores.length + 1
  const thresholds = new Float64Array(capacity)
  const truePositives = new Float64Array(capacity)
  const falsePositives = new Float64Array(capacity)
  thresholds[0] = Number.POSITIVE_INFINITY
  let size = 1
  let [i, j, tp, fp] = [0, 0, 0, 0]
  while (i < pos.scores.length || j < neg.scores.length) {
    const [p, q] = [pos.scores[i] ?? Number.NEGATIVE_INFINITY, neg.scores[j] ?? Number.NEGATIVE_INFINITY]
    const threshold = p > q ? p : q
    while (i < pos.scores.length && pos.scores[i] === threshold) tp += pos.weights[i++]!
    while (j < neg.scores.length && neg.scores[j] === threshold) fp += neg.weights[j++]!
    thresholds[size] = threshold
    truePositives[size] = tp
    falsePositives[size] = fp
    size++
  }
  return {
    thresholds: thresholds.slice(0, size),
    truePositives: truePositives.slice(0, size),
    falsePositives: falsePositives.slice(0, size),
    // The sums themselves, so that the last rates are exactly 1.
    positiveCount: tp,
    negativeCount: fp,
  }
}

/** Scores of positive weight, descending, with their weights. An item of weight 0 is as good as not there. */
export function weighted(
  name: string,
  scores: Scores,
  weights: Scores,
): { scores: Float64Array; weights: Float64Array } {
  const s = copyScores(name, scores)
  const w = copyScores(`weights.${name}`, weights)
  checkSameLength(`weights.${name}`, name, w.length, s.length)
  for (let i = 0; i < w.length; i++)
    if (w[i]! < 0) throw new RocError('E_ARGUMENT', `weights.${name}[${i}]`, 'a weight of at least 0', w[i])
  const order = orderDescending(s).filter((i) => w[i]! > 0)
  if (order.length === 0) throw new RocError('E_ARGUMENT', `weights.${name}`, 'at least one weight above 0', 'none')
  return { scores: Float64Array.from(order, (i) => s[i]!), weights: Float64Array.from(order, (i) => w[i]!) }
}

/** The two lists of a `weights` option. */
export function weightPair<K extends string>(
  weights: Readonly<Record<K, Scores>>,
  names: readonly [K, K],
): [Scores, Scores] {
  checkObject('weights', weights, `an object { ${names.join(', ')} } of weights`)
  return [weights[names[0]], weights[names[1]]]
}
