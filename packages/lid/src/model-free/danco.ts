// DANCo: norms and angles of neighbours together, compared with those of uniform balls of every dimension.
import { assertOptions, type NdArray, type Random, random, rowCount, rowSize, tensor, throwIfAborted } from '@ood/core'
import { nearestNeighbours } from '@ood/linalg'
import { assertCount } from '../internal/check.ts'
import { angleDivergence, normDivergence } from './internal/danco-laws.ts'
import { type DancoStatistics, measureDanco, measureDancoWithin } from './internal/danco-statistics.ts'
import { neighboursFor } from './internal/global.ts'
import { GLOBAL_OPTIONS } from './internal/options.ts'
import type { GlobalOptions } from './neighbour-table.ts'
import type { DimensionRule } from './neighbourhood.ts'

/** Options of DANCo. */
export interface DancoOptions {
  /** Neighbours k, at least 3 (default 10): two have one angle, which says nothing of how angles spread. */
  k?: number | undefined
  /** Largest dimension compared with (default: the ambient one, at most 30; every one costs a calibration). */
  maxDimension?: number | undefined
  /** A real number: the least divergence between whole numbers as well (default true). `false`: the best whole number. */
  fractal?: boolean | undefined
  /** Seed of the calibration samples (default 0). */
  seed?: number | undefined
}

const DANCO_OPTIONS: readonly string[] = ['k', 'maxDimension', 'fractal', 'seed']

/** Statistics of uniform balls, by sample size, k, dimension and seed: they are the same for every data set. */
const calibrations = new Map<string, DancoStatistics>()
/** Calibrations kept: a few hundred bytes each. */
const KEPT = 4096

/**
 * DANCo of a whole data set (Ceruti, Bassis, Rozza, Lombardi, Casiraghi and Campadelli 2014): the MLk dimension of
 * R_1 / R_{k+1} and a von Mises law (ν, τ) of the angles between neighbours are compared with those of samples of the
 * same size from the uniform d-ball, and the dimension is the d with the least
 *
 *   KL(norms) + KL(angles)
 *
 * (`normDivergence`, `angleDivergence`). With `fractal`, d is real: between whole numbers the three statistics of the
 * ball are taken on the straight line between theirs. Dimensions below 1 are not looked for.
 *
 * Where we leave the paper:
 * - It averages ν and τ over the points. On a line that mean of τ does not exist: of one point in 2^(k-1), and of end
 *   points, all neighbours lie on one side, all angles are equal and τ is infinite; lines then are taken for surfaces.
 *   We average the mean resultant length η, which lies in [0, 1], and take τ = A⁻¹(mean η).
 * - Implementations refine the whole number by a curve through the divergences of its neighbours. Divergence grows
 *   faster towards lower dimensions, so that curve has its minimum too high (2.25 for surfaces, 3.13 for solids). The
 *   statistics themselves are close to straight, and a ball of dimension d has its least divergence at d.
 *
 * The points are taken for a random sample, as in all estimators of distances: those of a lattice are farther apart than
 * a sample's, and evenly spaced points of a line get 1.3 to 1.5.
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
  assertOptions('danco', options, [...GLOBAL_OPTIONS, ...DANCO_OPTIONS])
  const { k, fractal, seed } = checked(options)
  const table = await neighboursFor('DANCo', x, options, k + 1)
  const limit = limitOf(options, rowSize(x))
  const found = measureDanco(table, k, normLimit(limit))
  if (found === undefined) return 0
  const balls: DancoStatistics[] = []
  for (let d = 1; d <= limit; d++) {
    throwIfAborted(options.signal, 'DANCo')
    balls.push(calibration(rowCount(table.data), k, d, seed))
    await new Promise((resolve) => setTimeout(resolve))
  }
  return closest(found, balls, k, fractal)
}

/** DANCo as a rule: the neighbours of a point (or a whole set) are the sample. */
export function dancoRule(options: DancoOptions = {}): DimensionRule {
  assertOptions('dancoRule', options, DANCO_OPTIONS)
  const { k, fractal, seed } = checked(options)
  const { maxDimension } = options
  return {
    name: 'DANCo',
    spec: {
      estimator: 'danco',
      options: { k, fractal, seed, maxDimension },
    },
    dimension(neighbourhood) {
      const limit = limitOf(options, neighbourhood.ambient)
      const found = measureDancoWithin(neighbourhood, k, normLimit(limit))
      if (found === undefined) return 0
      const balls = Array.from({ length: limit }, (_, i) => calibration(neighbourhood.count, k, i + 1, seed))
      return closest(found, balls, k, fractal)
    },
  }
}

function checked({ k = 10, maxDimension, fractal = true, seed = 0 }: DancoOptions): {
  k: number
  fractal: boolean
  seed: number
} {
  assertCount('DANCo k', k, 3)
  if (maxDimension !== undefined) assertCount('DANCo maxDimension', maxDimension, 1)
  return { k, fractal, seed }
}

function limitOf({ maxDimension }: DancoOptions, ambient: number): number {
  return maxDimension ?? Math.min(30, ambient)
}

function divergence(data: DancoStatistics, ball: DancoStatistics, k: number): number {
  return normDivergence(data.norms, ball.norms, k) + angleDivergence(data, ball)
}

/** The norms may say more than the dimension; twice as much and a few is far beyond what they do. */
function normLimit(d: number): number {
  return 2 * d + 5
}

/** The dimension of the closest ball, balls[i] being that of dimension i + 1. */
function closest(found: DancoStatistics, balls: readonly DancoStatistics[], k: number, fractal: boolean): number {
  const values = balls.map((ball) => divergence(found, ball, k))
  let at = 0
  for (let i = 1; i < values.length; i++) if (values[i]! < values[at]!) at = i
  if (!fractal) return at + 1
  let best = at
  let least = values[at]!
  for (const from of [at - 1, at]) {
    if (from < 0 || from + 1 >= balls.length) continue
    const between = (share: number): number => divergence(found, mixture(balls[from]!, balls[from + 1]!, share), k)
    const share = lowest(between)
    const value = between(share)
    if (value < least) {
      least = value
      best = from + share
    }
  }
  return best + 1
}

function mixture(a: DancoStatistics, b: DancoStatistics, share: number): DancoStatistics {
  const mixed = (what: keyof DancoStatistics): number => a[what] + share * (b[what] - a[what])
  return { norms: mixed('norms'), nu: mixed('nu'), tau: mixed('tau') }
}

/** The place in [0, 1] of the minimum of a function with one valley, by golden section to 1e-7. */
function lowest(f: (x: number) => number): number {
  const golden = (Math.sqrt(5) - 1) / 2
  let low = 0
  let high = 1
  let left = high - golden
  let right = golden
  let atLeft = f(left)
  let atRight = f(right)
  while (high - low > 1e-7) {
    if (atLeft <= atRight) {
      high = right
      right = left
      atRight = atLeft
      left = high - golden * (high - low)
      atLeft = f(left)
    } else {
      low = left
      left = right
      atLeft = atRight
      right = low + golden * (high - low)
      atRight = f(right)
    }
  }
  return (low + high) / 2
}

/** Statistics of n points of the uniform d-ball. */
function calibration(n: number, k: number, d: number, seed: number): DancoStatistics {
  const key = `${n} ${k} ${d} ${seed}`
  const known = calibrations.get(key)
  if (known) return known
  const ball = uniformBall(n, d, random(seed).fork(`DANCo ${d}`))
  const { indices, distances } = nearestNeighbours(ball, ball, k + 1, { excludeSelf: true })
  const found = measureDanco({ data: ball, indices, distances }, k, normLimit(d))!
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
