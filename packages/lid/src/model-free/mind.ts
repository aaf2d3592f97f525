// MiND: maximum likelihood from the nearest of k neighbours relative to the next beyond them.
import { assertOptions, mismatch, type NdArray, unknownName } from '@ood/core'
import { assertCount, assertFiniteList } from '../internal/check.ts'
import { neighboursFor } from './internal/global.ts'
import { listsWithin } from './internal/lists.ts'
import { GLOBAL_OPTIONS } from './internal/options.ts'
import { isPoint, isPointWithin, ratiosOf } from './internal/ratios.ts'
import { decreasingRoot } from './internal/special.ts'
import type { GlobalOptions } from './neighbour-table.ts'
import type { DimensionRule } from './neighbourhood.ts'

/** Options of MiND. */
export interface MindOptions {
  /** `'MLk'`: the real maximum (default). `'MLi'`: the best whole number. */
  version?: 'MLk' | 'MLi' | undefined
  /** Neighbours k; the (k + 1)-th sets the scale (default 20). */
  k?: number | undefined
  /** Largest dimension considered (default: the ambient one; scikit-dimension's default is 10). */
  maxDimension?: number | undefined
}

const MIND_OPTIONS: readonly string[] = ['version', 'k', 'maxDimension']

/**
 * Dimension from ρ = R_1 / R_{k+1} of all points (Rozza, Lombardi, Ceruti, Casiraghi and Campadelli 2012), with density
 * k d ρ^{d-1} (1 - ρ^d)^{k-1}: the maximum of
 *
 *   ℓ(d) = N log(k d) + (d - 1) Σ log ρ + (k - 1) Σ log(1 - ρ^d)
 *
 * over real d in (0, maxDimension] (MLk) or whole d in 1..maxDimension (MLi). ℓ is concave: MLi is one of the two whole
 * numbers around MLk.
 *
 * @param inverse - the ratios R_{k+1} / R_1 = 1 / ρ, at least 1
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE`, `E_ARGUMENT`
 * @example
 * mindDimension([2, 3, 2.5], { k: 5, maxDimension: 10 })
 */
export function mindDimension(inverse: ArrayLike<number>, options: MindOptions & { maxDimension: number }): number {
  assertOptions('mindDimension', options, MIND_OPTIONS)
  const { version, k } = checked(options)
  const { maxDimension } = options
  assertCount('MiND maxDimension', maxDimension, 1)
  assertFiniteList('mindDimension ratios', inverse)
  const logs = Float64Array.from(inverse, Math.log)
  if (logs.some((log) => log < 0))
    throw mismatch('E_ARGUMENT', 'mindDimension ratios', 'numbers of at least 1', Math.min(...Array.from(inverse)))
  const n = logs.length
  const score = (d: number): number => {
    let sum = n / d
    for (const log of logs) sum += -log + (k - 1) * (log === 0 ? 1 / d : log / Math.expm1(log * d))
    return sum
  }
  const best = decreasingRoot(score, maxDimension)
  if (version === 'MLk') return best
  const below = Math.max(1, Math.floor(best))
  const above = Math.min(maxDimension, below + 1)
  return logLikelihood(logs, k, above) > logLikelihood(logs, k, below) ? above : below
}

function logLikelihood(logs: Float64Array, k: number, d: number): number {
  let sum = logs.length * Math.log(k * d)
  for (const log of logs) {
    sum -= (d - 1) * log
    if (k > 1) sum += (k - 1) * Math.log(-Math.expm1(-log * d))
  }
  return sum
}

function checked({ version = 'MLk', k = 20, maxDimension }: MindOptions): {
  version: 'MLk' | 'MLi'
  k: number
  maxDimension: number | undefined
} {
  if (version !== 'MLk' && version !== 'MLi') throw unknownName('MiND version', version, ['MLk', 'MLi'])
  assertCount('MiND k', k, 1)
  if (maxDimension !== undefined) assertCount('MiND maxDimension', maxDimension, 1)
  return { version, k, maxDimension }
}

/**
 * MiND as a rule: the neighbours of a point (or a whole set) are the sample, k + 2 of them at least. Points with a
 * duplicate are left out; 0 when all coincide, `E_EMPTY` when they do not but every one has a copy.
 *
 * @example
 * await pointwiseDimensions(x, mindRule({ k: 10 }), { neighbours: 100 })
 */
export function mindRule(options: MindOptions = {}): DimensionRule {
  assertOptions('mindRule', options, MIND_OPTIONS)
  const { version, k, maxDimension } = checked(options)
  return {
    name: `MiND ${version}`,
    spec: { estimator: 'mind', options: { version, k, maxDimension } },
    dimension(neighbourhood) {
      const { distances } = listsWithin('MiND', neighbourhood, k + 1)
      const ratios = ratiosOf('MiND', distances, k + 1, () => isPointWithin(neighbourhood))
      if (ratios === undefined) return 0
      return mindDimension(ratios, { version, k, maxDimension: maxDimension ?? neighbourhood.ambient })
    },
  }
}

/**
 * MiND of a whole data set.
 *
 * @param x - points [N, ...], N >= k + 2
 * @param options - `table` to share a search (k + 1 neighbours or more)
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE`, `E_ARGUMENT`
 * @example
 * const d = await mindMl(x, { k: 10, version: 'MLi' })
 */
export async function mindMl(x: NdArray, options: MindOptions & GlobalOptions = {}): Promise<number> {
  assertOptions('mindMl', options, [...GLOBAL_OPTIONS, ...MIND_OPTIONS])
  const { version, k, maxDimension } = checked(options)
  const { distances, data } = await neighboursFor('MiND', x, options, k + 1)
  const ratios = ratiosOf('MiND', distances, k + 1, () => isPoint(data))
  const ambient = x.shape.slice(1).reduce((product, n) => product * n, 1)
  return ratios === undefined ? 0 : mindDimension(ratios, { version, k, maxDimension: maxDimension ?? ambient })
}
