// The method that a stored detector names, over its opened models: what `loadDetector` of @ood/detect/node asks for.
import { mismatch, OodError, unknownName } from '@ood/core'
import {
  type BallMassSettings,
  ballMassMethod,
  convolutionMethod,
  derivativeNormMethod,
  laplaceMethod,
  latentBoxMethod,
  latentNormMethod,
  meanLikelihoodMethod,
  nestedBallMethod,
} from '@ood/density'
import {
  densityOfStates,
  gaussianOf,
  type LogProbSettings,
  type Method,
  mixtureOf,
  oneClassOf,
  pValuesOf,
  type Statistic,
  worstOf,
  wrongField,
} from '@ood/detect'
import {
  fastFlowLidl,
  flipd,
  likelihoodLid,
  normalBundle,
  type PairRule,
  pairMethod,
  type ScaleRuleName,
  thresholdLid,
} from '@ood/lid'
import {
  type Codec,
  diffusionRatio,
  featureLikelihood,
  inputComplexity,
  jpegCodec,
  likelihood,
  likelihoodRatio,
  openCodecs,
  typicality,
  waic,
} from '@ood/llr'
import type { Diffusion } from '@ood/models-diffusion'
import type { Models } from './open-model.ts'
import { storedRecommended } from './recommended.ts'
import { scoreNormMethod } from './score-norm.ts'
import { over, statisticsOf } from './statistics/available.ts'
import { featureStatistic } from './statistics/features.ts'

type Settings = Readonly<Record<string, unknown>>
type Roles = Readonly<Record<string, object>>
type Maker = (settings: Settings, models: Roles, name: string) => unknown

/** Options of functions, from settings that a file gave: each function checks its own. */
const given = <T>(settings: Settings): T =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null)) as T

/** Settings whose norm p may be infinite, which JSON has no number for. */
const withNorm = (settings: Settings): BallMassSettings => {
  const { p, ...rest } = settings
  return {
    ...given<object>(rest),
    ...(p === undefined ? {} : { p: p === 'infinity' ? Number.POSITIVE_INFINITY : (p as number) }),
  }
}

const makers: Readonly<Record<string, Maker>> = {
  NegativeLogLikelihood: (settings, models, name) =>
    likelihood(modelOf(name, models, 'model'), settings as LogProbSettings),
  Typicality: (settings, models, name) => typicality(modelOf(name, models, 'model'), settings as LogProbSettings),
  WAIC: ({ members, ...settings }, models, name) => {
    if (!(Number.isSafeInteger(members) && (members as number) <= 64))
      throw wrongField('method.settings.members', 'a number of models up to 64', members)
    const ensemble = Array.from({ length: members as number }, (_, k) => modelOf<never>(name, models, `model-${k}`))
    return waic(ensemble, given(settings))
  },
  LLR: (settings, models, name) =>
    likelihoodRatio({
      ...given<object>(settings),
      semantic: modelOf(name, models, 'semantic'),
      background: modelOf(name, models, 'background'),
    }),
  InputComplexity: async ({ codecs, ...settings }, models, name) =>
    inputComplexity(modelOf(name, models, 'model'), { ...given<object>(settings), codecs: await codecsOf(codecs) }),
  // What altered training rows told is in the fit, so a detector with alterations of its own comes back too.
  CCLR: (settings, models, name) =>
    diffusionRatio({ ...given<object>(settings), model: modelOf<Diffusion>(name, models, 'model') }),
  LikelihoodLid: likelihoodLidOf,
  LikelihoodLidPairs: ({ rule }) => pairMethod(rule as PairRule),
  ScoreNorm: ({ compat }, models, name) =>
    scoreNormMethod(modelOf(name, models, 'model'), { compat: compat as 'reference' | undefined }),
  FeatureLikelihood: (logProb, models, name) =>
    featureLikelihood({
      classifier: modelOf(name, models, 'classifier'),
      model: modelOf(name, models, 'model'),
      logProb: logProb as LogProbSettings,
    }),
  MeanLikelihood: (settings, models, name) => meanLikelihoodMethod(modelOf(name, models, 'model'), given(settings)),
  LatentNorm: (settings, models, name) => latentNormMethod(modelOf(name, models, 'model'), withNorm(settings)),
  LatentBox: (settings, models, name) => latentBoxMethod(modelOf(name, models, 'model'), given(settings)),
  DerivativeNorm: (settings, models, name) => derivativeNormMethod(modelOf(name, models, 'model'), withNorm(settings)),
  BallMass: (settings, models, name) => ballMassMethod(modelOf(name, models, 'model'), withNorm(settings)),
  GaussianConvolution: (settings, models, name) => convolutionMethod(modelOf(name, models, 'model'), given(settings)),
  NestedBalls: (settings, models, name) => nestedBallMethod(modelOf(name, models, 'model'), withNorm(settings)),
  Laplace: (settings, models, name) => laplaceMethod(modelOf(name, models, 'model'), given(settings)),
  DoSE: (settings, models) => over(models, densityOfStates(named(settings, models))),
  'DoSE-OneClass': (settings, models) => over(models, oneClassOf(named(settings, models), options(settings))),
  Gaussian: (settings, models) => over(models, gaussianOf(named(settings, models))),
  GaussianMixture: (settings, models) => over(models, mixtureOf(named(settings, models), options(settings))),
  ConformalPValues: (settings, models) => over(models, pValuesOf(named(settings, models), options(settings))),
  Recommended: (settings, models) => storedRecommended(settings, models as Models),
  WorstOf: worst,
  RatioOrLikelihood: worst,
}

/**
 * The method of a stored name and settings over models by the roles they were saved under, for every method that this
 * library makes. Combinations are of the statistics of `statisticsOf`, with models under the names of `Models`.
 *
 * What a caller wrote itself - a scale rule, an estimator, a codec, a statistic - has no name to find it by: such a
 * detector comes back by `restoreDetector` with the method made again.
 *
 * @throws OodError `E_UNKNOWN_NAME` listing the names; `E_FILE` naming the setting that is wrong; `E_ARGUMENT` naming
 *   the role of a model that is not there; `E_UNSUPPORTED` for a codec whose package is not installed, or what a caller
 *   wrote itself
 * @example
 * import { loadDetector } from '@ood/detect/node'
 * const detector = await loadDetector('detectors/fmnist', methodOf, {
 *   openModel: async (folder) => (await openModel(folder)).model,
 * })
 */
export async function methodOf(name: string, settings: Settings, models: Roles): Promise<Method> {
  if (!Object.hasOwn(makers, name)) throw unknownName('stored method', name, Object.keys(makers))
  return (await makers[name]!(settings, models, name)) as Method
}

function modelOf<T = never>(method: string, models: Roles, role: string): T {
  if (!Object.hasOwn(models, role))
    throw new OodError(
      'E_ARGUMENT',
      `models of ${method}: expected a model ${role}, got ${Object.keys(models).join(', ') || 'none'}`,
    )
  return models[role] as T
}

async function codecsOf(names: unknown): Promise<Codec[]> {
  if (!(Array.isArray(names) && names.length <= 16 && names.every((name) => typeof name === 'string')))
    throw wrongField('method.settings.codecs', 'a list of names', names)
  const codecs: Codec[] = []
  for (const name of names) codecs.push(...(name === 'jpeg' ? [jpegCodec()] : await openCodecs([name])))
  return codecs
}

/** Estimators by the name of their identity, and whether they need the derivatives of a diffusion model or of a flow. */
const estimators: Readonly<Record<string, (model: never, settings: never) => unknown>> = {
  flowArtifact: thresholdLid,
  fastFlowLidl,
  flipd,
  normalBundle,
}

function likelihoodLidOf(settings: Settings, models: Roles, name: string): Method<never> {
  const { estimator, estimatorSettings = {}, scale, rule, logProb, preprocess } = settings
  if (typeof estimator !== 'string' || !Object.hasOwn(estimators, estimator))
    throw mismatch(
      'E_UNSUPPORTED',
      'stored detector: LID estimator',
      `one of ${Object.keys(estimators).join(', ')}`,
      estimator,
    )
  const model = modelOf<Diffusion>(name, models, 'model')
  const source = Object.hasOwn(models, 'lid') ? modelOf<Diffusion>(name, models, 'lid') : model
  if (preprocess === true && typeof source.preprocess !== 'function')
    throw new OodError('E_ARGUMENT', `models of ${name}: expected a model with preprocess, got one without`)
  return likelihoodLid({
    model,
    logProb: (logProb ?? {}) as LogProbSettings,
    estimator: estimators[estimator]!(source as never, estimatorSettings as never) as ReturnType<typeof thresholdLid>,
    preprocess: preprocess === true ? (x, call) => source.preprocess(x, call) : undefined,
    scale: scale as number | ScaleRuleName,
    rule: rule as PairRule,
  }) as unknown as Method<never>
}

/** The statistics that the settings name, in that order. */
function named({ statistics: names }: Settings, models: Roles): Statistic[] {
  if (!Array.isArray(names)) throw wrongField('method.settings.statistics', 'a list of names', names)
  const { classifier } = models as Models
  const known = [...statisticsOf(models as Models), ...(classifier ? [featureStatistic(classifier)] : [])]
  return names.map((name) => {
    const found = known.find((statistic) => statistic.name === name)
    if (!found)
      throw unknownName(
        `statistic of the models ${Object.keys(models).join(', ') || '(none)'}`,
        String(name),
        known.map((statistic) => statistic.name),
      )
    return found
  })
}

/** The settings of a combination without its statistics. */
function options<T>({ statistics: _, ...settings }: Settings): T {
  return given<T>(settings)
}

async function worst({ members }: Settings, models: Roles, name: string): Promise<Method> {
  if (!(Array.isArray(members) && members.length <= 64))
    throw wrongField('method.settings.members', 'a list of methods', members)
  const methods: Method[] = []
  for (const [k, member] of members.entries()) {
    const { name: part, settings } = (member ?? {}) as { name: string; settings: Settings }
    if (typeof part !== 'string' || typeof settings !== 'object' || settings === null)
      throw wrongField(`method.settings.members.${k}`, 'name and settings', member)
    const own = Object.entries(models).flatMap(([role, model]) =>
      role.startsWith(`${k}.`) ? [[role.slice(`${k}.`.length), model]] : [],
    )
    methods.push(await methodOf(part, settings, Object.fromEntries(own)))
  }
  const source = name === 'RatioOrLikelihood' ? 'Ren et al. 2019' : 'Kamkari et al. 2024'
  return worstOf(methods, { name, source }) as unknown as Method
}
