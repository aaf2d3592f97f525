// Turns measured splits and frozen choices into AUCs. Nothing here feeds back into a choice.
import { thresholdDimension } from '@ood/lid'
import { type Comparison, compare } from '../common/compare.ts'
import { type SplitName, splitNames } from '../common/splits.ts'
import { type Choices, type ScaleRuleName, scaleRules } from './choose.ts'
import type { Measured } from './measure.ts'

/** The comparison at one scale. */
export interface ScaleResult extends Comparison {
  scale: number
  meanTrainLid: number
}

/** Evaluates every scale rule of one direction. */
export function evaluate(splits: Record<SplitName, Measured>, choices: Choices): Record<ScaleRuleName, ScaleResult> {
  const results = scaleRules.map((rule) => {
    const { scale, meanLid } = choices.scales[rule]
    const pairs = splitNames.map((name) => {
      const { logProb, artifact } = splits[name]
      return [name, { logProb, lid: thresholdDimension(artifact, scale) }] as const
    })
    const comparison = compare(Object.fromEntries(pairs) as Parameters<typeof compare>[0], choices.detectors[rule])
    return [rule, { scale, meanTrainLid: meanLid ?? Number.NaN, ...comparison }] as const
  })
  return Object.fromEntries(results) as Record<ScaleRuleName, ScaleResult>
}
