// The shape of a rule: what it keeps of the training pairs, and how it turns one pair into a score.
import { mismatch } from '@ood/core'
import { varies } from '@ood/detect'
import type { LogProbLid, PairMoments } from '../pairs.ts'

/** What a fitted rule keeps: plain numbers and lists, so that a detector can be stored as JSON. */
export type RuleParameters = Record<string, number | readonly number[]>

/** A rule ready to score. Higher = more out-of-distribution. */
export interface FittedRule {
  score(logProb: number, lid: number): number
  /** Scores of the training pairs where scoring them plainly would flatter them (a density that contains the point). */
  trainingScores?(): Float64Array
}

/** A rule: fitting keeps parameters, building makes a scorer of kept (or loaded) parameters. */
export interface RuleDefinition<Settings> {
  fit(pairs: LogProbLid, settings: Settings): RuleParameters
  build(parameters: RuleParameters): FittedRule
}

/** A number among parameters that may come from a file. */
export function numberOf(parameters: RuleParameters, key: string): number {
  const value = parameters[key]
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw mismatch('E_FILE', `detector parameter ${key}`, 'a finite number', value)
  return value
}

/** A list of numbers among parameters that may come from a file. */
export function listOf(parameters: RuleParameters, key: string): Float64Array {
  const value = parameters[key]
  if (!Array.isArray(value) || value.length === 0 || !value.every(Number.isFinite))
    throw mismatch('E_FILE', `detector parameter ${key}`, 'a list of finite numbers', value)
  return Float64Array.from(value)
}

/** The moments of the training pairs among parameters. */
export function momentsOf(parameters: RuleParameters): PairMoments {
  for (const part of ['logProb', 'lid'] as const) {
    const [mean, deviation] = [numberOf(parameters, `${part}Mean`), numberOf(parameters, `${part}Deviation`)]
    // A spread that is rounding, or denormal, would turn every score into NaN or 1e300.
    if (!varies(deviation, mean)) throw mismatch('E_FILE', `detector parameter ${part}Deviation`, 'a spread', deviation)
  }
  return {
    logProbMean: numberOf(parameters, 'logProbMean'),
    logProbDeviation: numberOf(parameters, 'logProbDeviation'),
    lidMean: numberOf(parameters, 'lidMean'),
    lidDeviation: numberOf(parameters, 'lidDeviation'),
    correlation: numberOf(parameters, 'correlation'),
  }
}

/** z-scores of a pair under training moments. */
export function standardise(moments: PairMoments, logProb: number, lid: number): [number, number] {
  return [(logProb - moments.logProbMean) / moments.logProbDeviation, (lid - moments.lidMean) / moments.lidDeviation]
}

/** 1 - ρ², refused where the pair lies on a line. */
export function residualShare(moments: PairMoments): number {
  const share = 1 - moments.correlation ** 2
  if (!(share > 1e-12))
    throw mismatch(
      'E_ARGUMENT',
      'fit',
      'log p and LID that are not an exact function of each other',
      moments.correlation,
    )
  return share
}
