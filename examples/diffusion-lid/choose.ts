// Every choice of the example: scales and how two numbers become one score. This file is handed training points alone.
import type { LidEstimator } from '@ood/core'
import {
  bisectScale,
  couplingScale,
  diffusionKneeScale,
  fixedScale,
  linspace,
  scalingRegionScale,
  trainingLid,
} from '@ood/lid'
import type { LidChoices } from '../common/lid-study.ts'

/** LID methods compared. */
export type Method = 'flipd' | 'normalBundle'

/**
 * Scale rules compared in the report; the first is the default. The log-density of noised data is the integral of
 * D - FLIPD over log noise from that level up, so reading LID at one scale is a one-node quadrature of log p, and the best
 * node is where the two are most strongly anti-correlated: in a diffusion model this is an identity, where in a flow it is
 * part of log p only.
 */
export const scaleRules = ['coupling', 'lpca', 'knee', 'scalingRegion', 'fixed'] as const
export type ScaleRuleName = (typeof scaleRules)[number]

/** Training points of one model under one LID method. */
export interface TrainingPoints<Artifact> {
  method: Method
  lid: LidEstimator<Artifact>['lid']
  artifact: Artifact
  logProb: Float64Array
  /** Ambient dimension. */
  dimension: number
  /** Model-free dimension of the training set (local PCA, alphaFO = 0.001). */
  lpca: number
}

/** Scales the rules look at: FLIPD knows only those its curve was measured at. */
export const ruleScales: Record<Method, Float64Array> = {
  flipd: linspace(-5.5, 0.5, 61),
  normalBundle: linspace(-8, 1, 91),
}

/** Published constants: t0 = 0.05 for FLIPD is log tau = -1.75; -3 for the normal bundle. */
const published: Record<Method, number> = { flipd: -1.748, normalBundle: -3 }

/**
 * Applies every scale rule to the training points. The score is -min(z(log p), z(LID)), each standardised on training
 * pairs: the published rule's two cuts as one number. Their sum, the flow example's score, would let a very high LID
 * outweigh a very low likelihood: FLIPD of images far from the training set is several times theirs.
 */
export function choose<Artifact>(training: TrainingPoints<Artifact>): LidChoices<ScaleRuleName> {
  const { method, lid, artifact, logProb, dimension, lpca } = training
  const prepare = () => Promise.reject(new Error('choices read prepared artifacts only'))
  const view = trainingLid({ lid, prepare }, artifact, dimension, logProb)
  const scales = ruleScales[method]
  const fixed = published[method]
  const chosen = {
    scalingRegion: scalingRegionScale(view, { scales }),
    knee: diffusionKneeScale(view.curve(scales)),
    coupling: couplingScale(view, { scales }),
    lpca: bisectScale(view.meanLidAt, lpca, { lower: scales[0]!, upper: scales.at(-1)! }),
    fixed: { ...fixedScale(fixed), meanLid: view.meanLidAt(fixed) },
  }
  return { rules: scaleRules, scales: chosen, pairRule: 'standardisedMinimum' }
}
