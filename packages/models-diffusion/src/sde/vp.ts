// The variance preserving SDE and its sub-VP variant: linear beta, closed forms with expm1.
import { assertOptions, type DiffusionProcess, mismatch } from '@ood/core'

/** Parameters of `vp` and `subVp`. */
export interface VpOptions {
  /** beta(0), default 0.1. */
  betaMin?: number | undefined
  /** beta(T), default 20. */
  betaMax?: number | undefined
  /** Last time T, default 1. */
  T?: number | undefined
  /** Smallest time used, default 1e-4. */
  tMin?: number | undefined
}

/**
 * Variance preserving SDE, dx = -beta(t)/2 x dt + sqrt(beta(t)) dw with beta linear in t (Song et al. 2021, eq. 11):
 * with B(t) the integral of beta, x_t = exp(-B/2) x_0 + sqrt(1 - exp(-B)) eps.
 *
 * @throws OodError `E_ARGUMENT` unless 0 <= betaMin, betaMax > 0 and 0 < tMin < T
 * @example
 * const sde = vp() // beta 0.1 .. 20 on [0, 1]
 * sde.noiseToSignal(0.01) // 0.0447
 * sde.timeOf(1) // 0.25896, where noise and signal are equal
 */
export function vp(options: VpOptions = {}): DiffusionProcess {
  const { rate, tMin, tMax } = linearRate('vp', options)
  const { beta, integratedBeta, timeOfIntegral } = rate
  return {
    name: 'vp',
    tMin,
    tMax,
    beta,
    integratedBeta,
    mean: (t) => Math.exp(-integratedBeta(t) / 2),
    standardDeviation: (t) => Math.sqrt(-Math.expm1(-integratedBeta(t))),
    noiseToSignal: (t) => Math.sqrt(Math.expm1(integratedBeta(t))),
    // tau² = exp(B) - 1
    timeOf: (tau) => timeOfIntegral(Math.log1p(nonNegative(tau) ** 2)),
    drift: (t) => -beta(t) / 2,
    diffusionSquared: beta,
  }
}

/**
 * Sub-VP SDE (Song et al. 2021, section 3.4): the drift of `vp` with g² = beta (1 - exp(-2 B)), so sigma = 1 - exp(-B).
 *
 * @throws OodError `E_ARGUMENT` as `vp`
 * @example
 * subVp().standardDeviation(0.5) // 0.9209
 */
export function subVp(options: VpOptions = {}): DiffusionProcess {
  const { rate, tMin, tMax } = linearRate('sub-vp', options)
  const { beta, integratedBeta, timeOfIntegral } = rate
  return {
    name: 'sub-vp',
    tMin,
    tMax,
    beta,
    integratedBeta,
    mean: (t) => Math.exp(-integratedBeta(t) / 2),
    standardDeviation: (t) => -Math.expm1(-integratedBeta(t)),
    // (1 - e^-B) e^(B/2) = 2 sinh(B/2)
    noiseToSignal: (t) => 2 * Math.sinh(integratedBeta(t) / 2),
    timeOf: (tau) => timeOfIntegral(2 * Math.asinh(nonNegative(tau) / 2)),
    drift: (t) => -beta(t) / 2,
    diffusionSquared: (t) => -beta(t) * Math.expm1(-2 * integratedBeta(t)),
  }
}

/** beta(t) = betaMin + (betaMax - betaMin) t / T, its integral, and the integral's inverse on [0, T]. */
function linearRate(name: string, options: VpOptions) {
  assertOptions(name, options, ['betaMin', 'betaMax', 'T', 'tMin'])
  const { betaMin = 0.1, betaMax = 20, T = 1, tMin = 1e-4 } = options
  if (!(betaMin >= 0 && Number.isFinite(betaMin)))
    throw mismatch('E_ARGUMENT', `${name} betaMin`, 'a number >= 0', betaMin)
  if (!(betaMax > 0 && Number.isFinite(betaMax)))
    throw mismatch('E_ARGUMENT', `${name} betaMax`, 'a number > 0', betaMax)
  checkTimes(name, tMin, T)
  const slope = (betaMax - betaMin) / T
  const integral = (t: number) => betaMin * t + (slope * t * t) / 2
  return {
    tMin,
    tMax: T,
    rate: {
      beta: (t: number) => betaMin + slope * t,
      integratedBeta: integral,
      /** The root of slope/2 t² + betaMin t = B in the form without cancellation, which also serves slope = 0. */
      timeOfIntegral(B: number): number {
        if (B === 0) return 0
        if (B >= integral(T)) return T
        return (2 * B) / (betaMin + Math.sqrt(Math.max(0, betaMin * betaMin + 2 * slope * B)))
      },
    },
  }
}

/** Checks 0 < tMin < T. */
export function checkTimes(name: string, tMin: number, T: number): void {
  if (!(T > 0 && Number.isFinite(T))) throw mismatch('E_ARGUMENT', `${name} T`, 'a number > 0', T)
  if (!(tMin > 0 && tMin < T)) throw mismatch('E_ARGUMENT', `${name} tMin`, `a number in (0, ${T})`, tMin)
}

/** A noise-to-signal ratio. */
export function nonNegative(tau: number): number {
  if (!(tau >= 0)) throw mismatch('E_ARGUMENT', 'timeOf', 'a noise-to-signal ratio >= 0', tau)
  return tau
}
