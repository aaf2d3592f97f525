// Correlation dimension: how the number of pairs within a radius grows with the radius.
import { assertOptions, flatData, median, mismatch, type NdArray, OodError, rowCount, rowSize } from '@ood/core'
import { distancePoints, pairsWithin } from '@ood/linalg'
import { assertCount } from '../internal/check.ts'
import { isDistanceMatrix } from './distance-matrix.ts'
import { neighboursFor } from './internal/global.ts'
import { listsWithin } from './internal/lists.ts'
import { pairSquaresOf } from './internal/local.ts'
import { GLOBAL_OPTIONS } from './internal/options.ts'
import { isPoint, isPointWithin } from './internal/ratios.ts'
import type { GlobalOptions } from './neighbour-table.ts'
import type { DimensionRule } from './neighbourhood.ts'

/** Options of the correlation dimension. */
export interface CorrIntOptions {
  /** The smaller radius is the median distance to this neighbour (default 10). */
  near?: number | undefined
  /** The larger radius is the median distance to this neighbour (default 20). */
  far?: number | undefined
}

const CORR_INT_OPTIONS: readonly string[] = ['near', 'far']

/** Options of the correlation dimension of a whole set. */
export interface CorrIntSetOptions extends CorrIntOptions {
  /**
   * Rows whose numbers differ by `gap` or less are no pair (Theiler 1986; default 0). For rows that follow one another in
   * time: neighbours along the path say that it is a line, not what it fills.
   */
  gap?: number | undefined
}

/**
 * The correlation dimension of a whole data set (Grassberger and Procaccia 1983) between two radii taken from the data:
 * with C(r) the number of pairs closer than r, and r_1, r_2 the medians over the points of the distances to their
 * `near`-th and `far`-th neighbours,
 *
 *   d = log(C(r_2) / C(r_1)) / log(r_2 / r_1)
 *
 * A point is no pair with itself; copies are pairs like any other; pairs exactly at r are not counted. 0 when all rows
 * are equal.
 *
 * @param x - points [N, ...], N > far
 * @param options - `table` to share a search (`far` neighbours or more)
 * @throws OodError `E_NOT_FINITE`, `E_ARGUMENT` (also for two radii that are equal); `E_EMPTY` when no pair is closer than
 * r_1, or half of the points have `near` copies
 *
 * Cost N² D flops beside the search.
 * @example
 * const d = await corrInt(x)
 */
export async function corrInt(x: NdArray, options: CorrIntSetOptions & GlobalOptions = {}): Promise<number> {
  assertOptions('corrInt', options, [...GLOBAL_OPTIONS, ...CORR_INT_OPTIONS, 'gap'])
  const { near, far } = checked(options)
  const { gap = 0 } = options
  assertCount('CorrInt gap', gap, 0)
  const { distances, data } = await neighboursFor('CorrInt', x, options, far)
  const radii = [medianColumn(distances, far, near), medianColumn(distances, far, far)] as const
  return slope(radii, pairsOf(data, radii, gap), near, () => isPoint(data))
}

/** The correlation dimension as a rule: the neighbours of a point (or a whole set) are the sample. */
export function corrIntRule(options: CorrIntOptions = {}): DimensionRule {
  assertOptions('corrIntRule', options, CORR_INT_OPTIONS)
  const { near, far } = checked(options)
  return {
    name: 'CorrInt',
    spec: { estimator: 'corrInt', options: { near, far } },
    dimension(neighbourhood) {
      const { distances } = listsWithin('CorrInt', neighbourhood, far)
      const radii = [medianColumn(distances, far, near), medianColumn(distances, far, far)] as const
      const pairs = pairSquaresOf(neighbourhood)
      const counts = radii.map((r) => {
        let count = 0
        for (let i = 0; i < neighbourhood.count; i++)
          for (let j = 0; j < i; j++) if (Math.sqrt(pairs[i * neighbourhood.count + j]!) < r) count++
        return count
      })
      return slope(radii, counts, near, () => isPointWithin(neighbourhood))
    },
  }
}

/** Options of the correlation dimension at several scales. */
export interface CorrIntScalesOptions extends GlobalOptions {
  /** The radii are the median distances to these neighbours, ascending, three at least (default 5, 10, 20, 40, 80). */
  orders?: readonly number[] | undefined
  /** As in `corrInt`. */
  gap?: number | undefined
}

/** The correlation integral at several radii. */
export interface CorrIntScales {
  /** Median distances to the neighbours of the given orders. */
  radii: Float64Array
  /** C(r): the number of pairs closer than each radius. */
  pairs: Float64Array
  /** The dimension between each radius and the next, one fewer than radii. */
  dimensions: Float64Array
  /** How much each dimension differs from the one before, |d_{i+1} - d_i|, two fewer than radii. */
  gaps: Float64Array
  /** The dimension across the two neighbouring intervals with the smallest gap: where the curve is straightest. */
  dimension: number
  /** The first radius of those intervals, and the last. */
  range: readonly [number, number]
}

/**
 * The correlation dimension from scale to scale, and where it changes least. Noise shows at small radii as a dimension
 * that is too high, the edge of the data at large ones as one that is too low; between them log C(r) is straight.
 *
 * @param x - points [N, ...], N > the largest order
 * @throws OodError as `corrInt`; `E_ARGUMENT` for orders that do not ascend
 *
 * Cost N² D flops beside the search, however many radii.
 * @example
 * const { dimension, dimensions, gaps } = await corrIntScales(x, { orders: [5, 10, 20, 40, 80] })
 */
export async function corrIntScales(x: NdArray, options: CorrIntScalesOptions = {}): Promise<CorrIntScales> {
  assertOptions('corrIntScales', options, [...GLOBAL_OPTIONS, 'orders', 'gap'])
  const { orders = [5, 10, 20, 40, 80], gap = 0 } = options
  assertCount('CorrInt gap', gap, 0)
  if (orders.length < 3) throw mismatch('E_ARGUMENT', 'corrIntScales orders', 'at least 3', orders.length)
  orders.forEach((order, i) => {
    assertCount('corrIntScales orders', order, (orders[i - 1] ?? 0) + 1)
  })
  const most = orders.at(-1)!
  const { distances, data } = await neighboursFor('CorrInt', x, options, most)
  const radii = Float64Array.from(orders, (order) => medianColumn(distances, most, order))
  const pairs = pairsOf(data, radii, gap)
  const between = (i: number, j: number): number =>
    slope([radii[i]!, radii[j]!], [pairs[i]!, pairs[j]!], orders[i]!, () => isPoint(data))
  const dimensions = Float64Array.from({ length: orders.length - 1 }, (_, i) => between(i, i + 1))
  const gaps = Float64Array.from({ length: orders.length - 2 }, (_, i) => Math.abs(dimensions[i + 1]! - dimensions[i]!))
  const at = gaps.indexOf(gaps.reduce((least, value) => Math.min(least, value)))
  return { radii, pairs, dimensions, gaps, dimension: between(at, at + 2), range: [radii[at]!, radii[at + 2]!] }
}

function checked({ near = 10, far = 20 }: CorrIntOptions): { near: number; far: number } {
  assertCount('CorrInt near', near, 1)
  assertCount('CorrInt far', far, near + 1)
  return { near, far }
}

function slope(
  [r1, r2]: ArrayLike<number> & Iterable<number>,
  [c1, c2]: ArrayLike<number> & Iterable<number>,
  near: number,
  isPoint: () => boolean,
): number {
  if (r2 === 0 && isPoint()) return 0
  if (r1 === 0)
    throw new OodError(
      'E_EMPTY',
      `CorrInt: expected most points with fewer than ${near} copies of themselves, got half with more: leave repeated rows out`,
    )
  if (!(c1! > 0)) throw new OodError('E_EMPTY', `CorrInt: expected pairs within the smaller radius ${r1}, got ${c1}`)
  if (r1 === r2) throw mismatch('E_ARGUMENT', 'CorrInt radii', 'two that differ', r1)
  return Math.log(c2! / c1!) / Math.log(r2! / r1!)
}

/** Median over the lists of k distances of the `order`-th of each. */
function medianColumn(distances: Float64Array, k: number, order: number): number {
  return median(Float64Array.from({ length: distances.length / k }, (_, i) => distances[i * k + order - 1]!))
}

/** Pairs i < j strictly closer than each radius; radii ascend. */
function pairsOf(x: NdArray, radii: ArrayLike<number>, gap: number): Float64Array {
  return isDistanceMatrix(x)
    ? pairsOfMatrix(x, radii, gap)
    : pairsWithin(distancePoints(flatData(x), rowCount(x), rowSize(x)), radii, gap)
}

function pairsOfMatrix(x: NdArray<Float64Array>, radii: ArrayLike<number>, gap: number): Float64Array {
  const n = rowCount(x)
  const counts = new Float64Array(radii.length)
  for (let i = 0; i < n; i++)
    for (let j = i + 1 + gap; j < n; j++)
      for (let which = radii.length - 1; which >= 0 && x.data[i * n + j]! < radii[which]!; which--) counts[which]!++
  return counts
}
