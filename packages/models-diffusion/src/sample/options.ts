// Options of the samplers.
import { CALL_OPTIONS, type CallOptions } from '@ood/core'
import type { TimeGrid } from './time-grid.ts'

/**
 * How noise is turned back into data. With x_t = mu x_0 + sigma eps:
 *
 * - `heun` probability-flow ODE, second order in tau (Karras et al. 2022, algorithm 1); two calls a step.
 * - `rk45` the same by Dormand-Prince in log tau with error control for every row; no grid.
 * - `euler` the same, first order in t (the published reference sampler).
 * - `euler-maruyama` reverse SDE in t (Song et al. 2021, eq. 6).
 * - `ddim` with `eta` from 0 (deterministic) to 1 (Song, Meng & Ermon 2021, eq. 12).
 * - `ddpm` ancestral sampling (Ho et al. 2020), posterior variance `small` or `large`.
 * - `plms` pseudo linear multistep, fourth order Adams-Bashforth of eps (Liu et al. 2022).
 */
export type SamplerMethod = 'heun' | 'rk45' | 'euler' | 'euler-maruyama' | 'ddim' | 'ddpm' | 'plms'

/** The samplers there are. */
export const SAMPLERS: readonly SamplerMethod[] = ['heun', 'rk45', 'euler', 'euler-maruyama', 'ddim', 'ddpm', 'plms']

/** Options of `denoise`. */
export interface DenoiseOptions extends CallOptions {
  /** Default `heun`. */
  method?: SamplerMethod | undefined
  /** Steps from `from` to `to`, default 32 (`rk45` chooses its own). */
  steps?: number | undefined
  /** How the times lie: `karras` for `heun`, else `uniform`; or the times themselves, from `from` down to `to`. */
  grid?: TimeGrid | ArrayLike<number> | undefined
  /** Exponent of the `karras` grid, default 7. */
  rho?: number | undefined
  /** Time of the rows given, default `sde.tMax`. */
  from?: number | undefined
  /** Time to end at, default `sde.tMin`. */
  to?: number | undefined
  /** End with the posterior mean E[x_0 | x_to] by one more call (default), or with x_to itself (`false`). */
  clean?: boolean | undefined
  /** `ddim`: share of fresh noise, default 0. */
  eta?: number | undefined
  /** `ddpm`: posterior variance (`small`, default) or that of the forward step (`large`). */
  variance?: 'small' | 'large' | undefined
  /** `rk45`: local error relative to the noise level plus 0.05, default 1e-3. */
  tolerance?: number | undefined
  /** A key for each row (default 0..N-1): a row's noise depends on `seed` and its key only. */
  rows?: ArrayLike<number> | undefined
  /** The standard normal numbers of each step instead of seeded ones, step-major [steps, N, D]. */
  noise?: ArrayLike<number> | undefined
  /**
   * `euler` and `euler-maruyama` as published: N times from `from` to `to` and N updates, also at the
   * last time, so that the path runs past `to` by a step; `clean` is then off.
   */
  compat?: 'reference' | undefined
}

/** Every option of `sample`, and of `denoise`, which has `from` as well. */
export const SAMPLE_OPTIONS: readonly string[] = [
  ...CALL_OPTIONS,
  ...[
    'method',
    'steps',
    'grid',
    'rho',
    'to',
    'clean',
    'eta',
    'variance',
    'tolerance',
    'noise',
    'compat',
    'temperature',
  ],
]

/** Every option of `denoise`. */
export const DENOISE_OPTIONS: readonly string[] = [
  ...SAMPLE_OPTIONS.filter((option) => option !== 'temperature'),
  'from',
]

/** Options of `sample`. */
export interface SampleOptions extends Omit<DenoiseOptions, 'from' | 'rows'> {
  /** Noise is drawn from N(0, (temperature sigma_T)² I), default 1. */
  temperature?: number | undefined
}

/** Every option of `encode`. */
export const ENCODE_OPTIONS: readonly string[] = [...CALL_OPTIONS, 'from', 'to', 'tolerance']

/** Options of `encode`. */
export interface EncodeOptions extends CallOptions {
  /** Time of the rows given, default `sde.tMin`. */
  from?: number | undefined
  /** Time to go to, default `sde.tMax`. */
  to?: number | undefined
  /** Local error relative to the noise level plus 0.05, default 1e-3. */
  tolerance?: number | undefined
}
