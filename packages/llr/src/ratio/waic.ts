// WAIC over an ensemble of models: likelihood where the models agree, suspicion where they do not.

import { assertOptions, type LikelihoodModel, mismatch, OodError, throwIfAborted } from '@ood/core'
import type { DecisionState } from './decision-state.ts'
import { describedDetector } from './internal/described.ts'
import { extend } from './internal/extend.ts'
import { sweepOptions } from './internal/sweeps.ts'
import type { DetectorOptions, OutlierDetector } from './outlier-detector.ts'
import { DETECTOR_OPTIONS } from './outlier-types.ts'
import { parseStored, type StoredDetector, stored, wrongField } from './stored-detector.ts'

/** Settings of the detector. */
export interface WaicOptions extends DetectorOptions {
  /** Variance over the K models divides by K (`population`, default) or by K - 1 (`sample`). */
  variance?: 'population' | 'sample'
}

/** A detector as plain JSON; the models are given again on loading, in the same order. */
export interface WaicState extends StoredDetector {
  name: 'WAIC'
  variance: 'population' | 'sample'
  /** Number of models. */
  members: number
}

/** WAIC over batches [N, ...dataShape]. */
export interface Waic extends OutlierDetector {
  readonly name: 'WAIC'
  readonly models: readonly LikelihoodModel[]
  toJSON(): WaicState
}

/**
 * Minus the Watanabe-Akaike information criterion of an ensemble (Choi et al. 2018, arXiv 1810.01392):
 *
 *     WAIC(x) = mean_k log p_k(x) - var_k log p_k(x),   score = -WAIC(x)
 *
 * in nats, over K >= 2 models trained independently on the same data (the paper has 5). Where the data was, the models
 * agree; elsewhere their log-likelihoods scatter, and the variance counts against the point. All models get the same
 * seed. A row of log p = -Infinity under any model scores +Infinity. Cost: one sweep of every model.
 *
 * @param models - the ensemble
 * @throws OodError `E_ARGUMENT` for fewer than two models or models of different data, `E_NOT_FINITE` for NaN and
 *   +Infinity, naming row and model; otherwise as `outlierDetector`
 * @example
 * const detector = waic([flowA, flowB, flowC])
 * await detector.inferThreshold(heldOutImages, 0.05)
 * const { data } = await detector.predict(images)
 */
export function waic(models: readonly LikelihoodModel[], options: WaicOptions = {}): Waic {
  assertOptions('waic', options, [...DETECTOR_OPTIONS, 'variance'])
  return detectorOf(models, options)
}

/**
 * A detector from its stored state.
 *
 * @throws OodError `E_FILE` naming the field that is wrong, `E_ARGUMENT` for another number of models
 * @example
 * const detector = waicFromJSON(JSON.parse(text), [flowA, flowB, flowC])
 */
export function waicFromJSON(state: unknown, models: readonly LikelihoodModel[]): Waic {
  const { decision, settings, fields } = parseStored(state, 'WAIC')
  const { variance, members } = fields
  if (variance !== 'population' && variance !== 'sample') throw wrongField('variance', 'population or sample', variance)
  if (!Number.isSafeInteger(members)) throw wrongField('members', 'a number of models', members)
  if (members !== models.length) throw mismatch('E_ARGUMENT', 'waic models', `${members} as stored`, models.length)
  return detectorOf(models, { ...settings, variance }, decision)
}

function detectorOf(models: readonly LikelihoodModel[], options: WaicOptions, state?: DecisionState): Waic {
  const name = 'WAIC' as const
  const { variance = 'population' } = options
  if (variance !== 'population' && variance !== 'sample')
    throw mismatch('E_ARGUMENT', 'waic variance', 'population or sample', variance)
  if (!(Array.isArray(models) && models.length >= 2))
    throw new OodError('E_ARGUMENT', `waic models: expected at least 2, got ${models?.length ?? models}`)
  const members = [...models]
  const divisor = variance === 'sample' ? members.length - 1 : members.length
  const detector = describedDetector(name, members, options, state, async (x, feature, call) => {
    if (feature === 'required')
      throw mismatch('E_UNSUPPORTED', 'waic feature scores', 'a request for instance scores', feature)
    const columns: Float64Array[] = []
    for (const [k, model] of members.entries()) {
      throwIfAborted(call.signal, 'waic')
      const { instance } = await model.logProb(x, sweepOptions(call, x, k, members.length, `waic: model ${k}`))
      if (instance.length !== x.shape[0])
        throw mismatch('E_SHAPE', `waic model ${k}`, `${x.shape[0]} log-probabilities`, instance.length)
      columns.push(instance)
    }
    return { instance: columns[0]!.map((_, row) => scoreOf(columns, row, divisor)), feature: null }
  })
  return extend(detector, {
    name,
    models: members,
    toJSON: (): WaicState => ({
      ...stored(name, options, detector.decision()),
      variance,
      members: members.length,
    }),
  })
}

/** Variance minus mean of one row; mean first, then squared differences, so that large log p lose no digits. */
function scoreOf(columns: readonly Float64Array[], row: number, divisor: number): number {
  let impossible = false
  let sum = 0
  for (const [k, column] of columns.entries()) {
    const value = column[row]!
    if (Number.isNaN(value) || value === Number.POSITIVE_INFINITY)
      throw mismatch(
        'E_NOT_FINITE',
        'waic',
        'log-probabilities below infinity',
        `${value} from model ${k} in row ${row}`,
      )
    if (value === Number.NEGATIVE_INFINITY) impossible = true
    sum += value
  }
  if (impossible) return Number.POSITIVE_INFINITY
  const mean = sum / columns.length
  let squares = 0
  for (const column of columns) squares += (column[row]! - mean) ** 2
  return squares / divisor - mean
}
