// The whole detector over images: a likelihood model, an LID estimator, a scale rule and a pair rule, as one object.
import {
  assertOptions,
  type CallOptions,
  type LidEstimator,
  type LikelihoodModel,
  mismatch,
  type NdArray,
  OodError,
  type Prediction,
  rowSize,
  type Thresholded,
} from '@ood/core'
import { assertNumber } from '../internal/check.ts'
import { fixedScale } from '../scale/fixed.ts'
import type { ScaleChoice } from '../scale/training-curve.ts'
import { type ScaleRule, trainingLid } from '../scale/training-lid.ts'
import {
  type PairDetector,
  type PairDetectorState,
  type PairRule,
  type PairRuleName,
  pairDetector,
  pairDetectorFromJSON,
} from './pair-detector.ts'
import type { LogProbLid } from './pairs.ts'

/** An estimator that can be asked for one scale directly, where a scale costs model calls (`flipd`). */
export interface DirectLidEstimator<Artifact> extends LidEstimator<Artifact> {
  /** LID of every row at one scale, without preparing the others. */
  lidAt(x: NdArray, scale: number, options?: CallOptions): Promise<Float64Array>
}

/** Parts of the detector. */
export interface LikelihoodLidOptions<Artifact> {
  /** Gives log p(x). */
  model: LikelihoodModel
  /** Gives LID(x). With `lidAt`, a curve is prepared in `fit` only, and only for a rule to choose the scale from. */
  estimator: LidEstimator<Artifact> | DirectLidEstimator<Artifact>
  /** The scale, or a rule that chooses it from the training points in `fit`. */
  scale: number | ScaleRule
  /** How the pair becomes a score (default `'standardisedSum'`); `'localMass'` by name takes r = e^scale. */
  rule?: PairRuleName | 'localMass' | PairRule
}

/** A fitted detector as plain JSON; the model and the estimator are given again on loading. */
export interface LikelihoodLidState {
  schemaVersion: 1
  name: 'LikelihoodLidDetector'
  choice: Pick<ScaleChoice, 'scale' | 'rule' | 'meanLid' | 'diagnostics'>
  pairs: PairDetectorState
}

/** Detector over batches [N, ...dataShape]. */
export interface LikelihoodLidDetector extends Thresholded<NdArray> {
  /** The chosen scale and why; undefined before `fit`. */
  readonly choice: ScaleChoice | undefined
  fit(train: NdArray, options?: CallOptions): Promise<void>
  /** log p and LID at the chosen scale. */
  pairs(x: NdArray, options?: CallOptions): Promise<LogProbLid>
  score(x: NdArray, options?: CallOptions): Promise<Float64Array>
  inferThreshold(x: NdArray, falsePositiveRate: number, options?: CallOptions): Promise<number>
  predict(x: NdArray, options?: CallOptions): Promise<Prediction>
  toJSON(): LikelihoodLidState
}

/**
 * Likelihood + LID detector fitted on training images only (Kamkari et al. 2024 give the pair; the single score is
 * `pairDetector`). `fit` prepares the training images once, lets the rule choose the scale from them, and fits the pair
 * rule; nothing else ever changes the scale or the parameters, so no evaluation score can reach them.
 *
 * `score` costs one log-likelihood and one `prepare` (a Jacobian, for flows) a point. Held-out images of the training
 * distribution are the better ones for `inferThreshold`.
 *
 * @param options - model, estimator, scale and rule
 * @param state - what `toJSON` gave, to continue without `fit`; `scale` and `rule` are then taken from it
 * @throws OodError `E_NOT_FITTED` from every method before `fit`; otherwise as `pairDetector`, the model and the estimator
 * @example
 * const detector = likelihoodLidDetector({ model: flow, estimator: thresholdLid(flow), scale: couplingScale })
 * await detector.fit(trainImages)
 * await detector.score(images) // higher = more OOD
 */
export function likelihoodLidDetector<Artifact>(
  options: LikelihoodLidOptions<Artifact>,
  state?: LikelihoodLidState,
): LikelihoodLidDetector {
  assertOptions('likelihoodLidDetector', options, ['model', 'estimator', 'scale', 'rule'])
  const { model, estimator, scale, rule = 'standardisedSum' } = options
  if (typeof scale === 'number') assertNumber('likelihoodLidDetector scale', scale)
  let choice: ScaleChoice | undefined
  let detector: PairDetector | undefined
  if (state) {
    if (state.schemaVersion !== 1 || state.name !== 'LikelihoodLidDetector')
      throw mismatch('E_FILE', 'likelihoodLidDetector state', 'schemaVersion 1 of LikelihoodLidDetector', state.name)
    if (!Number.isFinite(state.choice?.scale))
      throw mismatch('E_FILE', 'likelihoodLidDetector state scale', 'a finite number', state.choice?.scale)
    choice = { ...state.choice, trace: [] }
    detector = pairDetectorFromJSON(state.pairs)
  }
  const ready = (): { detector: PairDetector; choice: ScaleChoice } => {
    if (!detector || !choice) throw new OodError('E_NOT_FITTED', 'likelihoodLidDetector: expected fit before use')
    return { detector, choice }
  }
  const lidAt = async (x: NdArray, scale: number, call?: CallOptions): Promise<Float64Array> =>
    'lidAt' in estimator ? estimator.lidAt(x, scale, call) : estimator.lid(await estimator.prepare(x, call), scale)
  const pairs = async (x: NdArray, call?: CallOptions): Promise<LogProbLid> => {
    const { choice } = ready()
    const { instance } = await model.logProb(x, call)
    return { logProb: instance, lid: await lidAt(x, choice.scale, call) }
  }
  return {
    get choice() {
      return choice
    },
    async fit(train, call) {
      const { instance } = await model.logProb(train, call)
      await estimator.fit?.(train, call)
      let chosen: ScaleChoice
      let lid: Float64Array | undefined
      if (typeof scale === 'number') chosen = fixedScale(scale)
      else {
        const training = trainingLid(estimator, await estimator.prepare(train, call), rowSize(train), instance)
        chosen = scale(training)
        // What `score` will read of other points, to the last bit: not between the scales of a prepared grid.
        if (!('lidAt' in estimator)) lid = training.lidAt(chosen.scale)
      }
      assertNumber('likelihoodLidDetector chosen scale', chosen.scale)
      const fresh = pairDetector({ rule: rule === 'localMass' ? { name: rule, logRadius: chosen.scale } : rule })
      fresh.fit({ logProb: instance, lid: lid ?? (await lidAt(train, chosen.scale, call)) })
      choice = chosen
      detector = fresh
    },
    pairs,
    async score(x, call) {
      return ready().detector.score(await pairs(x, call))
    },
    async inferThreshold(x, falsePositiveRate, call) {
      return ready().detector.inferThreshold(await pairs(x, call), falsePositiveRate)
    },
    async predict(x, call) {
      return ready().detector.predict(await pairs(x, call))
    },
    toJSON() {
      const { detector, choice } = ready()
      const { scale, rule, meanLid, diagnostics } = choice
      return {
        schemaVersion: 1,
        name: 'LikelihoodLidDetector',
        choice: { scale, rule, meanLid, diagnostics },
        pairs: detector.toJSON(),
      }
    },
  }
}
