// One step of each sampler, from x_t to x_s with s < t. Networks are asked for eps = -sigma times the score.
import type { DiffusionProcess } from '@ood/core'

/** Rows on their way, and what a step may ask for. */
interface StepContext {
  sde: DiffusionProcess
  /** Rows, updated in place. */
  x: Float64Array
  t: number
  s: number
  /** Predicted noise of rows `x` at time t. */
  eps(x: Float64Array, t: number): Promise<Float64Array>
  /** Fresh standard normal numbers, as many as `x`. */
  noise(): Float64Array
}

/** Makes x_s of x_t in place. */
export type Step = (context: StepContext) => Promise<void>

/** x += (f x - g² s) dt + g sqrt|dt| xi. */
export const eulerMaruyama: Step = async ({ sde, x, t, s, eps, noise }) => {
  const dt = s - t
  const [f, square, sigma] = [sde.drift(t), sde.diffusionSquared(t), sde.standardDeviation(t)]
  const e = await eps(x, t)
  const xi = noise()
  const spread = Math.sqrt(square * Math.abs(dt))
  for (let i = 0; i < x.length; i++) x[i]! += (f * x[i]! + (square / sigma) * e[i]!) * dt + spread * xi[i]!
}

/** x += (f x - g²/2 s) dt. */
export const euler: Step = async ({ sde, x, t, s, eps }) => {
  const dt = s - t
  const [f, half] = [sde.drift(t), sde.diffusionSquared(t) / (2 * sde.standardDeviation(t))]
  const e = await eps(x, t)
  for (let i = 0; i < x.length; i++) x[i]! += (f * x[i]! + half * e[i]!) * dt
}

/** dy/dtau = eps for y = x / mu: Euler, then the mean of both ends' slopes. */
export const heun: Step = async ({ sde, x, t, s, eps }) => {
  const [mu, muS] = [sde.mean(t), sde.mean(s)]
  const dtau = sde.noiseToSignal(s) - sde.noiseToSignal(t)
  const first = await eps(x, t)
  const guess = x.map((value, i) => muS * (value / mu + dtau * first[i]!))
  const second = await eps(guess, s)
  for (let i = 0; i < x.length; i++) x[i] = muS * (x[i]! / mu + (dtau / 2) * (first[i]! + second[i]!))
}

/** x_s = mu_s x_0 + sqrt(sigma_s² - c²) eps + c xi, c = eta times the posterior's standard deviation. */
export function ddim(eta: number): Step {
  return async ({ sde, x, t, s, eps, noise }) => {
    const e = await eps(x, t)
    const c = eta === 0 ? 0 : eta * Math.sqrt(transition(sde, t, s).posterior)
    const xi = c > 0 ? noise() : undefined
    moveTo(sde, x, e, t, s, c, xi)
  }
}

/** The mean of q(x_s | x_t, x_0) at the predicted x_0, plus noise of the posterior's or the forward step's variance. */
export function ddpm(variance: 'small' | 'large'): Step {
  return async ({ sde, x, t, s, eps, noise }) => {
    const [mu, sigma, muS] = [sde.mean(t), sde.standardDeviation(t), sde.mean(s)]
    const { ratio, forward, posterior } = transition(sde, t, s)
    const e = await eps(x, t)
    const xi = noise()
    const [ofX, ofClean] = [(ratio * sde.standardDeviation(s) ** 2) / sigma ** 2, (muS * forward) / sigma ** 2]
    const spread = Math.sqrt(variance === 'small' ? posterior : forward)
    for (let i = 0; i < x.length; i++) x[i] = ofX * x[i]! + (ofClean * (x[i]! - sigma * e[i]!)) / mu + spread * xi[i]!
  }
}

/** Adams-Bashforth of eps, started by one Heun-like step; equal steps in t only. */
export function plms(): Step {
  const past: Float64Array[] = []
  return async ({ sde, x, t, s, eps }) => {
    const e = await eps(x, t)
    past.unshift(e)
    past.length = Math.min(past.length, 4)
    if (past.length === 1) {
      const guess = x.slice()
      moveTo(sde, guess, e, t, s, 0, undefined)
      const second = await eps(guess, s)
      return moveTo(
        sde,
        x,
        e.map((value, i) => (value + second[i]!) / 2),
        t,
        s,
        0,
        undefined,
      )
    }
    const weights = ADAMS_BASHFORTH[past.length - 2]!
    const mixed = x.map((_, i) => weights.reduce((sum, weight, j) => sum + weight * past[j]![i]!, 0))
    moveTo(sde, x, mixed, t, s, 0, undefined)
  }
}

const ADAMS_BASHFORTH = [
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const

/** x_s with noise eps at time s, of which standard deviation c is fresh. */
function moveTo(
  sde: DiffusionProcess,
  x: Float64Array,
  e: Float64Array,
  t: number,
  s: number,
  c: number,
  xi: Float64Array | undefined,
): void {
  const [mu, sigma, muS, sigmaS] = [sde.mean(t), sde.standardDeviation(t), sde.mean(s), sde.standardDeviation(s)]
  const along = Math.sqrt(Math.max(0, sigmaS ** 2 - c ** 2))
  for (let i = 0; i < x.length; i++) {
    const fresh = xi ? c * xi[i]! : 0
    x[i] = (muS * (x[i]! - sigma * e[i]!)) / mu + along * e[i]! + fresh
  }
}

/** Coefficients between x_s and x_t = ratio x_s + sqrt(forward) xi, and the variance of x_s given x_t and x_0. */
export function transition(
  sde: DiffusionProcess,
  t: number,
  s: number,
): { ratio: number; forward: number; posterior: number } {
  const ratio = sde.mean(t) / sde.mean(s)
  const [variance, varianceS] = [sde.standardDeviation(t) ** 2, sde.standardDeviation(s) ** 2]
  const forward = Math.max(0, variance - ratio ** 2 * varianceS)
  return { ratio, forward, posterior: (forward * varianceS) / variance }
}
