// The ratio and the likelihood bound as one score, standardised on training rows: either being out of place is enough.
import { fitJointScore, jointScore } from '../ratio/joint-score.ts'
import { type DenoisingLosses, wholeLoss } from './losses.ts'
import { lossRatio } from './ratio.ts'

/** What `fitJointRatio` learnt of training rows: means and standard deviations, and where. */
export interface JointRatioFit {
  tFrac: number
  /** Of log L(1). */
  whole: { mean: number; standardDeviation: number }
  /** Of log L(1) - log L(t_frac). */
  ratio: { mean: number; standardDeviation: number }
}

/**
 * Means and standard deviations of log L(1) and of the log-ratio over training rows, for `jointRatio`.
 *
 * @throws OodError `E_EMPTY` for fewer than two rows, `E_ARGUMENT` for rows that are all alike or another t_frac
 * @example
 * const fit = fitJointRatio(trainLosses, 0.25)
 */
export function fitJointRatio(train: DenoisingLosses, tFrac: number): JointRatioFit {
  const [whole, ratio] = fitJointScore(columns(train, tFrac))
  return { tFrac, whole: whole!, ratio: ratio! }
}

/**
 * max(z(log L(1)), z(log L(1) - log L(t_frac))), each standardised on training rows; **higher = more OOD**.
 *
 * The ratio alone asks whether the coarse loss is large for the fine one, so an image whose fine loss is far above any
 * training image's passes: a ratio that finds digits among clothes cannot find clothes among digits, and no choice of
 * t_frac or sign mends both (the published tables show the same). Such images are the ones that the likelihood finds,
 * and L(1) is a bound of it from the same evaluations. This is the rule of two cuts on likelihood and LID, with the
 * ratio for LID.
 *
 * @throws OodError `E_ARGUMENT` for losses without the fit's t_frac; `E_NOT_FINITE` for the log of a loss of 0
 * @example
 * const scores = jointRatio(await denoisingLosses(model, rows), fitJointRatio(trainLosses, 0.25))
 */
export function jointRatio(losses: DenoisingLosses, { tFrac, whole, ratio }: JointRatioFit): Float64Array {
  return jointScore(columns(losses, tFrac), [whole, ratio])
}

/** log L(1) and the log-ratio, higher = more OOD. */
function columns(losses: DenoisingLosses, tFrac: number): Float64Array[] {
  return [wholeLoss(losses).map(Math.log), lossRatio(losses, { tFrac }).score]
}
