// False positive rate at a given true positive rate ("FPR95"), in each convention in use, named.
import { checkFraction, checkObject, checkOneOf, copyScores } from './internal/check.ts'
import { negated, type ThresholdCounts, thresholdCounts } from './internal/counts.ts'
import { weightedCounts, weightPair } from './internal/weighted-counts.ts'
import type { OutlierScores } from './scores.ts'
import type { OutlierWeights } from './weights.ts'

/**
 * Which class counts as positive and which ROC point is read. One of:
 *
 * - `oodPositive`: share of **ID** items flagged at the first point (strictest threshold) where at least `tpr` of the
 *   OOD items are flagged. OpenOOD, pytorch-ood.
 * - `idPositive`: share of **OOD** items accepted at the first point where at least `tpr` of the ID items are accepted.
 *   Most papers.
 * - `idPositiveClosest`: the same, at the point whose ID recall is closest to `tpr`, from above or below. NCIS, Dream-OOD.
 * - `oodPositiveClosest`: the closest rule with OOD positive.
 */
export type FprConvention = 'oodPositive' | 'idPositive' | 'idPositiveClosest' | 'oodPositiveClosest'

/** Options of {@link falsePositiveRateAtTruePositiveRate}. */
export interface FprOptions {
  /** Required, because the conventions give different numbers for the same scores. */
  readonly convention: FprConvention
  /** True positive rate to read the curve at, in (0, 1]. Default 0.95. */
  readonly tpr?: number | undefined
  /** How much each item counts (default: once). */
  readonly weights?: OutlierWeights | undefined
}

const CONVENTIONS: readonly FprConvention[] = ['oodPositive', 'idPositive', 'idPositiveClosest', 'oodPositiveClosest']

/**
 * FPR at a given TPR, usually printed as "FPR@95".
 *
 * The conventions are different numbers (0.645 and 0.45 on the same 300 scores of the golden vector), so the caller
 * names one. The "closest" rule compares |TPR - tpr| over points from full recall downwards and takes the first
 * smallest: of points with equal recall below 1 it reads the one with the largest FPR.
 *
 * @param scores - outlier scores (higher = more OOD) of both classes, each at least one finite number
 * @returns a rate in [0, 1]; 0 is best
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_ARGUMENT
 *
 * Cost: as {@link rocCurve}.
 *
 * @example
 * falsePositiveRateAtTruePositiveRate(
 *   { inDistribution: [0.1, 0.2, 0.6], outOfDistribution: [0.5, 0.7] },
 *   { convention: 'oodPositive' },
 * ) // 1/3: flagging both OOD items also flags the ID item at 0.6
 */
export function falsePositiveRateAtTruePositiveRate(scores: OutlierScores, options: FprOptions): number {
  checkObject('scores', scores, 'an object { inDistribution, outOfDistribution } of scores')
  checkObject('options', options)
  const { convention, tpr = 0.95, weights } = options
  checkOneOf('convention', convention, CONVENTIONS)
  checkFraction('tpr', tpr, true)
  const ood = copyScores('outOfDistribution', scores.outOfDistribution)
  const id = copyScores('inDistribution', scores.inDistribution)
  const counts = weights
    ? weightedClasses(convention, ood, id, weights)
    : convention.startsWith('ood')
      ? thresholdCounts(ood, id)
      : thresholdCounts(negated(id), negated(ood))
  const point = convention.endsWith('Closest') ? closestPoint(counts, tpr) : firstPoint(counts, tpr)
  return counts.falsePositives[point]! / counts.negativeCount
}

function weightedClasses(
  convention: FprConvention,
  ood: Float64Array,
  id: Float64Array,
  weights: OutlierWeights,
): ThresholdCounts<Float64Array> {
  const names = ['outOfDistribution', 'inDistribution'] as const
  const [ofOod, ofId] = weightPair(weights, names)
  return convention.startsWith('ood')
    ? weightedCounts(ood, id, [ofOod, ofId], names)
    : weightedCounts(negated(id), negated(ood), [ofId, ofOod], ['inDistribution', 'outOfDistribution'])
}

/** Index of the strictest threshold whose TPR is at least `tpr`. */
function firstPoint(counts: ThresholdCounts<Uint32Array | Float64Array>, tpr: number): number {
  let point = 0
  while (counts.truePositives[point]! / counts.positiveCount < tpr) point++
  return point
}

/**
 * Index of the point whose TPR is closest to `tpr`. The scan starts at the first point of full recall and goes towards
 * stricter thresholds; the first minimum wins. The reference also appends the point (recall 1, FPR 0), which can never
 * win because full recall, at the same distance, comes first. (0, 0) is not a candidate.
 */
function closestPoint(counts: ThresholdCounts<Uint32Array | Float64Array>, tpr: number): number {
  let point = firstPoint(counts, 1)
  let best = point
  let smallest = Number.POSITIVE_INFINITY
  for (; point >= 1; point--) {
    const distance = Math.abs(counts.truePositives[point]! / counts.positiveCount - tpr)
    if (distance < smallest) {
      smallest = distance
      best = point
    }
  }
  return best
}
