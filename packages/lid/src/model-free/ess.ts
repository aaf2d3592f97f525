// Expected simplex skewness: how far pairs of directions are from orthogonal, against the uniform ball.
import { assertOptions, logGamma, mismatch, type NdArray, OodError, random, unknownName } from '@ood/core'
import { assertCount } from '../internal/check.ts'
import { gramOf } from './internal/local.ts'
import { splitOptions } from './internal/options.ts'
import { copiesIn } from './internal/separability.ts'
import { skewness } from './internal/simplices.ts'
import type { DimensionRule, Neighbourhood } from './neighbourhood.ts'
import { type PointwiseDimensions, type PointwiseOptions, pointwiseDimensions } from './pointwise.ts'

/** Options of the expected simplex skewness. */
export interface EssOptions {
  /** `'a'`: volumes of simplices (default). `'b'`: projections of one vector on another, only with d = 1. */
  version?: 'a' | 'b' | undefined
  /** Vectors in a simplex beside the first (default 1: pairs). */
  d?: number | undefined
  /** Simplices drawn, by `seed`, where d > 1 gives more of them (default 5000). Pairs are never drawn: all are used. */
  maxSimplices?: number | undefined
  /** Seed of that draw (default 0). */
  seed?: number | undefined
}

const ESS_OPTIONS: readonly string[] = ['version', 'd', 'maxSimplices', 'seed']

/**
 * Expected skewness of a simplex of d + 1 vectors drawn uniformly from the n-ball about its centre
 * (Johnsson, Soneson and Fontes 2015):
 *
 *   a: [Γ(n/2) / Γ((n+1)/2)]^d Γ(n/2) / Γ((n-d)/2), 0 for n <= d
 *   b: (2 / (√π n)) Γ((n+2)/2) / Γ((n+1)/2)
 *
 * Version a rises from 0 to 1 in n, version b falls from 1 to 0.
 *
 * @example
 * essReference(2) // 2 / π
 */
export function essReference(n: number, options: EssOptions = {}): number {
  assertOptions('essReference', options, ESS_OPTIONS)
  const { version = 'a', d = 1 } = options
  if (version === 'b') return (2 / (Math.sqrt(Math.PI) * n)) * Math.exp(logGamma((n + 2) / 2) - logGamma((n + 1) / 2))
  if (n <= d) return 0
  const half = logGamma(n / 2)
  return Math.exp(d * (half - logGamma((n + 1) / 2)) + half - logGamma((n - d) / 2))
}

/** The dimension at which the reference curve, linear between whole numbers, has the given skewness. */
export function essDimension(value: number, options: EssOptions = {}): number {
  assertOptions('essDimension', options, ESS_OPTIONS)
  const rising = (options.version ?? 'a') === 'a'
  const reached = (n: number): boolean => {
    const at = essReference(n, options)
    return rising ? at > value : at < value
  }
  // All curves are monotone, so doubling and bisection find the whole number below.
  let above = 2
  while (!reached(above) && above < 2 ** 40) above *= 2
  let below = Math.max(1, options.version === 'b' ? 1 : (options.d ?? 1))
  if (reached(below)) return below
  while (above - below > 1) {
    const middle = Math.floor((above + below) / 2)
    if (reached(middle)) above = middle
    else below = middle
  }
  const from = essReference(below, options)
  return below + (value - from) / (essReference(above, options) - from)
}

/**
 * Expected simplex skewness as a rule (Johnsson, Soneson and Fontes 2015): the neighbours minus their mean
 * are vectors w, and over all (d + 1)-tuples
 *
 *   a: Σ √det(Gram of the tuple) / Σ Π |w|          b: Σ |w_i · w_j| / Σ |w_i| |w_j|
 *
 * is compared with its value for a uniform ball, `essReference`. All pairs are used, from one Gram matrix; where there
 * are more than 5000 (k > 100) scikit-dimension draws 5000 of them and its results are random. One ambient dimension
 * gives 1; 0 where all points coincide. Pairs of copies are left out (of pairs, d = 1; tuples may hold copies).
 *
 * @throws OodError `E_UNKNOWN_NAME` for a version, `E_ARGUMENT` for d; `E_EMPTY` from the rule for fewer than d + 1 points
 *
 * Cost O(k²) after the inner products (d = 1).
 * @example
 * await pointwiseDimensions(x, essRule(), { neighbours: 100 })
 */
export function essRule(options: EssOptions = {}): DimensionRule {
  assertOptions('essRule', options, ESS_OPTIONS)
  const { version = 'a', d = 1, maxSimplices = 5000, seed = 0 } = options
  if (version !== 'a' && version !== 'b') throw unknownName('ESS version', version, ['a', 'b'])
  assertCount('ESS d', d, 1)
  assertCount('ESS maxSimplices', maxSimplices, 1)
  if (version === 'b' && d !== 1) throw mismatch('E_ARGUMENT', 'ESS d', '1 with version b', d)
  return {
    name: `ESS ${version}`,
    spec: { estimator: 'ess', options: { version, d, maxSimplices, seed } },
    dimension(neighbourhood) {
      const value = essValue(neighbourhood, version, d, maxSimplices, seed)
      return value === undefined ? 0 : essDimension(value, options)
    },
  }
}

function essValue(
  neighbourhood: Neighbourhood,
  version: 'a' | 'b',
  d: number,
  maxSimplices: number,
  seed: number,
): number | undefined {
  const { count: k, ambient } = neighbourhood
  if (k < d + 1) throw new OodError('E_EMPTY', `ESS: expected at least ${d + 1} points, got ${k}`)
  const G = inRange(gramOf(neighbourhood), k)
  if (d > 1) return ambient <= d ? 0 : skewness(G, k, d + 1, maxSimplices, random(seed).fork('ESS'))
  const norms = Float64Array.from({ length: k }, (_, i) => Math.sqrt(Math.max(0, G[i * k + i]!)))
  const areCopies = copiesIn(neighbourhood)
  let measured = 0
  let total = 0
  for (let i = 0; i < k; i++) {
    const ii = G[i * k + i]!
    for (let j = 0; j < i; j++) {
      const ij = G[i * k + j]!
      // Only pairs this close are looked at.
      const between = ii + G[j * k + j]! - 2 * ij
      if (between < 1e-6 * ii && areCopies(i, j)) continue
      measured += version === 'a' ? Math.sqrt(Math.max(0, ii * G[j * k + j]! - ij * ij)) : Math.abs(ij)
      total += norms[i]! * norms[j]!
    }
  }
  if (!(total > 0)) return undefined
  // In one dimension all vectors are parallel; what is left is rounding.
  return ambient === 1 ? Number(version === 'b') : measured / total
}

/** Products of unit size where products of products would leave the range of float64. */
function inRange(G: Float64Array, k: number): Float64Array {
  let largest = 0
  for (let i = 0; i < k; i++) largest = Math.max(largest, G[i * k + i]!)
  return largest === 0 || (largest > 1e-50 && largest < 1e50) ? G : G.map((value) => value / largest)
}

/**
 * Pointwise dimensions by expected simplex skewness.
 *
 * @param options - `neighbours` k (100 is usual)
 * @example
 * const { mean } = await ess(x, { neighbours: 100 })
 */
export function ess(x: NdArray, options: EssOptions & PointwiseOptions): Promise<PointwiseDimensions> {
  const { own, rest } = splitOptions<EssOptions, PointwiseOptions>('ess', options, ESS_OPTIONS)
  return pointwiseDimensions(x, essRule(own), rest)
}
