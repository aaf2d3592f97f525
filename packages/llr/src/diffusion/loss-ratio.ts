// From losses to outlier scores: the whole loss against the loss of the fine levels, with its standard error.
import { assertOptions, flatData, mismatch, unknownName } from '@ood/core'
import type { DenoisingLosses } from './losses.ts'

/** How L(t_frac) is held against L(1): `log-ratio` (default), or the published `difference`. */
export type RatioForm = 'log-ratio' | 'difference'

/** Options of `lossRatio`. */
export interface LossRatioOptions {
  /** One of the t_frac that the losses were measured at, below 1. */
  tFrac: number
  form?: RatioForm | undefined
}

/** Outlier scores and their standard errors from the probes. */
export interface RatioValues {
  /** Higher = more OOD. */
  score: Float64Array
  standardError: Float64Array
}

/**
 * The complexity-corrected likelihood ratio as an outlier score, **higher = more OOD**:
 *
 *     difference  L(1) - L(t_frac)            log-ratio  log L(1) - log L(t_frac)
 *
 * With C the mean loss of the levels above t_frac T and s the share of those below, L(1) = s L(t_frac) + (1 - s) C: the
 * difference is (1 - s) (C - L(t_frac)) and the log-ratio rises with C / L(t_frac). Fine levels say how complex the
 * image is at the pixel, which any natural image model predicts about as well (the background model of the ratio);
 * coarse levels say whether the model knows what it shows. An image is suspicious when its coarse loss is large for its
 * fine loss, hence the sign. The published score is L(t_frac) - L(1), larger = in-distribution: the same order.
 *
 * The difference takes one nat of fine loss for one of coarse loss, so an image with much detail passes for
 * in-distribution whatever it shows; the log-ratio has no unit and asks by which factor. Either is one-sided: of images
 * with more detail than any training image it says little, see `diffusionRatio`.
 *
 * @throws OodError `E_ARGUMENT` for a t_frac that was not measured; `E_NOT_FINITE` for the log of a loss of 0
 * @example
 * const { score, standardError } = lossRatio(await denoisingLosses(model, rows), { tFrac: 0.25 })
 */
export function lossRatio(losses: DenoisingLosses, options: LossRatioOptions): RatioValues {
  assertOptions('lossRatio', options, ['tFrac', 'form'])
  const { tFrac, form = 'log-ratio' } = options
  if (form !== 'log-ratio' && form !== 'difference') throw unknownName('form', form, ['log-ratio', 'difference'])
  const column = columnOf(losses, tFrac)
  const k = losses.fractions.length
  const loss = flatData(losses.loss)
  const error = flatData(losses.standardError)
  const n = loss.length / k
  const score = new Float64Array(n)
  const standardError = new Float64Array(n)
  // Shared probes: L(1) holds L(t_frac) with weight s, so their covariance is s times the variance of L(t_frac).
  const common = losses.paired ? losses.share[column]! : 0
  for (let i = 0; i < n; i++) {
    const fine = loss[i * k + column]!
    const whole = loss[i * k + k - 1]!
    const [a, b] = form === 'difference' ? [1, 1] : [1 / whole, 1 / fine]
    if (form === 'log-ratio' && !(fine > 0 && whole > 0))
      throw mismatch('E_NOT_FINITE', 'lossRatio', 'losses above 0', `${fine > 0 ? whole : fine} in row ${i}`)
    const fineVariance = error[i * k + column]! ** 2
    score[i] = form === 'difference' ? whole - fine : Math.log(whole) - Math.log(fine)
    standardError[i] = Math.sqrt(
      Math.max(0, (a * error[i * k + k - 1]!) ** 2 + b * (b - 2 * a * common) * fineVariance),
    )
  }
  return { score, standardError }
}

/** The column of a t_frac below 1. */
function columnOf({ fractions }: DenoisingLosses, tFrac: number): number {
  const column = fractions.indexOf(tFrac)
  if (column < 0 || column === fractions.length - 1)
    throw mismatch('E_ARGUMENT', 'lossRatio tFrac', `one of ${[...fractions.subarray(0, -1)].join(', ')}`, tFrac)
  return column
}
