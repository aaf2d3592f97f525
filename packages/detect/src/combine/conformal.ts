// Combination of conformal p-values, one or several scores: with a guarantee, or with a correction for their dependence.
import { logGamma, mismatch, OodError, variance } from '@ood/core'

/** How p-values become one. */
export type PValueRule = 'bonferroni' | 'fisher' | 'harmonic' | 'cauchy'

/** Rules by name. */
export const pValueRules: readonly PValueRule[] = ['bonferroni', 'fisher', 'harmonic', 'cauchy']

/** What the training rows say about the dependence of -2 Σ log p (`fisher`). */
export interface FisherCorrection {
  /** -2 Σ log p is about `factor` times a chi-squared variable of `degrees` degrees of freedom. */
  factor: number
  degrees: number
}

/**
 * One p-value of K p-values of the same row.
 *
 * - `bonferroni`: min(1, K min p). Valid under any dependence: P(p <= a) <= a (conservative).
 * - `harmonic`: harmonic mean times e log K (Wilson 2019, PNAS 116; the factor of Vovk and Wang 2020 makes it valid under
 *   any dependence), at most 1.
 * - `cauchy`: ½ - arctan(mean tan((½ - p) π)) / π (Liu and Xie 2020, JASA 115): accurate in the tail under arbitrary
 *   correlation, not exact.
 * - `fisher`: -2 Σ log p against a scaled chi-squared variable (Fisher 1932; Brown 1975, Biometrics 31, for dependence).
 *   Without a `correction` the p-values must be independent.
 *
 * @param pValues - K lists of N p-values
 * @returns N p-values
 * @throws OodError `E_EMPTY`, `E_SHAPE`, `E_ARGUMENT` for numbers outside (0, 1]
 * @example
 * combinePValues([typicality.pValues(a), lid.pValues(b)], 'bonferroni')
 */
export function combinePValues(
  pValues: readonly Float64Array[],
  rule: PValueRule,
  correction?: FisherCorrection,
): Float64Array {
  const n = rowsOf(pValues)
  const k = pValues.length
  const combine = (row: number): number => {
    const ps = pValues.map((list) => list[row]!)
    switch (rule) {
      case 'bonferroni':
        return Math.min(1, k * Math.min(...ps))
      case 'harmonic': {
        const mean = k / ps.reduce((sum, p) => sum + 1 / p, 0)
        return Math.min(1, (k === 1 ? 1 : Math.E * Math.log(k)) * mean)
      }
      case 'cauchy': {
        // A p-value of exactly 1 would be -Infinity and outweigh everything; 1 - 1/K in its place (Liu and Xie's own code).
        const mean = ps.reduce((sum, p) => sum + Math.tan((0.5 - (p === 1 && k > 1 ? 1 - 1 / k : p)) * Math.PI), 0) / k
        return 0.5 - Math.atan(mean) / Math.PI
      }
      case 'fisher': {
        const { factor, degrees } = correction ?? { factor: 1, degrees: 2 * k }
        return chiSquaredTail(fisherStatistic(ps) / factor, degrees)
      }
      default:
        throw mismatch('E_ARGUMENT', 'p-value rule', pValueRules.join(', '), rule)
    }
  }
  return Float64Array.from({ length: n }, (_, row) => combine(row))
}

/**
 * log of the combination of `combinePValues`, which is a p-value where it is below log 1 = 0 and an order everywhere: no
 * bound at 1, p-values down to 0, and no underflow. log p of `bonferroni`, say, is log K + log min p, so K statistics
 * whose p-values end at 2 / (n + 1) order rows even where K times that is above 1.
 */
export function logCombined(
  pValues: readonly Float64Array[],
  rule: PValueRule,
  { factor, degrees }: FisherCorrection,
): Float64Array {
  const k = pValues.length
  const combine = (ps: readonly number[]): number => {
    switch (rule) {
      case 'bonferroni':
        return Math.log(k) + Math.log(Math.min(...ps))
      case 'harmonic': {
        const mean = k / ps.reduce((sum, p) => sum + 1 / p, 0)
        return Math.log(k === 1 ? 1 : Math.E * Math.log(k)) + Math.log(mean)
      }
      case 'cauchy': {
        // cot(pi p) for tan((1/2 - p) pi), which rounds small p away; arctan(1 / x) likewise.
        const mean = ps.reduce((sum, p) => sum + 1 / Math.tan((p === 1 && k > 1 ? 1 - 1 / k : p) * Math.PI), 0) / k
        return Math.log((mean > 1 ? Math.atan(1 / mean) : Math.PI / 2 - Math.atan(mean)) / Math.PI)
      }
      case 'fisher':
        return logChiSquaredTail(fisherStatistic(ps) / factor, degrees)
      default:
        throw mismatch('E_ARGUMENT', 'p-value rule', pValueRules.join(', '), rule)
    }
  }
  return Float64Array.from(pValues[0]!, (_, row) => combine(pValues.map((list) => list[row]!)))
}

/**
 * Brown's correction from p-values of in-distribution rows: the mean 2K and the variance of -2 Σ log p seen on them are
 * those of `factor` times a chi-squared variable of `degrees` degrees of freedom.
 *
 * @throws OodError `E_EMPTY` for fewer than two rows
 */
export function fisherCorrection(pValues: readonly Float64Array[]): FisherCorrection {
  const n = rowsOf(pValues)
  if (n < 2) throw new OodError('E_EMPTY', `fisherCorrection: expected at least 2 rows, got ${n}`)
  const values = Float64Array.from({ length: n }, (_, row) => fisherStatistic(pValues.map((list) => list[row]!)))
  const expected = 2 * pValues.length
  // Independent p-values have variance 4K; never sharper than that.
  const spread = Math.max(variance(values), 2 * expected)
  return { factor: spread / (2 * expected), degrees: (2 * expected ** 2) / spread }
}

/** Two-sided p-value of a statistic whose upper and lower tail are both suspicious: twice the smaller, at most 1. */
export function twoSided(upper: Float64Array, lower: Float64Array): Float64Array {
  if (upper.length !== lower.length)
    throw mismatch('E_SHAPE', 'twoSided lower', `${upper.length} p-values`, lower.length)
  return upper.map((p, row) => Math.min(1, 2 * Math.min(p, lower[row]!)))
}

/** P(X > x) of a chi-squared variable, degrees of freedom positive and not necessarily whole. */
export function chiSquaredTail(x: number, degrees: number): number {
  return upperGamma(degrees / 2, x / 2)
}

/** log P(X > x) of a chi-squared variable, also where the probability itself is below the smallest number. */
function logChiSquaredTail(x: number, degrees: number): number {
  const [a, y] = [degrees / 2, x / 2]
  if (y < a + 1) return Math.log(upperGamma(a, y))
  return y === Number.POSITIVE_INFINITY ? -y : a * Math.log(y) - y - logGamma(a) + Math.log(gammaFraction(a, y))
}

function fisherStatistic(ps: readonly number[]): number {
  return -2 * ps.reduce((sum, p) => sum + Math.log(p), 0)
}

function rowsOf(pValues: readonly Float64Array[]): number {
  const n = pValues[0]?.length
  if (n === undefined) throw new OodError('E_EMPTY', 'p-values: expected at least one list, got none')
  for (const [k, list] of pValues.entries()) {
    if (list.length !== n) throw mismatch('E_SHAPE', `p-values ${k}`, `${n} rows`, list.length)
    const bad = list.findIndex((p) => !(p > 0 && p <= 1))
    if (bad >= 0) throw mismatch('E_ARGUMENT', `p-values ${k}`, 'numbers in (0, 1]', `${list[bad]} in row ${bad}`)
  }
  return n
}

/** Regularised upper incomplete gamma function Q(a, x): series below a + 1, continued fraction above (DLMF 8.11, 8.9). */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  if (!Number.isFinite(x)) return 0
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a))
  if (x < a + 1) {
    let term = 1 / a
    let sum = term
    for (let n = 1; n < 1000 && term > sum * 1e-17; n++) {
      term *= x / (a + n)
      sum += term
    }
    return Math.max(0, 1 - scale * sum)
  }
  return Math.min(1, scale * gammaFraction(a, x))
}

/** Q(a, x) Γ(a) eˣ x⁻ᵃ, x >= a + 1, by the modified Lentz algorithm. */
function gammaFraction(a: number, x: number): number {
  let b = x + 1 - a
  let c = 1e300
  let d = 1 / b
  let h = d
  for (let n = 1; n < 1000; n++) {
    const factor = -n * (n - a)
    b += 2
    d = 1 / (factor * d + b)
    c = b + factor / c
    h *= d * c
    if (Math.abs(d * c - 1) < 1e-16) break
  }
  return h
}
