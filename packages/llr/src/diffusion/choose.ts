// Rules that choose t_frac from losses of training data: no outlier, and no evaluation data, enters here.
import { flatData, mean, mismatch, OodError } from '@ood/core'
import { lossRatio, type RatioForm } from './loss-ratio.ts'
import type { DenoisingLosses } from './losses.ts'

/** A chosen t_frac, and what the rule saw at every candidate. */
export interface FractionChoice {
  tFrac: number
  /** Candidates, below 1. */
  fractions: Float64Array
  /** The rule's criterion at each; the largest was chosen. */
  criterion: Float64Array
}

/**
 * The t_frac whose ratio best tells training rows from altered training rows: mean AUC over the altered sets.
 *
 * Alter what the rows show, not how complex they are: `quarterTurns` moves pixels without touching one, so fine levels
 * cost the same and only a level at which the model knows the content can tell. Blur and noise would be the wrong foil:
 * they change the fine levels, which the ratio is there to discount.
 *
 * @param train - losses of training rows
 * @param altered - losses of altered training rows, one or several sets, measured at the same t_frac
 * @throws OodError `E_EMPTY` without rows or sets, `E_ARGUMENT` for other t_frac
 * @example
 * const { tFrac } = separationFraction(await losses(train), [await losses(turned)])
 */
export function separationFraction(
  train: DenoisingLosses,
  altered: readonly DenoisingLosses[],
  form?: RatioForm,
): FractionChoice {
  if (altered.length === 0)
    throw new OodError('E_EMPTY', 'separationFraction altered: expected at least one set, got none')
  for (const set of altered)
    if (set.fractions.join() !== train.fractions.join())
      throw mismatch('E_ARGUMENT', 'separationFraction altered', `t_frac ${train.fractions}`, [...set.fractions])
  return choose('separationFraction', train, (tFrac) => {
    const options = form ? { tFrac, form } : { tFrac }
    const inside = lossRatio(train, options).score
    const areas = altered.map((set) => area(lossRatio(set, options).score, inside))
    return mean(areas)
  })
}

/**
 * The t_frac at which log C - log L(t_frac) varies least over training rows (criterion: minus its variance), C being the
 * mean loss above t_frac: in-distribution rows would have one ratio.
 *
 * @throws OodError `E_EMPTY` for fewer than two rows; `E_NOT_FINITE` for the log of a loss of 0
 */
export function leastVarianceFraction(train: DenoisingLosses): FractionChoice {
  return choose('leastVarianceFraction', train, (_, column) => {
    const { fine, coarse } = logParts(train, column)
    return -covariance(fine, coarse).ofDifference
  })
}

/**
 * The t_frac at which the fine levels say most about the coarse ones: largest correlation of log L(t_frac) and log C
 * over training rows. The better the background predicts, the more there is to discount.
 *
 * @throws OodError `E_EMPTY` for fewer than two rows; `E_NOT_FINITE` for the log of a loss of 0
 */
export function couplingFraction(train: DenoisingLosses): FractionChoice {
  return choose('couplingFraction', train, (_, column) => {
    const { fine, coarse } = logParts(train, column)
    return covariance(fine, coarse).correlation
  })
}

/** Largest criterion, the first of equals; a criterion that is no number never wins. */
function choose(
  what: string,
  train: DenoisingLosses,
  criterionAt: (tFrac: number, column: number) => number,
): FractionChoice {
  if (!(train.loss.shape[0]! >= 2)) throw mismatch('E_EMPTY', `${what} train`, 'at least two rows', train.loss.shape[0])
  const fractions = train.fractions.slice(0, -1)
  if (fractions.length === 0) throw new OodError('E_EMPTY', `${what}: expected at least one t_frac below 1, got none`)
  const criterion = fractions.map(criterionAt)
  let best = 0
  criterion.forEach((value, i) => {
    if (value > criterion[best]! || Number.isNaN(criterion[best]!)) best = i
  })
  return { tFrac: fractions[best]!, fractions, criterion }
}

/** log L(t_frac) and log of the mean loss above, of every row. */
function logParts(losses: DenoisingLosses, column: number): { fine: Float64Array; coarse: Float64Array } {
  const k = losses.fractions.length
  const loss = flatData(losses.loss)
  const share = losses.share[column]!
  const part = (value: (row: number) => number): Float64Array =>
    Float64Array.from({ length: loss.length / k }, (_, row) => {
      const found = value(row * k)
      if (!(found > 0)) throw mismatch('E_NOT_FINITE', 'log of a loss', 'losses above 0', `${found} in row ${row}`)
      return Math.log(found)
    })
  return {
    fine: part((at) => loss[at + column]!),
    coarse: part((at) => (loss[at + k - 1]! - share * loss[at + column]!) / (1 - share)),
  }
}

function covariance(a: Float64Array, b: Float64Array): { correlation: number; ofDifference: number } {
  const n = a.length
  const [meanA, meanB] = [mean(a), mean(b)]
  let aa = 0
  let bb = 0
  let ab = 0
  for (let i = 0; i < n; i++) {
    aa += (a[i]! - meanA) ** 2
    bb += (b[i]! - meanB) ** 2
    ab += (a[i]! - meanA) * (b[i]! - meanB)
  }
  return { correlation: ab / Math.sqrt(aa * bb), ofDifference: (aa + bb - 2 * ab) / (n - 1) }
}

/** Share of pairs in which the outlier scores higher, ties half (Mann-Whitney). */
function area(outliers: Float64Array, inliers: Float64Array): number {
  if (outliers.length === 0) throw new OodError('E_EMPTY', 'separationFraction altered: expected rows, got none')
  const sorted = inliers.slice().sort()
  const below = (value: number, orEqual: boolean): number => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (sorted[middle]! < value || (orEqual && sorted[middle] === value)) low = middle + 1
      else high = middle
    }
    return low
  }
  let sum = 0
  for (const value of outliers) sum += (below(value, false) + below(value, true)) / 2
  return sum / (outliers.length * sorted.length)
}
