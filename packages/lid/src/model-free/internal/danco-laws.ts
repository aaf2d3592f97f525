// The two laws DANCo compares: nearest norms of a ball, and von Mises angles.
import { besselI, digamma } from './special.ts'

/** Mean direction and concentration of a von Mises law. */
export interface AngleLaw {
  nu: number
  tau: number
}

/** Largest concentration: where all angles of all points are equal it would be infinite. */
const LARGEST = 1e6

/**
 * Mean direction ν = atan2(Σ sin, Σ cos) and mean resultant length η of angles given by their cosines; the concentration
 * of their von Mises law is `concentration(η)`.
 */
export function resultant(cosines: readonly number[]): { nu: number; eta: number } {
  let C = 0
  let S = 0
  for (const cosine of cosines) {
    C += cosine
    S += Math.sqrt(1 - cosine * cosine)
  }
  return { nu: Math.atan2(S, C), eta: Math.min(1, Math.hypot(C, S) / cosines.length) }
}

/** The approximation of the inverse of I_1 / I_0 by Fisher (1993), as the paper uses it. */
export function concentration(eta: number): number {
  if (eta < 0.53) return 2 * eta + eta ** 3 + (5 * eta ** 5) / 6
  if (eta < 0.85) return -0.4 + 1.39 * eta + 0.43 / (1 - eta)
  return Math.min(LARGEST, 1 / Math.max(1 / LARGEST, eta ** 3 - 4 * eta ** 2 + 3 * eta))
}

/**
 * KL divergence of two von Mises laws: log(I_0(τ_2) / I_0(τ_1)) + I_1(τ_1) / I_0(τ_1) (τ_1 - τ_2 cos(ν_1 - ν_2)).
 */
export function angleDivergence(a: AngleLaw, b: AngleLaw): number {
  const first = besselI(a.tau)
  return besselI(b.tau).logI0 - first.logI0 + first.ratio * (a.tau - b.tau * Math.cos(a.nu - b.nu))
}

/**
 * KL divergence of the laws k d ρ^{d-1} (1 - ρ^d)^{k-1} of dimension a and b: with q = b / a,
 *
 *   H_k q - 1 - H_{k-1} - log q - (k - 1) Σ_{i=0..k} (-1)^i C(k, i) ψ(1 + i / q)
 */
export function normDivergence(a: number, b: number, k: number): number {
  const q = b / a
  let harmonic = 0
  for (let i = 1; i < k; i++) harmonic += 1 / i
  let sum = 0
  let binomial = 1
  for (let i = 0; i <= k; i++) {
    sum += (i % 2 === 0 ? binomial : -binomial) * digamma(1 + i / q)
    binomial *= (k - i) / (i + 1)
  }
  return (harmonic + 1 / k) * q - 1 - harmonic - Math.log(q) - (k - 1) * sum
}
