// A mixture of Gaussians with full, shrunk covariances: its density, and its fit by expectation maximisation.
import type { Random } from '@ood/core'
import { type Gaussian, gaussian, logDensity, moments, shrink } from './gaussian.ts'

/** One Gaussian of a mixture. */
export interface Component {
  weight: number
  gaussian: Gaussian
}

const ITERATIONS = 200
/** Mean log-likelihood a row that an iteration must gain. */
const GAIN = 1e-5

/** log of the density of a mixture at the point at `at`, in nats. */
export function logMixture(components: readonly Component[], x: Float64Array, at: number, work: Float64Array): number {
  const logs = components.map(({ weight, gaussian: g }) => Math.log(weight) + logDensity(g, x, at, work))
  const largest = Math.max(...logs)
  if (!Number.isFinite(largest)) return largest
  return largest + Math.log(logs.reduce((sum, value) => sum + Math.exp(value - largest), 0))
}

/**
 * Expectation maximisation (Bishop 2006, 9.2) from rows far from each other. A component that holds less than a row is
 * dropped. `value` is the mean log-likelihood of a row.
 */
export function expectationMaximisation(
  z: Float64Array,
  k: number,
  count: number,
  shrinkage: number,
  rng: Random,
  { iterations = ITERATIONS, gain = GAIN }: { iterations?: number; gain?: number } = {},
): { components: Component[]; value: number } {
  const n = z.length / k
  let share = hardShares(z, k, seeds(z, k, count, rng))
  let components: Component[] = []
  let value = Number.NEGATIVE_INFINITY
  const work = new Float64Array(k)
  for (let step = 0; step < iterations; step++) {
    components = maximise(z, k, share, shrinkage)
    share = components.map(() => new Float64Array(n))
    let total = 0
    for (let row = 0; row < n; row++) {
      const logs = components.map(({ weight, gaussian: g }) => Math.log(weight) + logDensity(g, z, row * k, work))
      const largest = Math.max(...logs)
      const sum = logs.reduce((all, log) => all + Math.exp(log - largest), 0)
      total += largest + Math.log(sum)
      logs.forEach((log, c) => {
        share[c]![row] = Math.exp(log - largest) / sum
      })
    }
    const gained = total / n - value
    value = total / n
    if (gained < gain) break
  }
  return { components, value }
}

/** Components of responsibilities; one that holds less than a row is dropped. */
function maximise(z: Float64Array, k: number, share: Float64Array[], shrinkage: number): Component[] {
  const n = z.length / k
  const found = share.flatMap((weights): Component[] => {
    const total = weights.reduce((sum, w) => sum + w, 0)
    if (total < 1) return []
    const { mean, covariance } = moments(z, k, weights)
    // A floor of a hundredth of the training spread: rows that agree in a number must not make it infinitely sharp.
    const regular = shrink(covariance, k, shrinkage)
    for (let i = 0; i < k; i++) regular[i * k + i] = regular[i * k + i]! + 1e-4
    return [{ weight: total / n, gaussian: gaussian(mean, regular) }]
  })
  const sum = found.reduce((all, { weight }) => all + weight, 0)
  return found.map(({ weight, gaussian: g }) => ({ weight: weight / sum, gaussian: g }))
}

/** Rows to start from, far from each other: k-means++ (Arthur and Vassilvitskii 2007). */
function seeds(z: Float64Array, k: number, count: number, rng: Random): number[] {
  const n = z.length / k
  const chosen = [rng.integer(n)]
  const nearest = new Float64Array(n).fill(Number.POSITIVE_INFINITY)
  while (chosen.length < count) {
    let total = 0
    for (let row = 0; row < n; row++) {
      nearest[row] = Math.min(nearest[row]!, apart(z, k, row, chosen.at(-1)!))
      total += nearest[row]!
    }
    let left = rng.uniform() * total
    let next = 0
    while (next < n - 1 && left >= nearest[next]!) left -= nearest[next++]!
    chosen.push(next)
  }
  return chosen
}

/** All of a row's share to the nearest seed. */
function hardShares(z: Float64Array, k: number, chosen: readonly number[]): Float64Array[] {
  const n = z.length / k
  const share = chosen.map(() => new Float64Array(n))
  for (let row = 0; row < n; row++) {
    let best = 0
    for (let c = 1; c < chosen.length; c++) if (apart(z, k, row, chosen[c]!) < apart(z, k, row, chosen[best]!)) best = c
    share[best]![row] = 1
  }
  return share
}

function apart(z: Float64Array, k: number, a: number, b: number): number {
  let sum = 0
  for (let i = 0; i < k; i++) sum += (z[a * k + i]! - z[b * k + i]!) ** 2
  return sum
}
