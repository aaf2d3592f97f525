// One score from the pair (log p, LID), fitted on training pairs only, with p-values, a threshold and a stored form.
import { assertOptions, mismatch, OodError, type Prediction, type Thresholded, unknownName } from '@ood/core'
import { assertFiniteList } from '../internal/check.ts'
import { shareAtLeast, upperQuantile } from '../internal/empirical.ts'
import { VERSION } from '../internal/version.ts'
import { assertPairs, type LogProbLid } from './pairs.ts'
import { type DensitySettings, density } from './rules/density.ts'
import { mahalanobis, oneSided } from './rules/gaussian.ts'
import { type LocalMassSettings, localMass } from './rules/local-mass.ts'
import type { FittedRule, RuleDefinition, RuleParameters } from './rules/rule.ts'
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

/** A fitted detector as plain JSON. */
export interface PairDetectorState {
  schemaVersion: 1
  name: 'LikelihoodLid'
  version: string
  rule: PairRule
  parameters: RuleParameters
  /** Ascending scores of the reference pairs that p-values count in. */
  referenceScores: number[]
  threshold: number | null
}

/** Detector on pairs; all methods are synchronous and cheap. */
export interface PairDetector extends Thresholded<LogProbLid> {
  fit(train: LogProbLid): void
  calibrate(heldOut: LogProbLid): void
  score(pairs: LogProbLid): Float64Array
  pValues(scores: ArrayLike<number>): Float64Array
  inferThreshold(pairs: LogProbLid, falsePositiveRate: number): number
  predict(pairs: LogProbLid): Prediction
  toJSON(): PairDetectorState
}

/**
 * A detector that needs no OOD data: it is fitted on training pairs (log p, LID) and gives one score, higher = more OOD.
 * The paper's dual threshold (Kamkari et al. 2024, `dualThreshold`) needs two cuts, which only OOD data could place.
 *
 * Rules (the formula is in the doc comment of each rule's file):
 * - `standardisedSum` (default): -(z(log p) + z(LID))
 * - `localMass`: -(log p + LID log(r / r₀)), minus the log probability mass within r
 * - `density`: -log of the kernel density of the pair on the training set
 * - `mahalanobis`: squared distance from the bivariate Gaussian of the training pairs
 * - `oneSided`: the same without its unsuspicious half, where log p and LID together are above average
 * - `standardisedMinimum`: -min(z(log p), z(LID)), the dual threshold's rectangle with one number
 *
 * Methods:
 * - `fit(train)` keeps the rule's parameters and the training scores. `E_EMPTY`, `E_NOT_FINITE`, `E_ARGUMENT` when a
 *   value never varies.
 * - `calibrate(heldOut)` replaces the reference scores by those of in-distribution pairs that were not in `fit`: then
 *   p-values are exact (conformal) rather than asymptotic.
 * - `score(pairs)`: N scores; +Infinity where log p or LID is infinite, `E_NOT_FINITE` for NaN.
 * - `pValues(scores)`: (1 + #{reference >= score}) / (n + 1), in (0, 1].
 * - `inferThreshold(pairs, fpr)`: the (1 - fpr) quantile of their scores, the higher neighbour where it falls between
 *   two, so that at most fpr of them score above. `E_ARGUMENT` unless 1/n <= fpr < 1.
 * - `predict(pairs)`: scores, p-values and, once a threshold is set, `isOutlier` = score > threshold.
 * - `toJSON()`: everything fitted, for `pairDetectorFromJSON`.
 *
 * @param options - the rule by name, or with settings
 * @example
 * const detector = pairDetector({ rule: 'standardisedSum' })
 * detector.fit({ logProb: trainLogProb, lid: trainLid })
 * detector.inferThreshold({ logProb: trainLogProb, lid: trainLid }, 0.05)
 * detector.predict({ logProb, lid }).data.isOutlier
 */
export function pairDetector(options: { rule?: PairRuleName | PairRule } = {}): PairDetector {
  assertOptions('pairDetector', options, ['rule'])
  const { rule = 'standardisedSum' } = options
  const chosen: PairRule = typeof rule === 'string' ? { name: rule } : rule
  return detectorOf(definition(chosen.name), chosen)
}

/**
 * A fitted detector from its stored state; scores are the same to the last bit.
 *
 * @param state - `JSON.parse` of what `JSON.stringify(detector)` wrote
 * @throws OodError `E_FILE` naming the field that is wrong, `E_UNKNOWN_NAME` for an unknown rule
 * @example
 * const detector = pairDetectorFromJSON(JSON.parse(text))
 */
export function pairDetectorFromJSON(state: PairDetectorState): PairDetector {
  if (state?.schemaVersion !== 1) throw mismatch('E_FILE', 'detector state schemaVersion', '1', state?.schemaVersion)
  if (state.name !== 'LikelihoodLid') throw mismatch('E_FILE', 'detector state name', 'LikelihoodLid', state.name)
  const reference = state.referenceScores
  if (!Array.isArray(reference) || reference.length === 0 || !reference.every(Number.isFinite))
    throw mismatch('E_FILE', 'detector state referenceScores', 'a list of finite numbers', reference)
  if (state.threshold !== null && !Number.isFinite(state.threshold))
    throw mismatch('E_FILE', 'detector state threshold', 'a finite number or null', state.threshold)
  return detectorOf(definition(state.rule?.name), state.rule, state)
}

function definition(name: PairRule['name']): RuleDefinition<unknown> {
  if (!Object.hasOwn(RULES, name ?? '')) throw unknownName('detector rule', String(name), Object.keys(RULES))
  return RULES[name] as RuleDefinition<unknown>
}

function detectorOf(definition: RuleDefinition<unknown>, rule: PairRule, state?: PairDetectorState): PairDetector {
  let parameters: RuleParameters | undefined = state?.parameters
  let fitted: FittedRule | undefined = parameters && definition.build(parameters)
  let reference: Float64Array = Float64Array.from(state?.referenceScores ?? []).sort()
  let threshold: number | null = state?.threshold ?? null

  const ready = (): FittedRule => {
    if (!fitted) throw new OodError('E_NOT_FITTED', `${rule.name} detector: expected fit before use`)
    return fitted
  }
  const score = (pairs: LogProbLid): Float64Array => {
    assertPairs('score', pairs, false)
    const { score: one } = ready()
    return pairs.logProb.map((logProb, i) => {
      const lid = pairs.lid[i]!
      return Number.isFinite(logProb) && Number.isFinite(lid) ? one(logProb, lid) : Number.POSITIVE_INFINITY
    })
  }
  const pValues = (scores: ArrayLike<number>): Float64Array => {
    ready()
    return Float64Array.from(scores, (value) => shareAtLeast(reference, value))
  }
  return {
    fit(train) {
      assertPairs('fit', train, true)
      const kept = definition.fit(train, rule)
      fitted = definition.build(kept)
      parameters = kept
      reference = (fitted.trainingScores?.() ?? score(train)).sort()
      threshold = null
    },
    calibrate(heldOut) {
      assertPairs('calibrate', heldOut, true)
      reference = score(heldOut).sort()
    },
    score,
    pValues,
    inferThreshold(pairs, falsePositiveRate) {
      const scores = score(pairs)
      assertFiniteList('inferThreshold scores', scores)
      threshold = upperQuantile(scores, falsePositiveRate)
      return threshold
    },
    predict(pairs) {
      const instanceScore = score(pairs)
      const cut = threshold
      return {
        meta: { name: 'LikelihoodLid', online: false, dataType: null, version: VERSION, detectorType: 'outlier' },
        data: {
          instanceScore,
          featureScore: null,
          isOutlier: cut === null ? null : Uint8Array.from(instanceScore, (value) => (value > cut ? 1 : 0)),
          pValue: pValues(instanceScore),
          threshold: cut,
        },
      }
    },
    toJSON() {
      ready()
      return {
        schemaVersion: 1,
        name: 'LikelihoodLid',
        version: VERSION,
        rule,
        parameters: parameters!,
        referenceScores: [...reference],
        threshold,
      }
    },
  }
}
