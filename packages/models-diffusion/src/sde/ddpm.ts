// Discrete DDPM noise schedules as a continuous process, so that noise-prediction networks are score models.
import { assertOptions, type DiffusionProcess, mismatch, unknownName } from '@ood/core'
import { monotoneCubic } from '../internal/monotone-cubic.ts'
import { nonNegative } from './vp.ts'

/** Names of beta schedules, as diffusers spells them; `cosine` is `squaredcos_cap_v2`. */
export type BetaSchedule = 'linear' | 'scaled_linear' | 'cosine'

/** Parameters of `ddpm`. */
export interface DdpmOptions {
  /** Default `linear`. */
  schedule?: BetaSchedule | undefined
  /** Number of training time steps N, default 1000. */
  steps?: number | undefined
  /** First beta of `linear` and `scaled_linear`, default 1e-4. */
  betaStart?: number | undefined
  /** Last beta, default 0.02. */
  betaEnd?: number | undefined
  /** The betas themselves instead of a named schedule. */
  betas?: ArrayLike<number> | undefined
}

/** A discrete schedule seen as a process on [0, 1]. */
export interface DiscreteProcess extends DiffusionProcess {
  /** N. */
  readonly steps: number
  /** beta_n for n = 0..N-1. */
  readonly betas: Float64Array
  /** The product of 1 - beta_i for i <= n. */
  readonly alphasCumprod: Float64Array
  /** Index of time t: (N t) - 1, at least 0; whole at the times the network was trained at. */
  timestep(t: number): number
  /** Time of index n: (n + 1) / N. */
  timeOfStep(n: number): number
}

const SCHEDULES: readonly BetaSchedule[] = ['linear', 'scaled_linear', 'cosine']

/**
 * The process of a discrete DDPM schedule (Ho et al. 2020; cosine: Nichol & Dhariwal 2021; scaled_linear, linear in
 * sqrt(beta): Rombach et al. 2022).
 *
 * Step n = 0..N-1 is the time (n + 1) / N, and time 0 is clean data. There B = -ln(alphasCumprod_n) is exact; between,
 * B(t) is the monotone cubic through these points (Fritsch & Carlson 1980), so mean, sigma and g² = beta = dB/dt are
 * continuous and everything defined for `vp` - likelihood, FLIPD, ODE samplers - applies. `tMin` is 1 / N, the first time
 * the network has seen.
 *
 * @throws OodError `E_UNKNOWN_NAME`, `E_ARGUMENT`
 * @example
 * const sde = ddpm({ schedule: 'scaled_linear', betaStart: 0.00085, betaEnd: 0.012 }) // Stable Diffusion 1.5
 * sde.mean(sde.timeOfStep(999)) ** 2 // alphasCumprod of the last step, 0.00466
 */
export function ddpm(options: DdpmOptions = {}): DiscreteProcess {
  assertOptions('ddpm', options, ['schedule', 'steps', 'betaStart', 'betaEnd', 'betas'])
  const betas = options.betas ? Float64Array.from(options.betas) : namedBetas(options)
  const steps = betas.length
  if (steps < 2) throw mismatch('E_ARGUMENT', 'ddpm betas', 'at least 2', steps)
  const B = new Float64Array(steps + 1)
  betas.forEach((value, n) => {
    if (!(value > 0 && value < 1)) throw mismatch('E_ARGUMENT', `ddpm betas[${n}]`, 'a number in (0, 1)', value)
    B[n + 1] = B[n]! - Math.log1p(-value)
  })
  const curve = monotoneCubic(B, 1 / steps)
  const integratedBeta = curve.value
  const beta = curve.slope
  return {
    name: 'ddpm',
    steps,
    betas,
    alphasCumprod: B.slice(1).map((value) => Math.exp(-value)),
    timestep: (t) => Math.max(0, steps * t - 1),
    timeOfStep: (n) => (n + 1) / steps,
    tMin: 1 / steps,
    tMax: 1,
    beta,
    integratedBeta,
    mean: (t) => Math.exp(-integratedBeta(t) / 2),
    standardDeviation: (t) => Math.sqrt(-Math.expm1(-integratedBeta(t))),
    noiseToSignal: (t) => Math.sqrt(Math.expm1(integratedBeta(t))),
    timeOf: (tau) => curve.inverse(Math.log1p(nonNegative(tau) ** 2)),
    drift: (t) => -beta(t) / 2,
    diffusionSquared: beta,
  }
}

function namedBetas(options: DdpmOptions): Float64Array {
  const { schedule = 'linear', steps = 1000, betaStart = 1e-4, betaEnd = 0.02 } = options
  if (!SCHEDULES.includes(schedule)) throw unknownName('ddpm schedule', schedule, SCHEDULES)
  if (!(Number.isInteger(steps) && steps > 1)) throw mismatch('E_ARGUMENT', 'ddpm steps', 'a whole number > 1', steps)
  const between = (a: number, b: number, n: number) => a + ((b - a) * n) / (steps - 1)
  return Float64Array.from({ length: steps }, (_, n) => {
    if (schedule === 'linear') return between(betaStart, betaEnd, n)
    if (schedule === 'scaled_linear') return between(Math.sqrt(betaStart), Math.sqrt(betaEnd), n) ** 2
    return Math.min(0.999, 1 - cosine((n + 1) / steps) / cosine(n / steps))
  })
}

/** alphasCumprod of the cosine schedule at s in [0, 1], up to a factor. */
function cosine(s: number): number {
  return Math.cos((((s + 0.008) / 1.008) * Math.PI) / 2) ** 2
}
