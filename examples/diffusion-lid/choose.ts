// Every choice of the example: scales and fitted detectors. This file is handed training points and nothing else.
import type { LidEstimator } from '@ood/core'
import {
  bisectScale,
  couplingScale,
  diffusionKneeScale,
  fixedScale,
  linspace,
  type PairDetector,
  pairDetector,
  type ScaleChoice,
  scalingRegionScale,
  trainingLid,
} from '@ood/lid'

/** LID methods compared. */
export const methods = ['flipd', 'normalBundle'] as const
export type Method = (typeof methods)[number]

/** Scale rules compared in the report; the first is the default. */
export const scaleRules = ['scalingRegion', 'knee', 'coupling', 'lpca', 'fixed'] as const
export type ScaleRuleName = (typeof scaleRules)[number]

/** Scale rule of the headline figures: the one of the flow example. */
export const DEFAULT_RULE: ScaleRuleName = 'scalingRegion'

/** Training points of one model under one LID method. */
export interface TrainingPoints<Artifact> {
  method: Method
  estimator: LidEstimator<Artifact>
  artifact: Artifact
  logProb: Float64Array
  /** Ambient dimension. */
  dimension: number
  /** Model-free dimension of the training set (local PCA, alphaFO = 0.001). */
  lpca: number
}

/** Scales the rules look at: FLIPD knows only those its curve was measured at. */
const ruleScales: Record<Method, Float64Array> = { flipd: linspace(-4.5, 1, 56), normalBundle: linspace(-8, 1, 91) }

/** Published constants: t0 = 0.05 for FLIPD is log tau = -1.75; -3 for the normal bundle. */
const published: Record<Method, number> = { flipd: -1.748, normalBundle: -3 }

/** Applies every scale rule to the training points. */
export function chooseScales<Artifact>(training: TrainingPoints<Artifact>): Record<ScaleRuleName, ScaleChoice> {
  const { method, estimator, artifact, logProb, dimension, lpca } = training
  const view = trainingLid(estimator, artifact, dimension, logProb)
  const scales = ruleScales[method]
  const fixed = published[method]
  return {
    scalingRegion: scalingRegionScale(view, { scales }),
    knee: diffusionKneeScale(view.curve(scales)),
    coupling: couplingScale(view, { scales }),
    lpca: bisectScale(view.meanLidAt, lpca),
    fixed: { ...fixedScale(fixed), meanLid: view.meanLidAt(fixed) },
  }
}

/** The standardised sum of log p and LID, fitted on training pairs. */
export function fitDetector(logProb: Float64Array, lid: Float64Array): PairDetector {
  const detector = pairDetector({ rule: 'standardisedSum' })
  detector.fit({ logProb, lid })
  return detector
}
