// Exact scores, derivatives and log-densities of mixtures of noised Gaussians: the engine of all analytic models.
import {
  assertFinite,
  assertOptions,
  assertRows,
  CALL_OPTIONS,
  type CallOptions,
  type DiffusionProcess,
  flatData,
  mismatch,
  type NdArray,
  rowCount,
  type ScoreDivergence,
  type ScoreModel,
  type Times,
  type TraceOptions,
  tensor,
  throwIfAborted,
  timesOf,
  tracePlan,
  traceRows,
} from '@ood/core'
import { TRACE_OPTIONS } from '../internal/calls.ts'
import type { Component, Precision } from './component.ts'

/** A score model that knows its density. */
export interface AnalyticScoreModel extends ScoreModel {
  /** Shape of a row; raw rows and the model's are the same, so `modelShape` is too. */
  readonly dataShape: readonly number[]
  scaledScore(x: NdArray, t: Times, options?: CallOptions): Promise<NdArray<Float64Array>>
  divergence(x: NdArray, t: Times, options?: TraceOptions): Promise<ScoreDivergence>
  /** log p_t(x), the density of mu(t) x_0 + sigma(t) eps, in nats. */
  logDensity(x: NdArray, t: Times): Float64Array
}

/** One row at one time: responsibilities, component scores, and the score. */
interface Point {
  logDensity: number
  weights: Float64Array
  scores: Float64Array[]
  score: Float64Array
  precisions: Precision[]
}

/** The score model of data distributed as a mixture of `components` in `shape`, noised by `sde`. */
export function mixtureModel(
  components: readonly Component[],
  shape: readonly number[],
  sde: DiffusionProcess,
): AnalyticScoreModel {
  const d = shape.reduce((product, n) => product * n, 1)
  const total = components.reduce((sum, { weight }) => sum + weight, 0)
  let cached: { t: number; precisions: Precision[] } | undefined

  function precisionsAt(t: number): Precision[] {
    if (cached?.t !== t) {
      const [mu, sigma] = [sde.mean(t), sde.standardDeviation(t)]
      if (!(sigma > 0)) throw mismatch('E_ARGUMENT', 'analytic score t', 'a time with sigma > 0', t)
      cached = { t, precisions: components.map((component) => component.precision(mu, sigma)) }
    }
    return cached.precisions
  }

  function point(x: Float64Array, at: number, t: number): Point {
    const mu = sde.mean(t)
    const precisions = precisionsAt(t)
    const gap = new Float64Array(d)
    const scores: Float64Array[] = []
    const logs = components.map(({ weight, mean }, k) => {
      for (let i = 0; i < d; i++) gap[i] = mu * mean[i]! - x[at + i]!
      const own = new Float64Array(d)
      precisions[k]!.apply(gap, 0, own)
      scores.push(own)
      let square = 0
      for (let i = 0; i < d; i++) square += own[i]! * gap[i]!
      return Math.log(weight / total) - 0.5 * (square + precisions[k]!.logDet + d * Math.log(2 * Math.PI))
    })
    const most = logs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    const raw = logs.map((value) => Math.exp(value - most))
    const sum = raw.reduce((a, b) => a + b, 0)
    const weights = Float64Array.from(raw, (value) => value / sum)
    const score = new Float64Array(d)
    scores.forEach((own, k) => {
      for (let i = 0; i < d; i++) score[i]! += weights[k]! * own[i]!
    })
    return { logDensity: most + Math.log(sum), weights, scores, score, precisions }
  }

  /** out += (∂s/∂x) v = Σ w_k (-A_k^-1 v + s_k (s_k - s)ᵀ v). */
  function product(
    { weights, scores, score, precisions }: Point,
    v: Float64Array,
    at: number,
    out: Float64Array,
  ): void {
    const applied = new Float64Array(d)
    out.fill(0)
    scores.forEach((own, k) => {
      precisions[k]!.apply(v, at, applied)
      let dot = 0
      for (let i = 0; i < d; i++) dot += (own[i]! - score[i]!) * v[at + i]!
      for (let i = 0; i < d; i++) out[i]! += weights[k]! * (own[i]! * dot - applied[i]!)
    })
  }

  /** tr ∂s/∂x = Σ w_k (|s_k|² - tr A_k^-1) - |s|². */
  function trace({ weights, scores, score, precisions }: Point): number {
    let sum = -squared(score)
    scores.forEach((own, k) => {
      sum += weights[k]! * (squared(own) - precisions[k]!.trace)
    })
    return sum
  }

  function eachRow(what: string, x: NdArray, t: Times, use: (point: Point, row: number) => void): void {
    assertRows(what, x, shape)
    assertFinite(what, x)
    const n = rowCount(x)
    const times = timesOf(what, t, n)
    const data = Float64Array.from(flatData(x))
    for (let row = 0; row < n; row++) use(point(data, row * d, times[row]!), row)
  }

  const model: AnalyticScoreModel = {
    dataShape: [...shape],
    modelShape: [...shape],
    sde,
    async score(x, t, options) {
      assertOptions('score', options, CALL_OPTIONS)
      throwIfAborted(options?.signal, 'score')
      const out = new Float64Array(rowCount(x) * d)
      eachRow('score', x, t, ({ score }, row) => out.set(score, row * d))
      return tensor(out, x.shape)
    },
    async scaledScore(x, t, options) {
      assertOptions('scaledScore', options, CALL_OPTIONS)
      const out = flatData(await model.score(x, t, options)) as Float64Array
      const times = timesOf('scaledScore', t, rowCount(x))
      for (let i = 0; i < out.length; i++) out[i]! *= sde.standardDeviation(times[Math.floor(i / d)]!)
      return tensor(out, x.shape)
    },
    async jvp(x, t, v, options) {
      assertOptions('jvp', options, CALL_OPTIONS)
      throwIfAborted(options?.signal, 'jvp')
      const n = rowCount(x)
      const k = v.shape[0] ?? 0
      if (v.shape.join() !== [k, ...x.shape].join())
        throw mismatch('E_SHAPE', 'jvp tangents', `shape [K, ${x.shape.join(', ')}]`, v.shape)
      const directions = Float64Array.from(flatData(v))
      const value = new Float64Array(n * d)
      const tangent = new Float64Array(k * n * d)
      eachRow('jvp', x, t, (at, row) => {
        value.set(at.score, row * d)
        for (let i = 0; i < k; i++) {
          const from = (i * n + row) * d
          product(at, directions, from, tangent.subarray(from, from + d))
        }
      })
      return { value: tensor(value, x.shape), tangent: tensor(tangent, v.shape) }
    },
    async divergence(x, t, options = {}) {
      assertOptions('divergence', options, TRACE_OPTIONS)
      throwIfAborted(options.signal, 'divergence')
      const n = rowCount(x)
      const plan = tracePlan('divergence', n, d, options)
      const score = new Float64Array(n * d)
      const divergence = new Float64Array(n)
      const standardError = new Float64Array(n)
      const points: Point[] = []
      eachRow('divergence', x, t, (at, row) => {
        score.set(at.score, row * d)
        if (plan.method === 'exact') divergence[row] = trace(at)
        else points.push(at)
      })
      if (plan.method !== 'exact') {
        const products = async (v: Float64Array, k: number): Promise<Float64Array> => {
          const out = new Float64Array(k * n * d)
          for (let i = 0; i < k * n; i++) product(points[i % n]!, v, i * d, out.subarray(i * d, (i + 1) * d))
          return out
        }
        const traces = await traceRows(products, n, d, plan)
        divergence.set(traces.trace)
        standardError.set(traces.standardError)
      }
      return { score: tensor(score, x.shape), divergence, standardError }
    },
    logDensity(x, t) {
      const out = new Float64Array(rowCount(x))
      eachRow('logDensity', x, t, ({ logDensity }, row) => {
        out[row] = logDensity
      })
      return out
    },
  }
  return model
}

function squared(v: Float64Array): number {
  return v.reduce((sum, value) => sum + value * value, 0)
}
