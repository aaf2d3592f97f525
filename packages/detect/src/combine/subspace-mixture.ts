// A density of images themselves: a Gaussian mixture in the space of their principal components, and what lies outside.
import {
  assertOptions,
  flatData,
  mismatch,
  type NdArray,
  quantile,
  random,
  rowCount,
  rowSize,
  takeRows,
  tensor,
} from '@ood/core'
import { dominantEigenvectors } from '@ood/linalg'
import { array, type Columns } from '../columns.ts'
import { gaussian, ledoitWolf, moments, shrink, squaredDistance } from '../internal/gaussian.ts'
import { type Component, expectationMaximisation, logMixture } from '../internal/mixture.ts'
import type { Needs } from '../measurement.ts'
import type { Method } from '../method.ts'
import { packNumbers, unpackNumbers } from '../pack.ts'
import { wrongField } from '../stored.ts'
import { type PackedGaussian, packGaussian, unpackGaussian } from './gaussian.ts'
import { robustSpread, tamed, varies } from './standardise.ts'

/** Settings of `subspaceMixtureOf`. */
export interface SubspaceMixtureOptions {
  /** Principal components (default 24); fewer where there are not 20 training rows for each. */
  dimension?: number | undefined
  /** Gaussians (default 16); fewer where there are not 20 training rows for each. */
  components?: number | undefined
  /** Seed of the mixture's start (default 0). */
  seed?: number | undefined
}

/** A fitted mixture in a subspace. */
export interface SubspaceMixtureFit {
  /** Numbers a row. */
  width: number
  /** Mean row and principal directions [dimension, width], packed. */
  mean: string
  directions: string
  /** The unit of the coordinates: their standard deviation over all directions. */
  unit: number
  weights: string
  components: PackedGaussian[]
  /** Medians of -log p in the subspace and of log squared residual, over rows that a fit left out. */
  centre: number[]
  /** Their spreads, above the median and below it. */
  spread: number[]
  lower: number[]
  /** Law of the two standardised numbers. */
  pair: PackedGaussian
}

/** Share of a component's covariance that is replaced by a multiple of the identity. */
const SHRINKAGE = 0.1
const ROWS_EACH = 20
const FEWEST = 10
/** A fifth of the rows judges the mixture of the other four fifths: one fifth where rows are many, each of them in turn. */
const PARTS = 5
const MANY = 1000
/** Squared residual below which rows lie in the subspace as far as anybody can tell. */
const FLOOR = 1e-12
const TAIL = 3
/** A density beside others need not be polished: a thousandth of a nat a row, thirty steps at most. */
const STEPS = { iterations: 30, gain: 1e-3 }

/**
 * Score = squared Mahalanobis distance of the pair (-log p of the row's principal components under a Gaussian mixture,
 * log of the squared distance from their subspace): the distances in and from feature space of Moghaddam and Pentland
 * (1997, Probabilistic visual learning for object representation), with the mixture that Richardson and Weiss (2018, On
 * GANs and GMMs) found to be a fair model of small images. Two-sided: rows may be too plain as well as too strange.
 *
 * The pair is judged by rows that fits left out (a fifth, each in turn below 1,000 rows). The spread on each side of the median
 * is at least that of the rows that were fitted, so that a training row is not called strange. Fitting O(n width² + width³) for the components and
 * O(n components dimension²) an iteration, two to six times; a score O(dimension width + components dimension²).
 *
 * @param needs - what gives the column, such as pixels scaled to [0, 1]
 * @param column - its name, [N, ...]
 * @throws OodError `E_EMPTY` for fewer than 10 training rows, `E_ARGUMENT` where rows do not vary, `E_SHAPE` for another
 *   number of numbers a row than the fit's
 * @example
 * const method = subspaceMixtureOf({ image: pixels }, 'image.pixels', { components: 8 })
 */
export function subspaceMixtureOf<Input = NdArray>(
  needs: Needs<Input>,
  column: string,
  options: SubspaceMixtureOptions = {},
): Method<SubspaceMixtureFit, Input> {
  assertOptions('subspaceMixtureOf', options, ['dimension', 'components', 'seed'])
  const { dimension = 24, components = 16, seed = 0 } = options
  for (const [name, value] of Object.entries({ dimension, components }))
    if (!(Number.isSafeInteger(value) && value > 0))
      throw mismatch('E_ARGUMENT', `subspaceMixtureOf ${name}`, 'a positive integer', value)
  const rowsOf = (columns: Columns): Rows => {
    const batch = array(columns, column)
    const rows = { x: Float64Array.from(flatData(batch)), n: rowCount(batch), width: rowSize(batch) }
    const bad = rows.x.findIndex(Number.isNaN)
    if (bad >= 0)
      throw mismatch('E_NOT_FINITE', `column ${column}`, 'numbers', `NaN in row ${Math.floor(bad / rows.width)}`)
    return rows
  }
  return {
    name: 'SubspaceMixture',
    source: 'Moghaddam & Pentland 1997',
    settings: { column, dimension, components, seed },
    needs: () => needs,
    fit(train) {
      const rows = rowsOf(train)
      if (rows.n < FEWEST) throw mismatch('E_EMPTY', 'subspaceMixtureOf training rows', `at least ${FEWEST}`, rows.n)
      // One size for all fits: another dimension would be another law of the pair.
      const most = Math.max(1, Math.floor((rows.n * (PARTS - 1)) / PARTS / ROWS_EACH))
      const size = { dimension: Math.min(dimension, most), components: Math.min(components, most), seed }
      const left: number[] = []
      const fitted: number[] = []
      for (let p = 0; p < (rows.n < MANY ? PARTS : 1); p++) {
        const rest = part(rows, (i) => i % PARTS !== p)
        const space = fitSpace(rest, size)
        left.push(
          ...pairs(
            part(rows, (i) => i % PARTS === p),
            space,
          ),
        )
        fitted.push(...pairs(rest, space))
      }
      const pair = fitPair(Float64Array.from(left), Float64Array.from(fitted))
      const { mean, directions, unit, mixture } = fitSpace(rows, size)
      return {
        width: rows.width,
        mean: packNumbers(mean),
        directions: packNumbers(directions),
        unit,
        weights: packNumbers(mixture.map(({ weight }) => weight)),
        components: mixture.map(({ gaussian: g }) => packGaussian(g.mean, g.covariance)),
        ...pair,
      }
    },
    score(columns, fit) {
      const rows = rowsOf(columns)
      if (rows.n > 0 && rows.width !== fit.width)
        throw mismatch('E_SHAPE', `column ${column}`, `${fit.width} numbers a row, as in the fit`, rows.width)
      const values = pairs(rows, unpackSpace(fit))
      const law = unpackGaussian(fit.pair, 2)
      const work = new Float64Array(2)
      const z = new Float64Array(2)
      return Float64Array.from({ length: rows.n }, (_, row) => {
        if (!Number.isFinite(values[2 * row]! + values[2 * row + 1]!)) return Number.POSITIVE_INFINITY
        for (let k = 0; k < 2; k++) z[k] = placeOf(values[2 * row + k]!, k, fit)
        return squaredDistance(law, z, 0, work)
      })
    },
    parseFit(value) {
      const fit = { ...((value ?? {}) as SubspaceMixtureFit) }
      const pairOf = (list: unknown, positive: boolean): boolean =>
        Array.isArray(list) && list.length === 2 && list.every((v) => Number.isFinite(v) && (!positive || v > 0))
      if (!(Number.isSafeInteger(fit.width) && fit.width > 0))
        throw wrongField('fit.width', 'a positive integer', fit.width)
      if (!(typeof fit.unit === 'number' && fit.unit > 0 && Number.isFinite(fit.unit)))
        throw wrongField('fit.unit', 'a positive number', fit.unit)
      if (!pairOf(fit.centre, false)) throw wrongField('fit.centre', 'two finite numbers', fit.centre)
      for (const name of ['spread', 'lower'] as const)
        if (!pairOf(fit[name], true)) throw wrongField(`fit.${name}`, 'two positive numbers', fit[name])
      if (!Array.isArray(fit.components)) throw wrongField('fit.components', 'a list', fit.components)
      unpackSpace(fit)
      unpackGaussian(fit.pair, 2)
      const { width, mean, directions, unit, weights, components: kept, centre, spread, lower, pair } = fit
      return { width, mean, directions, unit, weights, components: kept, centre, spread, lower, pair }
    },
  }
}

interface Rows {
  x: Float64Array
  n: number
  width: number
}

/** A subspace and the mixture in it. */
interface Space {
  mean: Float64Array
  directions: Float64Array
  unit: number
  mixture: Component[]
}

function part({ x, n, width }: Rows, keep: (row: number) => boolean): Rows {
  const rows = Array.from({ length: n }, (_, i) => i).filter(keep)
  return { x: flatData(takeRows(tensor(x, [n, width]), rows)), n: rows.length, width }
}

function fitSpace(rows: Rows, size: { dimension: number; components: number; seed: number }): Space {
  const { x, width } = rows
  const { mean, covariance } = moments(x, width)
  const { values, vectors } = dominantEigenvectors(covariance, width, 0)
  const dimension = Math.min(size.dimension, values.length)
  const directions = vectors.slice(0, dimension * width)
  const unit = Math.sqrt(values.slice(0, dimension).reduce((sum, value) => sum + value, 0) / Math.max(1, dimension))
  const magnitude = Math.max(...mean.map(Math.abs))
  if (!varies(unit, magnitude))
    throw mismatch('E_ARGUMENT', 'subspaceMixtureOf training rows', 'rows that vary', 'equal ones')
  const { coordinates } = project(rows, { mean, directions, unit })
  const rng = random(size.seed).fork('subspace-mixture')
  const { components } = expectationMaximisation(coordinates, dimension, size.components, SHRINKAGE, rng, STEPS)
  return { mean, directions, unit, mixture: components }
}

/** Coordinates in units, [n, dimension], and squared distances from the subspace. */
function project(
  { x, n, width }: Rows,
  { mean, directions, unit }: Omit<Space, 'mixture'>,
): { coordinates: Float64Array; residual: Float64Array } {
  const dimension = directions.length / width
  const coordinates = new Float64Array(n * dimension)
  const residual = new Float64Array(n)
  const centred = new Float64Array(width)
  for (let row = 0; row < n; row++) {
    let whole = 0
    for (let j = 0; j < width; j++) {
      centred[j] = x[row * width + j]! - mean[j]!
      whole += centred[j]! ** 2
    }
    for (let k = 0; k < dimension; k++) {
      let dot = 0
      for (let j = 0; j < width; j++) dot += directions[k * width + j]! * centred[j]!
      coordinates[row * dimension + k] = dot / unit
      whole -= dot * dot
    }
    // NaN where numbers are too large to square.
    residual[row] = whole > 0 ? whole : whole <= 0 ? 0 : Number.POSITIVE_INFINITY
  }
  return { coordinates, residual }
}

/** -log p in the subspace and log squared residual, [n, 2]. */
function pairs(rows: Rows, space: Space): Float64Array {
  const { coordinates, residual } = project(rows, space)
  const dimension = space.directions.length / rows.width
  const work = new Float64Array(dimension)
  const out = new Float64Array(2 * rows.n)
  for (let row = 0; row < rows.n; row++) {
    out[2 * row] = -logMixture(space.mixture, coordinates, row * dimension, work)
    out[2 * row + 1] = Math.log(residual[row]! + FLOOR)
  }
  return out
}

type PairFit = Pick<SubspaceMixtureFit, 'centre' | 'spread' | 'lower' | 'pair'>

/** The law of the pair over rows that were left out, given those of the rows that were fitted. */
function fitPair(left: Float64Array, fitted: Float64Array): PairFit {
  const sorted = (values: Float64Array, k: number): Float64Array => values.filter((_, i) => i % 2 === k).sort()
  const centre = [0, 1].map((k) => quantile(sorted(left, k), 0.5))
  // Rows that all lie in the subspace: a residual beyond rounding is then far out, in units of the rounding.
  const plain = [0, 1].map((k) => Math.max(robustSpread(sorted(left, k)), 1e-3))
  // Of a normal law a tenth lies 1.28 spreads below the median, and a tenth above.
  const beside = (k: number, share: number): number =>
    Math.max(plain[k]!, Math.abs(quantile(sorted(fitted, k), share) - centre[k]!) / 1.28)
  const spread = [0, 1].map((k) => (quantile(sorted(fitted, k), 0.9) > centre[k]! ? beside(k, 0.9) : plain[k]!))
  const lower = [0, 1].map((k) => (quantile(sorted(fitted, k), 0.1) < centre[k]! ? beside(k, 0.1) : plain[k]!))
  const z = left.map((value, i) => placeOf(value, i % 2, { centre, spread, lower }))
  const { mean, covariance } = moments(z, 2)
  const shrunk = shrink(covariance, 2, Math.max(1e-6, ledoitWolf(z, 2, mean, covariance)))
  for (const i of [0, 3]) shrunk[i] = shrunk[i]! + 1e-6
  const law = gaussian(mean, shrunk)
  return { centre, spread, lower, pair: packGaussian(law.mean, law.covariance) }
}

/** A number of the pair in spreads from its median, with logarithmic tails. */
function placeOf(value: number, k: number, { centre, spread, lower }: Omit<PairFit, 'pair'>): number {
  const away = value - centre[k]!
  return tamed(away / (away < 0 ? lower : spread)[k]!, TAIL)
}

function unpackSpace({ width, mean, directions, unit, weights, components }: SubspaceMixtureFit): Space {
  const m = unpackNumbers('detector state fit.mean', mean)
  const v = unpackNumbers('detector state fit.directions', directions)
  const w = unpackNumbers('detector state fit.weights', weights)
  const dimension = v.length / width
  if (m.length !== width) throw wrongField('fit.mean', `${width} numbers`, m.length)
  if (!(Number.isInteger(dimension) && dimension > 0)) throw wrongField('fit.directions', `rows of ${width}`, v.length)
  if (![m, v].every((list) => list.every(Number.isFinite))) throw wrongField('fit.mean', 'finite numbers', 'others')
  if (w.length !== components.length || !w.every((value) => value > 0 && value <= 1 + 1e-9) || w.length === 0)
    throw wrongField('fit.weights', `${components.length} numbers in (0, 1]`, w.length)
  return {
    mean: m,
    directions: v,
    unit,
    mixture: components.map((packed, c) => ({ weight: w[c]!, gaussian: unpackGaussian(packed, dimension) })),
  }
}
