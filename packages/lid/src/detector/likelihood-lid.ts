// Likelihood and LID as a method: a likelihood model, an LID estimator, a scale rule and a pair rule.
import { assertOptions, type LidEstimator, type LikelihoodModel, type NdArray, OodError, rowSize } from '@ood/core'
import {
  array,
  type Columns,
  describedBy,
  type LogProbSettings,
  logProbOf,
  type Measurement,
  type Method,
  measurement,
  vector,
  wrongField,
} from '@ood/detect'
import { assertNumber } from '../internal/check.ts'
import { fixedScale } from '../scale/fixed.ts'
import { type ScaleRuleName, scaleRule } from '../scale/rules.ts'
import type { ScaleChoice } from '../scale/training-curve.ts'
import { type ScaleRule, trainingLid } from '../scale/training-lid.ts'
import {
  fitPairs,
  type PairFit,
  type PairRule,
  type PairRuleName,
  parsePairFit,
  scorePairs,
  trainingPairScores,
} from './pair-rules.ts'
import type { LogProbLid } from './pairs.ts'

/** Parts of the method. */
export interface LikelihoodLidOptions<Artifact> {
  /** Gives log p(x). */
  model: LikelihoodModel
  /** Further options of `model.logProb`, such as `{ space: 'model' }` of a flow. */
  logProb?: LogProbSettings | undefined
  /** Gives LID(x). With `lidAt`, a curve is measured for fitting only, and only for a rule to choose the scale from. */
  estimator: LidEstimator<Artifact>
  /** Rows as the estimator takes them, where those are not the raw rows: `(x, call) => diffusion.preprocess(x, call)`. */
  preprocess?: ((x: NdArray, options?: object) => Promise<NdArray>) | undefined
  /** The scale, or a rule that chooses it from the training points, by name or as a function. */
  scale: number | ScaleRuleName | ScaleRule
  /** How the pair becomes a score (default `'standardisedSum'`); `'localMass'` by name takes r = e^scale. */
  rule?: PairRuleName | 'localMass' | PairRule | undefined
}

/** What the method learns: a scale, and the rule's parameters. */
export interface LikelihoodLidFit {
  choice: Pick<ScaleChoice, 'scale' | 'rule' | 'meanLid' | 'diagnostics'>
  pairs: PairFit
}

/**
 * Likelihood and LID fitted on training rows only (Kamkari et al. 2024 give the pair; the single score is a rule of
 * `fitPairs`). Fitting measures the training rows once, lets the rule choose the scale from them and fits the pair rule;
 * nothing else ever changes the scale or the parameters, so no evaluation score can reach them.
 *
 * Scoring costs one log-likelihood and one `prepare` (a Jacobian, for flows) a row, or one `lidAt`. Held-out rows of the
 * training distribution are the better ones for `inferThreshold`.
 *
 * @param options - model, estimator, scale and rule
 * @throws OodError as `fitPairs`, the model, the estimator and the scale rule
 * @example
 * const method = likelihoodLid({ model: flow, estimator: thresholdLid(flow), scale: 'scalingRegion' })
 * const both = detector(method)
 * await both.fit(trainImages)
 * await both.score(images) // higher = more OOD
 */
export function likelihoodLid<Artifact>(options: LikelihoodLidOptions<Artifact>): Method<LikelihoodLidFit> {
  assertOptions('likelihoodLid', options, ['model', 'logProb', 'estimator', 'preprocess', 'scale', 'rule'])
  const { model, estimator, rule = 'standardisedSum', logProb = {} } = options
  const scale = typeof options.scale === 'string' ? scaleRule(options.scale) : options.scale
  if (typeof scale === 'number') assertNumber('likelihoodLid scale', scale)
  const likelihood = logProbOf(model, logProb)
  const prepared = artifactOf(options)
  const ruleAt = (at: number): PairRuleName | PairRule => (rule === 'localMass' ? { name: rule, logRadius: at } : rule)
  const lidOf = (columns: Columns, at: number): Float64Array =>
    columns['lid.lidAt'] ? vector(columns, 'lid.lidAt') : estimator.lid(unpack(estimator, columns), at)
  const pairs = (columns: Columns, at: number): LogProbLid => ({
    logProb: vector(columns, 'model.logProb'),
    lid: lidOf(columns, at),
  })
  const at = (fixed: number): Measurement => (estimator.lidAt ? directLid(options, fixed) : prepared)
  return {
    name: 'LikelihoodLid',
    source: 'Kamkari et al. 2024',
    settings: {
      estimator: estimator.identity?.estimator ?? estimator.identity?.name ?? 'custom',
      scale: typeof options.scale === 'function' ? options.scale.name || 'custom' : options.scale,
      rule: typeof rule === 'string' ? rule : { ...rule },
      ...(Object.keys(logProb).length > 0 ? { logProb } : {}),
      ...estimatorSettings(options),
    },
    models: { model, ...otherModels(options) },
    data: describedBy([model]),
    needs: (fit) => ({
      model: likelihood,
      lid: fit ? at(fit.choice.scale) : typeof scale === 'number' ? at(scale) : prepared,
    }),
    fit(train) {
      const choice =
        typeof scale === 'number'
          ? fixedScale(scale)
          : scale(trainingLid(estimator, unpack(estimator, train), dimensionOf(train), vector(train, 'model.logProb')))
      assertNumber('likelihoodLid chosen scale', choice.scale)
      const { scale: chosen, rule: name, meanLid, diagnostics } = choice
      return {
        choice: { scale: chosen, rule: name, meanLid, diagnostics },
        pairs: fitPairs(pairs(train, chosen), ruleAt(chosen)),
      }
    },
    // What scoring will read of other rows, to the last bit: not between the scales of a prepared grid.
    refit: (train, { choice }) => ({ choice, pairs: fitPairs(pairs(train, choice.scale), ruleAt(choice.scale)) }),
    score: (columns, fit) => scorePairs(pairs(columns, fit.choice.scale), fit.pairs),
    trainingScore: (train, fit) => trainingPairScores(pairs(train, fit.choice.scale), fit.pairs),
    parseFit(value) {
      const { choice, pairs: stored } = (value ?? {}) as LikelihoodLidFit
      if (!Number.isFinite(choice?.scale)) throw wrongField('fit.choice.scale', 'a finite number', choice?.scale)
      return { choice, pairs: parsePairFit(stored) }
    },
  }
}

/**
 * The estimator's artifact of every row as a measurement: its columns, and `dimension`, D in every row.
 *
 * @throws OodError `E_UNSUPPORTED` for an estimator whose artifact has no columns
 * @example
 * const needs = { lid: artifactOf({ estimator: thresholdLid(flow) }) }
 */
export function artifactOf<Artifact>({
  estimator,
  preprocess,
}: Pick<LikelihoodLidOptions<Artifact>, 'estimator' | 'preprocess'>): Measurement {
  const { columns } = estimator
  const { name, models, settings } = identityOf(estimator)
  return measurement(name, models, settings, [...(columns?.names ?? ['artifact']), 'dimension'], async (x, call) => {
    if (!columns) throw noColumns()
    const rows = preprocess ? await preprocess(x, call) : x
    const packed = columns.pack(await estimator.prepare(rows, call))
    return { ...packed, dimension: new Float64Array(x.shape[0]!).fill(rowSize(rows)) }
  })
}

function directLid<Artifact>(
  { estimator, preprocess }: Pick<LikelihoodLidOptions<Artifact>, 'estimator' | 'preprocess'>,
  scale: number,
): Measurement {
  const { name, models, settings } = identityOf(estimator)
  const { scales: _, ...rest } = settings
  return measurement(`${name}At`, models, { ...rest, scale }, ['lidAt'], async (x, call) => ({
    lidAt: await estimator.lidAt!(preprocess ? await preprocess(x, call) : x, scale, call),
  }))
}

function identityOf<Artifact>(estimator: LidEstimator<Artifact>): NonNullable<LidEstimator<Artifact>['identity']> {
  return estimator.identity ?? { name: 'artifact', models: [estimator], settings: {} }
}

/** What a stored detector must know to make the estimator again; nothing where all of it is the default. */
function estimatorSettings<Artifact>({
  estimator,
  preprocess,
}: Pick<LikelihoodLidOptions<Artifact>, 'estimator' | 'preprocess'>): Record<string, unknown> {
  const given = Object.entries(estimator.identity?.settings ?? {}).filter(([, value]) => value != null)
  return {
    ...(given.length > 0 ? { estimatorSettings: Object.fromEntries(given) } : {}),
    ...(preprocess ? { preprocess: true } : {}),
  }
}

/** The estimator's model, where it is not the one that gives log p. */
function otherModels<Artifact>({
  model,
  estimator,
}: Pick<LikelihoodLidOptions<Artifact>, 'estimator' | 'model'>): Record<string, object> {
  const [other] = estimator.identity?.models ?? []
  return other === undefined || other === model ? {} : { lid: other }
}

function unpack<Artifact>({ columns }: LidEstimator<Artifact>, given: Columns): Artifact {
  if (!columns) throw noColumns()
  return columns.unpack(Object.fromEntries(columns.names.map((name) => [name, array(given, `lid.${name}`)])))
}

function dimensionOf(train: Columns): number {
  return vector(train, 'lid.dimension')[0]!
}

function noColumns(): OodError {
  return new OodError(
    'E_UNSUPPORTED',
    'LID estimator: expected one whose artifact can be stored as columns (columns.pack, columns.unpack), got one without',
  )
}
