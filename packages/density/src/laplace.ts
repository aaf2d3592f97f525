// Laplace's approximation of the mass around a point, and the scores made of a Hessian's eigenvalues.
import { assertOptions, flatData, mismatch, type NdArray, rowCount, rowSize } from '@ood/core'

/** What becomes of eigenvalues that are not positive, whose logarithm Laplace's formula cannot take. */
export type NegativeRule = 'ignore' | 'absolute'

/** Options of `laplaceScores`. */
export interface LaplaceOptions {
  /** Weight c of the sum of logarithms (default 1/2, Laplace's own). */
  weight?: number | undefined
  /**
   * `ignore` (default) leaves out eigenvalues <= 0, `absolute` takes their size: two of the published second-order scores.
   */
  negative?: NegativeRule | undefined
  /** Share of the eigenvalues left out at either end before anything else (default 0). */
  tails?: number | undefined
}

/**
 * log p(x) - c Σ_i ln λ_i with λ the eigenvalues of the Hessian of -log p at x. With c = 1/2, and (D/2) ln 2π added, it is
 * the log of Laplace's approximation of the mass of the peak that x is the top of. Larger = more mass around the point.
 *
 * `tails` drops floor(tails · D) eigenvalues from each end; zeros are dropped always.
 *
 * @param logProb - [N]
 * @param eigenvalues - [N, D] of `hessianSpectrum`, in any order
 * @throws OodError `E_ARGUMENT`, `E_SHAPE`
 * @example
 * const { eigenvalues } = await hessianSpectrum(flow.density, v)
 * const score = laplaceScores((await flow.density.logProb(v)).instance, eigenvalues, { negative: 'ignore' })
 */
export function laplaceScores(
  logProb: Float64Array,
  eigenvalues: NdArray<Float64Array>,
  options: LaplaceOptions = {},
): Float64Array {
  const { weight, negative, tails } = laplaceSettings(options)
  const [n, d] = [rowCount(eigenvalues, 'laplaceScores'), rowSize(eigenvalues)]
  if (logProb.length !== n) throw mismatch('E_SHAPE', 'laplaceScores', `${n} log-probabilities`, logProb.length)
  const values = flatData(eigenvalues)
  const cut = Math.floor(tails * d)
  return logProb.map((value, row) => {
    const sorted = values.slice(row * d, (row + 1) * d).sort()
    let sum = 0
    for (const lambda of sorted.subarray(cut, d - cut)) {
      if (lambda === 0 || (negative === 'ignore' && lambda < 0)) continue
      sum += Math.log(Math.abs(lambda))
    }
    return value - weight * sum
  })
}

/** The options with their defaults, checked. */
export function laplaceSettings(
  options: LaplaceOptions,
): Required<{ [K in keyof LaplaceOptions]: NonNullable<LaplaceOptions[K]> }> {
  assertOptions('laplaceScores', options, ['weight', 'negative', 'tails'])
  const { weight = 0.5, negative = 'ignore', tails = 0 } = options
  if (!Number.isFinite(weight)) throw mismatch('E_ARGUMENT', 'laplaceScores weight', 'a number', weight)
  if (negative !== 'ignore' && negative !== 'absolute')
    throw mismatch('E_ARGUMENT', 'laplaceScores negative', 'ignore or absolute', negative)
  if (!(tails >= 0 && tails < 0.5)) throw mismatch('E_ARGUMENT', 'laplaceScores tails', 'a share in [0, 0.5)', tails)
  return { weight, negative, tails }
}
