// The norm of the network's noise guess at clean points, as a method.
import { mean } from '@ood/core'
import { describedBy, type Method, measurement, vector, wrongField } from '@ood/detect'
import { scoreNorm } from '@ood/lid'
import type { Diffusion } from '@ood/models-diffusion'

/**
 * Score = the distance of log ‖sigma s(x, t)‖ from its mean over training rows, at the smallest noise of the process
 *: two-sided, since both a flat and a steep density are unusual. One evaluation a row.
 */
export function scoreNormMethod(model: Diffusion): Method<{ mean: number }> {
  const t = Math.max(model.sde.tMin, 1e-3)
  const needs = {
    score: measurement('scoreNorm', [model], { t }, ['norm'], async (x, call = {}) => {
      const { seed, rows, signal } = call
      const options = {
        seed,
        rows,
        signal,
      }
      return { norm: await scoreNorm(model, await model.preprocess(x, options), { ...options, level: { t } }) }
    }),
  }
  return {
    name: 'ScoreNorm',
    source: 'Kamkari et al. 2024',
    settings: { t },
    models: { model },
    data: describedBy([model]),
    needs: () => needs,
    fit(train) {
      const logs = vector(train, 'score.norm').map(Math.log)
      return { mean: mean(logs) }
    },
    score: (columns, { mean }) => vector(columns, 'score.norm').map((value) => Math.abs(Math.log(value) - mean)),
    parseFit(value) {
      const { mean } = value as { mean: number }
      if (!Number.isFinite(mean)) throw wrongField('fit.mean', 'a finite number', mean)
      return { mean }
    },
  }
}
