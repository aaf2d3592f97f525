// An analytic score model of Gaussian data and its expected denoising losses in closed form.
import { type DiffusionProcess, flatData, type NdArray, rowCount, type ScoreModel, type Times, tensor } from '@ood/core'

/** Variance preserving, beta linear from 0.1 to 20 on [0, 1]. */
export function vp(): DiffusionProcess {
  const B = (t: number): number => 9.95 * t * t + 0.1 * t
  return {
    name: 'vp',
    tMin: 1e-4,
    tMax: 1,
    mean: (t) => Math.exp(-B(t) / 2),
    standardDeviation: (t) => Math.sqrt(-Math.expm1(-B(t))),
    noiseToSignal: (t) => Math.sqrt(Math.expm1(B(t))),
    timeOf(tau) {
      const target = Math.log1p(tau * tau)
      return Math.min(1, (2 * target) / (0.1 + Math.sqrt(0.01 + 39.8 * target)))
    },
    drift: (t) => -(0.1 + 19.9 * t) / 2,
    diffusionSquared: (t) => 0.1 + 19.9 * t,
    beta: (t) => 0.1 + 19.9 * t,
    integratedBeta: B,
  }
}

/** Variance exploding, sigma = 0.01 5000^t. */
export function ve(): DiffusionProcess {
  const rate = Math.log(5000)
  const sigma = (t: number): number => 0.01 * Math.exp(rate * t)
  return {
    ...vp(),
    name: 've',
    tMin: 1e-5,
    mean: () => 1,
    standardDeviation: sigma,
    noiseToSignal: sigma,
    timeOf: (tau) => Math.min(1, Math.max(0, Math.log(tau / 0.01) / rate)),
    drift: () => 0,
  }
}

/** A score model that counts what it is asked for. */
export interface CountedModel extends ScoreModel {
  calls: { runs: number; rows: number; largest: number }
}

/** Data N(mean, cov) with a full matrix: p_t = N(mu m, mu² C + sigma² I). `score` or `scaledScore`, as asked. */
export function gaussian(
  mean: readonly number[],
  cov: readonly (readonly number[])[],
  { sde = vp(), scaled = true, modelShape = [mean.length] }: GaussianOptions = {},
): CountedModel {
  const d = mean.length
  const calls = { runs: 0, rows: 0, largest: 0 }
  const evaluate = async (x: NdArray, t: Times, power: 0 | 1): Promise<NdArray> => {
    const n = rowCount(x)
    calls.runs++
    calls.rows += n
    calls.largest = Math.max(calls.largest, n)
    const data = flatData(x)
    const out = new Float64Array(n * d)
    for (let i = 0; i < n; i++) {
      const time = typeof t === 'number' ? t : t[i]!
      const sigma = sde.standardDeviation(time)
      const mu = sde.mean(time)
      const P = inverse(cov.map((row, a) => row.map((v, b) => mu * mu * v + (a === b ? sigma * sigma : 0))))
      for (let a = 0; a < d; a++) {
        let s = 0
        for (let b = 0; b < d; b++) s -= P[a]![b]! * (data[i * d + b]! - mu * mean[b]!)
        out[i * d + a] = sigma ** power * s
      }
    }
    return tensor(out, x.shape)
  }
  return {
    modelShape,
    sde,
    calls,
    score: (x, t) => evaluate(x, t, 0),
    ...(scaled ? { scaledScore: (x: NdArray, t: Times) => evaluate(x, t, 1) } : {}),
    jvp: () => Promise.reject(new Error('no derivative is needed')),
  }
}

export interface GaussianOptions {
  sde?: DiffusionProcess
  scaled?: boolean
  modelShape?: number[]
}

/**
 * E|r|_1 and E|r|² at time t and point x: r = net + eps = -sigma P mu (x - m) + (I - sigma² P) eps is Gaussian, and
 * E|N(a, s²)| = s sqrt(2/pi) exp(-a²/2s²) + a erf(a / (s sqrt 2)).
 */
export function expectedNorms(
  mean: readonly number[],
  cov: readonly (readonly number[])[],
  x: readonly number[],
  t: number,
  sde: DiffusionProcess = vp(),
): { l1: number; l2: number } {
  const sigma = sde.standardDeviation(t)
  const mu = sde.mean(t)
  const P = inverse(cov.map((row, a) => row.map((v, b) => mu * mu * v + (a === b ? sigma * sigma : 0))))
  let l1 = 0
  let l2 = 0
  P.forEach((row, i) => {
    const a = -sigma * mu * row.reduce((sum, v, j) => sum + v * (x[j]! - mean[j]!), 0)
    const s = Math.sqrt(row.reduce((sum, v, j) => sum + ((i === j ? 1 : 0) - sigma * sigma * v) ** 2, 0))
    l1 += s * Math.sqrt(2 / Math.PI) * Math.exp((-a * a) / (2 * s * s)) + a * erf(a / (s * Math.SQRT2))
    l2 += a * a + s * s
  })
  return { l1, l2 }
}

/** erf by its Maclaurin series, to rounding for |x| below 4; beyond it is 1 to 2e-8. */
export function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x)
  let term = x
  let sum = x
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

/** Gauss-Jordan inverse. */
export function inverse(M: readonly (readonly number[])[]): number[][] {
  const n = M.length
  const A = M.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))])
  for (let k = 0; k < n; k++) {
    const pivot = A[k]![k]!
    for (let j = 0; j < 2 * n; j++) A[k]![j] = A[k]![j]! / pivot
    for (let i = 0; i < n; i++) {
      const factor = A[i]![k]!
      if (i !== k) for (let j = 0; j < 2 * n; j++) A[i]![j] = A[i]![j]! - factor * A[k]![j]!
    }
  }
  return A.map((row) => row.slice(n))
}
