// The complexity-corrected likelihood ratio of score diffusions as a method: t_frac from training rows, then the score.
import {
  assertOptions,
  concatRows,
  flatData,
  mismatch,
  type NdArray,
  rowCount,
  type ScoreModel,
  tensor,
  unknownName,
} from '@ood/core'
import {
  array,
  type Columns,
  describedBy,
  fitWorst,
  type Measurement,
  type Method,
  measurement,
  type Needs,
  type Spread,
  worst,
  wrongField,
} from '@ood/detect'
import { type FractionChoice, separationFraction } from './choose.ts'
import { lossRatio, type RatioForm } from './loss-ratio.ts'
import {
  type DenoisingLosses,
  defaultProbes,
  denoisingLosses,
  type LossSettings,
  publishedFractions,
  wholeLoss,
} from './losses.ts'
import { quarterTurns } from './turns.ts'

/** How losses become a score. */
export type DiffusionRatioRule = 'joint' | 'ratio'

/** Parts and settings of the method. */
export interface DiffusionRatioOptions extends Omit<LossSettings, 'compat'> {
  /** The score model. Rows are raw where it has `preprocess` (an opened network), in its own space otherwise. */
  model: ScoreModel
  /**
   * `joint` (default): the ratio or the likelihood bound, whichever is further out on training rows. `ratio` (default
   * with `compat: 'reference'`): the ratio alone.
   */
  rule?: DiffusionRatioRule | undefined
  /** One t_frac in (tMin / T, 1). By default `fit` chooses among `fractions`. With it, `ratio` has nothing to fit. */
  tFrac?: number | undefined
  /** Of `rule: 'ratio'`: default `log-ratio`; `compat: 'reference'` has `difference`. */
  form?: RatioForm | undefined
  /** What `fit` tells training rows from (default `quarterTurns`, for square images). */
  alter?: ((x: NdArray) => readonly NdArray[]) | undefined
  /**
   * `reference`: the published estimator and difference, with the sign of this library. The published choice of t_frac
   * on evaluation data is not repeated: give a `tFrac`.
   */
  compat?: 'reference' | undefined
}

const OPTIONS = ['model', 'rule', 'tFrac', 'form', 'alter', 'compat', 'fractions', 'probes', 'weighting', 'sharing']

/** What the method learns. */
export interface DiffusionRatioFit {
  tFrac: number
  /** Spreads of log L(1) and of the log-ratio over training rows; null for the ratio alone. */
  joint: [whole: Spread, ratio: Spread] | null
  /** What the choice of t_frac saw; null where t_frac was given. */
  choice: { fractions: number[]; criterion: number[] } | null
}

/**
 * Complexity-corrected likelihood ratio (Goodier & Campbell 2023, arXiv 2310.17432): log L(1) - log L(t_frac)
 * of the denoising losses, **higher = more OOD**. See `lossRatio` for the score and its sign, `denoisingLosses` for the
 * estimate. A single network, no derivatives, no background model: `probes` evaluations a row.
 *
 * t_frac comes from `tFrac`, or from `fit` by `separationFraction` (the published tables take the best t_frac on the
 * evaluation data, which is optimistic). By default all rows share their probes, so a score is a function of the row and
 * the seed alone, whatever batch or place the row has.
 *
 * The ratio alone asks whether the coarse loss is large for the fine one, so an image whose fine loss is far above any
 * training image's passes. Such images are the ones that the likelihood finds, and L(1) is a bound of it from the same
 * evaluations: the joint score is the worse of the two, each standardised on training rows.
 *
 * @throws OodError `E_ARGUMENT`; from calls as `denoisingLosses`
 * @example
 * const ratio = detector(diffusionRatio({ model, probes: 64 }))
 * await ratio.fit(trainImages)
 * await ratio.inferThreshold(heldOutImages, 0.05)
 */
export function diffusionRatio(options: DiffusionRatioOptions): Method<DiffusionRatioFit> {
  assertOptions('diffusionRatio', options, OPTIONS)
  const { model, compat, alter = quarterTurns, form = compat ? 'difference' : 'log-ratio' } = options
  const { probes = defaultProbes, weighting = compat ? 'published' : 'likelihood', sharing = 'shared' } = options
  const { rule = compat ? 'ratio' : 'joint', tFrac: fixed } = options
  if (rule !== 'joint' && rule !== 'ratio') throw unknownName('rule', rule, ['joint', 'ratio'])
  if (form !== 'log-ratio' && form !== 'difference') throw unknownName('form', form, ['log-ratio', 'difference'])
  if (fixed !== undefined && !(fixed > 0 && fixed < 1))
    throw mismatch('E_ARGUMENT', 'diffusionRatio tFrac', 'a number in (0, 1)', fixed)
  const fractions = Array.from(options.fractions ?? (fixed === undefined ? publishedFractions : [fixed]))
  const settings: LossSettings = { sharing, probes, weighting, fractions, ...(compat ? { compat } : {}) }
  const losses = denoisingLossColumns(model, settings)
  const altered = alteredLosses(model, settings, alter)
  const chosen = (train: Columns): FractionChoice =>
    separationFraction(lossesOf(train, 'score'), alteredOf(train), form)
  const parts = (columns: Columns, tFrac: number): Float64Array[] => {
    const found = lossesOf(columns, 'score')
    return [wholeLoss(found).map(Math.log), lossRatio(found, { tFrac }).score]
  }
  return {
    name: 'CCLR',
    source: 'Goodier & Campbell 2023',
    settings: { tFrac: fixed ?? null, rule, form, weighting, sharing, probes, fractions, compat: compat ?? null },
    models: { model },
    data: describedBy([model]),
    initial: fixed !== undefined && rule === 'ratio' ? { tFrac: fixed, joint: null, choice: null } : undefined,
    needs: (fit): Needs => (fit || fixed !== undefined ? { score: losses } : { score: losses, altered }),
    fit(train) {
      const choice = fixed === undefined ? chosen(train) : null
      const tFrac = fixed ?? choice!.tFrac
      const spreads = rule === 'joint' ? fitWorst(parts(train, tFrac), 'diffusionRatio training scores') : null
      return {
        tFrac,
        joint: spreads && [spreads[0]!, spreads[1]!],
        choice: choice && { fractions: [...choice.fractions], criterion: [...choice.criterion] },
      }
    },
    score(columns, { tFrac, joint }) {
      if (rule === 'joint') return worst(parts(columns, tFrac), joint!)
      return lossRatio(lossesOf(columns, 'score'), { tFrac, form }).score
    },
    parseFit: (value) => parseFit(value, rule),
  }
}

/**
 * Denoising losses as a measurement: columns `loss` and `standardError` [N, K], and `facts` [N, 2 K + 2]: t_frac, share
 * of each, paired, evaluations - the same in every row, so that stored columns can be read without the settings.
 */
export function denoisingLossColumns(model: ScoreModel, settings: LossSettings): Measurement {
  return measurement(
    'denoisingLosses',
    [model],
    { ...settings, fractions: Array.from(settings.fractions ?? publishedFractions) },
    ['loss', 'standardError', 'facts'],
    async (x: NdArray, call = {}) => columnsOf(await denoisingLosses(model, await own(model, x, call), settings, call)),
  )
}

/** The same for rows altered by `alter`, one set after another: columns `loss` and `standardError` [N, A K] and `facts`. */
function alteredLosses(
  model: ScoreModel,
  settings: LossSettings,
  alter: (x: NdArray) => readonly NdArray[],
): Measurement {
  return measurement(
    'alteredDenoisingLosses',
    // A function has no name that would tell it from another: only the default is known by its settings.
    alter === quarterTurns ? [model] : [model, alter],
    { ...settings, fractions: Array.from(settings.fractions ?? publishedFractions) },
    ['loss', 'standardError', 'facts'],
    async (x: NdArray, call = {}) => {
      const n = rowCount(x)
      const sets = alter(await own(model, x, call))
      if (sets.length === 0 || n === 0)
        throw mismatch('E_EMPTY', 'diffusionRatio alter', 'at least one set of rows', `${sets.length} of ${n} rows`)
      const found = await denoisingLosses(model, concatRows(sets as NdArray[]), settings, {
        ...call,
        rows: Array.from({ length: n * sets.length }, (_, i) => call.rows?.[i % n] ?? i % n),
      })
      const { loss, standardError, facts } = columnsOf(found)
      return {
        loss: sideBySide(loss, n),
        standardError: sideBySide(standardError, n),
        facts: tensor(flatData(facts).slice(0, n * facts.shape[1]!), [n, facts.shape[1]!]),
      }
    },
  )
}

/** Rows as the network sees them. */
async function own(model: ScoreModel, x: NdArray, call: object): Promise<NdArray> {
  return model.preprocess ? await model.preprocess(x, call) : x
}

function columnsOf({ loss, standardError, fractions, share, paired, evaluations }: DenoisingLosses): {
  loss: NdArray<Float64Array>
  standardError: NdArray<Float64Array>
  facts: NdArray<Float64Array>
} {
  const n = rowCount(loss)
  const row = [...fractions, ...share, paired ? 1 : 0, evaluations]
  const facts = new Float64Array(n * row.length)
  for (let i = 0; i < n; i++) facts.set(row, i * row.length)
  return { loss, standardError, facts: tensor(facts, [n, row.length]) }
}

/** Losses back from columns under a prefix. */
export function lossesOf(columns: Columns, prefix: string): DenoisingLosses {
  const loss = array(columns, `${prefix}.loss`)
  return { ...factsOf(columns, prefix), loss, standardError: array(columns, `${prefix}.standardError`) }
}

function alteredOf(columns: Columns): DenoisingLosses[] {
  const facts = factsOf(columns, 'altered')
  const k = facts.fractions.length
  const [loss, standardError] = [array(columns, 'altered.loss'), array(columns, 'altered.standardError')]
  const sets = loss.shape[1]! / k
  return Array.from({ length: sets }, (_, a) => ({
    ...facts,
    loss: cut(loss, a * k, k),
    standardError: cut(standardError, a * k, k),
  }))
}

function factsOf(columns: Columns, prefix: string): Omit<DenoisingLosses, 'loss' | 'standardError'> {
  const facts = array(columns, `${prefix}.facts`)
  const width = facts.shape[1]!
  const k = (width - 2) / 2
  const row = flatData(facts).subarray(0, width)
  return {
    fractions: row.slice(0, k),
    share: row.slice(k, 2 * k),
    paired: row[2 * k] === 1,
    evaluations: row[2 * k + 1]!,
  }
}

/** Rows of sets one after another [A n, K] as [n, A K]. */
function sideBySide(values: NdArray<Float64Array>, n: number): NdArray<Float64Array> {
  const k = values.shape[1]!
  const sets = rowCount(values) / n
  const data = flatData(values)
  const out = new Float64Array(data.length)
  for (let a = 0; a < sets; a++)
    for (let i = 0; i < n; i++) out.set(data.subarray((a * n + i) * k, (a * n + i + 1) * k), (i * sets + a) * k)
  return tensor(out, [n, sets * k])
}

function cut(values: NdArray<Float64Array>, from: number, k: number): NdArray<Float64Array> {
  const [n, width] = [rowCount(values), values.shape[1]!]
  const data = flatData(values)
  const out = new Float64Array(n * k)
  for (let i = 0; i < n; i++) out.set(data.subarray(i * width + from, i * width + from + k), i * k)
  return tensor(out, [n, k])
}

function parseFit(value: unknown, rule: DiffusionRatioRule): DiffusionRatioFit {
  const { tFrac, joint, choice } = (value ?? {}) as DiffusionRatioFit
  if (!(typeof tFrac === 'number' && tFrac > 0 && tFrac < 1)) throw wrongField('fit.tFrac', 'a number in (0, 1)', tFrac)
  const known = (spread: Spread | undefined): boolean =>
    Number.isFinite(spread?.mean) && Number.isFinite(spread?.standardDeviation) && spread!.standardDeviation > 0
  if (rule === 'joint' ? !(Array.isArray(joint) && joint.length === 2 && joint.every(known)) : joint !== null)
    throw wrongField('fit.joint', rule === 'joint' ? 'two means and standard deviations' : 'null', joint)
  return { tFrac, joint, choice: choice ?? null }
}
