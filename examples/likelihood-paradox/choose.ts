// Every choice of the example: the scales. This file is handed training points and nothing else.
import { mismatch } from '@ood/core'
import {
  bisectScale,
  couplingScale,
  type FlowArtifact,
  fixedScale,
  kneeScale,
  linspace,
  plateauScale,
  scalingRegionScale,
  thresholdDimension,
  trainingLid,
} from '@ood/lid'
import type { LidChoices } from '../common/lid-study.ts'

/** Training points of one flow: what the choices may depend on. */
export interface TrainingPoints {
  /** Model-space log-likelihoods. */
  logProb: Float64Array
  artifact: FlowArtifact
  /** Ambient dimension. */
  dimension: number
  /** Model-free dimension of the training set (local PCA, alphaFO = 0.001). */
  lpca: number
}

/** Scale rules compared in the report; the first is the default. */
export const scaleRules = ['scalingRegion', 'coupling', 'lpca', 'knee', 'plateau', 'fixed'] as const
export type ScaleRuleName = (typeof scaleRules)[number]

/** Scales that the curve of the knee and the plateau is read at. */
export const ruleScales: Float64Array = linspace(-8, 4, 121)

/** Applies every scale rule to the training points. */
export function choose({ logProb, artifact, dimension, lpca }: TrainingPoints): LidChoices<ScaleRuleName> {
  if (!(lpca > 0 && lpca < dimension)) throw mismatch('E_ARGUMENT', 'lPCA target', `between 0 and ${dimension}`, lpca)
  const prepare = () => Promise.reject(new Error('choices read prepared artifacts only'))
  const view = trainingLid({ lid: thresholdDimension, prepare }, artifact, dimension, logProb)
  const curve = view.curve(ruleScales)
  const scales = {
    scalingRegion: scalingRegionScale(view),
    coupling: couplingScale(view),
    lpca: bisectScale(view.meanLidAt, lpca),
    knee: kneeScale(curve),
    plateau: plateauScale(curve, { tolerance: 4 }),
    fixed: { ...fixedScale(-3), meanLid: view.meanLidAt(-3) },
  }
  return { rules: scaleRules, scales, pairRule: 'standardisedSum' }
}
