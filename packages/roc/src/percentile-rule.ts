// The rectangle rule with thresholds at a percentile of in-distribution scores: usable without any OOD data.
import { RocError } from './errors.ts'
import { checkObject, checkOneOf, copyDual } from './internal/check.ts'
import { quantile } from './internal/search.ts'
import { sortAscending } from './internal/sort.ts'
import type { DualColumns, DualScores } from './scores.ts'

/** Thresholds of the percentile rule and how it does on the evaluated classes. */
export interface PercentileRule {
  readonly thresholdX: number
  readonly thresholdY: number
  /** Share of positives with x >= thresholdX and y >= thresholdY. */
  readonly truePositiveRate: number
  /** Share of negatives with x >= thresholdX and y >= thresholdY. */
  readonly falsePositiveRate: number
  /** Share of all items, both classes pooled, that the rule puts in the right class. */
  readonly accuracy: number
}

/** Options of {@link percentileRule}. */
export interface PercentileRuleOptions {
  /** Percentile of the calibration scores, in [0, 100]. Default 10. */
  readonly percentile?: number | undefined
  /** Which scores take part; an axis left out gets the threshold -Infinity. Default `both`. */
  readonly axes?: 'both' | 'x' | 'y' | undefined
}

/**
 * Percentile rule: accept x >= a and y >= b with a and b at a percentile of in-distribution scores.
 *
 * Only `calibration` sets the thresholds, so with training scores there the rates are honest, unlike any point of
 * {@link dualRoc}. Percentiles are linear between order statistics (NumPy's default).
 *
 * @param calibration - x and y of in-distribution items kept for setting thresholds, at least one finite pair
 * @param positives - evaluated in-distribution items
 * @param negatives - evaluated OOD items
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_SHAPE, E_ARGUMENT
 *
 * Cost: O(n log n).
 *
 * @example
 * const rule = percentileRule({ x: logProbTrain, y: lidTrain }, { x: logProbTest, y: lidTest }, { x: logProbOod, y: lidOod })
 */
export function percentileRule(
  calibration: DualScores,
  positives: DualScores,
  negatives: DualScores,
  options: PercentileRuleOptions = {},
): PercentileRule {
  checkObject('options', options)
  const { percentile = 10, axes = 'both' } = options
  if (!(typeof percentile === 'number' && percentile >= 0 && percentile <= 100)) {
    throw new RocError('E_ARGUMENT', 'percentile', 'a number in [0, 100]', percentile)
  }
  checkOneOf('axes', axes, ['both', 'x', 'y'])
  const calibrated = copyDual('calibration', calibration)
  const pos = copyDual('positives', positives)
  const neg = copyDual('negatives', negatives)
  const at = (values: Float64Array): number => quantile(sortAscending(values), percentile / 100)
  const thresholdX = axes === 'y' ? Number.NEGATIVE_INFINITY : at(calibrated.x)
  const thresholdY = axes === 'x' ? Number.NEGATIVE_INFINITY : at(calibrated.y)
  const accepted = ({ x, y }: DualColumns): number => {
    let count = 0
    for (let i = 0; i < x.length; i++) if (x[i]! >= thresholdX && y[i]! >= thresholdY) count++
    return count
  }
  const truePositives = accepted(pos)
  const falsePositives = accepted(neg)
  const positiveCount = pos.x.length
  const negativeCount = neg.x.length
  return {
    thresholdX,
    thresholdY,
    truePositiveRate: truePositives / positiveCount,
    falsePositiveRate: falsePositives / negativeCount,
    accuracy: (truePositives + negativeCount - falsePositives) / (positiveCount + negativeCount),
  }
}
