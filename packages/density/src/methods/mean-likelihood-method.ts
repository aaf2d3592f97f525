// The likelihood averaged over noise draws as a method.
import { assertCount, type LikelihoodModel, type NdArray } from '@ood/core'
import { describedBy, type LogProbSettings, type Method, measurement, vector } from '@ood/detect'
import { noFit } from '../internal/no-fit.ts'
import { meanLogProb } from '../mean-log-prob.ts'

/** Settings of `meanLikelihoodMethod`. */
export interface MeanLikelihoodSettings {
  /** Noise draws (default 8). */
  draws?: number
  /** Further options of the model's `logProb`. */
  logProb?: LogProbSettings
}

/**
 * Score = minus the mean of log p over K draws of dequantisation noise (`meanLogProb`): the likelihood with its noise
 * averaged out. Column `standardError` is measured beside it. Nothing is fitted. Cost: K sweeps of the model.
 *
 * @example
 * const method = meanLikelihoodMethod(flow, { draws: 16, logProb: { space: 'model' } })
 */
export function meanLikelihoodMethod(model: LikelihoodModel, settings: MeanLikelihoodSettings = {}): Method<null> {
  const { draws = 8, logProb = {} } = settings
  assertCount('meanLikelihood draws', draws)
  const needs = {
    model: measurement(
      'meanLogProb',
      [model],
      { draws, ...logProb },
      ['mean', 'standardError', 'logMean'],
      async (x: NdArray, call = {}) => {
        const found = await meanLogProb(model, x, { ...call, draws, logProb })
        // One draw has no spread; columns hold numbers.
        return { ...found, standardError: found.standardError.map((value) => (Number.isNaN(value) ? 0 : value)) }
      },
    ),
  }
  return {
    name: 'MeanLikelihood',
    source: 'Kirichenko et al. 2020',
    settings: { draws, ...(Object.keys(logProb).length > 0 ? { logProb } : {}) },
    models: { model },
    data: describedBy([model]),
    ...noFit,
    needs: () => needs,
    score: (columns) => vector(columns, 'model.mean').map((value) => -value),
  }
}
