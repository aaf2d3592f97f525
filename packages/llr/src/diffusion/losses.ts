// L(t_frac) of every row at every t_frac from one sweep of the network: the expensive part of a diffusion ratio.
import {
  assertFinite,
  assertOptions,
  assertRows,
  CALL_OPTIONS,
  type CallOptions,
  flatData,
  mismatch,
  type NdArray,
  rowCount,
  type ScoreModel,
  tensor,
} from '@ood/core'
import { type ProbePlan, referencePlan, stratifiedPlan } from './plan.ts'
import { type BlockMeans, blockMeans } from './sweep.ts'
import type { LossWeighting } from './weighting.ts'

/** t_frac of the published sweep. */
export const publishedFractions: readonly number[] = [0.1, 0.25, 0.33, 0.5, 0.66]

/** How losses are measured. */
export interface LossSettings {
  /** t_frac at which L is wanted, increasing, in (tMin / T, 1] (default 0.1, 0.25, 0.33, 0.5, 0.66); 1 is always added. */
  fractions?: ArrayLike<number>
  /** Network evaluations a row in all (default 100); with `compat: 'reference'` for every t_frac and for 1. */
  probes?: number
  /** Default `likelihood`; `compat: 'reference'` has `published`. */
  weighting?: LossWeighting
  /** `fresh` (default): every row has its own times and noise; `shared`: all rows have the same. */
  sharing?: 'fresh' | 'shared'
  /**
   * `reference` repeats the published estimator: times uniform from 0 to t_frac T, drawn independently for every t_frac
   * and for 1. At equal cost it is noisier than shared strata, and times uniform near 0 leave a loss weighted with
   * 1 / sigma without a variance (VP).
   */
  compat?: 'reference'
}

/** Every setting of `denoisingLosses`. */
export const LOSS_SETTINGS: readonly string[] = ['fractions', 'probes', 'weighting', 'sharing', 'compat']

/** `rows`: keys of the rows, for probes that do not depend on a row's place in `x`. */
export interface LossCall extends CallOptions {
  rows?: ArrayLike<number> | undefined
}

/** Mean weighted denoising losses of N rows below K noise levels. */
export interface DenoisingLosses {
  /** K values of t_frac; the last is 1. */
  fractions: Float64Array
  /** L(t_frac), [N, K]. */
  loss: NdArray<Float64Array>
  /** Standard error of each from its probes, [N, K]; NaN for a single draw. */
  standardError: NdArray<Float64Array>
  /** What the levels below each t_frac are of all, in the measure that L averages over. */
  share: Float64Array
  /** Whether the columns are made of the same probes. */
  paired: boolean
  /** Network evaluations a row. */
  evaluations: number
}

/** Network evaluations a row unless told. */
export const defaultProbes = 100

/**
 * The mean denoising loss over noise levels up to t_frac T (Goodier & Campbell 2023):
 *
 *     L(t_frac) = mean over t of w(t) E |sigma(t) s(x_t, t) + eps|,   x_t = mu(t) x + sigma(t) eps,
 *
 * `published`: |.|_1, w = (t + 0.5) / sigma, t uniform in (tMin, t_frac T]. `likelihood`: |.|_2², w = 1, log tau
 * uniform. For an exact score and any density q_tau of data with noise tau, at every x
 *
 *     E log q_tau1(x + tau1 eps) - E log q_tau0(x + tau0 eps) = ∫ (E|sigma s + eps|² - D) d log tau   (tau0 to tau1),
 *
 * so L(1) times the range of log tau is -log p(x) (noise of tMin) up to a constant, split by noise level.
 *
 * Every L comes from the same evaluations (see `probes`): cost N `probes` runs of the network, no derivative. Times are
 * stratified; standard errors come from differences of neighbouring strata, which the trend of the loss makes a little
 * too large. The probes of a row follow from the seed and its key alone, so neither batches nor order change a bit.
 * Memory: N K numbers and `batchSize` rows (pairs of a row and a probe, default 256), however many probes there are.
 *
 * @param x - rows [N, ...modelShape] in the model's space
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`, `E_ARGUMENT`, `E_ABORTED`
 * @example
 * const losses = await denoisingLosses(model, rows, { fractions: [0.25], probes: 64 })
 * losses.loss.get(0, 0) // L(0.25) of the first row
 */
export async function denoisingLosses(
  model: ScoreModel,
  x: NdArray,
  settings: LossSettings = {},
  call: LossCall = {},
): Promise<DenoisingLosses> {
  assertOptions('denoisingLosses', settings, LOSS_SETTINGS)
  assertOptions('denoisingLosses call', call, CALL_OPTIONS)
  const { probes = defaultProbes, sharing = 'fresh' } = settings
  assertRows('diffusionRatio x', x, model.modelShape)
  assertFinite('diffusionRatio x', x)
  const n = rowCount(x)
  const { rows } = call
  if (rows && rows.length !== n) throw mismatch('E_SHAPE', 'diffusionRatio rows', `${n} keys`, rows.length)
  if (!(Number.isSafeInteger(probes) && probes > 0))
    throw mismatch('E_ARGUMENT', 'diffusionRatio probes', 'a positive integer', probes)
  if (sharing !== 'fresh' && sharing !== 'shared')
    throw mismatch('E_ARGUMENT', 'diffusionRatio sharing', 'fresh or shared', sharing)
  const fractions = withOne(settings.fractions ?? publishedFractions)
  const plan = planOf(model, settings, fractions, probes)
  const keys = sharing === 'shared' ? undefined : Array.from({ length: n }, (_, i) => rows?.[i] ?? i)
  const blocks = await blockMeans(model, x, plan, keys, call)
  const evaluations = plan.blocks.reduce((sum, { count }) => sum + count, 0)
  return { fractions, ...columns(blocks, plan), share: plan.share, paired: plan.paired, evaluations }
}

/** L(1) of every row. */
export function wholeLoss({ loss, fractions }: DenoisingLosses): Float64Array {
  const values = flatData(loss)
  const k = fractions.length
  return Float64Array.from({ length: values.length / k }, (_, i) => values[i * k + k - 1]!)
}

function planOf(
  { sde }: ScoreModel,
  { weighting, compat }: LossSettings,
  fractions: Float64Array,
  probes: number,
): ProbePlan {
  if (compat === undefined) return stratifiedPlan(sde, weighting ?? 'likelihood', fractions, probes)
  if (compat !== 'reference') throw mismatch('E_ARGUMENT', 'diffusionRatio compat', 'reference or nothing', compat)
  if (weighting !== undefined && weighting !== 'published')
    throw mismatch('E_ARGUMENT', 'diffusionRatio weighting', 'published with compat reference', weighting)
  return referencePlan(sde, fractions, probes)
}

/** The fractions, checked, with 1 as their last. */
function withOne(given: ArrayLike<number>): Float64Array {
  const values = Array.from(given)
  if (values.at(-1) !== 1) values.push(1)
  values.forEach((value, k) => {
    if (!(value > (values[k - 1] ?? 0) && value <= 1))
      throw mismatch('E_ARGUMENT', 'diffusionRatio t_frac', 'increasing numbers in (0, 1]', value)
  })
  return Float64Array.from(values)
}

/** L at every t_frac: running means over the blocks where they are shared, the blocks themselves where not. */
function columns(
  { mean, variance }: BlockMeans,
  { paired, widths, blocks }: ProbePlan,
): Pick<DenoisingLosses, 'loss' | 'standardError'> {
  const k = blocks.length
  const loss = new Float64Array(mean.length)
  const error = new Float64Array(mean.length)
  for (let start = 0; start < mean.length; start += k) {
    let width = 0
    let sum = 0
    let squares = 0
    for (let b = 0; b < k; b++) {
      const weight = paired ? widths[b]! : 1
      if (!paired) width = sum = squares = 0
      width += weight
      sum += weight * mean[start + b]!
      squares += weight * weight * variance[start + b]!
      loss[start + b] = sum / width
      error[start + b] = Math.sqrt(squares) / width
    }
  }
  const shape = [mean.length / k, k]
  return { loss: tensor(loss, shape), standardError: tensor(error, shape) }
}
