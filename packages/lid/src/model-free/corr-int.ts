// Correlation dimension: how the number of close pairs grows with the distance.
import { flatData, mismatch, type NdArray, OodError, rowCount, rowSize } from '@ood/core'
import { distancePoints, matmul, productBound, squaredDistance } from '@ood/linalg'
import { assertCount } from '../internal/check.ts'
import { neighboursFor } from './internal/global.ts'
import { listsWithin } from './internal/lists.ts'
import { pairSquaresOf } from './internal/local.ts'
import type { GlobalOptions } from './neighbour-table.ts'
import type { DimensionRule } from './neighbourhood.ts'

/** Options of the correlation dimension. */
export interface CorrIntOptions {
  /** The smaller radius is the median distance to this neighbour (default 10). */
  near?: number
  /** The larger radius is the median distance to this neighbour (default 20). */
  far?: number
}

/**
 * The correlation dimension of a whole data set (Grassberger and Procaccia 1983) between two radii taken from the data:
 * with C(r) the number of pairs closer than r, and r_1, r_2 the medians over the points of the distances to their
 * `near`-th and `far`-th neighbours,
 *
 *   d = log(C(r_2) / C(r_1)) / log(r_2 / r_1)
 *
 * A point is no pair with itself; pairs exactly at r are not counted. 0 when more than half of the points have `far`
 * duplicates.
 *
 * @param x - points [N, ...], N > far
 * @param options - `table` to share a search (`far` neighbours or more)
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE`, `E_ARGUMENT`; `E_EMPTY` when no pair is closer than r_1 or r_1 = 0
 *
 * Cost N² D flops beside the search.
 * @example
 * const d = await corrInt(x)
 */
export async function corrInt(x: NdArray, options: CorrIntOptions & GlobalOptions = {}): Promise<number> {
  const { near, far } = checked(options)
  const { distances } = await neighboursFor('CorrInt', x, options, far)
  const radii = [medianColumn(distances, far, near), medianColumn(distances, far, far)] as const
  return slope(radii, pairsWithin(x, radii))
}

/** The correlation dimension as a rule: the neighbours of a point (or a whole set) are the sample. */
export function corrIntRule(options: CorrIntOptions = {}): DimensionRule {
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
      return slope(radii, counts as [number, number])
    },
  }
}

function checked({ near = 10, far = 20 }: CorrIntOptions): { near: number; far: number } {
  assertCount('CorrInt near', near, 1)
  assertCount('CorrInt far', far, near + 1)
  return { near, far }
}

function slope([r1, r2]: readonly [number, number], [c1, c2]: readonly [number, number]): number {
  if (r2 === 0) return 0
  if (!(r1 > 0 && c1 > 0))
    throw new OodError('E_EMPTY', `CorrInt: expected pairs within the smaller radius ${r1}, got ${c1}`)
  if (r1 === r2) throw mismatch('E_ARGUMENT', 'CorrInt radii', 'two that differ', r1)
  return Math.log(c2 / c1) / Math.log(r2 / r1)
}

/** Median over the lists of k distances of the `order`-th of each. */
function medianColumn(distances: Float64Array, k: number, order: number): number {
  const column = Float64Array.from({ length: distances.length / k }, (_, i) => distances[i * k + order - 1]!).sort()
  const middle = column.length >> 1
  return column.length % 2 === 1 ? column[middle]! : (column[middle - 1]! + column[middle]!) / 2
}

/** Rows of a block of products. */
const BLOCK = 256

/** Pairs i < j strictly closer than each radius. */
function pairsWithin(x: NdArray, radii: readonly [number, number]): [number, number] {
  const n = rowCount(x)
  const d = rowSize(x)
  const points = distancePoints(flatData(x), n, d)
  const { centred, squaredNorms, raw } = points
  const bound = productBound(d, 2 ** -53, 2 * points.largest)
  const squares = radii.map((r) => r * r)
  const counts: [number, number] = [0, 0]
  for (let from = 0; from < n; from += BLOCK) {
    const rows = Math.min(BLOCK, n - from)
    const left = centred.subarray(from * d, (from + rows) * d)
    const width = n - from
    const dots = matmul(left, centred.subarray(from * d), rows, d, width, { transposedB: true })
    for (let i = 0; i < rows; i++) {
      for (let j = i + 1; j < width; j++) {
        const value = squaredNorms[from + i]! + squaredNorms[from + j]! - 2 * dots[i * width + j]!
        if (value > squares[1]! + bound) continue
        for (const which of [0, 1] as const) {
          const limit = squares[which]!
          if (Math.abs(value - limit) > bound) {
            if (value < limit) counts[which]++
            continue
          }
          const exact = Math.sqrt(squaredDistance(raw, (from + i) * d, raw, (from + j) * d, d))
          if (exact < radii[which]) counts[which]++
        }
      }
    }
  }
  return counts
}
