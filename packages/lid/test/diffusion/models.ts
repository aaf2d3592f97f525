// Analytic score models: mixtures of Gaussians (points and flat subspaces among them) under linear diffusions.
import {
  type DiffusionProcess,
  type FloatArray,
  flatData,
  type NdArray,
  rowCount,
  type ScoreModel,
  tensor,
} from '@ood/core'

/** Variance preserving, beta linear from 0.1 to 20, T = 1. */
export function vp(betaMin = 0.1, betaMax = 20): DiffusionProcess {
  const slope = betaMax - betaMin
  const B = (t: number): number => (slope * t * t) / 2 + betaMin * t
  const beta = (t: number): number => betaMin + slope * t
  return {
    name: 'vp',
    tMin: 1e-4,
    tMax: 1,
    mean: (t) => Math.exp(-B(t) / 2),
    standardDeviation: (t) => Math.sqrt(-Math.expm1(-B(t))),
    noiseToSignal: (t) => Math.sqrt(Math.expm1(B(t))),
    timeOf(tau) {
      const target = Math.log1p(tau * tau)
      const t = (2 * target) / (betaMin + Math.sqrt(betaMin ** 2 + 2 * slope * target))
      return Math.min(1, Math.max(0, t))
    },
    drift: (t) => -beta(t) / 2,
    diffusionSquared: beta,
    beta,
    integratedBeta: B,
  }
}

/** Variance exploding, sigma(t) = 0.01 · 5000^t. */
export function ve(sigmaMin = 0.01, sigmaMax = 50): DiffusionProcess {
  const rate = Math.log(sigmaMax / sigmaMin)
  const sigma = (t: number): number => sigmaMin * Math.exp(rate * t)
  const gg = (t: number): number => 2 * rate * sigma(t) ** 2
  return {
    name: 've',
    tMin: 1e-5,
    tMax: 1,
    mean: () => 1,
    standardDeviation: sigma,
    noiseToSignal: sigma,
    timeOf: (tau) => Math.min(1, Math.max(0, Math.log(tau / sigmaMin) / rate)),
    drift: () => 0,
    diffusionSquared: gg,
    beta: gg,
    integratedBeta: (t) => sigma(t) ** 2 - sigmaMin ** 2,
  }
}

/** One Gaussian of a mixture; `cov` is a matrix, or the variances of independent axes. */
export interface Component {
  weight?: number
  mean: ArrayLike<number>
  cov: readonly (readonly number[])[] | ArrayLike<number>
}

/** An analytic score model that counts its calls and the largest number of tangents it was asked for at once. */
export interface AnalyticModel extends ScoreModel {
  calls: { score: number; jvp: number; tangents: number; largest: number }
}

/** Applies (mu² C + sigma² I)⁻¹. */
type Solve = (v: FloatArray, at: number) => Float64Array

/**
 * Data Σ w_i N(m_i, C_i): p_t = Σ w_i N(mu m_i, mu² C_i + sigma² I). With responsibilities r_i and u_i = -P_i (x - mu
 * m_i), the score is s = Σ r_i u_i and its Jacobian Σ r_i (u_i u_iᵀ - P_i) - s sᵀ.
 */
export function mixture(sde: DiffusionProcess, components: readonly Component[], shape?: number[]): AnalyticModel {
  const d = components[0]!.mean.length
  const calls = { score: 0, jvp: 0, tangents: 0, largest: 0 }
  const atRow = (x: FloatArray, at: number, t: number) => {
    const mu = sde.mean(t)
    const variance = sde.standardDeviation(t) ** 2
    const parts = components.map(({ weight = 1, mean, cov }) => {
      const { solve, logDet } = precision(cov, mu * mu, variance, d)
      const centred = Float64Array.from({ length: d }, (_, j) => x[at + j]! - mu * mean[j]!)
      const u = solve(centred, 0).map((value) => -value)
      const form = u.reduce((sum, value, j) => sum - value * centred[j]!, 0)
      return { u, solve, log: Math.log(weight) - 0.5 * (form + logDet) }
    })
    const most = Math.max(...parts.map((part) => part.log))
    const total = parts.reduce((sum, part) => sum + Math.exp(part.log - most), 0)
    const weights = parts.map((part) => Math.exp(part.log - most) / total)
    const s = new Float64Array(d)
    parts.forEach(({ u }, i) => {
      for (let j = 0; j < d; j++) s[j] = s[j]! + weights[i]! * u[j]!
    })
    return { parts, weights, s }
  }
  const timeAt = (t: number | ArrayLike<number>, row: number): number => (typeof t === 'number' ? t : t[row]!)
  const likeInput = (x: NdArray, values: Float64Array): FloatArray =>
    x.data instanceof Float32Array ? Float32Array.from(values) : values
  return {
    modelShape: shape ?? [d],
    sde,
    calls,
    async score(x, t) {
      calls.score++
      const data = flatData(x)
      const out = new Float64Array(data.length)
      for (let i = 0; i < rowCount(x); i++) out.set(atRow(data, i * d, timeAt(t, i)).s, i * d)
      return tensor(likeInput(x, out), x.shape)
    },
    async jvp(x, t, v) {
      calls.jvp++
      const data = flatData(x)
      const directions = flatData(v)
      const n = rowCount(x)
      const count = v.shape[0]!
      calls.tangents += count * n
      calls.largest = Math.max(calls.largest, count * n)
      const value = new Float64Array(data.length)
      const tangent = new Float64Array(directions.length)
      for (let i = 0; i < n; i++) {
        const { parts, weights, s } = atRow(data, i * d, timeAt(t, i))
        value.set(s, i * d)
        for (let k = 0; k < count; k++) {
          const at = (k * n + i) * d
          const dot = (a: Float64Array): number => a.reduce((sum, entry, j) => sum + entry * directions[at + j]!, 0)
          const along = dot(s)
          for (let j = 0; j < d; j++) tangent[at + j] = -s[j]! * along
          parts.forEach(({ u, solve }, c) => {
            const Pv = solve(directions, at)
            const uv = dot(u)
            for (let j = 0; j < d; j++) tangent[at + j] = tangent[at + j]! + weights[c]! * (u[j]! * uv - Pv[j]!)
          })
        }
      }
      return { value: tensor(likeInput(x, value), x.shape), tangent: tensor(likeInput(x, tangent), v.shape) }
    },
  }
}

/** One Gaussian. */
export function gaussian(sde: DiffusionProcess, mean: ArrayLike<number>, cov: Component['cov']): AnalyticModel {
  return mixture(sde, [{ mean, cov }])
}

function precision(cov: Component['cov'], scale: number, shift: number, d: number): { solve: Solve; logDet: number } {
  if (typeof cov[0] === 'number') {
    const variances = Float64Array.from(cov as ArrayLike<number>, (value) => scale * value + shift)
    return {
      solve: (v, at) => variances.map((value, j) => v[at + j]! / value),
      logDet: variances.reduce((sum, value) => sum + Math.log(value), 0),
    }
  }
  const { inverse, logDet } = invert(
    (cov as readonly (readonly number[])[]).map((row, i) =>
      row.map((value, j) => scale * value + (i === j ? shift : 0)),
    ),
  )
  return {
    solve: (v, at) =>
      Float64Array.from({ length: d }, (_, i) => inverse[i]!.reduce((sum, value, j) => sum + value * v[at + j]!, 0)),
    logDet,
  }
}

/** Gauss-Jordan inverse and log-determinant of a symmetric positive definite matrix. */
export function invert(M: readonly (readonly number[])[]): { inverse: number[][]; logDet: number } {
  const n = M.length
  const A = M.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))])
  let logDet = 0
  for (let k = 0; k < n; k++) {
    const pivot = A[k]![k]!
    logDet += Math.log(pivot)
    for (let j = 0; j < 2 * n; j++) A[k]![j]! /= pivot
    for (let i = 0; i < n; i++) {
      const factor = A[i]![k]!
      if (i !== k) for (let j = 0; j < 2 * n; j++) A[i]![j]! -= factor * A[k]![j]!
    }
  }
  return { inverse: A.map((row) => row.slice(n)), logDet }
}

/** The exact FLIPD of data N(m, C) at v = tau²: D - v tr (C + vI)⁻¹ + v ‖(C + vI)⁻¹ (x - m)‖². */
export function exactFlipd(mean: number[], cov: readonly (readonly number[])[], x: ArrayLike<number>, v: number) {
  const d = mean.length
  const { inverse } = invert(cov.map((row, i) => row.map((value, j) => value + (i === j ? v : 0))))
  let trace = 0
  let norm = 0
  for (let i = 0; i < d; i++) {
    trace += inverse[i]![i]!
    norm += inverse[i]!.reduce((sum, value, j) => sum + value * (x[j]! - mean[j]!), 0) ** 2
  }
  return d - v * trace + v * norm
}
