// The likelihood-ratio detector over any pair of likelihood models: a model of the data and a model of its background.

import {
  assertOptions,
  type CallOptions,
  type LikelihoodModel,
  type LogProb,
  mismatch,
  type NdArray,
  throwIfAborted,
} from '@ood/core'
import type { DecisionState } from './decision-state.ts'
import { describedDetector } from './internal/described.ts'
import { extend } from './internal/extend.ts'
import { sweepOptions } from './internal/sweeps.ts'
import type { DetectorOptions, OutlierDetector } from './outlier-detector.ts'
import { DETECTOR_OPTIONS } from './outlier-types.ts'
import { type RatioConvention, ratioScores } from './ratio-scores.ts'
import { parseStored, type StoredDetector, stored, wrongField } from './stored-detector.ts'

/** Parts and settings of the detector. */
export interface LikelihoodRatioOptions extends DetectorOptions {
  /** The model of the data. */
  semantic: LikelihoodModel
  /** The model of the background: the same kind, trained on mutated data (see `mutateCategorical`). */
  background: LikelihoodModel
  /** Instance score from the models' log p(x) (`sum`, default) or the mean of feature log-probabilities (`mean`). */
  convention?: RatioConvention
  /** What a row with log p = -Infinity under both models is (default `error`). */
  impossible?: 'error' | 'outlier'
}

/** Log-probabilities of the same rows under both models. */
export interface RatioLogProbs {
  semantic: LogProb
  background: LogProb
}

/** A detector as plain JSON; the models are given again on loading. */
export interface LikelihoodRatioState extends StoredDetector {
  name: 'LLR'
  convention: RatioConvention
  impossible: 'error' | 'outlier'
}

/** Likelihood-ratio detector over batches [N, ...dataShape]. */
export interface LikelihoodRatio extends OutlierDetector {
  readonly name: 'LLR'
  readonly semantic: LikelihoodModel
  readonly background: LikelihoodModel
  readonly convention: RatioConvention
  /** One sweep of each model: what the scores are made of, for maps and histograms (`ratioScores` makes the scores). */
  logProbs(x: NdArray, options?: CallOptions): Promise<RatioLogProbs>
  toJSON(): LikelihoodRatioState
}

/**
 * Likelihood-ratio detector (Ren et al. 2019, arXiv 1906.02845; spec llr 1.1-1.7): scores -(log p_s(x) - log p_b(x)),
 * higher = more OOD. What both models explain equally well, such as the background of an image, cancels; what is left
 * is what only the model of the data knows.
 *
 * Both models get the same call options, the seed included (default 0), so stochastic likelihoods such as those of
 * dequantised flows see the same noise. Options beyond those of `CallOptions` are passed on as they are. `scores`,
 * `inferThreshold` and `predict` cost one sweep of each model; the detector keeps nothing of a batch, so scores do not
 * depend on the batch size where the models' do not.
 *
 * A model that carries `dataShape`, `low` and `high`, or a checkpoint `manifest`, gives the detector the shape and range
 * of its data. Models of conditional densities take a wrapper that binds the condition:
 * `{ logProb: (x, call) => model.logProb(x, { ...call, condition }) }`.
 *
 * @param options - the two models and settings
 * @throws OodError `E_ARGUMENT` for models of different data; from calls: as `outlierDetector` and `ratioScores`
 * @example
 * const detector = likelihoodRatio({ semantic: pixelCnn, background: backgroundPixelCnn })
 * await detector.inferThreshold(heldOutImages, 0.05)
 * const { data } = await detector.predict(images) // instanceScore, featureScore [N, H, W], isOutlier, pValue
 */
export function likelihoodRatio(options: LikelihoodRatioOptions): LikelihoodRatio {
  assertOptions('likelihoodRatio', options, [...DETECTOR_OPTIONS, 'semantic', 'background', 'convention', 'impossible'])
  return ratioDetector(options)
}

/**
 * A detector from its stored state; scores are the same to the last bit where the models are.
 *
 * @param state - `JSON.parse` of what `JSON.stringify(detector)` wrote
 * @param models - the same two models
 * @throws OodError `E_FILE` naming the field that is wrong
 * @example
 * const detector = likelihoodRatioFromJSON(JSON.parse(text), { semantic, background })
 */
export function likelihoodRatioFromJSON(
  state: unknown,
  models: Pick<LikelihoodRatioOptions, 'semantic' | 'background'>,
): LikelihoodRatio {
  const { decision, settings, fields } = parseStored(state, 'LLR')
  const { convention, impossible } = fields
  if (convention !== 'sum' && convention !== 'mean') throw wrongField('convention', 'sum or mean', convention)
  if (impossible !== 'error' && impossible !== 'outlier') throw wrongField('impossible', 'error or outlier', impossible)
  return ratioDetector({ ...models, ...settings, convention, impossible }, decision)
}

function ratioDetector(options: LikelihoodRatioOptions, state?: DecisionState): LikelihoodRatio {
  const { semantic, background, convention = 'sum', impossible = 'error' } = options
  for (const [role, model] of Object.entries({ semantic, background }))
    if (typeof model?.logProb !== 'function')
      throw mismatch('E_ARGUMENT', `likelihoodRatio ${role}`, 'a model with logProb', model)
  if (convention !== 'sum' && convention !== 'mean')
    throw mismatch('E_ARGUMENT', 'convention', 'sum or mean', convention)
  const logProbs = async (x: NdArray, call: CallOptions = {}): Promise<RatioLogProbs> => {
    const first = await semantic.logProb(x, sweepOptions(call, x, 0, 2, 'likelihood ratio: semantic'))
    throwIfAborted(call.signal, 'likelihood ratio')
    const second = await background.logProb(x, sweepOptions(call, x, 1, 2, 'likelihood ratio: background'))
    return { semantic: first, background: second }
  }
  const detector = describedDetector('LLR', [semantic, background], options, state, async (x, feature, call) => {
    const both = await logProbs(x, call)
    return ratioScores(both.semantic, both.background, { convention, impossible, feature })
  })
  return extend(detector, {
    name: 'LLR' as const,
    semantic,
    background,
    convention,
    logProbs,
    toJSON: (): LikelihoodRatioState => ({ ...stored('LLR', options, detector.decision()), convention, impossible }),
  })
}
