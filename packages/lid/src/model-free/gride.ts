// Gride: TwoNN's likelihood for any two orders of neighbours, so that the scale can be chosen.
import { assertOptions, mismatch, type NdArray } from '@ood/core'
import { assertCount, assertFiniteList } from '../internal/check.ts'
import { neighboursFor } from './internal/global.ts'
import { listsWithin } from './internal/lists.ts'
import { GLOBAL_OPTIONS } from './internal/options.ts'
import { isPoint, isPointWithin, ratiosOf } from './internal/ratios.ts'
import { decreasingRoot } from './internal/special.ts'
import type { GlobalOptions } from './neighbour-table.ts'
import type { DimensionRule } from './neighbourhood.ts'

/** Options of Gride. */
export interface GrideOptions {
  /** The nearer neighbour n1 (default 1). */
  near?: number | undefined
  /** The farther neighbour n2 > n1 (default 2 n1). */
  far?: number | undefined
}

const GRIDE_OPTIONS: readonly string[] = ['near', 'far']

/** A dimension and how well the sample fixes it. */
export interface GrideEstimate {
  dimension: number
  /** From the observed information: 1 / √(-ℓ''(d)); ratios of neighbouring points are not independent, so a lower bound. */
  standardError: number
}

/**
 * Maximum likelihood dimension from the ratios μ = R_{n2} / R_{n1} (Denti, Doimo, Laio and Mira 2022), whose density is
 *
 *   d (μ^d - 1)^{n2-n1-1} / (B(n2 - n1, n1) μ^{(n2-1)d+1}).
 *
 * The score N/d + (n2-n1-1) Σ log μ / (1 - μ^{-d}) - (n2-1) Σ log μ falls in d and has one root. For n1 = 1, n2 = 2 it
 * is d = N / Σ log μ. Larger orders look at larger scales: noise fades, curvature shows. Infinity when all ratios are 1.
 *
 * @param ratios - one a point, at least 1
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE`, `E_ARGUMENT`
 * @example
 * grideDimension([1.2, 1.5, 2]).dimension // 3 / log 3.6 = 2.342
 */
export function grideDimension(ratios: ArrayLike<number>, options: GrideOptions = {}): GrideEstimate {
  assertOptions('grideDimension', options, GRIDE_OPTIONS)
  const { near, far } = checked(options)
  assertFiniteList('grideDimension ratios', ratios)
  const logs = Float64Array.from(ratios, Math.log)
  if (logs.some((log) => log < 0))
    throw mismatch('E_ARGUMENT', 'grideDimension ratios', 'numbers of at least 1', Math.min(...Array.from(ratios)))
  const n = logs.length
  const total = logs.reduce((sum, log) => sum + log, 0)
  if (total === 0) return { dimension: Number.POSITIVE_INFINITY, standardError: Number.POSITIVE_INFINITY }
  const between = far - near - 1
  const score = (d: number): number => {
    let sum = n / d - (far - 1) * total
    if (between > 0) for (const log of logs) sum += between * (log === 0 ? 1 / d : log / -Math.expm1(-log * d))
    return sum
  }
  // (1 + between) N / d is above the first two terms' excess over Σ log μ, so the root is at most N far / (near Σ log μ).
  const dimension = decreasingRoot(score, (2 * n * far) / (near * total))
  let information = n / dimension ** 2
  if (between > 0)
    for (const log of logs) {
      const gap = -Math.expm1(-log * dimension)
      information += between * (log === 0 ? 1 / dimension ** 2 : (log * log * (1 - gap)) / (gap * gap))
    }
  return { dimension, standardError: 1 / Math.sqrt(information) }
}

function checked({ near = 1, far = 2 * near }: GrideOptions): { near: number; far: number } {
  assertCount('Gride near', near, 1)
  assertCount('Gride far', far, near + 1)
  return { near, far }
}

/**
 * Gride as a rule: the neighbours of a point (or a whole set) are the sample. Points whose n1-th neighbour is a duplicate
 * are left out; 0 when all coincide, `E_EMPTY` when they do not but every one has n1 copies.
 *
 * @example
 * await pointwiseDimensions(x, grideRule({ near: 2 }), { neighbours: 100 })
 */
export function grideRule(options: GrideOptions = {}): DimensionRule {
  assertOptions('grideRule', options, GRIDE_OPTIONS)
  const { near, far } = checked(options)
  return {
    name: `Gride ${near}, ${far}`,
    spec: { estimator: 'gride', options: { near, far } },
    dimension(neighbourhood) {
      const { distances } = listsWithin('Gride', neighbourhood, far)
      const ratios = ratiosOf('Gride', distances, far, () => isPointWithin(neighbourhood), near)
      return ratios === undefined ? 0 : grideDimension(ratios, { near, far }).dimension
    },
  }
}

/**
 * Gride of a whole data set.
 *
 * @param x - points [N, ...], N > far
 * @param options - `table` to share a search (`far` neighbours or more)
 * @throws OodError `E_EMPTY` when every row has n1 copies, `E_NOT_FINITE`, `E_ARGUMENT`
 * @example
 * for (const near of [1, 2, 4, 8]) console.log(near, await gride(x, { near, table }))
 */
export async function gride(x: NdArray, options: GrideOptions & GlobalOptions = {}): Promise<GrideEstimate> {
  assertOptions('gride', options, [...GLOBAL_OPTIONS, ...GRIDE_OPTIONS])
  const { near, far } = checked(options)
  const { distances, data } = await neighboursFor('Gride', x, options, far)
  const ratios = ratiosOf('Gride', distances, far, () => isPoint(data), near)
  return ratios === undefined ? { dimension: 0, standardError: 0 } : grideDimension(ratios, { near, far })
}
