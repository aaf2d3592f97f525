// The norm of the gradient of log p as a method.
import type { DensityModel } from '@ood/core'
import type { Method } from '@ood/detect'
import { derivativeNorm } from '../derivative-norm.ts'
import { probeMethod } from '../internal/density-rows.ts'
import { assertBall, type Norm } from '../lp-ball.ts'

/**
 * Score = ‖∂ log p(x)/∂x‖_p, the approximate mass of JEM with its sign turned (Grathwohl et al. 2020): points on a spike
 * of the density score high. Rows are in the density's space. Nothing is fitted. Cost: one gradient.
 *
 * @param settings - `p` of the norm (default 2)
 * @throws OodError `E_ARGUMENT` for a model without density
 * @example
 * const method = derivativeNormMethod(flow)
 */
export function derivativeNormMethod(model: DensityModel, settings: { p?: Norm } = {}): Method<null> {
  const { p = 2 } = settings
  assertBall('derivativeNorm', 1, p)
  return probeMethod(model, {
    name: 'DerivativeNorm',
    source: 'Grathwohl et al. 2020',
    settings: { p: p === Number.POSITIVE_INFINITY ? 'infinity' : p },
    column: 'norm',
    probe: async (x, call) => (await derivativeNorm(model.density, x, { ...call, p })).norm,
    score: (norm) => norm,
  })
}
