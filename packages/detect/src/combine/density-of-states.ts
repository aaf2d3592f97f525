// Density of states: one kernel density a statistic, their logarithms added (DoSE).

import type { NdArray } from '@ood/core'
import { standardDeviation } from '@ood/core'
import type { Method } from '../method.ts'
import { packNumbers, unpackNumbers } from '../pack.ts'
import { wrongField } from '../stored.ts'
import { type CombinationFit, combination, type DensityRule } from './combination.ts'
import type { Statistic } from './statistic.ts'

/** Training values of every number, and the widths of the kernels. */
export interface DensityOfStatesKept {
  /** [width, n] packed: ascending training values number by number. */
  values: string
  bandwidth: number[]
}

/**
 * Density of states estimation (Morningstar et al. 2021, arXiv 2006.09273): score = -Σ_k log p̂_k(z_k), p̂_k the Gaussian
 * kernel density of statistic k over the training rows (width by Silverman's rule, 1.06 n^(-1/5) spreads). Each
 * statistic is taken alone: two-sided, and blind to combinations. Training scores leave a row's own kernel out.
 *
 * Fitting O(K n log n), a score O(K n).
 *
 * @param statistics - what to look at
 * @example
 * const method = densityOfStates([logProb, complexity])
 */
export function densityOfStates<Input = NdArray>(
  statistics: readonly Statistic<Input>[],
): Method<CombinationFit<DensityOfStatesKept>, Input> {
  return combination('DoSE', 'Morningstar et al. 2021', {}, statistics, rule)
}

const rule: DensityRule<DensityOfStatesKept> = {
  fit({ z, rows, width }) {
    const values = new Float64Array(width * rows)
    const bandwidth: number[] = []
    for (let k = 0; k < width; k++) {
      const column = Float64Array.from({ length: rows }, (_, row) => z[row * width + k]!).sort()
      values.set(column, k * rows)
      bandwidth.push(1.06 * Math.max(standardDeviation(column), 1e-3) * rows ** -0.2)
    }
    return { values: packNumbers(values), bandwidth }
  },
  score: (x, kept) => add(terms(x, kept, false), x.width),
  trainingScore: (x, kept) => add(terms(x, kept, true), x.width),
  explain(x, kept, statistics) {
    const all = terms(x, kept, false)
    const out = new Float64Array(x.rows * statistics)
    for (let row = 0; row < x.rows; row++)
      for (let k = 0; k < x.width; k++) {
        const at = row * statistics + x.owner[k]!
        out[at] = out[at]! + all[row * x.width + k]!
      }
    return out
  },
  parse(value, width) {
    const { values, bandwidth } = (value ?? {}) as DensityOfStatesKept
    const list = unpackNumbers('detector state fit.values', values)
    if (list.length === 0 || list.length % width !== 0)
      throw wrongField('fit.values', `a multiple of ${width} numbers`, list.length)
    if (!(Array.isArray(bandwidth) && bandwidth.length === width && bandwidth.every((h) => h > 0)))
      throw wrongField('fit.bandwidth', `${width} positive numbers`, bandwidth)
    return { values, bandwidth }
  },
}

/** -log p̂_k of every number; with `own` the row's own kernel is left out. */
function terms(
  { z, width }: { z: Float64Array; width: number },
  { values, bandwidth }: DensityOfStatesKept,
  own: boolean,
): Float64Array {
  const known = unpackNumbers('detector state fit.values', values)
  const n = known.length / width
  return z.map((value, at) => {
    const k = at % width
    const h = bandwidth[k]!
    const column = known.subarray(k * n, (k + 1) * n)
    const skip = own ? column.indexOf(value) : -1
    let nearest = Number.POSITIVE_INFINITY
    for (let i = 0; i < n; i++) if (i !== skip) nearest = Math.min(nearest, Math.abs(value - column[i]!))
    if (!Number.isFinite(nearest)) return Number.POSITIVE_INFINITY
    // Sums around the nearest value, so that far away the logarithm keeps falling and never becomes -Infinity.
    let sum = 0
    for (let i = 0; i < n; i++)
      if (i !== skip) sum += Math.exp(-0.5 * (((value - column[i]!) / h) ** 2 - (nearest / h) ** 2))
    const count = skip < 0 ? n : n - 1
    return 0.5 * (nearest / h) ** 2 - Math.log(sum) + Math.log(count * h * Math.sqrt(2 * Math.PI))
  })
}

function add(all: Float64Array, width: number): Float64Array {
  const rows = all.length / Math.max(1, width)
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let k = 0; k < width; k++) sum += all[row * width + k]!
    return sum
  })
}
