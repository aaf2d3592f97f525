// One-class support vector machine over the vector of statistics: the one-class variant of DoSE.
import { assertOptions, mismatch, type NdArray, variance } from '@ood/core'
import type { Method } from '../method.ts'
import { packNumbers, unpackNumbers } from '../pack.ts'
import { wrongField } from '../stored.ts'
import { type CombinationFit, combination, type DensityRule, type Standardised } from './combination.ts'
import type { Statistic } from './statistic.ts'

/** Settings of `oneClassOf`. */
export interface OneClassOptions {
  /** Upper bound on the share of training rows outside, lower bound on the share of support vectors (default 0.1). */
  nu?: number | undefined
  /** Kernel exp(-gamma |a - b|²); default 1 / (K mean variance of the numbers), as scikit-learn's `scale`. */
  gamma?: number | undefined
}

/** Support vectors with their weights. */
export interface OneClassKept {
  gamma: number
  /** Offset ρ. */
  rho: number
  /** [m, K] packed. */
  vectors: string
  /** m packed, summing to 1. */
  weights: string
}

/** Largest violation of the optimality conditions that is left, in units of the kernel (scikit-learn: 1e-3). */
const TOLERANCE = 1e-6
const STEPS = 200_000

/**
 * Score = ρ - Σ_i a_i k(z, z_i), the one-class support vector machine (Schölkopf et al. 2001, Estimating the support of
 * a high-dimensional distribution) over robustly standardised statistics, as DoSE's second variant (Morningstar et al.
 * 2021, arXiv 2006.09273). At most a share `nu` of the training rows lies outside.
 *
 * The dual, min ½ aᵀKa with 0 <= a_i <= 1/(nu n) and Σ a_i = 1, is solved by sequential minimal optimisation on the pair
 * that violates optimality most. Fitting O(n² K + n steps), memory n² numbers, so keep n below 5,000; a score O(m K).
 * Far from all training rows the score is ρ for every row: it cannot rank them.
 *
 * @param statistics - what to look at
 * @example
 * const method = oneClassOf([logProb, complexity], { nu: 0.05 })
 */
export function oneClassOf<Input = NdArray>(
  statistics: readonly Statistic<Input>[],
  options: OneClassOptions = {},
): Method<CombinationFit<OneClassKept>, Input> {
  assertOptions('oneClassOf', options, ['nu', 'gamma'])
  const { nu = 0.1, gamma = null } = options
  if (!(nu > 0 && nu <= 1)) throw mismatch('E_ARGUMENT', 'oneClassOf nu', 'a number in (0, 1]', nu)
  if (gamma !== null && !(gamma > 0 && Number.isFinite(gamma)))
    throw mismatch('E_ARGUMENT', 'oneClassOf gamma', 'a positive number', gamma)
  return combination('DoSE-OneClass', 'Morningstar et al. 2021', { nu, gamma }, statistics, oneClassRule(nu, gamma))
}

function oneClassRule(nu: number, given: number | null): DensityRule<OneClassKept> {
  return {
    fit(train) {
      const { z, rows, width } = train
      const gamma = given ?? 1 / (width * variance(z) * ((z.length - 1) / z.length))
      const kernel = new Float64Array(rows * rows)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j <= i; j++) {
          const value = Math.exp(-gamma * apart(z, i * width, z, j * width, width))
          kernel[i * rows + j] = value
          kernel[j * rows + i] = value
        }
      const { weights, rho } = solve(kernel, rows, 1 / (nu * rows))
      const support = Array.from({ length: rows }, (_, i) => i).filter((i) => weights[i]! > 0)
      return {
        gamma,
        rho,
        vectors: packNumbers(support.flatMap((i) => [...z.subarray(i * width, (i + 1) * width)])),
        weights: packNumbers(support.map((i) => weights[i]!)),
      }
    },
    score,
    explain(x, kept, statistics) {
      // What moving one statistic alone to the nearest support vector's value would take away.
      const whole = score(x, kept)
      const vectors = unpackNumbers('detector state fit.vectors', kept.vectors)
      const out = new Float64Array(x.rows * statistics)
      for (let row = 0; row < x.rows; row++) {
        const nearest = nearestVector(x, row, vectors)
        for (let s = 0; s < statistics; s++) {
          const moved = x.z.slice(row * x.width, (row + 1) * x.width)
          x.owner.forEach((o, k) => {
            if (o === s) moved[k] = vectors[nearest * x.width + k]!
          })
          out[row * statistics + s] = whole[row]! - score({ ...x, z: moved, rows: 1 }, kept)[0]!
        }
      }
      return out
    },
    parse(value, width) {
      const { gamma, rho, vectors, weights } = (value ?? {}) as OneClassKept
      if (!(gamma > 0 && Number.isFinite(gamma))) throw wrongField('fit.gamma', 'a positive number', gamma)
      if (!Number.isFinite(rho)) throw wrongField('fit.rho', 'a finite number', rho)
      const count = unpackNumbers('detector state fit.weights', weights).length
      const numbers = unpackNumbers('detector state fit.vectors', vectors).length
      if (count === 0 || numbers !== count * width) throw wrongField('fit.vectors', `${count * width} numbers`, numbers)
      return { gamma, rho, vectors, weights }
    },
  }
}

function score({ z, rows, width }: Standardised, kept: OneClassKept): Float64Array {
  const vectors = unpackNumbers('detector state fit.vectors', kept.vectors)
  const weights = unpackNumbers('detector state fit.weights', kept.weights)
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let i = 0; i < weights.length; i++)
      sum += weights[i]! * Math.exp(-kept.gamma * apart(z, row * width, vectors, i * width, width))
    return kept.rho - sum
  })
}

/** Sequential minimal optimisation of the dual. */
function solve(kernel: Float64Array, n: number, bound: number): { weights: Float64Array; rho: number } {
  const a = new Float64Array(n)
  // Feasible start, as libsvm's: the first rows at the bound until the weights sum to 1.
  let left = 1
  for (let i = 0; i < n && left > 0; i++) {
    a[i] = Math.min(bound, left)
    left -= a[i]!
  }
  const gradient = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    let sum = 0
    for (let j = 0; j < n; j++) sum += kernel[i * n + j]! * a[j]!
    gradient[i] = sum
  }
  let [low, high] = [0, 0]
  for (let step = 0; step < STEPS; step++) {
    // The weight that gains most by growing, and the one that gains most by shrinking.
    let grow = -1
    let fall = -1
    for (let i = 0; i < n; i++) {
      if (a[i]! < bound && (grow < 0 || gradient[i]! < gradient[grow]!)) grow = i
      if (a[i]! > 0 && (fall < 0 || gradient[i]! > gradient[fall]!)) fall = i
    }
    if (grow < 0 || fall < 0) break
    ;[low, high] = [gradient[grow]!, gradient[fall]!]
    if (high - low < TOLERANCE) break
    const curvature = kernel[grow * n + grow]! + kernel[fall * n + fall]! - 2 * kernel[grow * n + fall]!
    const change = Math.min((high - low) / Math.max(curvature, 1e-12), bound - a[grow]!, a[fall]!)
    a[grow] = a[grow]! + change
    a[fall] = a[fall]! === change ? 0 : a[fall]! - change
    for (let i = 0; i < n; i++) gradient[i] = gradient[i]! + change * (kernel[i * n + grow]! - kernel[i * n + fall]!)
  }
  return { weights: a, rho: (low + high) / 2 }
}

function nearestVector(x: Standardised, row: number, vectors: Float64Array): number {
  let best = 0
  let smallest = Number.POSITIVE_INFINITY
  for (let i = 0; i < vectors.length / x.width; i++) {
    const d = apart(x.z, row * x.width, vectors, i * x.width, x.width)
    if (d < smallest) [best, smallest] = [i, d]
  }
  return best
}

function apart(a: Float64Array, i: number, b: Float64Array, j: number, width: number): number {
  let sum = 0
  for (let k = 0; k < width; k++) sum += (a[i + k]! - b[j + k]!) ** 2
  return sum
}
