// What a network predicts, as a linear map to the scaled score: sigma s = a x + b output, for one time.
import { type DiffusionProcess, mismatch, unknownName } from '@ood/core'

/**
 * What the output is, with x_t = mu x_0 + sigma eps:
 *
 * - `scaled-score` sigma(t) s(x, t), about -eps.
 * - `score` s(x, t).
 * - `epsilon` the noise eps.
 * - `v_prediction` v = mu eps - sigma x_0 (Salimans & Ho 2022).
 * - `sample` the clean x_0.
 */
export type PredictionType = 'scaled-score' | 'score' | 'epsilon' | 'v_prediction' | 'sample'

/** The predictions there are. */
const PREDICTIONS: readonly PredictionType[] = ['scaled-score', 'score', 'epsilon', 'v_prediction', 'sample']

/** sigma s = a x + b output. */
export interface Affine {
  a: number
  b: number
}

/** The map of a prediction at time t. */
export function toScaledScore(prediction: PredictionType, sde: DiffusionProcess, t: number): Affine {
  if (prediction === 'scaled-score') return { a: 0, b: 1 }
  if (prediction === 'epsilon') return { a: 0, b: -1 }
  const [mu, sigma] = [sde.mean(t), sde.standardDeviation(t)]
  if (prediction === 'score') return { a: 0, b: sigma }
  // eps = (x - mu x_0) / sigma
  if (prediction === 'sample') return { a: -1 / sigma, b: mu / sigma }
  // mu v + sigma x = (mu² + sigma²) eps
  const square = mu * mu + sigma * sigma
  return { a: -sigma / square, b: -mu / square }
}

/** Checks a prediction's name. */
export function parsePrediction(what: string, name: unknown): PredictionType {
  if (typeof name !== 'string') throw mismatch('E_MANIFEST', what, `one of ${PREDICTIONS.join(', ')}`, name)
  const known = PREDICTIONS.find((one) => one === name)
  if (!known) throw unknownName(what, name, PREDICTIONS)
  return known
}
