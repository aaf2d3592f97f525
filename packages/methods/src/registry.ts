// Every method by its paper's name: what it is, the models it needs, what it costs, and how it is made.
import { OodError, unknownName } from '@ood/core'
import {
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
  type Method,
  mixtureOf,
  oneClassOf,
  pValuesOf,
  type Statistic,
  worstOf,
} from '@ood/detect'
import { flipd, likelihoodLid, normalBundle, thresholdLid } from '@ood/lid'
import { diffusionRatio, featureLikelihood, inputComplexity, likelihood, likelihoodRatio, typicality } from '@ood/llr'
import type { Models, Role } from './open-model.ts'
import { recommendedMethod } from './recommended.ts'
import { scoreNormMethod } from './score-norm.ts'
import { modelsOf, over, statisticsOf, type Tier, takesBytes } from './statistics/available.ts'
import { featureStatistic } from './statistics/features.ts'

/** One method of the registry. */
export interface MethodEntry {
  /** What commands and stored detectors call it. */
  readonly name: string
  readonly title: string
  /** The paper. */
  readonly source: string
  /** Models it needs. */
  readonly roles: readonly Role[]
  /** What an image costs. */
  readonly cost: string
  /** Too slow to run unless asked for by name. */
  readonly slow?: boolean
  /** Needs 8-bit grey or colour images, which a codec takes. */
  readonly bytes?: boolean
  make(models: Models): Method
}

/** Space of a flow's log-likelihoods: the published tables' (logit space for the shipped flows). */
const SPACE = { space: 'model' } as const

const entries: readonly MethodEntry[] = [
  entry('flow-likelihood', 'Likelihood, flow', 'Bishop 1994', ['flow'], 'one encoding', ({ flow }) =>
    likelihood(flow!, SPACE),
  ),
  entry('flow-typicality', 'Typicality, flow', 'Nalisnick et al. 2019', ['flow'], 'one encoding', ({ flow }) =>
    typicality(flow!, SPACE),
  ),
  entry('flow-ratio', 'Likelihood ratio, flow', 'Ren et al. 2019', ['flow', 'flowBackground'], 'two encodings', (m) =>
    likelihoodRatio({ semantic: m.flow!, background: m.flowBackground! }),
  ),
  {
    ...entry('flow-complexity', 'Input complexity, flow', 'Serra et al. 2020', ['flow'], 'one encoding, one PNG', (m) =>
      inputComplexity(m.flow!),
    ),
    bytes: true,
  },
  entry(
    'flow-mean-likelihood',
    'Likelihood, flow, mean over 8 noise draws',
    'Kirichenko et al. 2020',
    ['flow'],
    '8 encodings',
    ({ flow }) => meanLikelihoodMethod(flow!, { logProb: SPACE }),
  ),
  entry('flow-latent-norm', 'Norm of the latent, flow', 'Kamkari et al. 2024', ['flow'], 'one encoding', ({ flow }) =>
    latentNormMethod(flow!),
  ),
  entry('flow-latent-box', 'Box around the latent, flow', 'Kamkari et al. 2024', ['flow'], 'one encoding', ({ flow }) =>
    latentBoxMethod(flow!),
  ),
  entry('flow-gradient-norm', 'Derivative norm, flow', 'Grathwohl et al. 2020', ['flow'], 'one gradient', ({ flow }) =>
    derivativeNormMethod(flow!),
  ),
  entry(
    'flow-convolution',
    'Gaussian convolution, flow',
    'Kamkari et al. 2024',
    ['flow'],
    '10 encodings',
    ({ flow }) => convolutionMethod(flow!),
    true,
  ),
  entry(
    'flow-ball-mass',
    'Mass of a ball, flow',
    'Kamkari et al. 2024',
    ['flow'],
    '100 encodings',
    ({ flow }) => ballMassMethod(flow!),
    true,
  ),
  entry(
    'flow-nested-balls',
    'Mass of nested balls (Metropolis), flow',
    'Kamkari et al. 2024',
    ['flow'],
    '2,500 encodings',
    ({ flow }) => nestedBallMethod(flow!),
    true,
  ),
  entry(
    'flow-laplace',
    'Laplace approximation, flow',
    'Kamkari et al. 2024',
    ['flow'],
    'D products with a Hessian',
    ({ flow }) => laplaceMethod(flow!),
    true,
  ),
  entry('flow-lid', 'Likelihood + LID, flow (sum)', 'Kamkari et al. 2024', ['flow'], 'one Jacobian', ({ flow }) =>
    likelihoodLid({ model: flow!, logProb: SPACE, estimator: thresholdLid(flow!), scale: 'scalingRegion' }),
  ),
  entry('flow-lid-minimum', 'Likelihood + LID, flow (minimum)', 'Kamkari et al. 2024', ['flow'], 'one Jacobian', (m) =>
    likelihoodLid({
      model: m.flow!,
      logProb: SPACE,
      estimator: thresholdLid(m.flow!),
      scale: 'scalingRegion',
      rule: 'standardisedMinimum',
    }),
  ),
  entry(
    'flow-lid-density',
    'Likelihood + LID, flow (density of the pair)',
    'Kamkari et al. 2024',
    ['flow'],
    'one Jacobian',
    (m) =>
      likelihoodLid({
        model: m.flow!,
        logProb: SPACE,
        estimator: thresholdLid(m.flow!),
        scale: 'scalingRegion',
        rule: 'density',
      }),
  ),
  entry('pixelcnn-likelihood', 'Likelihood, PixelCNN++', 'Bishop 1994', ['autoregressive'], 'one evaluation', (m) =>
    likelihood(m.autoregressive!),
  ),
  entry(
    'pixelcnn-typicality',
    'Typicality, PixelCNN++',
    'Nalisnick et al. 2019',
    ['autoregressive'],
    'one evaluation',
    (m) => typicality(m.autoregressive!),
  ),
  entry(
    'pixelcnn-ratio',
    'Likelihood ratio, PixelCNN++',
    'Ren et al. 2019',
    ['autoregressive', 'autoregressiveBackground'],
    'two evaluations',
    ratio,
  ),
  {
    ...entry(
      'pixelcnn-complexity',
      'Input complexity, PixelCNN++',
      'Serra et al. 2020',
      ['autoregressive'],
      'one evaluation, one PNG',
      (m) => inputComplexity(m.autoregressive!),
    ),
    bytes: true,
  },
  entry(
    'pixelcnn-joint',
    'Ratio or likelihood, PixelCNN++',
    'Ren et al. 2019',
    ['autoregressive', 'autoregressiveBackground'],
    'two evaluations',
    (m) =>
      worstOf([likelihood(m.autoregressive!), ratio(m)] as Method<unknown>[], {
        name: 'RatioOrLikelihood',
        source: 'Ren et al. 2019',
      }),
  ),
  entry(
    'diffusion-likelihood',
    'Likelihood, diffusion ODE',
    'Song et al. 2021',
    ['diffusion'],
    'about 60 evaluations with derivatives',
    (m) => likelihood(m.diffusion!, { probes: 1 }),
    true,
  ),
  entry(
    'diffusion-ratio',
    'Complexity-corrected diffusion ratio',
    'Goodier & Campbell 2023',
    ['diffusion'],
    '64 evaluations',
    (m) => diffusionRatio({ model: m.diffusion!, probes: 64 }),
  ),
  entry('score-norm', 'Score norm', 'Kamkari et al. 2024', ['diffusion'], 'one evaluation', (m) =>
    scoreNormMethod(m.diffusion!),
  ),
  entry(
    'diffusion-lid',
    'Denoising bound + FLIPD',
    'Kamkari et al. 2024',
    ['diffusion'],
    '50 probes at one noise level',
    flipdMethod,
    true,
  ),
  entry(
    'diffusion-normal-bundle',
    'Likelihood + normal bundle',
    'Stanczuk et al. 2022',
    ['diffusion'],
    '3,136 evaluations, 2.6 s of algebra',
    normalBundleMethod,
    true,
  ),
  entry('sequence-likelihood', 'Likelihood, sequences', 'Bishop 1994', ['sequence'], 'one evaluation', (m) =>
    likelihood(m.sequence!),
  ),
  entry('sequence-typicality', 'Typicality, sequences', 'Nalisnick et al. 2019', ['sequence'], 'one evaluation', (m) =>
    typicality(m.sequence!),
  ),
  entry(
    'sequence-ratio',
    'Likelihood ratio, sequences',
    'Ren et al. 2019',
    ['sequence', 'sequenceBackground'],
    'two evaluations',
    (m) => likelihoodRatio({ semantic: m.sequence!, background: m.sequenceBackground! }),
  ),
  entry(
    'features-gaussian',
    'Gaussian of features, classifier',
    'Lee et al. 2018, without classes',
    ['classifier'],
    'one run of the classifier',
    ({ classifier }) => over({ classifier: classifier! }, gaussianOf([featureStatistic(classifier!)])),
  ),
  entry(
    'features-likelihood',
    'Likelihood of features, flow on a classifier',
    'Kirichenko et al. 2020',
    ['classifier', 'featureFlow'],
    'one run of the classifier, one encoding',
    (m) => featureLikelihood({ classifier: m.classifier!, model: m.featureFlow!, logProb: SPACE }),
  ),
  combined('dose', 'Density of states (DoSE)', 'Morningstar et al. 2021', (s) => densityOfStates(s)),
  combined('dose-one-class', 'DoSE, one-class', 'Morningstar et al. 2021', (s) => oneClassOf(s)),
  combined('gaussian', 'Gaussian of all statistics', 'Mahmood et al. 2021', (s) => gaussianOf(s)),
  combined('mixture', 'Gaussian mixture of all statistics', 'Mahmood et al. 2021', (s) => mixtureOf(s)),
  combined('p-values', 'Conformal p-values of all statistics (Bonferroni)', 'Bates et al. 2023', (s) => pValuesOf(s)),
  recommended('recommended-cheap', 'Recommended, cheap tier', 'cheap'),
  recommended('recommended-middle', 'Recommended, middle tier', 'middle'),
  recommended('recommended', 'Recommended', 'full'),
]

function entry(
  name: string,
  title: string,
  source: string,
  roles: readonly Role[],
  cost: string,
  make: (models: Models) => Method<never> | Method,
  slow = false,
): MethodEntry {
  return { name, title, source, roles, cost, slow, make: make as (models: Models) => Method }
}

/** A combination over every statistic that the models offer. */
function combined(
  name: string,
  title: string,
  source: string,
  make: (statistics: Statistic[]) => Method<never> | Method,
): MethodEntry {
  return entry(name, title, source, ['flow'], 'all statistics', (models) => overStatistics(models, 'full', make))
}

/** The combination of a tier's statistics. */
function overStatistics(models: Models, tier: Tier, make: (statistics: Statistic[]) => Method<never> | Method): Method {
  return over(modelsOf(models, tier), make(statisticsOf(models, tier)) as Method)
}

/** The detector to deploy. */
function recommended(name: string, title: string, tier: Tier): MethodEntry {
  const cost = { cheap: 'flow and PNG', middle: 'flow, PNG, PixelCNN++', full: 'all statistics' }[tier]
  // Without a PixelCNN++ the middle tier would be the cheap one under another name.
  const roles: Role[] = tier === 'middle' ? ['flow', 'autoregressive'] : ['flow']
  return entry(name, title, 'this library', roles, cost, (models) => recommendedMethod(models, tier))
}

function ratio({ autoregressive, autoregressiveBackground }: Models): Method<null> {
  return likelihoodRatio({ semantic: autoregressive!, background: autoregressiveBackground! })
}

function flipdMethod({ diffusion }: Models): Method {
  const model = diffusion!
  return likelihoodLid({
    model,
    logProb: { probes: 1 },
    estimator: flipd(model, { probes: 50 }),
    preprocess: (x, call) => model.preprocess(x, call),
    scale: 'coupling',
    rule: 'standardisedMinimum',
  }) as Method
}

function normalBundleMethod({ diffusion }: Models): Method {
  const model = diffusion!
  return likelihoodLid({
    model,
    logProb: { probes: 1 },
    estimator: normalBundle(model),
    preprocess: (x, call) => model.preprocess(x, call),
    scale: 'coupling',
    rule: 'standardisedMinimum',
  }) as Method
}

/** All methods, in the order of the list `ood methods` prints. */
export const methods: readonly MethodEntry[] = entries

/**
 * The entry called `name`.
 *
 * @throws OodError `E_UNKNOWN_NAME` listing the names there are
 * @example
 * const method = methodEntry('pixelcnn-ratio').make({ autoregressive, autoregressiveBackground })
 */
export function methodEntry(name: string): MethodEntry {
  const found = entries.find((candidate) => candidate.name === name)
  if (!found)
    throw unknownName(
      'method',
      name,
      entries.map((candidate) => candidate.name),
    )
  return found
}

/** Roles that a method needs and the models do not have. */
export function missingRoles({ roles }: MethodEntry, models: Models): Role[] {
  return roles.filter((role) => models[role] === undefined)
}

/**
 * The method called `name` over the models.
 *
 * @throws OodError `E_UNKNOWN_NAME`; `E_ARGUMENT` naming the roles that are missing
 */
export function makeMethod(name: string, models: Models): Method {
  const found = methodEntry(name)
  const missing = missingRoles(found, models)
  if (missing.length > 0)
    throw new OodError(
      'E_ARGUMENT',
      `method ${name}: expected models of role ${found.roles.join(', ')}, got none of role ${missing.join(', ')}`,
    )
  if (found.bytes && !takesBytes(pick(models, found.roles)))
    throw new OodError('E_ARGUMENT', `method ${name}: expected models of 8-bit images, got ones of other data`)
  return found.make(models)
}

function pick(models: Models, roles: readonly Role[]): Models {
  return Object.fromEntries(roles.map((role) => [role, models[role]])) as Models
}

/** The methods whose models are all there; slow ones only when `slow`. */
export function availableMethods(models: Models, { slow = false }: { slow?: boolean } = {}): MethodEntry[] {
  return entries.filter(
    (candidate) =>
      missingRoles(candidate, models).length === 0 &&
      (slow || !candidate.slow) &&
      (!candidate.bytes || takesBytes(pick(models, candidate.roles))),
  )
}
