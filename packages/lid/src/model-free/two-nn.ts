// TwoNN: the ratio of the distances to the second and the first neighbour follows a Pareto law whose index is d.
import { assertOptions, mismatch, type NdArray, OodError } from '@ood/core'
import { assertFiniteList } from '../internal/check.ts'
import { neighboursFor } from './internal/global.ts'
import { listsWithin } from './internal/lists.ts'
import { GLOBAL_OPTIONS, picked } from './internal/options.ts'
import { isPoint, isPointWithin, ratiosOf } from './internal/ratios.ts'
import type { GlobalOptions } from './neighbour-table.ts'
import type { DimensionRule } from './neighbourhood.ts'

/** Options of TwoNN. */
export interface TwoNnOptions {
  /** Share of the points with the largest ratios that is left out of the fit (default 0.1, as in the paper). */
  discard?: number | undefined
  /**
   * `'scikit-dimension'`: the i-th smallest of N ratios has the empirical share (i - 1) / N instead of i / N, as in
   * scikit-dimension before July 2024; since then it counts as the paper does, and this option is not needed.
   */
  compat?: 'scikit-dimension' | undefined
}

const TWO_NN_OPTIONS: readonly string[] = ['discard', 'compat']

/**
 * Dimension from the ratios μ = R_2 / R_1 of all points (Facco, d'Errico, Rodriguez and Laio 2017): P(μ > m) = m^{-d},
 * so d is the slope through the origin of -log(1 - F(μ)) on log μ, with F the empirical distribution, i / N for the i-th
 * smallest, over all but the largest ratios:
 *
 *   d = Σ x_i y_i / Σ x_i²,   x_i = log μ_(i),   y_i = -log(1 - i / N)
 *
 * scikit-dimension started at i = 0 until July 2024 (its pull request 28), which lowers every y and the estimate with it
 * (2.33 for 2.46 on 60 points of a plane); `compat: 'scikit-dimension'` does the same, for numbers from that time. A ratio
 * at F = 1 is left out. Infinity when all ratios
 * are 1.
 *
 * @param ratios - one a point, at least 1
 * @throws OodError `E_EMPTY` when fewer than two ratios remain, `E_NOT_FINITE`, `E_ARGUMENT`
 * @example
 * twoNnDimension([1.1, 1.3, 1.6, 2.4], { discard: 0 })
 */
export function twoNnDimension(ratios: ArrayLike<number>, options: TwoNnOptions = {}): number {
  assertOptions('twoNnDimension', options, TWO_NN_OPTIONS)
  const { discard = 0.1, compat } = options
  if (!(discard >= 0 && discard < 1)) throw mismatch('E_ARGUMENT', 'TwoNN discard', 'a number in [0, 1)', discard)
  assertFiniteList('twoNnDimension ratios', ratios)
  const sorted = Float64Array.from(ratios).sort()
  if (sorted[0]! < 1) throw mismatch('E_ARGUMENT', 'twoNnDimension ratios', 'numbers of at least 1', sorted[0])
  const n = sorted.length
  const kept = Math.floor(n * (1 - discard))
  const first = compat === 'scikit-dimension' ? 0 : 1
  let products = 0
  let squares = 0
  let used = 0
  for (let i = 0; i < kept; i++) {
    const share = (i + first) / n
    if (share >= 1) break
    const x = Math.log(sorted[i]!)
    products -= x * Math.log1p(-share)
    squares += x * x
    used++
  }
  if (used < 2) throw new OodError('E_EMPTY', `twoNnDimension: expected at least 2 ratios to fit, got ${used}`)
  return squares === 0 ? Number.POSITIVE_INFINITY : products / squares
}

/**
 * TwoNN as a rule: the neighbours of a point (or a whole set) are the sample, each with the ratio of its distances to
 * the two nearest others. Points with a duplicate among them have no ratio and are left out; 0 when all coincide, `E_EMPTY`
 * when they do not but every one has a copy.
 *
 * @example
 * await pointwiseDimensions(x, twoNnRule(), { neighbours: 100 })
 */
export function twoNnRule(options: TwoNnOptions = {}): DimensionRule {
  assertOptions('twoNnRule', options, TWO_NN_OPTIONS)
  const { discard = 0.1, compat } = options
  return {
    name: 'TwoNN',
    spec: { estimator: 'twoNn', options: { discard, compat } },
    dimension(neighbourhood) {
      if (neighbourhood.count < 3)
        throw new OodError('E_EMPTY', `TwoNN: expected at least 3 points, got ${neighbourhood.count}`)
      const { distances } = listsWithin('TwoNN', neighbourhood, 2)
      const ratios = ratiosOf('TwoNN', distances, 2, () => isPointWithin(neighbourhood))
      return ratios === undefined ? 0 : twoNnDimension(ratios, { discard, compat })
    },
  }
}

/**
 * TwoNN of a whole data set: points with a copy have no ratio and are left out; 0 when all rows are equal.
 *
 * @param x - points [N, ...], N >= 3
 * @param options - `table` to share a search (2 neighbours or more)
 * @throws OodError `E_EMPTY` when every row has a copy, `E_NOT_FINITE`, `E_ARGUMENT`
 * @example
 * const d = await twoNn(x)
 */
export async function twoNn(x: NdArray, options: TwoNnOptions & GlobalOptions = {}): Promise<number> {
  assertOptions('twoNn', options, [...GLOBAL_OPTIONS, ...TWO_NN_OPTIONS])
  const { distances, data } = await neighboursFor('TwoNN', x, options, 2)
  const ratios = ratiosOf('TwoNN', distances, 2, () => isPoint(data))
  return ratios === undefined ? 0 : twoNnDimension(ratios, picked<TwoNnOptions>(options, TWO_NN_OPTIONS))
}
