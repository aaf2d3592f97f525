// Every operating point of the dual-threshold grid, as the published code lists them.
import { RocError } from './errors.ts'
import { copyDual } from './internal/check.ts'
import { thresholdGrid } from './internal/reference-frontier.ts'
import { sortAscending } from './internal/sort.ts'
import type { DualScores } from './scores.ts'

/** Operating points sorted by FPR, then TPR; repeats are kept. */
export interface DualOperatingPoints {
  readonly falsePositiveRate: Float64Array
  readonly truePositiveRate: Float64Array
}

/** A grid above this many pairs takes more than half a gigabyte as points; the curve itself never needs it. */
const MAX_POINTS = 2 ** 24

/**
 * The (FPR, TPR) of every pair of thresholds of the grid of Kamkari et al. 2024: per axis the
 * distinct pooled values, min(positives) + 1e-6 and max(negatives) + 1e-6. For drawing the cloud of operating points or
 * comparing with the published code; {@link dualRoc} gives the curve without listing them.
 *
 * @param positives - x and y of the class to accept, at least one finite pair
 * @param negatives - x and y of the class to reject, at least one finite pair
 * @returns one point a pair of thresholds, at most 2^24
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_SHAPE, E_ARGUMENT (grid too large)
 *
 * Cost: g log g time and 32 g bytes for a grid of g <= (n + 2)^2 pairs.
 *
 * @example
 * const cloud = dualOperatingPoints({ x: logProbId, y: lidId }, { x: logProbOod, y: lidOod })
 */
export function dualOperatingPoints(positives: DualScores, negatives: DualScores): DualOperatingPoints {
  const pos = copyDual('positives', positives)
  const neg = copyDual('negatives', negatives)
  const grid = thresholdGrid(pos, neg)
  const columns = grid.thresholdsY.length
  const size = grid.thresholdsX.length * columns
  if (size > MAX_POINTS) throw new RocError('E_ARGUMENT', 'threshold grid', `at most ${MAX_POINTS} pairs`, size)
  const positiveCount = pos.x.length
  const negativeCount = neg.x.length

  // fp * (n+ + 1) + tp orders by (fp, tp) as one whole number.
  const base = positiveCount + 1
  const keys = new Float64Array(size)
  let filled = 0
  grid.visitRows((_row, activePositives, activeNegatives) => {
    let tp = 0
    let fp = 0
    for (let column = columns - 1; column >= 0; column--) {
      tp += activePositives.at[column]!
      fp += activeNegatives.at[column]!
      keys[filled++] = fp * base + tp
    }
  })
  sortAscending(keys)
  return {
    falsePositiveRate: keys.map((key) => Math.floor(key / base) / negativeCount),
    truePositiveRate: keys.map((key) => (key % base) / positiveCount),
  }
}
