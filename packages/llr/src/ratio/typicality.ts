// Typicality of single points: how far -log p(x) lies from the entropy that training data has under the model.

import { assertOptions, type CallOptions, type LikelihoodModel, mismatch, type NdArray, OodError } from '@ood/core'
import type { DecisionState } from './decision-state.ts'
import { describedDetector } from './internal/described.ts'
import { extend } from './internal/extend.ts'
import { sweepOptions } from './internal/sweeps.ts'
import type { DetectorOptions, OutlierDetector } from './outlier-detector.ts'
import { DETECTOR_OPTIONS } from './outlier-types.ts'
import { parseStored, type StoredDetector, stored, wrongField } from './stored-detector.ts'

/** A detector as plain JSON; the model is given again on loading. */
export interface TypicalityState extends StoredDetector {
  name: 'Typicality'
  entropy: number | null
}

/** Single-sample typicality test over batches [N, ...dataShape]. */
export interface Typicality extends OutlierDetector {
  readonly name: 'Typicality'
  readonly model: LikelihoodModel
  /** Ĥ in nats; null before `fit`. */
  readonly entropy: number | null
  fit(train: NdArray, options?: CallOptions): Promise<void>
  /** `fit` where the log-probabilities of the training rows are there already. */
  fitLogProb(logProb: ArrayLike<number>): void
  toJSON(): TypicalityState
}

/**
 * Single-sample typicality test (Nalisnick et al. 2019, arXiv 1906.02994, equation 4 with M = 1):
 *
 *     score(x) = |-log p(x) - Ĥ|,   Ĥ = -(1/N) sum_n log p(x_n) over the training rows, in nats
 *
 * In many dimensions nearly all of a model's samples have -log p(x) near its entropy, so a log-likelihood that is too
 * high is as suspicious as one that is too low. `typicalBatch` is the test for batches.
 *
 * `fit` takes training rows and forgets an earlier threshold; thresholds and p-values (`outlierDetector`) are best taken from held-out ones. Cost: one
 * sweep of the model.
 *
 * @param model - gives log p
 * @throws OodError `E_NOT_FITTED` from scores before `fit`; `E_NOT_FINITE` for training rows of infinite log p;
 *   otherwise as `outlierDetector`
 * @example
 * const detector = typicality(flow)
 * await detector.fit(trainImages)
 * await detector.inferThreshold(heldOutImages, 0.05)
 * const { data } = await detector.predict(images)
 */
export function typicality(model: LikelihoodModel, options: DetectorOptions = {}): Typicality {
  assertOptions('typicality', options, [...DETECTOR_OPTIONS])
  return detectorOf(model, options, null)
}

/**
 * A detector from its stored state.
 *
 * @throws OodError `E_FILE` naming the field that is wrong
 * @example
 * const detector = typicalityFromJSON(JSON.parse(text), flow)
 */
export function typicalityFromJSON(state: unknown, model: LikelihoodModel): Typicality {
  const { decision, settings, fields } = parseStored(state, 'Typicality')
  if (fields.entropy !== null && !Number.isFinite(fields.entropy))
    throw wrongField('entropy', 'a finite number or null', fields.entropy)
  return detectorOf(model, settings, fields.entropy as number | null, decision)
}

function detectorOf(
  model: LikelihoodModel,
  options: DetectorOptions,
  initial: number | null,
  state?: DecisionState,
): Typicality {
  const name = 'Typicality' as const
  let entropy = initial
  const detector = describedDetector(name, [model], options, state, async (x, feature, call) => {
    if (entropy === null) throw new OodError('E_NOT_FITTED', 'typicality: expected fit before use')
    if (feature === 'required')
      throw mismatch('E_UNSUPPORTED', 'typicality feature scores', 'a request for instance scores', feature)
    const known = entropy
    const { instance } = await model.logProb(x, sweepOptions(call, x, 0, 1, 'typicality'))
    return { instance: instance.map((value) => Math.abs(-value - known)), feature: null }
  })
  const fitLogProb = (logProb: ArrayLike<number>): void => {
    entropy = entropyOf(logProb)
    // Old scores were distances from another entropy.
    detector.reset()
  }
  return extend(detector, {
    name,
    model,
    get entropy() {
      return entropy
    },
    async fit(train: NdArray, call: CallOptions = {}) {
      detector.assertData(train)
      const { instance } = await model.logProb(train, sweepOptions(call, train, 0, 1, 'typicality: fit'))
      fitLogProb(instance)
    },
    fitLogProb,
    toJSON: (): TypicalityState => ({ ...stored(name, options, detector.decision()), entropy }),
  })
}

/** Ĥ: minus the mean of log-probabilities. Throws `E_EMPTY`, `E_NOT_FINITE`. */
export function entropyOf(logProb: ArrayLike<number>): number {
  if (logProb.length === 0) throw new OodError('E_EMPTY', 'training log-probabilities: expected at least one, got none')
  let sum = 0
  for (let i = 0; i < logProb.length; i++) {
    if (!Number.isFinite(logProb[i]!))
      throw mismatch('E_NOT_FINITE', 'training log-probabilities', 'finite numbers', `${logProb[i]} in row ${i}`)
    sum += logProb[i]!
  }
  return -sum / logProb.length
}
