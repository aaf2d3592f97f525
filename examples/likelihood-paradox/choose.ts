// Every choice of the example: the scale and the fitted detector. This file is handed training points and nothing else.
import { type LogProb, mismatch } from '@ood/core'
import {
  bisectScale,
  couplingScale,
  type FlowArtifact,
  fitPairs,
  fixedScale,
  kneeScale,
  linspace,
  type PairFit,
  plateauScale,
  type ScaleChoice,
  scalingRegionScale,
  thresholdDimension,
  trainingLid,
} from '@ood/lid'

/** Training points of one flow: what the choices may depend on. */
export interface TrainingPoints {
  /** Model-space log-likelihoods. */
  logProb: LogProb['instance']
  artifact: FlowArtifact
  /** Ambient dimension. */
  dimension: number
  /** Model-free dimension of the training set (local PCA, alphaFO = 0.001). */
  lpca: number
}

/** Scale rules compared in the report; the first is the default. */
export const scaleRules = ['scalingRegion', 'coupling', 'lpca', 'knee', 'plateau', 'fixed'] as const
export type ScaleRuleName = (typeof scaleRules)[number]

/** What was chosen from training points. */
export interface Choices {
  /** Chosen scale of every rule. */
  scales: Record<ScaleRuleName, ScaleChoice>
  /** The standardised sum fitted on the training pairs, per rule. */
  detectors: Record<ScaleRuleName, PairFit>
}

/** Applies every scale rule and fits one detector per scale, on training points only. */
export function choose(training: TrainingPoints): Choices {
  const { logProb, artifact, dimension, lpca } = training
  if (!(lpca > 0 && lpca < dimension)) throw mismatch('E_ARGUMENT', 'lPCA target', `between 0 and ${dimension}`, lpca)
  const view = trainingLid({ lid: thresholdDimension, prepare: unprepared }, artifact, dimension, logProb)
  const fine = view.curve(linspace(-8, 4, 121))
  const scales: Choices['scales'] = {
    scalingRegion: scalingRegionScale(view),
    coupling: couplingScale(view),
    lpca: bisectScale(view.meanLidAt, lpca),
    knee: kneeScale(fine),
    plateau: plateauScale(fine, { tolerance: 4 }),
    fixed: { ...fixedScale(-3), meanLid: view.meanLidAt(-3) },
  }
  const detectors = Object.fromEntries(
    scaleRules.map((rule) => [
      rule,
      fitPairs({ logProb, lid: thresholdDimension(artifact, scales[rule].scale) }, 'standardisedSum'),
    ]),
  ) as Choices['detectors']
  return { scales, detectors }
}

const unprepared = (): Promise<FlowArtifact> => Promise.reject(new Error('choices read prepared artifacts only'))
