// The parts of an exact nearest-neighbour search, for callers that bring their own products, threads or blocks.
import { type FloatArray, mismatch } from '@ood/core'
import { nearestFirst } from './internal/rank.ts'
import { squaredDistance } from './squared-distance.ts'

/** Points made ready for distances: moved to their mean, where products cancel least. */
export interface DistancePoints {
  readonly count: number
  readonly ambient: number
  /** The points as given, count x ambient row-major. */
  readonly raw: FloatArray
  /** The same minus `mean`, in float64. */
  readonly centred: Float64Array
  /** |centred row|². */
  readonly squaredNorms: Float64Array
  /** What was subtracted. */
  readonly mean: Float64Array
  /** The largest |centred row|. */
  readonly largest: number
}

/**
 * Moves points to their mean (or to `mean`) and takes their norms.
 *
 * @param raw - count x ambient numbers, finite (not checked here)
 * @param mean - subtract this instead: queries must be moved as the data were
 * @param target - room for the moved points (a view of shared memory, say)
 * @throws OodError `E_ARGUMENT` where squares overflow
 */
export function distancePoints(
  raw: FloatArray,
  count: number,
  ambient: number,
  mean: Float64Array = columnMeans(raw, count, ambient),
  target: Float64Array = new Float64Array(raw.length),
): DistancePoints {
  const squaredNorms = new Float64Array(count)
  let largest = 0
  for (let i = 0; i < count; i++) {
    let sum = 0
    for (let j = 0, at = i * ambient; j < ambient; j++, at++) {
      const value = raw[at]! - mean[j]!
      target[at] = value
      sum += value * value
    }
    if (!(sum < Number.POSITIVE_INFINITY))
      throw mismatch('E_ARGUMENT', 'nearestNeighbours', 'numbers whose squares stay below 1.8e308', `row ${i}`)
    squaredNorms[i] = sum
    if (sum > largest) largest = sum
  }
  return { count, ambient, raw, centred: target, squaredNorms, mean, largest: Math.sqrt(largest) }
}

/** The mean of each column of a count x ambient matrix, exact for a constant column: it is taken about the first row. */
export function columnMeans(raw: FloatArray, count: number, ambient: number): Float64Array {
  const mean = new Float64Array(ambient)
  for (let i = 1, at = ambient; i < count; i++)
    for (let j = 0; j < ambient; j++, at++) mean[j] = mean[j]! + (raw[at]! - raw[j]!) / count
  if (count > 0) for (let j = 0; j < ambient; j++) mean[j] = mean[j]! + raw[j]!
  return mean
}

/**
 * The most that |a|² + |b|² - 2 a·b may differ from |a - b|² when it is computed with the given unit roundoff:
 * 4 (D + 4) u (|a| + |b|)².
 */
export function productBound(ambient: number, unitRoundoff: number, lengths: number): number {
  return 4 * (ambient + 4) * unitRoundoff * lengths * lengths
}

/** Where `rankNeighbours` puts its k results. */
export interface RankTarget {
  indices: Int32Array
  distances: Float64Array
  /** First place to write. */
  at: number
}

/** Options of {@link rankNeighbours}. */
export interface RankOptions {
  /** A row of the data that is not to be its own neighbour; -1 for none. */
  exclude: number
  /** Unit roundoff of the products. */
  unitRoundoff: number
}

/**
 * The k nearest rows of `data` for row `row` of `queries`, from the products of that row with every row of data.
 *
 * The products only choose: every row within twice their rounding bound of the k-th smallest approximate distance is a
 * candidate, and gets the distance √`squaredDistance`. Nearest first, equal distances in order of row number. So
 * neighbours, order and distances are the same bits whatever the products came from, float32 included.
 *
 * @param dots - products with data rows 0.. start at `dotsAt`
 *
 * Cost O(count) plus O(ambient) for each candidate: k of them and the few that the bound cannot tell from the k-th.
 */
export function rankNeighbours(
  data: DistancePoints,
  queries: DistancePoints,
  row: number,
  dots: Float64Array,
  dotsAt: number,
  k: number,
  target: RankTarget,
  options: RankOptions,
): void {
  const { exclude, unitRoundoff } = options
  const { count, squaredNorms, ambient } = data
  const offset = queries.squaredNorms[row]!
  const approximate = scratch(count)
  for (let j = 0; j < count; j++) approximate[j] = squaredNorms[j]! - 2 * dots[dotsAt + j]! + offset
  if (exclude >= 0) approximate[exclude] = Number.POSITIVE_INFINITY
  const bound = productBound(ambient, unitRoundoff, data.largest + Math.sqrt(offset))
  const exact = (j: number): number =>
    Math.sqrt(squaredDistance(queries.raw, row * ambient, data.raw, j * ambient, ambient))
  const ranked = nearestFirst(approximate, count, k, bound, exclude, exact)
  target.indices.set(ranked.rows.subarray(0, k), target.at)
  target.distances.set(ranked.distances.subarray(0, k), target.at)
}

let room = new Float64Array(0)

/** A buffer of at least n numbers, kept between calls. */
function scratch(n: number): Float64Array {
  if (room.length < n) room = new Float64Array(n)
  return room
}
