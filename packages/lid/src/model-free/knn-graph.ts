// Dimension from the length of neighbour graphs of samples of different sizes.
import {
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  mismatch,
  type NdArray,
  OodError,
  permutation,
  random,
  rowCount,
  rowSize,
  takeRows,
  throwIfAborted,
} from '@ood/core'
import { nearestNeighbours } from '@ood/linalg'
import { assertCount } from '../internal/check.ts'
import { isDistanceMatrix } from './distance-matrix.ts'
import { pairSquaresOf } from './internal/local.ts'
import { isPoint, onlyCopies } from './internal/ratios.ts'
import { wholeSet } from './internal/whole-set.ts'
import type { DimensionRule, Neighbourhood } from './neighbourhood.ts'

/** Options of the neighbour graph estimator. */
export interface KnnGraphOptions {
  /** Neighbours of each sampled point (default 5). */
  k?: number | undefined
  /** Sample sizes, each above k (default: 8 sizes from half of the points to all of them). */
  sizes?: readonly number[] | undefined
  /** Samples of each size (default 5). */
  samples?: number | undefined
  /** Power of the distances, > 0 (default 1). */
  gamma?: number | undefined
  /** Seed of the samples (default 0). */
  seed?: number | undefined
  /** `'scikit-dimension'`: its defaults (k = 2, sizes k+1..k+4, one sample, gamma = 2) and samples with replacement. */
  compat?: 'scikit-dimension' | undefined
}

const KNN_GRAPH_OPTIONS: readonly string[] = ['k', 'sizes', 'samples', 'gamma', 'seed', 'compat']

/**
 * The dimension whose growth law fits best the lengths of k-nearest-neighbour graphs (Costa and Hero 2004; Carter, Raich
 * and Hero 2010): L_γ(p) = Σ_i Σ_{j<=k} R_j(i)^γ of a sample of p points grows as c p^{(m-γ)/m}, and m is the whole number
 * in 1..maxDimension with the least squares Σ (L - ĉ p^α)², ĉ = Σ p^α L / Σ p^{2α}.
 *
 * @param sizes - sample sizes p
 * @param lengths - one list of lengths for each size
 * @throws OodError `E_EMPTY`, `E_SHAPE`, `E_ARGUMENT`
 * @example
 * knnGraphDimension([10, 20, 40], [[10], [14.1], [20]], 1, 5) // lengths grow as √p: 2
 */
export function knnGraphDimension(
  sizes: ArrayLike<number>,
  lengths: readonly ArrayLike<number>[],
  gamma: number,
  maxDimension: number,
): number {
  if (sizes.length === 0) throw new OodError('E_EMPTY', 'knnGraphDimension: expected sample sizes, got none')
  if (lengths.length !== sizes.length)
    throw mismatch('E_SHAPE', 'knnGraphDimension lengths', `${sizes.length} lists`, lengths.length)
  assertCount('knnGraphDimension maxDimension', maxDimension, 1)
  let best = 1
  let least = Number.POSITIVE_INFINITY
  for (let m = 1; m <= maxDimension; m++) {
    const powers = Array.from(sizes, (p) => p ** ((m - gamma) / m))
    let products = 0
    let squares = 0
    for (const [i, list] of lengths.entries())
      for (const length of Array.from(list)) {
        products += powers[i]! * length
        squares += powers[i]! ** 2
      }
    const c = products / squares
    let residual = 0
    for (const [i, list] of lengths.entries())
      for (const length of Array.from(list)) residual += (length - c * powers[i]!) ** 2
    if (residual < least) {
      least = residual
      best = m
    }
  }
  return best
}

/**
 * The neighbour graph dimension of a whole data set, a whole number. Samples are drawn without replacement by `seed`;
 * 0 when all points coincide.
 *
 * scikit-dimension draws with replacement, so that copies of a point become its nearest neighbours, and its default
 * samples of 3 to 6 points say next to nothing; `compat: 'scikit-dimension'` does the same (with our random numbers).
 *
 * @param x - points [N, ...]
 * @throws OodError `E_ARGUMENT` unless k < sizes <= N, `E_EMPTY`, `E_NOT_FINITE`
 *
 * Cost 2 Σ p² D flops over all samples.
 * @example
 * const d = await knnGraph(x, { k: 5, seed: 1 })
 */
export async function knnGraph(x: NdArray, options: KnnGraphOptions & CallOptions = {}): Promise<number> {
  assertOptions('knnGraph', options, [...CALL_OPTIONS, ...KNN_GRAPH_OPTIONS])
  if (isDistanceMatrix(x)) return within(wholeSet(x), options)
  const n = rowCount(x)
  const settings = checked(options, n)
  const samples = drawSamples(settings, n)
  const lengths: Float64Array[] = []
  for (const lists of samples) {
    throwIfAborted(options.signal, 'KNN')
    lengths.push(Float64Array.from(lists, (rows) => graphLength(takeRows(x, rows), settings.k, settings.gamma)))
    await new Promise((resolve) => setTimeout(resolve))
  }
  if (lengths.some((list) => list.some((length) => length > 0)))
    return knnGraphDimension(settings.sizes, lengths, settings.gamma, rowSize(x))
  if (isPoint(x)) return 0
  throw onlyCopies('KNN', settings.k)
}

/** The neighbour graph dimension as a rule: the neighbours of a point (or a whole set) are sampled from. */
export function knnGraphRule(options: KnnGraphOptions = {}): DimensionRule {
  assertOptions('knnGraphRule', options, KNN_GRAPH_OPTIONS)
  const { k, sizes, samples, gamma, seed, compat } = options
  const spec = { k, sizes, samples, gamma, seed, compat }
  return {
    name: 'KNN',
    spec: { estimator: 'knnGraph', options: spec },
    dimension: (neighbourhood) => within(neighbourhood, options),
  }
}

function within(neighbourhood: Neighbourhood, options: KnnGraphOptions): number {
  const { count, ambient } = neighbourhood
  const settings = checked(options, count)
  const pairs = pairSquaresOf(neighbourhood)
  if (pairs.every((value) => value === 0)) return 0
  const lengths = drawSamples(settings, count).map((lists) =>
    Float64Array.from(lists, (rows) => {
      let sum = 0
      for (const [place, i] of rows.entries()) {
        const others = rows.filter((_, other) => other !== place)
        const nearest = Float64Array.from(others, (j) => pairs[i * count + j]!).sort()
        for (let j = 0; j < settings.k; j++) sum += nearest[j]! ** (settings.gamma / 2)
      }
      return sum
    }),
  )
  if (lengths.every((list) => list.every((length) => length === 0))) throw onlyCopies('KNN', settings.k)
  return knnGraphDimension(settings.sizes, lengths, settings.gamma, ambient)
}

interface Settings {
  k: number
  sizes: readonly number[]
  samples: number
  gamma: number
  seed: number
  replace: boolean
}

function checked(options: KnnGraphOptions, n: number): Settings {
  const replace = options.compat === 'scikit-dimension'
  const { k = replace ? 2 : 5, samples = replace ? 1 : 5, gamma = replace ? 2 : 1, seed = 0 } = options
  assertCount('KNN k', k, 1)
  assertCount('KNN samples', samples, 1)
  if (!(gamma > 0 && gamma < Number.POSITIVE_INFINITY))
    throw mismatch('E_ARGUMENT', 'KNN gamma', 'a positive number', gamma)
  if (n === 0) throw new OodError('E_EMPTY', 'KNN: expected at least one point, got none')
  const usual = replace
    ? Array.from({ length: 4 }, (_, i) => k + 1 + i)
    : [...new Set(Array.from({ length: 8 }, (_, i) => Math.max(k + 1, Math.round(n * (0.5 + i / 14)))))]
  const sizes = options.sizes ?? usual
  if (sizes.length === 0) throw new OodError('E_EMPTY', 'KNN sizes: expected sample sizes, got none')
  for (const size of sizes)
    if (!(Number.isInteger(size) && size > k && size <= n))
      throw mismatch('E_ARGUMENT', 'KNN sizes', `whole numbers above k = ${k} and at most the ${n} points`, size)
  return { k, sizes, samples, gamma, seed, replace }
}

/** Row numbers of every sample of every size. */
function drawSamples({ sizes, samples, seed, replace }: Settings, n: number): Int32Array[][] {
  const rng = random(seed).fork('KNN')
  return sizes.map((size) =>
    Array.from({ length: samples }, () =>
      replace ? Int32Array.from({ length: size }, () => rng.integer(n)) : permutation(rng, n).slice(0, size),
    ),
  )
}

function graphLength(sample: NdArray, k: number, gamma: number): number {
  let sum = 0
  for (const distance of nearestNeighbours(sample, sample, k, { excludeSelf: true }).distances) sum += distance ** gamma
  return sum
}
