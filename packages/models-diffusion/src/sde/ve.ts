// Variance exploding SDEs: the geometric one of the literature and the exponential one of the older reference code.
import { assertOptions, type DiffusionProcess, mismatch } from '@ood/core'
import { checkTimes, nonNegative } from './vp.ts'

/** Parameters of `ve`. */
export interface VeOptions {
  /** sigma(0), default 0.01. */
  sigmaMin?: number | undefined
  /** sigma(T), default 50. */
  sigmaMax?: number | undefined
  /** Last time T, default 1. */
  T?: number | undefined
  /** Smallest time used, default 1e-4. */
  tMin?: number | undefined
}

/**
 * Geometric variance exploding SDE (Song et al. 2021, eq. 9): no drift,
 * sigma(t) = sigmaMin (sigmaMax / sigmaMin)^(t/T), g² = d sigma² / dt. As published, x_0 itself is taken to carry noise of
 * sigmaMin: `timeOf` below sigmaMin is 0, and B(t) = sigma(t)² - sigmaMin² is the variance added since time 0.
 *
 * @throws OodError `E_ARGUMENT` unless 0 < sigmaMin < sigmaMax and 0 < tMin < T
 * @example
 * ve({ sigmaMin: 0.01, sigmaMax: 50 }).standardDeviation(0.5) // 0.7071
 */
export function ve(options: VeOptions = {}): DiffusionProcess {
  assertOptions('ve', options, ['sigmaMin', 'sigmaMax', 'T', 'tMin'])
  const { sigmaMin = 0.01, sigmaMax = 50, T = 1, tMin = 1e-4 } = options
  if (!(sigmaMin > 0)) throw mismatch('E_ARGUMENT', 've sigmaMin', 'a number > 0', sigmaMin)
  if (!(sigmaMax > sigmaMin && Number.isFinite(sigmaMax)))
    throw mismatch('E_ARGUMENT', 've sigmaMax', `a number > ${sigmaMin}`, sigmaMax)
  checkTimes('ve', tMin, T)
  const ratio = Math.log(sigmaMax / sigmaMin)
  const sigma = (t: number) => sigmaMin * Math.exp((ratio * t) / T)
  const beta = (t: number) => (sigma(t) ** 2 * 2 * ratio) / T
  return {
    name: 've',
    tMin,
    tMax: T,
    beta,
    integratedBeta: (t) => sigmaMin ** 2 * Math.expm1((2 * ratio * t) / T),
    mean: () => 1,
    standardDeviation: sigma,
    noiseToSignal: sigma,
    timeOf: (tau) => Math.min(T, Math.max(0, (Math.log(nonNegative(tau) / sigmaMin) * T) / ratio)),
    drift: () => 0,
    diffusionSquared: beta,
  }
}

/** Parameters of `veExponential`. */
export interface VeExponentialOptions {
  /** Log rate at 0, default -5. */
  gMin?: number | undefined
  /** Log rate at T, default 5. */
  gMax?: number | undefined
  /** Last time T, default 1. */
  T?: number | undefined
  /** Smallest time used, default 1e-4. */
  tMin?: number | undefined
}

/**
 * Exponential variance exploding SDE (that of the published OOD runs): no drift, G(t) = gMin + (gMax - gMin) t / T and
 * sigma² = B = exp(G(t)) - exp(gMin), which is exactly 0 at time 0. The reference trained models with g in [-10, 10].
 *
 * @throws OodError `E_ARGUMENT` unless gMin < gMax and 0 < tMin < T
 * @example
 * veExponential({ gMin: -10, gMax: 10 }).standardDeviation(1) // 148.4
 */
export function veExponential(options: VeExponentialOptions = {}): DiffusionProcess {
  assertOptions('ve-exponential', options, ['gMin', 'gMax', 'T', 'tMin'])
  const { gMin = -5, gMax = 5, T = 1, tMin = 1e-4 } = options
  if (!Number.isFinite(gMin)) throw mismatch('E_ARGUMENT', 've-exponential gMin', 'a number', gMin)
  if (!(gMax > gMin && Number.isFinite(gMax)))
    throw mismatch('E_ARGUMENT', 've-exponential gMax', `a number > ${gMin}`, gMax)
  checkTimes('ve-exponential', tMin, T)
  const slope = (gMax - gMin) / T
  const floor = Math.exp(gMin)
  const beta = (t: number) => slope * Math.exp(gMin + slope * t)
  const variance = (t: number) => floor * Math.expm1(slope * t)
  const sigma = (t: number) => Math.sqrt(variance(t))
  return {
    name: 've-exponential',
    tMin,
    tMax: T,
    beta,
    integratedBeta: variance,
    mean: () => 1,
    standardDeviation: sigma,
    noiseToSignal: sigma,
    timeOf: (tau) => Math.min(T, Math.log1p(nonNegative(tau) ** 2 / floor) / slope),
    drift: () => 0,
    diffusionSquared: beta,
  }
}
