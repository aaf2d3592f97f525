// What DANCo measures of a sample: the dimension of the norms, and the mean von Mises law of the angles.
import { flatData, mismatch, OodError, rowSize } from '@ood/core'
import { squaredDistance } from '@ood/linalg'
import { isDistanceMatrix } from '../distance-matrix.ts'
import { mindDimension } from '../mind.ts'
import type { NeighbourTable } from '../neighbour-table.ts'
import type { Neighbourhood } from '../neighbourhood.ts'
import { type AngleLaw, concentration, resultant } from './danco-laws.ts'
import { pairSquaresOf } from './local.ts'
import { isPoint, isPointWithin, ratiosOf } from './ratios.ts'

/** Statistics of a sample. */
export interface DancoStatistics extends AngleLaw {
  /** The MiND (MLk) dimension of the norms. */
  norms: number
}

/** From lists of k + 1 neighbours; undefined when all points coincide. */
export function measureDanco(
  { data, indices, distances }: Pick<NeighbourTable, 'data' | 'indices' | 'distances'>,
  k: number,
  limit: number,
): DancoStatistics | undefined {
  const points = flatData(data)
  const d = rowSize(data)
  const squares = isDistanceMatrix(data)
    ? (i: number, j: number) => points[i * d + j]! ** 2
    : (i: number, j: number) => squaredDistance(points, i * d, points, j * d, d)
  return collect(indices, distances, k, limit, squares, () => isPoint(data))
}

/** The same of the points of a neighbourhood among themselves. */
export function measureDancoWithin(
  neighbourhood: Neighbourhood,
  k: number,
  limit: number,
): DancoStatistics | undefined {
  const { count } = neighbourhood
  if (k + 1 >= count) throw mismatch('E_ARGUMENT', 'DANCo neighbours', `fewer than the ${count} points`, k + 1)
  const pairs = pairSquaresOf(neighbourhood)
  const indices = new Int32Array(count * (k + 1))
  const distances = new Float64Array(count * (k + 1))
  for (let i = 0; i < count; i++) {
    const others = Array.from({ length: count }, (_, j) => j).filter((j) => j !== i)
    others.sort((a, b) => pairs[i * count + a]! - pairs[i * count + b]! || a - b)
    for (let j = 0; j <= k; j++) {
      indices[i * (k + 1) + j] = others[j]!
      distances[i * (k + 1) + j] = Math.sqrt(pairs[i * count + others[j]!]!)
    }
  }
  return collect(
    indices,
    distances,
    k,
    limit,
    (i, j) => pairs[i * count + j]!,
    () => isPointWithin(neighbourhood),
  )
}

function collect(
  indices: Int32Array,
  distances: Float64Array,
  k: number,
  limit: number,
  squares: (i: number, j: number) => number,
  isPoint: () => boolean,
): DancoStatistics | undefined {
  const ratios = ratiosOf('DANCo', distances, k + 1, isPoint)
  if (ratios === undefined) return undefined
  const norms = mindDimension(ratios, { k, maxDimension: limit })
  let nu = 0
  let eta = 0
  let used = 0
  const cosines: number[] = []
  for (let at = 0; at < distances.length; at += k + 1) {
    cosines.length = 0
    for (let i = 0; i < k; i++) {
      const ri = distances[at + i]!
      for (let j = 0; j < i && ri > 0; j++) {
        const rj = distances[at + j]!
        if (rj === 0) continue
        const cosine = (ri * ri + rj * rj - squares(indices[at + i]!, indices[at + j]!)) / (2 * ri * rj)
        cosines.push(Math.max(-1, Math.min(1, cosine)))
      }
    }
    // A point whose neighbours are its duplicates has no angles.
    if (cosines.length === 0) continue
    const angles = resultant(cosines)
    nu += angles.nu
    eta += angles.eta
    used++
  }
  if (used === 0) throw new OodError('E_EMPTY', 'DANCo: expected points with two distinct neighbours, got none')
  // The mean of η, not of τ: on a line all k neighbours lie on one side of 1 point in 2^(k-1), where τ is infinite.
  return { norms, nu: nu / used, tau: concentration(eta / used) }
}
