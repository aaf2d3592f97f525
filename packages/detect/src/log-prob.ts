// The measurement most methods share: log-probabilities of rows under a likelihood model.
import { flatData, type LikelihoodModel, mismatch, type NdArray, tensor } from '@ood/core'
import { type Measurement, measurement } from './measurement.ts'

/** Further options of the model's `logProb`, such as `{ space: 'model' }` of a flow; part of the measurement's key. */
export type LogProbSettings = Readonly<Record<string, string | number | boolean>>

/**
 * Column `logProb`: log p(x) of every row in nats, and column `feature` [N, ...featureShape] where the model gives terms
 * of features. Options beyond those of every call (`seed`, `rows` ...) are passed on to the model as they are.
 *
 * @param model - gives log p
 * @throws OodError `E_ARGUMENT` for something that is no model
 * @example
 * const needs = { flow: logProbOf(flow, { space: 'model' }) } // column flow.logProb
 */
export function logProbOf(model: LikelihoodModel, settings: LogProbSettings = {}): Measurement {
  if (typeof model?.logProb !== 'function') throw mismatch('E_ARGUMENT', 'model', 'a model with logProb', model)
  return measurement(
    'logProb',
    [model],
    settings,
    ['logProb'],
    async (x: NdArray, call) => {
      const { instance, feature } = await model.logProb(x, { ...call, ...settings })
      return {
        logProb: instance,
        ...(feature ? { feature: tensor(Float64Array.from(flatData(feature)), feature.shape) } : {}),
      }
    },
    ['feature'],
  )
}
