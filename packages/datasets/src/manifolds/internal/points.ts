// Small steps that every sampler is made of: writing a point, choosing a component, angles.
import type { Random } from '@ood/core'

/** Writes the coordinates from position `at` on and returns the component. */
export function mapPoint(out: Float64Array, at: number, component: number, ...coordinates: number[]): number {
  for (let j = 0; j < coordinates.length; j++) out[at + j] = coordinates[j]!
  return component
}

/** A uniform angle in [0, 2 pi). */
export function angle(rng: Random): number {
  return 2 * Math.PI * rng.uniform()
}

/** First index whose cumulative probability is at least u; the last one when rounding leaves none. */
export function firstAtLeast(cumulative: readonly number[], u: number): number {
  const found = cumulative.findIndex((value) => value >= u)
  return found < 0 ? cumulative.length - 1 : found
}

/** Exponential with rate 1; 1 - u lies in (0, 1], so the logarithm is finite. */
export function exponential(rng: Random): number {
  return -Math.log(1 - rng.uniform())
}

/** Laplace with location 0 and scale 1. */
export function laplace(rng: Random): number {
  const size = exponential(rng)
  return rng.uniform() < 0.5 ? -size : size
}

/** Gamma with shape a > 0 and scale 1 (Marsaglia and Tsang 2000; below 1 by the power of a uniform). */
export function gamma(rng: Random, a: number): number {
  if (a < 1) return gamma(rng, a + 1) * (1 - rng.uniform()) ** (1 / a)
  const d = a - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = rng.normal()
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/** Beta(a, b). */
export function beta(rng: Random, a: number, b: number): number {
  const x = gamma(rng, a)
  return x / (x + gamma(rng, b))
}

/** Von Mises angle around `location` with concentration kappa (Best and Fisher 1979). */
export function vonMises(rng: Random, location: number, kappa: number): number {
  if (kappa < 1e-8) return location + angle(rng) - Math.PI
  const tau = 1 + Math.sqrt(1 + 4 * kappa * kappa)
  const rho = (tau - Math.sqrt(2 * tau)) / (2 * kappa)
  const r = (1 + rho * rho) / (2 * rho)
  for (;;) {
    const z = Math.cos(Math.PI * rng.uniform())
    const f = (1 + r * z) / (r + z)
    const c = kappa * (r - f)
    const u = 1 - rng.uniform()
    if (c * (2 - c) - u > 0 || Math.log(c / u) + 1 - c >= 0)
      return location + (rng.uniform() < 0.5 ? -1 : 1) * Math.acos(Math.min(1, Math.max(-1, f)))
  }
}
