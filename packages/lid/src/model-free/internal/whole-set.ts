// A whole data set as one neighbourhood: from points, or from distances between them.
import { flatData, type NdArray, rowCount, rowSize } from '@ood/core'
import { isDistanceMatrix } from '../distance-matrix.ts'
import type { Neighbourhood } from '../neighbourhood.ts'
import { withoutPoints } from './without-points.ts'

/** All rows of a data set, without a centre. */
export function wholeSet(x: NdArray): Neighbourhood {
  const count = rowCount(x)
  const distances = new Float64Array(0)
  if (!isDistanceMatrix(x)) return { count, ambient: rowSize(x), points: Float64Array.from(flatData(x)), distances }
  return withoutPoints(count, count, distances, () => x.data.map((distance) => distance * distance))
}
