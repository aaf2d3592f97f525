// The norm of the network's noise guess at clean points, as a method.
import { mean, mismatch } from '@ood/core'
import { describedBy, type Method, measurement, vector, wrongField } from '@ood/detect'
import { scoreNorm } from '@ood/lid'
import type { Diffusion } from '@ood/models-diffusion'

/** Settings of `scoreNormMethod`. */
export interface ScoreNormSettings {
  /**
   * `reference`: what the published code measures, t = 1e-5 and raw rows, which it hands to the network without the
   * model's own preprocessing. Its norms are of points that the network was never trained on.
   */
  compat?: 'reference' | undefined
}

/**
 * Score = the distance of log ‖sigma s(x, t)‖ from its mean over training rows, at the smallest noise of the process:
 * two-sided, since both a flat and a steep density are unusual. One evaluation a row.
 *
 * @throws OodError `E_ARGUMENT` for another compat
 * @example
 * const method = scoreNormMethod(diffusion)
 */
export function scoreNormMethod(model: Diffusion, { compat }: ScoreNormSettings = {}): Method<{ mean: number }> {
  if (compat !== undefined && compat !== 'reference')
    throw mismatch('E_ARGUMENT', 'scoreNorm compat', 'reference or nothing', compat)
  const t = compat ? 1e-5 : Math.max(model.sde.tMin, 1e-3)
  const settings = { t, ...(compat ? { compat } : {}) }
  const needs = {
    score: measurement('scoreNorm', [model], settings, ['norm'], async (x, call = {}) => {
      const { seed, rows, signal } = call
      const options = {
        seed,
        rows,
        signal,
      }
      const points = compat ? x : await model.preprocess(x, options)
      return { norm: await scoreNorm(model, points, { ...options, level: { t } }) }
    }),
  }
  return {
    name: 'ScoreNorm',
    source: 'Kamkari et al. 2024',
    settings,
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
