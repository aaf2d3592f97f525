// A Gaussian mixture over the vector of statistics: follows training data that come in several kinds.
import { assertOptions, mismatch, type NdArray, random } from '@ood/core'
import { marginal } from '../internal/gaussian.ts'
import { type Component, expectationMaximisation, logMixture } from '../internal/mixture.ts'
import type { Method } from '../method.ts'
import { packNumbers, unpackNumbers } from '../pack.ts'
import { wrongField } from '../stored.ts'
import { type CombinationFit, combination, type DensityRule, type Standardised } from './combination.ts'
import { conditional, type PackedGaussian, packGaussian, unpackGaussian } from './gaussian.ts'
import type { Statistic } from './statistic.ts'

/** Settings of `mixtureOf`. */
export interface MixtureOptions {
  /** Components (default 5); fewer where there are not 10 training rows for each. */
  components?: number | undefined
  /** Share of every component's covariance that is replaced by a multiple of the identity (default 0.1). */
  shrinkage?: number | undefined
  /** Starts of which the best is kept (default 4). */
  starts?: number | undefined
  /** Seed of the starts (default 0). */
  seed?: number | undefined
}

/** A fitted mixture. */
export interface MixtureKept {
  /** Weights of the components, packed; they sum to 1. */
  weights: string
  components: PackedGaussian[]
}

/**
 * Score = -log Σ_c w_c N(z; m_c, Σ_c), the negative log-density of a Gaussian mixture over the robustly standardised
 * statistics, fitted by expectation maximisation on training rows (Bishop 2006, 9.2). Covariances are full and shrunk
 * towards a multiple of the identity. As in multiscale score matching (Mahmood et al. 2021, arXiv 2010.13132), which
 * fits a mixture to score norms at several noise levels, with any statistics.
 *
 * Fitting O(n K² components) an iteration; a score O(K² components).
 *
 * @param statistics - what to look at
 * @throws OodError `E_ARGUMENT`, `E_EMPTY`, `E_NOT_FINITE`
 * @example
 * const method = mixtureOf([logProb, complexity, lidCurve], { components: 5 })
 */
export function mixtureOf<Input = NdArray>(
  statistics: readonly Statistic<Input>[],
  options: MixtureOptions = {},
): Method<CombinationFit<MixtureKept>, Input> {
  assertOptions('mixtureOf', options, ['components', 'shrinkage', 'starts', 'seed'])
  const { components = 5, shrinkage = 0.1, starts = 4, seed = 0 } = options
  for (const [name, value] of Object.entries({ components, starts }))
    if (!(Number.isSafeInteger(value) && value > 0))
      throw mismatch('E_ARGUMENT', `mixture ${name}`, 'a positive integer', value)
  if (!(shrinkage > 0 && shrinkage <= 1))
    throw mismatch('E_ARGUMENT', 'mixture shrinkage', 'a number in (0, 1]', shrinkage)
  const settings = { components, shrinkage, starts, seed }
  return combination('GaussianMixture', 'Mahmood et al. 2021', settings, statistics, mixtureRule(settings))
}

function mixtureRule(settings: Required<{ [K in keyof MixtureOptions]: number }>): DensityRule<MixtureKept> {
  return {
    fit({ z, rows, width }) {
      const count = Math.max(1, Math.min(settings.components, Math.floor(rows / 10)))
      let best: { components: Component[]; value: number } | undefined
      for (let start = 0; start < settings.starts; start++) {
        const rng = random(settings.seed).fork('mixture').fork(start)
        const found = expectationMaximisation(z, width, count, settings.shrinkage, rng)
        if (!best || found.value > best.value) best = found
      }
      const { components } = best!
      return {
        weights: packNumbers(components.map(({ weight }) => weight)),
        components: components.map(({ gaussian: { mean, covariance } }) => packGaussian(mean, covariance)),
      }
    },
    score: (x, kept) => negativeLogDensity(x, unpack(kept, x.width)),
    explain(x, kept, statistics) {
      const components = unpack(kept, x.width)
      return conditional(x, statistics, negativeLogDensity(x, components), (coordinates) => {
        const rest = components.map((c) => ({ weight: c.weight, gaussian: marginal(c.gaussian, coordinates) }))
        const work = new Float64Array(coordinates.length)
        return (point, at) => -logMixture(rest, point, at, work)
      })
    },
    parse(value, width) {
      const { weights, components } = (value ?? {}) as MixtureKept
      if (!Array.isArray(components)) throw wrongField('fit.components', 'a list', components)
      unpack({ weights, components }, width)
      return { weights, components }
    },
  }
}

function negativeLogDensity({ z, rows, width }: Standardised, components: readonly Component[]): Float64Array {
  const work = new Float64Array(width)
  return Float64Array.from({ length: rows }, (_, row) => -logMixture(components, z, row * width, work))
}

function unpack({ weights, components }: MixtureKept, width: number): Component[] {
  const w = unpackNumbers('detector state fit.weights', weights)
  if (w.length !== components.length || w.length === 0)
    throw wrongField('fit.weights', `${components.length} numbers`, w.length)
  if (!w.every((value) => value > 0 && value <= 1 + 1e-9))
    throw wrongField('fit.weights', 'numbers in (0, 1]', 'others')
  return components.map((packed, c) => ({ weight: w[c]!, gaussian: unpackGaussian(packed, width) }))
}
