// The pair (log p, LID) as one score: six rules, fitted on training pairs only, as pure functions and as a method.
import { OodError, unknownName } from '@ood/core'
import { type Columns, type Method, vector, wrongField } from '@ood/detect'
import { assertPairs, type LogProbLid } from './pairs.ts'
import { type DensitySettings, density } from './rules/density.ts'
import { mahalanobis, oneSided } from './rules/gaussian.ts'
import { type LocalMassSettings, localMass } from './rules/local-mass.ts'
import type { FittedRule, RuleDefinition, RuleParameters } from './rules/pair-rule.ts'
import { standardisedMinimum, standardisedSum } from './rules/standardised.ts'

/** A rule with its settings. */
export type PairRule =
  | { name: 'standardisedSum' }
  | ({ name: 'localMass' } & LocalMassSettings)
  | ({ name: 'density' } & DensitySettings)
  | { name: 'mahalanobis' }
  | { name: 'oneSided' }
  | { name: 'standardisedMinimum' }

/** Names of the rules that need no settings. */
export type PairRuleName = Exclude<PairRule['name'], 'localMass'>

const RULES: { [Name in PairRule['name']]: RuleDefinition<Extract<PairRule, { name: Name }>> } = {
  standardisedSum,
  localMass,
  density,
  mahalanobis,
  oneSided,
  standardisedMinimum,
}

/** What a rule keeps of the training pairs, as plain JSON. */
export interface PairFit {
  rule: PairRule
  parameters: RuleParameters
}

/**
 * Fits a rule on training pairs.
 *
 * - `standardisedSum` (default): -(z(log p) + z(LID))
 * - `localMass`: -(log p + LID log(r / r₀)), minus the log probability mass within r
 * - `density`: -log of the kernel density of the pair on the training set
 * - `mahalanobis`: squared distance from the bivariate Gaussian of the training pairs
 * - `oneSided`: the same without its unsuspicious half, where log p and LID together are above average
 * - `standardisedMinimum`: -min(z(log p), z(LID)), the dual threshold's rectangle with one number
 *
 * The formula is in the doc comment of each rule's file.
 *
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE`; `E_ARGUMENT` when a value never varies, `E_UNKNOWN_NAME`
 * @example
 * const fit = fitPairs({ logProb: trainLogProb, lid: trainLid }, 'standardisedSum')
 * scorePairs({ logProb, lid }, fit) // higher = more OOD
 */
export function fitPairs(train: LogProbLid, rule: PairRuleName | PairRule = 'standardisedSum'): PairFit {
  const chosen: PairRule = typeof rule === 'string' ? { name: rule } : rule
  assertPairs('fit', train, true)
  return { rule: chosen, parameters: definition(chosen.name).fit(train, chosen) }
}

/**
 * Scores of pairs: +Infinity where log p or LID is infinite.
 *
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE` for NaN, `E_FILE` for parameters that are not the rule's
 */
export function scorePairs(pairs: LogProbLid, fit: PairFit): Float64Array {
  assertPairs('score', pairs, false)
  return scoreWith(definition(fit.rule.name).build(fit.parameters), pairs)
}

/** Scores of the training pairs, where plain scoring would flatter them: a density leaves a pair's own kernel out. */
export function trainingPairScores(train: LogProbLid, fit: PairFit): Float64Array {
  const fitted = definition(fit.rule.name).build(fit.parameters)
  return fitted.trainingScores?.() ?? scoreWith(fitted, train)
}

/** Checks a fit read from a file. @throws OodError `E_FILE`, `E_UNKNOWN_NAME` */
export function parsePairFit(value: unknown): PairFit {
  const { rule, parameters } = (value ?? {}) as PairFit
  if (typeof rule !== 'object' || rule === null) throw wrongField('fit.rule', 'a rule with its settings', rule)
  if (typeof parameters !== 'object' || parameters === null) throw wrongField('fit.parameters', 'an object', parameters)
  definition(rule.name).build(parameters)
  return { rule, parameters }
}

/**
 * The rule as a method over columns `logProb` and `lid` that are there already: thresholds and p-values of pairs that
 * were measured elsewhere. It needs no OOD data; the paper's dual threshold (Kamkari et al. 2024, `dualThreshold`) needs
 * two cuts, which only OOD data could place.
 *
 * @example
 * const pairs = detector(pairMethod('standardisedSum'))
 * await pairs.fit({ columns: { logProb: trainLogProb, lid: trainLid } })
 * await pairs.inferThreshold({ columns: { logProb: heldOutLogProb, lid: heldOutLid } }, 0.05)
 * await pairs.score({ columns: { logProb, lid } })
 */
export function pairMethod(rule: PairRuleName | PairRule = 'standardisedSum'): Method<PairFit, never> {
  const chosen: PairRule = typeof rule === 'string' ? { name: rule } : rule
  definition(chosen.name)
  return {
    name: 'LikelihoodLidPairs',
    source: 'Kamkari et al. 2024',
    settings: { rule: chosen },
    needs() {
      throw new OodError('E_ARGUMENT', 'pairMethod: expected { columns: { logProb, lid } }, got rows to measure')
    },
    fit: (train) => fitPairs(pairsOf(train), chosen),
    score: (columns, fit) => scorePairs(pairsOf(columns), fit),
    trainingScore: (train, fit) => trainingPairScores(pairsOf(train), fit),
    parseFit: parsePairFit,
  }
}

function pairsOf(columns: Columns): LogProbLid {
  return { logProb: vector(columns, 'logProb'), lid: vector(columns, 'lid') }
}

function scoreWith(fitted: FittedRule, { logProb, lid }: LogProbLid): Float64Array {
  return logProb.map((value, i) => {
    const dimension = lid[i]!
    return Number.isFinite(value) && Number.isFinite(dimension)
      ? fitted.score(value, dimension)
      : Number.POSITIVE_INFINITY
  })
}

function definition(name: PairRule['name']): RuleDefinition<unknown> {
  if (!Object.hasOwn(RULES, name ?? '')) throw unknownName('detector rule', String(name), Object.keys(RULES))
  return RULES[name] as RuleDefinition<unknown>
}
