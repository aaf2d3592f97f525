// Squared Mahalanobis distance of the vector of statistics from the training rows, with a shrunk covariance.
import type { NdArray } from '@ood/core'
import {
  type Gaussian,
  gaussian,
  ledoitWolf,
  marginal,
  moments,
  shrink,
  squaredDistance,
} from '../internal/gaussian.ts'
import type { Method } from '../method.ts'
import { packNumbers, unpackNumbers } from '../pack.ts'
import { wrongField } from '../stored.ts'
import { type CombinationFit, combination, type DensityRule, type Standardised } from './combination.ts'
import type { Statistic } from './statistic.ts'

/** A stored Gaussian: numbers packed as base64. */
export interface PackedGaussian {
  mean: string
  covariance: string
}

/**
 * Score = (z - m)ᵀ Σ⁻¹ (z - m), z the robustly standardised statistics, Σ their covariance over training rows shrunk
 * towards a multiple of the identity by Ledoit and Wolf's intensity (2004), so that it works with fewer training rows
 * than statistics. As in multiscale score matching (Mahmood et al. 2021, arXiv 2010.13132), with any statistics.
 *
 * Two-sided, and it sees combinations that are unusual although every statistic alone is not.
 * Fitting O(n K²), a score O(K²) for K numbers a row.
 *
 * @param statistics - what to look at
 * @throws OodError `E_ARGUMENT` for equal names, or when no statistic varies over the training rows; `E_NOT_FINITE`
 * @example
 * const method = gaussianOf([columnStatistic('log p', { flow: logProb }, 'flow.logProb'), lidCurve])
 */
export function gaussianOf<Input = NdArray>(
  statistics: readonly Statistic<Input>[],
): Method<CombinationFit<PackedGaussian>, Input> {
  return combination('Gaussian', 'Mahmood et al. 2021; Ledoit and Wolf 2004', {}, statistics, rule)
}

const rule: DensityRule<PackedGaussian> = {
  fit({ z, width }) {
    const { mean, covariance } = moments(z, width)
    return packGaussian(mean, shrink(covariance, width, floor(ledoitWolf(z, width, mean, covariance))))
  },
  score(x, kept) {
    const g = unpackGaussian(kept, x.width)
    const work = new Float64Array(x.width)
    return Float64Array.from({ length: x.rows }, (_, row) => squaredDistance(g, x.z, row * x.width, work))
  },
  explain: (x, kept, statistics) => {
    const g = unpackGaussian(kept, x.width)
    const work = new Float64Array(x.width)
    const whole = Float64Array.from({ length: x.rows }, (_, row) => squaredDistance(g, x.z, row * x.width, work))
    return conditional(x, statistics, whole, (kept) => {
      const rest = marginal(g, kept)
      return (point, at) => squaredDistance(rest, point, at, work)
    })
  },
  parse(value, width) {
    const { mean, covariance } = (value ?? {}) as PackedGaussian
    unpackGaussian({ mean, covariance }, width)
    return { mean, covariance }
  },
}

/** Always some shrinkage: two statistics may be the same number. */
function floor(intensity: number): number {
  return Math.max(1e-6, intensity)
}

/** Packs mean and covariance. */
export function packGaussian(mean: Float64Array, covariance: Float64Array): PackedGaussian {
  return { mean: packNumbers(mean), covariance: packNumbers(covariance) }
}

/** Unpacks them. @throws OodError `E_FILE` for other sizes or a covariance that is none */
export function unpackGaussian(packed: PackedGaussian, width: number): Gaussian {
  if (typeof packed !== 'object' || packed === null) throw wrongField('fit', 'a mean and a covariance', packed)
  const mean = unpackNumbers('detector state fit.mean', packed.mean)
  const covariance = unpackNumbers('detector state fit.covariance', packed.covariance)
  if (mean.length !== width) throw wrongField('fit.mean', `${width} numbers`, mean.length)
  if (covariance.length !== width * width)
    throw wrongField('fit.covariance', `${width * width} numbers`, covariance.length)
  try {
    return gaussian(mean, covariance)
  } catch {
    throw wrongField('fit.covariance', 'a positive definite matrix', 'another')
  }
}

/**
 * What each statistic adds given all others: the whole score minus that of the rest alone, -2 log (or -log) of the
 * conditional density of the statistic given the others.
 */
export function conditional(
  { z, rows, width, owner }: Standardised,
  statistics: number,
  whole: Float64Array,
  scoreOf: (kept: readonly number[]) => (point: Float64Array, at: number) => number,
): Float64Array {
  const out = new Float64Array(rows * statistics)
  for (let s = 0; s < statistics; s++) {
    const kept = owner.flatMap((o, k) => (o === s ? [] : [k]))
    if (kept.length === width) continue
    if (kept.length === 0) {
      for (let row = 0; row < rows; row++) out[row * statistics + s] = whole[row]!
      continue
    }
    const score = scoreOf(kept)
    const point = new Float64Array(kept.length)
    for (let row = 0; row < rows; row++) {
      kept.forEach((k, j) => {
        point[j] = z[row * width + k]!
      })
      out[row * statistics + s] = whole[row]! - score(point, 0)
    }
  }
  return out
}
