// The likelihood of a classifier's features as a method: a density model behind a network that already knows what matters.
import { type FeatureClassifier, type LikelihoodModel, mismatch, type NdArray } from '@ood/core'
import { describedBy, type LogProbSettings, type Method, measurement, vector } from '@ood/detect'
import { noFit } from '../internal/no-fit.ts'

/** Parts of the method. */
export interface FeatureLikelihoodOptions {
  classifier: FeatureClassifier
  /** log p of features [N, dimension]. */
  model: LikelihoodModel
  /** Further options of the model's `logProb`. */
  logProb?: LogProbSettings | undefined
}

/**
 * Scores -log p(f(x)) in nats, f the features before the classifier's last layer: flows on features tell data sets apart
 * that flows on pixels do not (Kirichenko et al. 2020, arXiv 2006.08545, section 7). Nothing is fitted. Cost: one run of
 * the classifier and one of the model.
 *
 * @throws OodError `E_ARGUMENT` for parts that are none, or a model of rows of another size than the features
 * @example
 * const method = featureLikelihood({ classifier, model: flowOnFeatures })
 */
export function featureLikelihood({ classifier, model, logProb = {} }: FeatureLikelihoodOptions): Method<null> {
  if (typeof classifier?.evaluate !== 'function')
    throw mismatch('E_ARGUMENT', 'featureLikelihood classifier', 'a model with logits and features', classifier)
  if (typeof model?.logProb !== 'function')
    throw mismatch('E_ARGUMENT', 'featureLikelihood model', 'a model with logProb', model)
  const { dataShape } = describedBy([model])
  if (dataShape && dataShape.join() !== String(classifier.dimension))
    throw mismatch(
      'E_ARGUMENT',
      'featureLikelihood model',
      `rows of ${classifier.dimension} features`,
      `[${dataShape}]`,
    )
  const needs = {
    features: measurement(
      'featureLogProb',
      [classifier, model],
      { ...logProb },
      ['logProb'],
      async (x: NdArray, call = {}) => {
        const { features } = await classifier.evaluate(x, call)
        const { seed, rows, signal } = call
        return { logProb: (await model.logProb(features, { seed, rows, signal, ...logProb })).instance }
      },
    ),
  }
  return {
    name: 'FeatureLikelihood',
    source: 'Kirichenko et al. 2020',
    settings: { ...logProb },
    models: { classifier, model },
    data: describedBy([classifier]),
    ...noFit,
    needs: () => needs,
    score: (columns) => vector(columns, 'features.logProb').map((value) => -value),
  }
}
