// The plain likelihood as a detector: what the others are compared with.

import { assertOptions, type CallOptions, flatData, type LikelihoodModel, mismatch, tensor } from '@ood/core'
import type { DecisionState } from './decision-state.ts'
import { describedDetector } from './internal/described.ts'
import { extend } from './internal/extend.ts'
import { sweepOptions } from './internal/sweeps.ts'
import type { DetectorOptions, OutlierDetector } from './outlier-detector.ts'
import { DETECTOR_OPTIONS } from './outlier-types.ts'
import { parseStored, type StoredDetector, stored } from './stored-detector.ts'

/** A detector as plain JSON; the model is given again on loading. */
export interface NegativeLogLikelihoodState extends StoredDetector {
  name: 'NegativeLogLikelihood'
}

/** Negative log-likelihood over batches [N, ...dataShape]. */
export interface NegativeLogLikelihood extends OutlierDetector {
  readonly name: 'NegativeLogLikelihood'
  readonly model: LikelihoodModel
  toJSON(): NegativeLogLikelihoodState
}

/**
 * Scores -log p(x) in nats, features -log p(x_d | ...) where the model has them: the oldest novelty score (Bishop 1994),
 * and the one that fails on images of simpler data (Nalisnick et al. 2019, arXiv 1810.09136). -Infinity of log p scores
 * +Infinity. Thresholds, p-values, predictions: see `outlierDetector`. Cost: one sweep of the model.
 *
 * @param model - gives log p
 * @throws OodError `E_ARGUMENT` for something that is no model; from calls as `outlierDetector`
 * @example
 * const detector = negativeLogLikelihood(flow)
 * await detector.inferThreshold(heldOutImages, 0.05)
 * const { data } = await detector.predict(images)
 */
export function negativeLogLikelihood(model: LikelihoodModel, options: DetectorOptions = {}): NegativeLogLikelihood {
  assertOptions('negativeLogLikelihood', options, [...DETECTOR_OPTIONS])
  return detectorOf(model, options)
}

/**
 * A detector from its stored state.
 *
 * @throws OodError `E_FILE` naming the field that is wrong
 * @example
 * const detector = negativeLogLikelihoodFromJSON(JSON.parse(text), flow)
 */
export function negativeLogLikelihoodFromJSON(state: unknown, model: LikelihoodModel): NegativeLogLikelihood {
  const { decision, settings } = parseStored(state, 'NegativeLogLikelihood')
  return detectorOf(model, settings, decision)
}

function detectorOf(model: LikelihoodModel, options: DetectorOptions, state?: DecisionState): NegativeLogLikelihood {
  const name = 'NegativeLogLikelihood' as const
  const detector = describedDetector(name, [model], options, state, async (x, feature, call: CallOptions) => {
    const { instance, feature: map } = await model.logProb(x, sweepOptions(call, x, 0, 1, 'negative log-likelihood'))
    if (feature === 'required' && !map)
      throw mismatch('E_UNSUPPORTED', 'feature scores', 'a model with log-probabilities of features', 'none')
    const wanted = feature !== 'none' && map
    return {
      instance: instance.map((value) => -value),
      feature: wanted
        ? tensor(
            Float64Array.from(flatData(map), (value) => -value),
            map.shape,
          )
        : null,
    }
  })
  return extend(detector, { name, model, toJSON: () => stored(name, options, detector.decision()) })
}
