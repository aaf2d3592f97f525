// Levina-Bickel maximum likelihood dimension from neighbour distances.
import { assertOptions, mismatch, type NdArray, OodError } from '@ood/core'
import { assertCount, assertFiniteList } from '../internal/check.ts'
import { combineDimensions } from './aggregate.ts'
import { neighboursFor } from './internal/global.ts'
import { expectedLog } from './internal/noise.ts'
import { GLOBAL_OPTIONS, splitOptions } from './internal/options.ts'
import { isPoint, onlyCopies } from './internal/ratios.ts'
import type { GlobalOptions } from './neighbour-table.ts'
import type { DimensionRule } from './neighbourhood.ts'
import { type PointwiseDimensions, type PointwiseOptions, pointwiseDimensions } from './pointwise.ts'

/** Options of the maximum likelihood estimator. */
export interface MleOptions {
  /** Divide by k - 2 instead of k - 1: unbiased for a Poisson process (default false). */
  unbiased?: boolean | undefined
  /** Average the estimates of k1, k1 + 1, ... k neighbours, k1 given here (Levina and Bickel average over k as well). */
  fromNeighbours?: number | undefined
  /** One weight for each of the k - 1 nearer neighbours, nearest first, non-negative (default: all 1). */
  weights?: ArrayLike<number> | undefined
  /** Standard deviation σ of the noise in the distances, in their unit (default 0: none). */
  noise?: number | undefined
}

const MLE_OPTIONS: readonly string[] = ['unbiased', 'fromNeighbours', 'weights', 'noise']

/** How pointwise estimates become one number. */
export type MleCombination = 'harmonic' | 'mean' | 'median'

/**
 * Dimension at a point from the distances R_1 <= ... <= R_k to its neighbours (Levina and Bickel 2004):
 *
 *   d = (k - 1) / Σ_{j<k} log(R_k / R_j)
 *
 * with k - 2 in the numerator when `unbiased`. With weights w_j, Σ w_j / Σ w_j log(R_k / R_j); `unbiased` then multiplies
 * by (k - 2) / (k - 1). With `fromNeighbours` k1, the mean of the estimates from the nearest k1, ..., k neighbours.
 * Distances of 0 (duplicates of the point) are left out. Infinity when all distances are equal.
 *
 * With `noise` σ, a measured R_j stands for a distance X ~ N(R_j, σ²), X > 0, and log R_j becomes E[log X] (Haro, Randall
 * and Sapiro 2008, whose transition density is that Gaussian; R_k is taken as it is). Noise shortens small distances'
 * logarithms most, so the corrected dimension is the lower one. Infinity where σ is so large that it explains all
 * differences between the distances.
 *
 * @param distances - ascending, at least two of them positive (three when `unbiased`)
 * @throws OodError `E_EMPTY` when too few distances are positive, `E_NOT_FINITE`, `E_ARGUMENT`, `E_SHAPE`
 * @example
 * mleDimension([0.5, 1]) // 1 / log 2 = 1.4427
 */
export function mleDimension(distances: ArrayLike<number>, options: MleOptions = {}): number {
  assertOptions('mleDimension', options, MLE_OPTIONS)
  assertFiniteList('mleDimension distances', distances)
  const { unbiased = false, fromNeighbours, weights, noise = 0 } = options
  checkNoise('mleDimension noise', noise)
  let first = 0
  while (first < distances.length && !(distances[first]! > 0)) first++
  const count = distances.length
  const positive = count - first
  const least = unbiased ? 3 : 2
  if (positive < least)
    throw new OodError('E_EMPTY', `mleDimension: expected at least ${least} positive distances, got ${positive}`)
  if (weights) checkWeights(weights, count)
  if (fromNeighbours !== undefined) assertCount('mleDimension fromNeighbours', fromNeighbours, least)
  // The usual case, at every point of a data set: no arrays, which would cost more than the logarithms.
  if (noise === 0 && fromNeighbours === undefined && !weights) return plainMaximum(distances, first, unbiased)
  const logs = Float64Array.from(distances, Math.log)
  const expected =
    noise === 0 ? logs : Float64Array.from(distances, (distance) => (distance > 0 ? expectedLog(distance, noise) : 0))
  const from = Math.min(count, Math.max(first + least, fromNeighbours ?? count))
  let sum = 0
  for (let k = from; k <= count; k++) sum += likelihoodMaximum(logs, expected, first, k, weights, unbiased)
  return sum / (count - from + 1)
}

/** `likelihoodMaximum` of all distances without weights and noise. */
function plainMaximum(distances: ArrayLike<number>, first: number, unbiased: boolean): number {
  const last = distances.length - 1
  const far = Math.log(distances[last]!)
  let sum = 0
  for (let j = first; j < last; j++) sum += far - Math.log(distances[j]!)
  const terms = last - first
  return sum > 0 ? ((unbiased ? (terms - 1) / terms : 1) * terms) / sum : Number.POSITIVE_INFINITY
}

/** From the nearest k distances, leaving out the first ones, which are 0. */
function likelihoodMaximum(
  logs: Float64Array,
  expected: Float64Array,
  first: number,
  k: number,
  weights: ArrayLike<number> | undefined,
  unbiased: boolean,
): number {
  const far = logs[k - 1]!
  let count = 0
  let sum = 0
  for (let j = first; j < k - 1; j++) {
    const weight = weights ? weights[j]! : 1
    count += weight
    sum += weight * (far - expected[j]!)
  }
  const terms = k - 1 - first
  if (!(sum > 0)) return Number.POSITIVE_INFINITY
  return ((unbiased ? (terms - 1) / terms : 1) * count) / sum
}

function checkNoise(what: string, noise: number): void {
  if (!(noise >= 0 && noise < Number.POSITIVE_INFINITY))
    throw mismatch('E_ARGUMENT', what, 'a finite number of at least 0', noise)
}

function checkWeights(weights: ArrayLike<number>, k: number): void {
  if (weights.length !== k - 1)
    throw mismatch('E_SHAPE', 'mleDimension weights', `${k - 1} numbers, one fewer than the distances`, weights.length)
  let total = 0
  for (let j = 0; j < weights.length; j++) {
    if (!(weights[j]! >= 0)) throw mismatch('E_ARGUMENT', 'mleDimension weights', 'numbers of at least 0', weights[j])
    total += weights[j]!
  }
  if (!(total > 0 && total < Number.POSITIVE_INFINITY))
    throw mismatch('E_ARGUMENT', 'mleDimension weights', 'a positive sum', total)
}

/**
 * The maximum likelihood estimator as a rule for `pointwiseDimensions` and `modelFreeLid`; 0 at a point whose neighbours
 * are all its duplicates.
 *
 * @example
 * await pointwiseDimensions(x, mleRule(), { neighbours: 20 })
 */
export function mleRule(options: MleOptions = {}): DimensionRule {
  assertOptions('mleRule', options, MLE_OPTIONS)
  const { unbiased = false, fromNeighbours, weights, noise = 0 } = options
  checkNoise('MLE noise', noise)
  const settings: MleOptions = {
    unbiased,
    noise,
    fromNeighbours,
    weights: weights && Float64Array.from(weights),
  }
  return {
    name: 'MLE',
    spec: { estimator: 'mle', options: settings },
    dimension({ distances }) {
      if (distances.length === 0)
        throw new OodError('E_EMPTY', 'MLE: expected neighbour distances, got none (it has no global form)')
      return distances[distances.length - 1] === 0 ? 0 : mleDimension(distances, settings)
    },
  }
}

/**
 * Pointwise maximum likelihood dimensions of a data set.
 *
 * @param x - points [N, ...]
 * @param options - `neighbours` k (20 is usual)
 * @example
 * const fitted = await mle(x, { neighbours: 20 })
 * combineMle(fitted.lid) // the dimension of the set
 */
export function mle(x: NdArray, options: MleOptions & PointwiseOptions): Promise<PointwiseDimensions> {
  const { own, rest } = splitOptions<MleOptions, PointwiseOptions>('mle', options, MLE_OPTIONS)
  return pointwiseDimensions(x, mleRule(own), rest)
}

/**
 * One dimension from pointwise ones: the harmonic mean (default; MacKay and Ghahramani 2005: the likelihood adds 1/d),
 * the mean, or the median.
 *
 * @throws OodError `E_EMPTY`
 */
export function combineMle(lid: ArrayLike<number>, combination: MleCombination = 'harmonic'): number {
  if (lid.length === 0) throw new OodError('E_EMPTY', 'combineMle: expected at least one dimension, got none')
  return combineDimensions(lid, combination)
}

/** Options of the pooled estimate. */
export interface PooledMleOptions extends GlobalOptions {
  /** Smallest distances of the whole set that are used (default 20). */
  distances?: number | undefined
  /** Neighbours of each point that are looked at (default 5). */
  each?: number | undefined
  /** Divide by k - 2 instead of k - 1 (default false). */
  unbiased?: boolean | undefined
  /** Standard deviation σ of the noise of a point; both ends of a distance have it, so that of a distance is √2 σ. */
  noise?: number | undefined
}

/**
 * The maximum likelihood estimator of the smallest distances of a whole data set, whichever points they lie between
 * (scikit-dimension's `neighborhood_based=False`; Haro, Randall and Sapiro 2008): the k smallest different distances
 * between points and their nearest neighbours take the place of R_1..R_k. 0 when all rows are equal.
 *
 * @throws OodError `E_EMPTY` for too few different distances, `E_NOT_FINITE`, `E_ARGUMENT`
 * @example
 * const d = await pooledMle(x, { distances: 20, each: 5 })
 */
export async function pooledMle(x: NdArray, options: PooledMleOptions = {}): Promise<number> {
  assertOptions('pooledMle', options, [...GLOBAL_OPTIONS, 'distances', 'each', 'unbiased', 'noise'])
  const { distances = 20, each = 5, unbiased = false, noise = 0 } = options
  checkNoise('pooledMle noise', noise)
  assertCount('pooledMle distances', distances, 2)
  assertCount('pooledMle each', each, 1)
  const table = await neighboursFor('pooledMle', x, options, each)
  const different: number[] = []
  // Both ends of a pair report its distance, to the same bit.
  for (const distance of table.distances.slice().sort())
    if (distance > (different.at(-1) ?? 0)) different.push(distance)
  if (different.length === 0) {
    if (isPoint(x)) return 0
    throw onlyCopies('pooledMle', each)
  }
  return mleDimension(different.slice(0, distances), { unbiased, noise: Math.SQRT2 * noise })
}
