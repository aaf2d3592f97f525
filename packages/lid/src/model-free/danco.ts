// DANCo: norms and angles of neighbours together, compared with those of uniform balls of every dimension.
import { flatData, type NdArray, type Random, random, rowCount, rowSize, tensor, throwIfAborted } from '@ood/core'
import { nearestNeighbours } from '@ood/linalg'
import { assertCount } from '../internal/check.ts'
import { angleDivergence, normDivergence } from './internal/danco-laws.ts'
import { type DancoStatistics, measureDanco, measureDancoWithin } from './internal/danco-statistics.ts'
import { neighboursFor } from './internal/global.ts'
import type { GlobalOptions } from './neighbour-table.ts'
import type { DimensionRule } from './neighbourhood.ts'

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
  const data = { data: Float64Array.from(flatData(table.data)) }
  const found = measureDanco(data.data, rowSize(x), table.indices, table.distances, k, limitOf(options, rowSize(x)))
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
      const found = measureDancoWithin(neighbourhood, k, limit)
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
  const found = measureDanco(ball.data, d, indices, distances, k, 2 * d + 5)!
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
