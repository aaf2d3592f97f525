// The complexity-corrected likelihood ratio of score diffusions as a detector: t_frac from training rows, scores, threshold.
import {
  assertOptions,
  type CallOptions,
  mismatch,
  type NdArray,
  OodError,
  rowCount,
  type ScoreModel,
  unknownName,
} from '@ood/core'
import type { DecisionState } from '../ratio/decision-state.ts'
import { extend } from '../ratio/internal/extend.ts'
import { type DetectorOptions, type OutlierDetector, outlierDetector } from '../ratio/outlier-detector.ts'
import { DETECTOR_OPTIONS } from '../ratio/outlier-types.ts'
import { parseStored, type StoredDetector, stored, wrongField } from '../ratio/stored-detector.ts'
import { type FractionChoice, separationFraction } from './choose.ts'
import { fitJointRatio, type JointRatioFit, jointRatio } from './joint.ts'
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

/** How losses become a score. */
export type DiffusionRatioRule = 'joint' | 'ratio'

/** Parts and settings of the detector. */
export interface DiffusionRatioOptions extends Omit<LossSettings, 'compat'>, Omit<DetectorOptions, 'compat'> {
  /** The score model; rows are in its space (`model.preprocess` of an opened network). */
  model: ScoreModel
  /**
   * `joint` (default): `jointRatio`, the ratio or the likelihood bound, whichever is further out on training rows.
   * `ratio` (default with `compat: 'reference'`): the ratio alone.
   */
  rule?: DiffusionRatioRule
  /** One t_frac in (tMin / T, 1). By default `fit` chooses among `fractions`. With it, `ratio` has nothing to fit. */
  tFrac?: number
  /** Of `rule: 'ratio'`: default `log-ratio`; `compat: 'reference'` has `difference`. */
  form?: RatioForm
  /** What `fit` tells training rows from (default `quarterTurns`, for square images). */
  alter?: (x: NdArray) => readonly NdArray[]
  /**
   * `reference`: the published estimator and difference, with the sign of this library. The published choice of t_frac
   * on evaluation data is not repeated: give a `tFrac`.
   */
  compat?: 'reference'
}

const RATIO_OPTIONS = ['model', 'rule', 'tFrac', 'form', 'alter', 'fractions', 'probes', 'weighting', 'sharing']

/** The detector's settings, t_frac and decision as plain JSON; the model is given again on loading. */
export interface DiffusionRatioState extends StoredDetector {
  name: 'CCLR'
  /** Null before `fit`. */
  tFrac: number | null
  rule: DiffusionRatioRule
  /** What `fit` learnt of training rows for the joint score; null before, and for the ratio alone. */
  joint: JointRatioFit | null
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
  /** Chooses t_frac on training rows (a sweep of them and of each altered set) and standardises on them (a sweep). */
  fit(train: NdArray, call?: LossCall): Promise<void>
  /** The losses that ratios at any of `fractions` are read from. */
  prepare(x: NdArray, call?: LossCall): Promise<DenoisingLosses>
  /** The detector's scores from losses measured at its t_frac. */
  scoreLosses(losses: DenoisingLosses): Float64Array
  /** The ratio alone with standard errors, from losses; at the detector's t_frac by default. */
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
 * row and the seed alone, whatever batch or place the row has (on images the noise of different rows is no more alike for it).
 *
 * The ratio alone is one-sided: an image of more detail than any training image, or one with noise added, has a large
 * fine loss and a small ratio. The joint score adds the likelihood bound L(1), which finds these, from the same
 * evaluations.
 *
 * @throws OodError `E_ARGUMENT`; from calls `E_NOT_FITTED` before `fit`, and as `denoisingLosses`
 * @example
 * const detector = diffusionRatio({ model, probes: 64 })
 * await detector.fit(await model.preprocess(trainImages))
 * await detector.inferThreshold(await model.preprocess(heldOut), 0.05)
 * const { data } = await detector.predict(await model.preprocess(images))
 */
export function diffusionRatio(options: DiffusionRatioOptions): DiffusionRatio {
  assertOptions('diffusionRatio', options, [...DETECTOR_OPTIONS, ...RATIO_OPTIONS])
  const { tFrac } = options
  if (tFrac !== undefined && !(tFrac > 0 && tFrac < 1))
    throw mismatch('E_ARGUMENT', 'diffusionRatio tFrac', 'a number in (0, 1)', tFrac)
  return ratioDetector(options, { tFrac, joint: undefined })
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
  const { tFrac, rule, joint, form, weighting, sharing, probes, fractions } = fields
  const share = (value: unknown): value is number => typeof value === 'number' && value > 0 && value <= 1
  if (tFrac !== null && !(share(tFrac) && tFrac < 1)) throw wrongField('tFrac', 'a number in (0, 1) or null', tFrac)
  if (rule !== 'joint' && rule !== 'ratio') throw wrongField('rule', 'joint or ratio', rule)
  if (form !== 'log-ratio' && form !== 'difference') throw wrongField('form', 'log-ratio or difference', form)
  if (weighting !== 'published' && weighting !== 'likelihood')
    throw wrongField('weighting', 'published or likelihood', weighting)
  if (sharing !== 'fresh' && sharing !== 'shared') throw wrongField('sharing', 'fresh or shared', sharing)
  if (!(Number.isSafeInteger(probes) && Number(probes) > 0)) throw wrongField('probes', 'a positive integer', probes)
  if (!(Array.isArray(fractions) && fractions.every(share)))
    throw wrongField('fractions', 'numbers in (0, 1]', fractions)
  const options: DiffusionRatioOptions = {
    ...parts,
    ...settings,
    rule,
    form,
    weighting,
    sharing,
    probes: Number(probes),
    fractions,
  }
  return ratioDetector(options, { tFrac: tFrac ?? undefined, joint: parseJoint(joint, tFrac) }, decision)
}

function ratioDetector(
  options: DiffusionRatioOptions,
  known: { tFrac: number | undefined; joint: JointRatioFit | undefined },
  state?: DecisionState,
): DiffusionRatio {
  const { model, compat, alter = quarterTurns, form = compat ? 'difference' : 'log-ratio' } = options
  const { probes = defaultProbes, weighting = compat ? 'published' : 'likelihood', sharing = 'shared' } = options
  const { rule = compat ? 'ratio' : 'joint' } = options
  if (rule !== 'joint' && rule !== 'ratio') throw unknownName('rule', rule, ['joint', 'ratio'])
  const fixed = options.tFrac
  const fractions = Array.from(options.fractions ?? (fixed === undefined ? publishedFractions : [fixed]))
  const settings: LossSettings = { sharing, probes, weighting, ...(compat === undefined ? {} : { compat }) }
  let { tFrac, joint } = known
  let choice: FractionChoice | undefined
  const prepare = async (x: NdArray, call?: LossCall): Promise<DenoisingLosses> =>
    await denoisingLosses(model, x, { ...settings, fractions }, call)
  const chosen = (): number => {
    if (tFrac === undefined) throw new OodError('E_NOT_FITTED', 'diffusionRatio: expected a t_frac (fit), got none')
    return tFrac
  }
  const scoreLosses = (losses: DenoisingLosses): Float64Array => {
    const at = chosen()
    if (rule === 'ratio') return lossRatio(losses, { tFrac: at, form }).score
    if (!joint) throw new OodError('E_NOT_FITTED', 'diffusionRatio: expected training rows (fit), got none')
    return jointRatio(losses, joint)
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
        if (rule === 'joint' && !joint)
          throw new OodError('E_NOT_FITTED', 'diffusionRatio: expected training rows (fit), got none')
        const losses = await denoisingLosses(model, x, { ...settings, fractions: [at] }, call)
        return { instance: scoreLosses(losses), feature: null }
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
    scoreLosses,
    ratio: (losses: DenoisingLosses, at: number = chosen()) => lossRatio(losses, { tFrac: at, form }),
    async fit(train: NdArray, call: LossCall = {}) {
      if (fixed !== undefined && rule === 'ratio') return
      if (rowCount(train) < 2) throw mismatch('E_EMPTY', 'diffusionRatio fit', 'at least two rows', rowCount(train))
      const sets = [train, ...(fixed === undefined ? alter(train) : [])]
      // Candidates cut the strata elsewhere, so what is standardised is measured again at the chosen t_frac alone.
      const again = rule === 'joint' && !(fixed !== undefined && fractions.length === 1)
      const sweeps = sets.length + (again ? 1 : 0)
      const losses: DenoisingLosses[] = []
      for (const [i, set] of sets.entries()) losses.push(await prepare(set, part(call, i, sweeps)))
      choice = fixed === undefined ? separationFraction(losses[0]!, losses.slice(1), form) : undefined
      tFrac = fixed ?? choice!.tFrac
      if (rule !== 'joint') return
      const last = { ...settings, fractions: [tFrac] }
      const found = again ? await denoisingLosses(model, train, last, part(call, sets.length, sweeps)) : losses[0]!
      joint = fitJointRatio(found, tFrac)
    },
    toJSON: (): DiffusionRatioState => ({
      ...stored('CCLR', options, detector.decision()),
      tFrac: tFrac ?? null,
      rule,
      joint: joint ?? null,
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

function parseJoint(value: unknown, tFrac: unknown): JointRatioFit | undefined {
  if (value === null) return undefined
  const fit = value as Partial<JointRatioFit> | undefined
  const known = (moments: JointRatioFit['whole'] | undefined): boolean =>
    Number.isFinite(moments?.mean) && Number.isFinite(moments?.standardDeviation) && moments!.standardDeviation > 0
  if (!(fit && fit.tFrac === tFrac && known(fit.whole) && known(fit.ratio)))
    throw wrongField('joint', 'means and standard deviations at tFrac, or null', value)
  return fit as JointRatioFit
}
