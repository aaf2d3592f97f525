// The measurement that detectors on classifiers share: logits and features of rows.
import { type FeatureClassifier, flatData, mismatch, type NdArray, tensor } from '@ood/core'
import { type Measurement, measurement } from './measurement.ts'

/**
 * Columns `logits` [N, classes] and `features` [N, dimension] of every row, from one run of the classifier.
 *
 * @throws OodError `E_ARGUMENT` for something that is no classifier
 * @example
 * const needs = { classifier: featuresOf(classifier) } // columns classifier.logits and classifier.features
 */
export function featuresOf(model: FeatureClassifier): Measurement {
  if (typeof model?.evaluate !== 'function' || typeof model.classes !== 'number')
    throw mismatch('E_ARGUMENT', 'classifier', 'a model with logits and features', model)
  return measurement('features', [model], {}, ['logits', 'features'], async (x: NdArray, call = {}) => {
    const { logits, features } = await model.evaluate(x, call)
    const wide = (batch: NdArray) => tensor(Float64Array.from(flatData(batch)), batch.shape)
    return { logits: wide(logits), features: wide(features) }
  })
}
