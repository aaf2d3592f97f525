// One direction under one LID method: scales chosen on training points, then AUCs of every rule.

import { flipd, type LogProbLid, normalBundleDimension, readCurves, type ScaleChoice, scorePairs } from '@ood/lid'
import { auroc } from '@ood/roc'
import type { Run } from '@ood/run'
import { type AucPair, type Comparison, compare } from '../common/compare.ts'
import { type SplitName, splitNames } from '../common/splits.ts'
import { chooseScales, DEFAULT_RULE, fitDetector, type Method, type ScaleRuleName, scaleRules } from './choose.ts'
import { type Measured, type MeasureOptions, measureAt } from './measure.ts'

/** The comparison at one scale. */
export interface ScaleResult extends Comparison {
  scale: number
  meanTrainLid: number
}

/** One LID method in one direction. */
export interface MethodResult {
  method: Method
  choices: Record<ScaleRuleName, ScaleChoice>
  /** Of the rules at whose scale the LIDs of training images vary at all; the default's is always there. */
  results: Partial<Record<ScaleRuleName, ScaleResult>>
  /** The default rule's. */
  chosen: ScaleResult
  /** LID of every split at the default rule's scale. */
  lid: Record<SplitName, Float64Array>
  /** Scores at the default rule's scale; higher = more OOD. */
  score: Record<SplitName, Float64Array>
  /** Mean standard error of the LIDs from their probes; 0 for methods without probes. */
  standardError: number
  /** Seconds an image at one scale; null when everything was loaded from an earlier start. */
  seconds: number | null
}

/** LID of a measured split at a scale, from what was prepared. */
function lidOf(method: Method, split: Measured, scale: number): Float64Array {
  return method === 'flipd' ? readCurves(split.curves, scale) : normalBundleDimension(split.bundle!, scale)
}

/** FLIPD: scales from the training curves, then every image again at the chosen one with all probes. */
export async function evaluateFlipd(
  run: Run<unknown>,
  splits: Record<SplitName, Measured>,
  lpca: number,
  options: MeasureOptions,
): Promise<MethodResult> {
  const { curves, logProb } = splits.in_distr_train
  const estimator = flipd(options.model, { scales: curves.scales })
  const training = { estimator, artifact: curves, logProb, dimension: options.model.dimension, lpca }
  const choices = chooseScales({ method: 'flipd', ...training })
  const at = await measureAt(run, choices[DEFAULT_RULE].scale, splits, options)
  const lid = bySplit((name) => at[name].lid)
  const errors = splitNames.flatMap((name) => [...at[name].standardError])
  const times = splitNames.map((name) => at[name].seconds).filter((value) => value !== null)
  return {
    ...results('flipd', splits, choices, lid),
    standardError: average(errors),
    seconds: times.length > 0 ? average(times) : null,
  }
}

/** Normal bundle: every scale is read off the singular values. */
export function evaluateBundle(splits: Record<SplitName, Measured>, lpca: number): MethodResult {
  const { bundle, logProb } = splits.in_distr_train
  const estimator = {
    lid: normalBundleDimension,
    prepare: () => Promise.reject(new Error('choices read prepared singular values only')),
  }
  const training = { estimator, artifact: bundle!, logProb, dimension: bundle!.shape[1]!, lpca }
  const choices = chooseScales({ method: 'normalBundle', ...training })
  const { scale } = choices[DEFAULT_RULE]
  const lid = bySplit((name) => lidOf('normalBundle', splits[name], scale))
  const times = splitNames.map((name) => splits[name].seconds.normalBundle).filter((value) => value !== undefined)
  return {
    ...results('normalBundle', splits, choices, lid),
    standardError: 0,
    seconds: times.length > 0 ? average(times) : null,
  }
}

function results(
  method: Method,
  splits: Record<SplitName, Measured>,
  choices: Record<ScaleRuleName, ScaleChoice>,
  chosen: Record<SplitName, Float64Array>,
): Omit<MethodResult, 'standardError' | 'seconds'> {
  const found: MethodResult['results'] = {}
  const scores: Partial<Record<ScaleRuleName, MethodResult['score']>> = {}
  for (const rule of scaleRules) {
    const { scale, meanLid } = choices[rule]
    const pairs = bySplit((name): LogProbLid => {
      const lid = rule === DEFAULT_RULE ? chosen[name] : lidOf(method, splits[name], scale)
      return { logProb: splits[name].logProb, lid }
    })
    const { logProb, lid } = pairs.in_distr_train
    // A scale outside the curve counts every direction or none, for every image: nothing can be fitted to that.
    if (rule !== DEFAULT_RULE && lid.every((value) => value === lid[0])) continue
    const detector = fitDetector(logProb, lid)
    found[rule] = { scale, meanTrainLid: meanLid ?? Number.NaN, ...compare(pairs, detector) }
    scores[rule] = bySplit((name) => scorePairs(pairs[name], detector))
  }
  return { method, choices, results: found, chosen: found[DEFAULT_RULE]!, lid: chosen, score: scores[DEFAULT_RULE]! }
}

/** AUC of the published ten-step likelihood alone. */
export function referenceSingle(splits: Record<SplitName, Measured>): AucPair {
  const ood = splits.ood.referenceLogProb
  return {
    inDistr: auroc(splits.in_distr_test.referenceLogProb, ood),
    generated: auroc(splits.generated.referenceLogProb, ood),
  }
}

function bySplit<T>(value: (name: SplitName) => T): Record<SplitName, T> {
  return Object.fromEntries(splitNames.map((name) => [name, value(name)])) as Record<SplitName, T>
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
