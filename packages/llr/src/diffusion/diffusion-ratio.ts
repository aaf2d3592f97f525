// The complexity-corrected likelihood ratio of score diffusions as a detector: t_frac from training rows, scores, threshold.
import { type CallOptions, mismatch, type NdArray, OodError, rowCount, type ScoreModel } from '@ood/core'
import type { DecisionState } from '../ratio/decision-state.ts'
import { extend } from '../ratio/internal/extend.ts'
import { type DetectorOptions, type OutlierDetector, outlierDetector } from '../ratio/outlier-detector.ts'
import { parseStored, type StoredDetector, stored, wrongField } from '../ratio/stored-detector.ts'
import { type FractionChoice, separationFraction } from './choose.ts'
import {
  type DenoisingLosses,
  defaultProbes,
  denoisingLosses,
  type LossCall,
  type LossSettings,
  publishedFractions,
} from './losses.ts'
import { lossRatio, type RatioForm, type RatioValues } from './ratio.ts'
import { quarterTurns } from './turns.ts'
import type { LossWeighting } from './weighting.ts'

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

/** The detector's settings, t_frac and decision as plain JSON; the model is given again on loading. */
export interface DiffusionRatioState extends StoredDetector {
  name: 'CCLR'
  /** Null before `fit`. */
  tFrac: number | null
  form: RatioForm
  weighting: LossWeighting
  sharing: 'fresh' | 'shared'
  probes: number
  /** Candidates of `fit`. */
  fractions: number[]
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
  toJSON(): DiffusionRatioState
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
  const { tFrac } = options
  if (tFrac !== undefined && !(tFrac > 0 && tFrac < 1))
    throw mismatch('E_ARGUMENT', 'diffusionRatio tFrac', 'a number in (0, 1)', tFrac)
  return ratioDetector(options, tFrac)
}

/**
 * A detector from its stored state; scores are the same to the last bit where the model is.
 *
 * @param state - `JSON.parse` of what `JSON.stringify(detector)` wrote
 * @throws OodError `E_FILE` naming the field that is wrong
 * @example
 * const detector = diffusionRatioFromJSON(JSON.parse(text), { model })
 */
export function diffusionRatioFromJSON(
  state: unknown,
  parts: Pick<DiffusionRatioOptions, 'model' | 'alter'>,
): DiffusionRatio {
  const { decision, settings, fields } = parseStored(state, 'CCLR')
  const { tFrac, form, weighting, sharing, probes, fractions } = fields
  const share = (value: unknown): value is number => typeof value === 'number' && value > 0 && value <= 1
  if (tFrac !== null && !(share(tFrac) && tFrac < 1)) throw wrongField('tFrac', 'a number in (0, 1) or null', tFrac)
  if (form !== 'log-ratio' && form !== 'difference') throw wrongField('form', 'log-ratio or difference', form)
  if (weighting !== 'published' && weighting !== 'likelihood')
    throw wrongField('weighting', 'published or likelihood', weighting)
  if (sharing !== 'fresh' && sharing !== 'shared') throw wrongField('sharing', 'fresh or shared', sharing)
  if (!(Number.isSafeInteger(probes) && Number(probes) > 0)) throw wrongField('probes', 'a positive integer', probes)
  if (!(Array.isArray(fractions) && fractions.every(share)))
    throw wrongField('fractions', 'numbers in (0, 1]', fractions)
  const options: DiffusionRatioOptions = { ...parts, ...settings, form, weighting, sharing, probes: Number(probes), fractions }
  return ratioDetector(options, tFrac ?? undefined, decision)
}

function ratioDetector(
  options: DiffusionRatioOptions,
  known: number | undefined,
  state?: DecisionState,
): DiffusionRatio {
  const { model, compat, alter = quarterTurns, form = compat ? 'difference' : 'log-ratio' } = options
  const { probes = defaultProbes, weighting = compat ? 'published' : 'likelihood', sharing = 'shared' } = options
  const fixed = options.tFrac
  const fractions = Array.from(options.fractions ?? (fixed === undefined ? publishedFractions : [fixed]))
  const settings: LossSettings = { sharing, probes, weighting, ...(compat === undefined ? {} : { compat }) }
  let tFrac = known
  let choice: FractionChoice | undefined
  const prepare = async (x: NdArray, call?: LossCall): Promise<DenoisingLosses> =>
    await denoisingLosses(model, x, { ...settings, fractions }, call)
  const chosen = (): number => {
    if (tFrac === undefined) throw new OodError('E_NOT_FITTED', 'diffusionRatio: expected a t_frac (fit), got none')
    return tFrac
  }
  const { dataType, threshold, outlierType, valueRange } = options
  const detector = outlierDetector(
    {
      name: 'CCLR',
      dataShape: options.dataShape ?? model.dataShape,
      ...(dataType === undefined ? {} : { dataType }),
      ...(threshold === undefined ? {} : { threshold }),
      ...(outlierType === undefined ? {} : { outlierType }),
      ...(valueRange === undefined ? {} : { valueRange }),
      async scores(x, feature, call: CallOptions) {
        if (feature === 'required')
          throw new OodError('E_UNSUPPORTED', 'CCLR feature scores: expected a request for instance scores only')
        const at = chosen()
        const losses = await denoisingLosses(model, x, { ...settings, fractions: [at] }, call)
        return { instance: lossRatio(losses, { tFrac: at, form }).score, feature: null }
      },
    },
    state,
  )
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
      if (fixed !== undefined) return
      if (rowCount(train) < 2) throw mismatch('E_EMPTY', 'diffusionRatio fit', 'at least two rows', rowCount(train))
      const sets = [train, ...alter(train)]
      const losses: DenoisingLosses[] = []
      for (const [i, set] of sets.entries()) losses.push(await prepare(set, part(call, i, sets.length)))
      choice = separationFraction(losses[0]!, losses.slice(1), form)
      tFrac = choice.tFrac
    },
    toJSON: (): DiffusionRatioState => ({
      ...stored('CCLR', options, detector.decision()),
      tFrac: tFrac ?? null,
      form,
      weighting,
      sharing,
      probes,
      fractions,
    }),
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
