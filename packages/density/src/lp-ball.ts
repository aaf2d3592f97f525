// Balls of the Lp norms: volume, norm, and uniform points.
import { assertCount, logGamma, mismatch, type Random } from '@ood/core'
import { generalisedNormal } from './internal/draw.ts'

/** The p of an Lp norm, 1 to Infinity. */
export type Norm = number

/**
 * ln of the volume of an Lp ball of radius r in d dimensions:
 *
 *     ln V = d ln r + d (ln 2 + lnΓ(1 + 1/p)) - lnΓ(1 + d/p);  d ln 2r for p = Infinity
 *
 * @throws OodError `E_ARGUMENT`
 * @example
 * lpBallLogVolume(3, 1) // ln(4π/3)
 */
export function lpBallLogVolume(dimension: number, radius: number, p: Norm = 2): number {
  assertCount('lpBallLogVolume dimension', dimension)
  assertBall('lpBallLogVolume', radius, p)
  if (p === Number.POSITIVE_INFINITY) return dimension * Math.log(2 * radius)
  return dimension * Math.log(radius) + dimension * (Math.LN2 + logGamma(1 + 1 / p)) - logGamma(1 + dimension / p)
}

/** The Lp norm of `d` numbers from `at`; for p other than 1, 2 and Infinity scaled by the largest, so that nothing overflows. */
export function lpNorm(values: ArrayLike<number>, p: Norm, at = 0, d: number = values.length - at): number {
  let largest = 0
  for (let i = at; i < at + d; i++) {
    const size = Math.abs(values[i]!)
    if (!(size <= largest)) largest = size
  }
  if (p === Number.POSITIVE_INFINITY || largest === 0 || !Number.isFinite(largest)) return largest
  let sum = 0
  for (let i = at; i < at + d; i++) sum += p === 2 ? (values[i]! / largest) ** 2 : (Math.abs(values[i]!) / largest) ** p
  return largest * sum ** (1 / p)
}

/**
 * Writes a point uniform in the unit Lp ball into `out` from `at`: g_i of density proportional to exp(-|g|^p), then
 * u^{1/d} g / |g|_p (Barthe et al. 2005); the cube for p = Infinity.
 */
export function drawInBall(rng: Random, p: Norm, out: Float64Array, at: number, d: number): void {
  if (p === Number.POSITIVE_INFINITY) {
    for (let i = at; i < at + d; i++) out[i] = 2 * rng.uniform() - 1
    return
  }
  for (let i = at; i < at + d; i++) out[i] = generalisedNormal(rng, p)
  const scale = (1 - rng.uniform()) ** (1 / d) / lpNorm(out, p, at, d)
  for (let i = at; i < at + d; i++) out[i] = out[i]! * scale
}

/** Throws `E_ARGUMENT` for a radius that is no positive number or a p below 1. */
export function assertBall(what: string, radius: number, p: Norm): void {
  if (!(radius > 0 && Number.isFinite(radius)))
    throw mismatch('E_ARGUMENT', `${what} radius`, 'a positive number', radius)
  if (!(p >= 1)) throw mismatch('E_ARGUMENT', `${what} p`, 'a number from 1 to Infinity', p)
}
