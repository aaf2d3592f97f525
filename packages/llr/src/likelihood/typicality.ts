// Typicality of single points: how far -log p(x) lies from the entropy that training data has under the model.
import { type LikelihoodModel, mismatch, OodError } from '@ood/core'
import { describedBy, type LogProbSettings, logProbOf, type Method, vector, wrongField } from '@ood/detect'

/** What the method learns. */
export interface TypicalityFit {
  /** Ĥ in nats. */
  entropy: number
}

/**
 * Single-sample typicality test (Nalisnick et al. 2019, arXiv 1906.02994, equation 4 with M = 1):
 *
 *     score(x) = |-log p(x) - Ĥ|,   Ĥ = -(1/N) sum_n log p(x_n) over the training rows, in nats
 *
 * In many dimensions nearly all of a model's samples have -log p(x) near its entropy, so a log-likelihood that is too
 * high is as suspicious as one that is too low. `typicalBatch` is the test for batches. Cost: one sweep of the model.
 *
 * @param model - gives log p
 * @throws OodError `E_ARGUMENT` for something that is no model; from `fit` `E_NOT_FINITE` for training rows of infinite
 *   log p
 * @example
 * const typical = detector(typicality(flow))
 * await typical.fit(trainImages)
 * await typical.inferThreshold(heldOutImages, 0.05)
 */
export function typicality(model: LikelihoodModel, settings: LogProbSettings = {}): Method<TypicalityFit> {
  const needs = { model: logProbOf(model, settings) }
  return {
    name: 'Typicality',
    source: 'Nalisnick et al. 2019',
    settings: { ...settings },
    models: { model },
    data: describedBy([model]),
    needs: () => needs,
    fit: (train) => ({ entropy: entropyOf(vector(train, 'model.logProb')) }),
    score: (columns, { entropy }) => vector(columns, 'model.logProb').map((value) => Math.abs(-value - entropy)),
    parseFit(value) {
      const { entropy } = (value ?? {}) as TypicalityFit
      if (!Number.isFinite(entropy)) throw wrongField('fit.entropy', 'a finite number', entropy)
      return { entropy }
    },
  }
}

/** Ĥ: minus the mean of log-probabilities. Throws `E_EMPTY`, `E_NOT_FINITE`. */
export function entropyOf(logProb: ArrayLike<number>, what = 'training log-probabilities'): number {
  if (logProb.length === 0) throw new OodError('E_EMPTY', `${what}: expected at least one, got none`)
  let sum = 0
  for (let i = 0; i < logProb.length; i++) {
    if (!Number.isFinite(logProb[i]!))
      throw mismatch('E_NOT_FINITE', what, 'finite numbers', `${logProb[i]} in row ${i}`)
    sum += logProb[i]!
  }
  return -sum / logProb.length
}
