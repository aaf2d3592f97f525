// Dimension from a covariance spectrum: the eight rules of local PCA.
import { assertOptions, mismatch, OodError, unknownName } from '@ood/core'
import { assertBetween, assertFiniteList } from '../internal/check.ts'
import { minkaDimension } from './minka.ts'

/** Rules that turn a spectrum into a dimension, by their usual names. */
export type LpcaVersion =
  | 'FO'
  | 'maxgap'
  | 'ratio'
  | 'participation_ratio'
  | 'Kaiser'
  | 'broken_stick'
  | 'Fan'
  | 'Minka'

/** Settings of the local PCA rules. */
export interface LpcaRuleOptions {
  /** Which rule (default `'FO'`, Fukunaga and Olsen 1971). */
  version?: LpcaVersion
  /** FO: an eigenvalue counts while above this share of the largest (default 0.05; 0.001 to calibrate LID scales). */
  alphaFO?: number
  /** ratio: the cumulative share to reach (default 0.05). */
  alphaRatio?: number
  /** Fan: a gap λ_i / λ_{i+1} above this ends the count (default 10). */
  alphaFan?: number
  /** Fan: a cumulative share above this ends the count (default 0.8). */
  betaFan?: number
  /** Fan: eigenvalues after this cumulative share are averaged as the noise level (default 0.95). */
  PFan?: number
  /** Minka: how many points the eigenvalues come from (`lpcaRule` knows). */
  samples?: number
  /** `'scikit-dimension'` (or `'reference'`): as scikit-dimension computes it, see `lpcaDimension` and `lpcaRule`. */
  compat?: 'scikit-dimension' | 'reference' | undefined
}

/** Every option of the lPCA rules. */
export const LPCA_OPTIONS: readonly string[] = [
  'version',
  'alphaFO',
  'alphaRatio',
  'alphaFan',
  'betaFan',
  'PFan',
  'samples',
  'compat',
]

const VERSIONS = ['FO', 'maxgap', 'ratio', 'participation_ratio', 'Kaiser', 'broken_stick', 'Fan', 'Minka'] as const

/**
 * Dimension from explained variances λ_1 >= λ_2 >= ...:
 *
 * - FO: #{ λ_i > alphaFO λ_1 }
 * - maxgap: argmax λ_i / λ_{i+1}, counted from 1
 * - ratio: #{ i : cumulative share of the first i < alphaRatio } + 1
 * - participation_ratio: (Σ λ)² / Σ λ², a real number
 * - Kaiser: #{ λ_i > mean λ }
 * - broken_stick: how many leading shares exceed their stick (1/n) Σ_{j>=i} 1/j (Jackson 1993)
 * - Fan (Fan, Gu, Qiao and Zhang 2010): r is the first place whose cumulative share exceeds PFan; the mean of
 *   λ_{r+1}.. is the noise and is subtracted from all; then the first i with a gap above alphaFan or a cumulative share
 *   above betaFan
 * - Minka: the largest evidence, `minkaDimension`
 *
 * `compat: 'scikit-dimension'` returns one more for broken_stick (its loop reports the place of the first stick that is
 * longer than its share, which is no longer part of the signal), and for Fan averages the noise from λ_r on, as its
 * model, the R package intrinsicDimension, does. λ_r carries signal: it is what lifts the share over PFan. Three equal
 * variances without any noise, (1, 1, 1, 0, 0), then have a "noise" of 1/3, and the result is 2.
 *
 * @param eigenvalues - explained variances, descending, non-negative
 * @returns an integer (a real number for participation_ratio); 0 when all variances are 0
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE`, `E_ARGUMENT` for negative or unsorted values, `E_UNKNOWN_NAME`
 * @example
 * lpcaDimension([4, 1, 0.001], { alphaFO: 0.05 }) // 2
 */
export function lpcaDimension(eigenvalues: ArrayLike<number>, options: LpcaRuleOptions = {}): number {
  assertOptions('lpcaDimension', options, LPCA_OPTIONS)
  const { version, alphaFO, alphaRatio, alphaFan, betaFan, PFan, compat } = checkedLpcaOptions(options)
  assertFiniteList('lpcaDimension eigenvalues', eigenvalues)
  const values = Float64Array.from(eigenvalues)
  for (let i = 0; i < values.length; i++) {
    if (!(values[i]! >= 0 && (i === 0 || values[i]! <= values[i - 1]!)))
      throw mismatch('E_ARGUMENT', 'lpcaDimension eigenvalues', 'descending non-negative numbers', values[i])
  }
  if (values[0] === 0) return 0
  // No rule depends on the unit; a power of two near λ_1 keeps squares of extreme variances in range, exactly.
  const unit = 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(values[0]!))))
  for (let i = 0; i < values.length; i++) values[i] = values[i]! / unit
  const total = values.reduce((sum, value) => sum + value, 0)
  const reference = compat !== undefined
  switch (version) {
    case 'FO':
      return values.filter((value) => value > alphaFO * values[0]!).length
    case 'maxgap':
      return values.length === 1 ? 1 : argmax(gaps(values)) + 1
    case 'ratio':
      return cumulative(values, total).filter((share) => share < alphaRatio).length + 1
    case 'participation_ratio':
      return total ** 2 / values.reduce((sum, value) => sum + value * value, 0)
    case 'Kaiser':
      return values.filter((value) => value > total / values.length).length
    case 'broken_stick': {
      const stick = brokenStick(values.length)
      const first = values.findIndex((value, i) => stick[i]! > value / total)
      // The last stick, 1/n², is above the last share unless all shares are equal: then every component counts.
      const count = first < 0 ? values.length : first
      return reference ? count + 1 : count
    }
    case 'Fan':
      return fan(values, total, alphaFan, betaFan, PFan, reference)
    case 'Minka':
      if (options.samples === undefined)
        throw new OodError('E_ARGUMENT', 'lpcaDimension samples: expected the number of points for Minka, got none')
      return minkaDimension(values, options.samples)
  }
}

/** Fills in defaults and checks ranges. */
export function checkedLpcaOptions(options: LpcaRuleOptions): Required<Omit<LpcaRuleOptions, 'compat' | 'samples'>> & {
  compat: LpcaRuleOptions['compat']
} {
  const { version = 'FO', alphaFO = 0.05, alphaRatio = 0.05, alphaFan = 10, betaFan = 0.8, PFan = 0.95 } = options
  if (!VERSIONS.includes(version)) throw unknownName('lPCA version', version, VERSIONS)
  assertBetween('lPCA alphaFO', alphaFO, 0, 1)
  assertBetween('lPCA alphaRatio', alphaRatio, 0, 1)
  assertBetween('lPCA alphaFan', alphaFan, 1, Number.POSITIVE_INFINITY)
  assertBetween('lPCA betaFan', betaFan, 0, 1)
  assertBetween('lPCA PFan', PFan, 0, 1)
  return { version, alphaFO, alphaRatio, alphaFan, betaFan, PFan, compat: options.compat }
}

function fan(
  values: Float64Array,
  total: number,
  alpha: number,
  beta: number,
  share: number,
  reference: boolean,
): number {
  const reached = cumulative(values, total).findIndex((value) => value > share)
  const noiseFrom = reference ? reached : reached + 1
  let noise = 0
  for (let i = noiseFrom; i < values.length; i++) noise += values[i]! / (values.length - noiseFrom)
  const signal = values.map((value) => value - noise)
  const shares = cumulative(
    signal,
    signal.reduce((sum, value) => sum + value, 0),
  )
  const ratio = gaps(signal)
  const first = shares.findIndex((value, i) => value > beta || (i < ratio.length && ratio[i]! > alpha))
  return first < 0 ? values.length : first + 1
}

/** λ_i / λ_{i+1}; a gap down to exactly 0 is infinite. */
function gaps(values: Float64Array): Float64Array {
  return Float64Array.from({ length: Math.max(0, values.length - 1) }, (_, i) =>
    values[i] === 0 ? 0 : values[i]! / values[i + 1]!,
  )
}

function cumulative(values: Float64Array, total: number): Float64Array {
  let sum = 0
  return values.map((value) => {
    sum += value
    return sum / total
  })
}

/** Expected shares of a stick broken at random into n pieces, longest first. */
function brokenStick(n: number): Float64Array {
  const out = new Float64Array(n)
  let sum = 0
  for (let i = n - 1; i >= 0; i--) {
    sum += 1 / (i + 1)
    out[i] = sum / n
  }
  return out
}

function argmax(values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}
