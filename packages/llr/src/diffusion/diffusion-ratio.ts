// The complexity-corrected likelihood ratio of score diffusions as a detector: t_frac from training rows, scores, threshold.
import { type CallOptions, mismatch, type NdArray, OodError, rowCount, type ScoreModel } from '@ood/core'
import { extend } from '../ratio/internal/extend.ts'
import { type DetectorOptions, type OutlierDetector, outlierDetector } from '../ratio/outlier-detector.ts'
import { type FractionChoice, separationFraction } from './choose.ts'
import { type DenoisingLosses, denoisingLosses, type LossCall, type LossSettings } from './losses.ts'
import { lossRatio, type RatioForm, type RatioValues } from './ratio.ts'
import { quarterTurns } from './turns.ts'

/** Parts and settings of the detector. */
export interface DiffusionRatioOptions extends Omit<LossSettings, 'compat'>, Omit<DetectorOptions, 'compat'> {
  /** The score model; rows are in its space (`model.preprocess` of an opened network). */
  model: ScoreModel
  /** One t_frac in (tMin / T, 1): nothing to fit. By default `fit` chooses among `fractions`. */
  tFrac?: number
  /** Default `log-ratio`; `compat: 'reference'` has `difference`. */
  form?: RatioForm
  /** What `fit` tells training rows from (default `quarterTurns`, for square images). */
  alter?: (x: NdArray) => readonly NdArray[]
  /**
   * `reference`: the published estimator and difference, with the sign of this library. The published choice of t_frac
   * on evaluation data is not repeated: give a `tFrac`.
   */
  compat?: 'reference'
}

/** Complexity-corrected likelihood ratio over rows [N, ...dataShape]. */
export interface DiffusionRatio extends OutlierDetector {
  /** The t_frac in use; undefined before `fit`. */
  readonly tFrac: number | undefined
  /** What `fit` saw; undefined where t_frac was given. */
  readonly choice: FractionChoice | undefined
  /** Chooses t_frac on training rows: one sweep of them and one of each altered set. */
  fit(train: NdArray, call?: LossCall): Promise<void>
  /** The losses that ratios at any of `fractions` are read from. */
  prepare(x: NdArray, call?: LossCall): Promise<DenoisingLosses>
  /** Scores with standard errors, from losses; at the detector's t_frac by default. */
  ratio(losses: DenoisingLosses, tFrac?: number): RatioValues
}

/**
 * Complexity-corrected likelihood ratio (Goodier & Campbell 2023, arXiv 2310.17432; spec dgm 1.6.5): log L(1) - log L(t_frac)
 * of the denoising losses, **higher = more OOD**. See `lossRatio` for the score and its sign, `denoisingLosses` for the
 * estimate. A single network, no derivatives, no background model: `probes` evaluations a row.
 *
 * t_frac comes from `tFrac`, or from `fit(train)` by `separationFraction` (the published tables take the best t_frac on
 * the evaluation data, which is optimistic). By default all rows share their probes, so a score is a function of the
 * row and the seed alone, whatever batch or place the row has, and comparisons carry less noise.
 *
 * It is one-sided: noise added to an image raises the fine levels, so it lowers the score. Where inputs may be noisy or
 * broken, watch the likelihood or L(t_frac) itself as well.
 *
 * @throws OodError `E_ARGUMENT`; from calls `E_NOT_FITTED` before there is a t_frac, and as `denoisingLosses`
 * @example
 * const detector = diffusionRatio({ model, probes: 64 })
 * await detector.fit(await model.preprocess(trainImages))
 * await detector.inferThreshold(await model.preprocess(heldOut), 0.05)
 * const { data } = await detector.predict(await model.preprocess(images))
 */
export function diffusionRatio(options: DiffusionRatioOptions): DiffusionRatio {
  const { model, compat, alter = quarterTurns, form = compat ? 'difference' : 'log-ratio' } = options
  const { tFrac: given, fractions, probes, weighting, sharing = 'shared' } = options
  if (given !== undefined && !(given > 0 && given < 1))
    throw mismatch('E_ARGUMENT', 'diffusionRatio tFrac', 'a number in (0, 1)', given)
  const settings: LossSettings = {
    sharing,
    ...(probes === undefined ? {} : { probes }),
    ...(weighting === undefined ? {} : { weighting }),
    ...(compat === undefined ? {} : { compat }),
  }
  let tFrac = given
  let choice: FractionChoice | undefined
  const candidates = fractions ?? (given === undefined ? undefined : [given])
  const prepare = async (x: NdArray, call?: LossCall): Promise<DenoisingLosses> =>
    await denoisingLosses(model, x, { ...settings, ...(candidates ? { fractions: candidates } : {}) }, call)
  const chosen = (): number => {
    if (tFrac === undefined) throw new OodError('E_NOT_FITTED', 'diffusionRatio: expected a t_frac (fit), got none')
    return tFrac
  }
  const { dataType, threshold, outlierType, valueRange } = options
  const detector = outlierDetector({
    name: 'CCLR',
    dataShape: options.dataShape ?? model.dataShape,
    ...(dataType === undefined ? {} : { dataType }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(outlierType === undefined ? {} : { outlierType }),
    ...(valueRange === undefined ? {} : { valueRange }),
    async scores(x, feature, call: CallOptions) {
      if (feature === 'required')
        throw new OodError('E_UNSUPPORTED', 'CCLR feature scores: expected instance scores, got a request for features')
      const at = chosen()
      const losses = await denoisingLosses(model, x, { ...settings, fractions: [at] }, call)
      return { instance: lossRatio(losses, { tFrac: at, form }).score, feature: null }
    },
  })
  return extend(detector, {
    get tFrac() {
      return tFrac
    },
    get choice() {
      return choice
    },
    prepare,
    ratio: (losses: DenoisingLosses, at: number = chosen()) => lossRatio(losses, { tFrac: at, form }),
    async fit(train: NdArray, call: LossCall = {}) {
      if (given !== undefined) return
      if (rowCount(train) < 2) throw mismatch('E_EMPTY', 'diffusionRatio fit', 'at least two rows', rowCount(train))
      const sets = [train, ...alter(train)]
      const losses: DenoisingLosses[] = []
      for (const [i, set] of sets.entries()) losses.push(await prepare(set, part(call, i, sets.length)))
      choice = separationFraction(losses[0]!, losses.slice(1), form)
      tFrac = choice.tFrac
    },
  })
}

/** Call options of one of several sweeps, whose progress is a share of the whole. */
function part(call: LossCall, index: number, count: number): LossCall {
  const { onProgress } = call
  if (!onProgress) return call
  return {
    ...call,
    onProgress: ({ done, total, label }) => onProgress({ done: index * total + done, total: count * total, label }),
  }
}
