// WAIC over an ensemble of models: likelihood where the models agree, suspicion where they do not.
import { assertOptions, type LikelihoodModel, mismatch, OodError } from '@ood/core'
import { describedBy, type LogProbSettings, logProbOf, type Method, vector } from '@ood/detect'
import { noFit } from '../internal/no-fit.ts'

/** Settings of `waic`. */
export interface WaicOptions {
  /** Variance over the K models divides by K (`population`, default) or by K - 1 (`sample`). */
  variance?: 'population' | 'sample' | undefined
  /** Further options of the models' `logProb`. */
  logProb?: LogProbSettings | undefined
}

/**
 * Minus the Watanabe-Akaike information criterion of an ensemble (Choi et al. 2018, arXiv 1810.01392):
 *
 *     WAIC(x) = mean_k log p_k(x) - var_k log p_k(x),   score = -WAIC(x)
 *
 * in nats, over K >= 2 models trained independently on the same data (the paper has 5). Where the data was, the models
 * agree; elsewhere their log-likelihoods scatter, and the variance counts against the point. All models get the same
 * seed. A row of log p = -Infinity under any model scores +Infinity. Nothing is fitted. Cost: one sweep of every model.
 *
 * @param models - the ensemble
 * @throws OodError `E_ARGUMENT` for fewer than two models or models of different data; from `score` `E_NOT_FINITE` for
 *   NaN and +Infinity, naming row and model
 * @example
 * const ensemble = detector(waic([flowA, flowB, flowC]))
 * await ensemble.inferThreshold(heldOutImages, 0.05)
 */
export function waic(models: readonly LikelihoodModel[], options: WaicOptions = {}): Method<null> {
  assertOptions('waic', options, ['variance', 'logProb'])
  const { variance = 'population', logProb = {} } = options
  if (variance !== 'population' && variance !== 'sample')
    throw mismatch('E_ARGUMENT', 'waic variance', 'population or sample', variance)
  if (!(Array.isArray(models) && models.length >= 2))
    throw new OodError('E_ARGUMENT', `waic models: expected at least 2, got ${models?.length ?? models}`)
  const roles = models.map((_, k) => `model-${k}`)
  const needs = Object.fromEntries(models.map((model, k) => [roles[k]!, logProbOf(model, logProb)]))
  const divisor = variance === 'sample' ? models.length - 1 : models.length
  return {
    name: 'WAIC',
    source: 'Choi et al. 2018',
    settings: { variance, members: models.length, ...(Object.keys(logProb).length > 0 ? { logProb } : {}) },
    models: Object.fromEntries(models.map((model, k) => [roles[k]!, model])),
    data: describedBy(models),
    ...noFit,
    needs: () => needs,
    score(columns) {
      const members = roles.map((role) => vector(columns, `${role}.logProb`))
      return members[0]!.map((_, row) => scoreOf(members, row, divisor))
    },
  }
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
