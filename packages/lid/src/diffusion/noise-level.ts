// How much noise: a diffusion time, a standard deviation relative to the data, or its log, all meaning the same.
import { type DiffusionProcess, mismatch } from '@ood/core'

/**
 * A noise level of a diffusion process, in one of three units: the time `t`; `delta`, the standard deviation of noise
 * over signal, delta = tau(t) = sigma(t) / mu(t), in units of the data; or `scale` = log delta, the unit of every LID
 * scale.
 */
export type NoiseLevel = { t: number } | { delta: number } | { scale: number }

/** A noise level in all its forms. */
export interface Noise {
  t: number
  /** mu(t): what clean data are multiplied by. */
  mean: number
  /** sigma(t). */
  standardDeviation: number
  /** log tau(t). */
  scale: number
}

/** Largest relative difference between a delta asked for and the one its time has; schedules invert to about 1e-12. */
const INVERSE_TOLERANCE = 1e-6

/**
 * The noise of `process` at a level.
 *
 * @throws OodError `E_ARGUMENT` for a time outside (0, tMax] without noise, or a delta that the process never has
 * @example
 * noiseAt(model.sde, { delta: 0.1 }).t
 */
export function noiseAt(what: string, process: DiffusionProcess, level: NoiseLevel): Noise {
  const t = 't' in level ? level.t : timeOf(what, process, level)
  if (!(t >= 0 && t <= process.tMax)) throw mismatch('E_ARGUMENT', `${what} t`, `a time in (0, ${process.tMax}]`, t)
  const standardDeviation = process.standardDeviation(t)
  if (!(standardDeviation > 0)) throw mismatch('E_ARGUMENT', `${what} t`, 'a time with noise', t)
  return { t, mean: process.mean(t), standardDeviation, scale: Math.log(process.noiseToSignal(t)) }
}

/** Logs of the noise over signal at the ends of the times a process is used at. */
export function scaleRange(process: DiffusionProcess): { lower: number; upper: number } {
  return {
    lower: Math.log(process.noiseToSignal(process.tMin)),
    upper: Math.log(process.noiseToSignal(process.tMax)),
  }
}

function timeOf(what: string, process: DiffusionProcess, level: { delta: number } | { scale: number }): number {
  const delta = 'delta' in level ? level.delta : Math.exp(level.scale)
  const name = 'delta' in level ? 'delta' : 'scale'
  if (!(delta > 0 && delta < Number.POSITIVE_INFINITY))
    throw mismatch('E_ARGUMENT', `${what} ${name}`, 'the size of some noise', 'delta' in level ? delta : level.scale)
  const t = process.timeOf(delta)
  const reached = process.noiseToSignal(t)
  if (!(Math.abs(reached - delta) <= INVERSE_TOLERANCE * delta)) {
    const least = process.noiseToSignal(0)
    const most = process.noiseToSignal(process.tMax)
    const [lower, upper] = 'delta' in level ? [least, most] : [Math.log(least), Math.log(most)]
    throw mismatch(
      'E_ARGUMENT',
      `${what} ${name}`,
      `a noise level of ${process.name}, ${lower} to ${upper}`,
      'delta' in level ? delta : level.scale,
    )
  }
  return t
}
