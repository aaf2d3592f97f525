// What the likelihoods of a score model are asked for and what they give.
import type { LogProb, NdArray, TraceMethod, TraceOptions } from '@ood/core'
import { TRACE_OPTIONS } from '../internal/calls.ts'
import type { OdeMethod } from '../internal/tableaus.ts'

/** The two published recipes. */
export type ReferenceRecipe = 'geometry' | 'ood-detection'

/** What the end of the path may know of the data. */
export interface DataMoments {
  mean: number | ArrayLike<number>
  variance: number | ArrayLike<number>
}

/** Every option of `odeLogProb`. */
export const ODE_OPTIONS: readonly string[] = [
  ...TRACE_OPTIONS,
  ...['t', 'density', 'integrator', 'steps', 'tolerance', 'moments', 'compat', 'recipe'],
]

/** Options of `odeLogProb`. */
export interface OdeLogProbOptions extends TraceOptions {
  /**
   * Trace of the Jacobian along the path: `exact` up to D = 64, above `rademacher` with 5 probes a row, the same
   * along its whole path.
   */
  method?: TraceMethod | undefined
  probes?: number | undefined
  /** Time the path starts at, default `sde.tMin`: the density is that of data with noise of tau(t). */
  t?: number | undefined
  /**
   * `data` (default): density of x_0 + tau(t) eps at x, in data units. `diffused`: log p_t(x), the density of
   * mu(t) x_0 + sigma(t) eps at x taken as it is, which the published code reports.
   */
  density?: 'data' | 'diffused' | undefined
  /** `dopri5` (default) chooses its steps; `rk4`, `heun` and `euler` take `steps` equal ones in log tau. */
  integrator?: OdeMethod | undefined
  /** Steps of the others, default 50. */
  steps?: number | undefined
  /**
   * Local error of `dopri5`: points relative to the noise level, nats relative to sqrt(D). Default 1e-4 with an exact
   * trace, 1e-3 with random probes, whose own error is larger.
   */
  tolerance?: number | undefined
  /**
   * Mean and variances of the data, D numbers each or one for all. At time T the path is then measured by
   * N(mu_T mean, sigma_T² + mu_T² variance) instead of N(0, sigma_T²), whose error is about mu_T |mean| nats.
   */
  moments?: DataMoments | undefined
  /**
   * `reference` gives the published few-step recipe instead, whose values count codimensions more than they measure
   * likelihood: see `recipe` and the README.
   */
  compat?: 'reference' | undefined
  /** Which published recipe: `geometry` (default) or `ood-detection`; `steps`, `t`, `method`, `probes` override it. */
  recipe?: ReferenceRecipe | undefined
}

/** Log-likelihoods with what the path ended at. */
export interface OdeLogProb extends LogProb {
  /** x_T, [N, ...modelShape]. */
  latent: NdArray<Float64Array>
  /** Evaluations of score and trace, summed over rows. */
  evaluations: number
}
