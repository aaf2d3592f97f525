// Area under the ROC curve as the Mann-Whitney statistic, exact by integer counts.
import { checkObject, copyScores } from './internal/check.ts'
import { sortAscending } from './internal/sort.ts'
import { weighted, weightPair } from './internal/weighted-counts.ts'
import type { Scores } from './scores.ts'
import type { WeightOptions } from './weights.ts'

/**
 * AUROC: the probability that a random positive scores higher than a random negative, ties counting one half.
 *
 * AUROC = (1 / n+ n-) sum over pairs of [p > q] + [p = q] / 2 (Mann-Whitney U; Hanley & McNeil 1982), counted in whole
 * numbers and divided once, so it is exact to one rounding while 2 n+ n- < 2^53. 0.5 means no separation; below 0.5
 * the negatives score higher (the likelihood paradox). Swapping the arguments gives 1 - AUROC.
 *
 * @param positives - scores of the class expected to score higher, at least one finite number
 * @param negatives - scores of the other class, at least one finite number
 * @param options - `weights` of the items: pairs then count with the product of theirs
 * @throws RocError E_EMPTY, E_NOT_FINITE; of weights E_ARGUMENT, E_SHAPE
 *
 * Cost: O(n) time on spread-out scores, O(n log n) at worst; 2 n numbers of scratch. Arguments are not changed.
 *
 * @example
 * auroc([1, 2, 2, 3], [0, 2, 2, 4]) // 0.5
 */
export function auroc(positives: Scores, negatives: Scores, options: WeightOptions = {}): number {
  checkObject('options', options)
  if (options.weights !== undefined)
    return weightedAuroc(positives, negatives, weightPair(options.weights, ['positives', 'negatives']))
  const pos = sortAscending(copyScores('positives', positives))
  const neg = sortAscending(copyScores('negatives', negatives))
  // `below` and `upTo` are the numbers of negatives < p and <= p; both only move forward as p ascends.
  let below = 0
  let upTo = 0
  let doubled = 0
  for (let i = 0; i < pos.length; i++) {
    const p = pos[i]!
    while (upTo < neg.length && neg[upTo]! < p) upTo++
    // For a repeated p both counts stand as they are.
    if (i === 0 || p !== pos[i - 1]) below = upTo
    while (upTo < neg.length && neg[upTo] === p) upTo++
    doubled += below + upTo
  }
  return doubled / (2 * pos.length * neg.length)
}

function weightedAuroc(positives: Scores, negatives: Scores, weights: readonly [Scores, Scores]): number {
  const pos = weighted('positives', positives, weights[0])
  const neg = weighted('negatives', negatives, weights[1])
  // Descending: `above` and `from` are the weights of negatives > p and >= p.
  let [j, above, from, lost, total] = [0, 0, 0, 0, 0]
  for (let i = 0; i < pos.scores.length; i++) {
    const p = pos.scores[i]!
    while (j < neg.scores.length && neg.scores[j]! > p) from += neg.weights[j++]!
    if (i === 0 || p !== pos.scores[i - 1]) above = from
    while (j < neg.scores.length && neg.scores[j] === p) from += neg.weights[j++]!
    lost += pos.weights[i]! * (above + from)
    total += pos.weights[i]!
  }
  while (j < neg.scores.length) from += neg.weights[j++]!
  return 1 - lost / (2 * total * from)
}
