// The likelihood ratio over any pair of likelihood models: a model of the data and a model of its background.
import { assertOptions, type LikelihoodModel, type LogProb, mismatch, type NdArray } from '@ood/core'
import { array, type Columns, describedBy, type LogProbSettings, logProbOf, type Method, vector } from '@ood/detect'
import { noFit } from '../internal/no-fit.ts'
import { type RatioConvention, ratioScores } from './ratio-scores.ts'

/** Parts and settings of the method. */
export interface LikelihoodRatioOptions {
  /** The model of the data. */
  semantic: LikelihoodModel
  /** The model of the background: trained on mutated data (see `mutateCategorical`). */
  background: LikelihoodModel
  /** Instance score from the models' log p(x) (`sum`, default) or the mean of feature log-probabilities (`mean`). */
  convention?: RatioConvention | undefined
  /** What a row with log p = -Infinity under both models is (default `error`). */
  impossible?: 'error' | 'outlier' | undefined
  /** Further options of both models' `logProb`. */
  logProb?: LogProbSettings | undefined
}

/**
 * Likelihood ratio (Ren et al. 2019, arXiv 1906.02845): scores -(log p_s(x) - log p_b(x)), higher =
 * more OOD. What both models explain equally well, such as the background of an image, cancels; what is left is what only
 * the model of the data knows. Feature scores where both models have log-probabilities of features.
 *
 * Both models get the same call options, the seed included (default 0), so stochastic likelihoods such as those of
 * dequantised flows see the same noise. Nothing is fitted. Cost: one sweep of each model.
 *
 * A model that carries a checkpoint `manifest`, or `dataShape`, `low` and `high`, gives the detector the shape and range
 * of its data. Models of conditional densities take a wrapper that binds the condition:
 * `{ logProb: (x, call) => model.logProb(x, { ...call, condition }) }`.
 *
 * @param options - the two models and settings
 * @throws OodError `E_ARGUMENT` for models of different data; from `score` as `ratioScores`
 * @example
 * const ratio = detector(likelihoodRatio({ semantic: pixelCnn, background: backgroundPixelCnn }))
 * await ratio.inferThreshold(heldOutImages, 0.05)
 * const { data } = await ratio.predict(images) // instanceScore, featureScore [N, H, W], isOutlier, pValue
 */
export function likelihoodRatio(options: LikelihoodRatioOptions): Method<null> {
  assertOptions('likelihoodRatio', options, ['semantic', 'background', 'convention', 'impossible', 'logProb'])
  const { semantic, background, convention = 'sum', impossible = 'error', logProb = {} } = options
  for (const [role, model] of Object.entries({ semantic, background }))
    if (typeof model?.logProb !== 'function')
      throw mismatch('E_ARGUMENT', `likelihoodRatio ${role}`, 'a model with logProb', model)
  if (convention !== 'sum' && convention !== 'mean')
    throw mismatch('E_ARGUMENT', 'convention', 'sum or mean', convention)
  if (impossible !== 'error' && impossible !== 'outlier')
    throw mismatch('E_ARGUMENT', 'impossible', 'error or outlier', impossible)
  const needs = { semantic: logProbOf(semantic, logProb), background: logProbOf(background, logProb) }
  const ratio = (columns: Columns, feature: 'none' | 'optional') =>
    ratioScores(logProbs(columns, 'semantic'), logProbs(columns, 'background'), { convention, impossible, feature })
  return {
    name: 'LLR',
    source: 'Ren et al. 2019',
    settings: { convention, impossible, ...(Object.keys(logProb).length > 0 ? { logProb } : {}) },
    models: { semantic, background },
    data: describedBy([semantic, background]),
    ...noFit,
    needs: () => needs,
    score: (columns) => ratio(columns, 'none').instance,
    featureScore: (columns): NdArray<Float64Array> | null => ratio(columns, 'optional').feature,
  }
}

/** Log-probabilities back from columns. */
function logProbs(columns: Columns, role: string): LogProb {
  const feature = columns[`${role}.feature`] ? array(columns, `${role}.feature`) : undefined
  return { instance: vector(columns, `${role}.logProb`), feature }
}
