// DANCo: norms and angles of neighbours together, compared with those of uniform balls of every dimension.
import {
  mismatch,
  type NdArray,
  OodError,
  type Random,
  random,
  rowCount,
  rowSize,
  tensor,
  throwIfAborted,
} from '@ood/core'
import { nearestNeighbours } from '@ood/linalg'
import { assertCount } from '../internal/check.ts'
import { type AngleLaw, angleDivergence, angleLaw, normDivergence } from './internal/danco-laws.ts'
import { neighboursFor } from './internal/global.ts'
import { pairSquaresOf } from './internal/local.ts'
import { mindDimension } from './mind.ts'
import type { GlobalOptions } from './neighbour-table.ts'
import type { DimensionRule, Neighbourhood } from './neighbourhood.ts'
import { ratiosOf } from './two-nn.ts'

/** Options of DANCo. */
export interface DancoOptions {
  /** Neighbours k (default 10). */
  k?: number
  /** Largest dimension compared with (default: the ambient one, at most 30; every one costs a calibration). */
  maxDimension?: number
  /** Refine the best whole number by a parabola through its neighbours (default true). */
  fractal?: boolean
  /** Seed of the calibration samples (default 0). */
  seed?: number
}

/** What DANCo measures of a sample. */
export interface DancoStatistics extends AngleLaw {
  /** The MiND (MLk) dimension of the norms. */
  norms: number
}

/** Statistics of uniform balls, by sample size, k, dimension and seed: they are the same for every data set. */
const calibrations = new Map<string, DancoStatistics>()
/** Calibrations kept: a few hundred bytes each. */
const KEPT = 4096

/**
 * DANCo of a whole data set (Ceruti, Bassis, Rozza, Lombardi, Casiraghi and Campadelli 2014): the MLk dimension of
 * R_1 / R_{k+1} and the mean parameters (ν, τ) of von Mises laws of the angles between neighbours, at each point, are
 * compared with those of samples of the same size from the uniform d-ball, and the dimension is the d with the least
 *
 *   KL(norms) + KL(angles)
 *
 * (`normDivergence`, `angleDivergence`). A parabola through the best whole number and its neighbours refines it.
 *
 * scikit-dimension differs where it is in error: it swaps bound and start of the maximum likelihood, so that norms never
 * give more than the whole-number estimate; it caps the calibration at k dimensions; and it takes ν = arctan(S / C), which
 * jumps from π/2 to -π/2 where angles pass a right angle, the usual angle in high dimensions (we use atan2). Its result is
 * random besides (unseeded calibration).
 *
 * @param x - points [N, ...], N >= k + 2
 * @param options - `table` to share a search (k + 1 neighbours or more)
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE`, `E_ARGUMENT`
 *
 * Cost maxDimension searches of N points, once for each (N, k, seed).
 * @example
 * const d = await danco(x, { k: 10, maxDimension: 20 })
 */
export async function danco(x: NdArray, options: DancoOptions & GlobalOptions = {}): Promise<number> {
  const { k, fractal, seed } = checked(options)
  const table = await neighboursFor('DANCo', x, options, k + 1)
  const data = x.data instanceof Float64Array ? x : tensor(Float64Array.from(table.data.data), [...table.data.shape])
  const found = statistics(pointsOf(data), table.indices, table.distances, k, limitOf(options, rowSize(x)))
  if (found === undefined) return 0
  const limit = limitOf(options, rowSize(x))
  const divergences: number[] = []
  for (let d = 1; d <= limit; d++) {
    throwIfAborted(options.signal, 'DANCo')
    divergences.push(divergence(found, calibration(rowCount(x), k, d, seed), k))
    await new Promise((resolve) => setTimeout(resolve))
  }
  return minimum(divergences, fractal)
}

/** DANCo as a rule: the neighbours of a point (or a whole set) are the sample. */
export function dancoRule(options: DancoOptions = {}): DimensionRule {
  const { k, fractal, seed } = checked(options)
  const { maxDimension } = options
  return {
    name: 'DANCo',
    spec: {
      estimator: 'danco',
      options: { k, fractal, seed, ...(maxDimension === undefined ? {} : { maxDimension }) },
    },
    dimension(neighbourhood) {
      const limit = limitOf(options, neighbourhood.ambient)
      const found = statisticsWithin(neighbourhood, k, limit)
      if (found === undefined) return 0
      const balls = Array.from({ length: limit }, (_, i) => calibration(neighbourhood.count, k, i + 1, seed))
      return minimum(
        balls.map((ball) => divergence(found, ball, k)),
        fractal,
      )
    },
  }
}

function checked({ k = 10, maxDimension, fractal = true, seed = 0 }: DancoOptions): {
  k: number
  fractal: boolean
  seed: number
} {
  assertCount('DANCo k', k, 2)
  if (maxDimension !== undefined) assertCount('DANCo maxDimension', maxDimension, 1)
  return { k, fractal, seed }
}

function limitOf({ maxDimension }: DancoOptions, ambient: number): number {
  return maxDimension ?? Math.min(30, ambient)
}

function divergence(data: DancoStatistics, ball: DancoStatistics, k: number): number {
  return normDivergence(data.norms, ball.norms, k) + angleDivergence(data, ball)
}

/** The place of the least value, counted from 1; between neighbours by the parabola through three values. */
function minimum(values: readonly number[], fractal: boolean): number {
  let at = 0
  for (let i = 1; i < values.length; i++) if (values[i]! < values[at]!) at = i
  if (!fractal || at === 0 || at === values.length - 1) return at + 1
  const [left, middle, right] = [values[at - 1]!, values[at]!, values[at + 1]!]
  const curvature = left - 2 * middle + right
  return at + 1 + (curvature > 0 ? (left - right) / (2 * curvature) : 0)
}

/** Statistics of n points of the uniform d-ball. */
function calibration(n: number, k: number, d: number, seed: number): DancoStatistics {
  const key = `${n} ${k} ${d} ${seed}`
  const known = calibrations.get(key)
  if (known) return known
  const ball = uniformBall(n, d, random(seed).fork(`DANCo ${d}`))
  const { indices, distances } = nearestNeighbours(ball, ball, k + 1, { excludeSelf: true })
  // The norms may say more than d; twice as much and a few is far beyond what they do.
  const found = statistics(pointsOf(ball), indices, distances, k, 2 * d + 5)!
  if (calibrations.size >= KEPT) calibrations.clear()
  calibrations.set(key, found)
  return found
}

function uniformBall(n: number, d: number, rng: Random): NdArray<Float64Array> {
  const out = new Float64Array(n * d)
  for (let i = 0; i < n; i++) {
    let squares = 0
    for (let j = 0; j < d; j++) {
      const value = rng.normal()
      out[i * d + j] = value
      squares += value * value
    }
    const scale = rng.uniform() ** (1 / d) / Math.sqrt(squares)
    for (let j = 0; j < d; j++) out[i * d + j] = out[i * d + j]! * scale
  }
  return tensor(out, [n, d])
}

interface Points {
  data: Float64Array
  d: number
}

function pointsOf(x: NdArray): Points {
  return { data: x.data as Float64Array, d: rowSize(x) }
}

/** From lists of k + 1 neighbours; undefined when all points coincide. */
function statistics(
  { data, d }: Points,
  indices: Int32Array,
  distances: Float64Array,
  k: number,
  limit: number,
): DancoStatistics | undefined {
  const squares = (i: number, j: number): number => {
    let sum = 0
    for (let l = 0; l < d; l++) sum += (data[i * d + l]! - data[j * d + l]!) ** 2
    return sum
  }
  return collect(indices, distances, k, limit, squares)
}

function statisticsWithin(neighbourhood: Neighbourhood, k: number, limit: number): DancoStatistics | undefined {
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
  return collect(indices, distances, k, limit, (i, j) => pairs[i * count + j]!)
}

function collect(
  indices: Int32Array,
  distances: Float64Array,
  k: number,
  limit: number,
  squares: (i: number, j: number) => number,
): DancoStatistics | undefined {
  const ratios = ratiosOf(distances, k + 1)
  if (ratios === undefined) return undefined
  if (ratios.length === 0) throw new OodError('E_EMPTY', 'DANCo: expected a point without duplicates, got none')
  const norms = mindDimension(ratios, { k, maxDimension: limit })
  let nu = 0
  let tau = 0
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
    const law = angleLaw(cosines)
    nu += law.nu
    tau += law.tau
    used++
  }
  if (used === 0) throw new OodError('E_EMPTY', 'DANCo: expected points with two distinct neighbours, got none')
  return { norms, nu: nu / used, tau: tau / used }
}
