// A network's graph as a score model: times, predictions and batches over the engine's workers.
import {
  assertFinite,
  assertFiniteRows,
  assertOptions,
  assertRows,
  CALL_OPTIONS,
  type CallOptions,
  type DiffusionProcess,
  flatData,
  mismatch,
  type NdArray,
  planOf,
  rowCount,
  type ScoreDivergence,
  sweep,
  type Times,
  type TraceOptions,
  tensor,
  timesOf,
  tracePlan,
} from '@ood/core'
import type { Engine } from '@ood/runtime'
import type { Diffusion } from '../diffusion.ts'
import type { DiscreteProcess } from '../sde/ddpm.ts'
import { TRACE_OPTIONS } from './calls.ts'
import type { Kernels } from './kernels.ts'
import { type Affine, type PredictionType, toScaledScore } from './prediction.ts'

/** What a score model is built from. */
interface NetworkParts {
  engine: Engine<Kernels>
  sde: DiffusionProcess
  prediction: PredictionType
  /** The network is fed scale t; discrete processes have timesteps of their own. */
  timeScale: number
  modelShape: readonly number[]
  dimension: number
  /** Clean data in the network's space, and raw data: largest |value| and smallest value, where the checkpoint says. */
  range?: { largest: number; rawLow: number } | undefined
}

/** (row, direction) pairs differentiated together: enough to make the primal cheap, few enough for the cache. */
const MOST_PAIRS = 32

/** How far beyond the data's range and noise of one standard deviation a row may lie before it is of other units. */
const FAR = 16

/** Builds `score`, `scaledScore`, `jvp` and `divergence`. */
export function scoreNetwork(
  parts: NetworkParts,
): Pick<Diffusion, 'score' | 'scaledScore' | 'jvp' | 'divergence' | 'sde' | 'modelShape'> {
  const { engine, sde, prediction, modelShape, dimension: d } = parts
  const { lanes } = engine

  /** Checked rows with one time each, the network's times, and the map from outputs to scaled scores. */
  function prepare(what: string, x: NdArray, t: Times) {
    assertRows(what, x, modelShape)
    assertFinite(what, x)
    const times = timesOf(what, t, rowCount(x))
    const sigma = times.map((time) => sde.standardDeviation(time))
    const at = sigma.findIndex((value) => !(value > 0))
    if (at >= 0) throw mismatch('E_ARGUMENT', `${what} t`, 'times with sigma > 0', times[at])
    assertNear(what, x, times, sigma)
    const discrete = (sde as Partial<DiscreteProcess>).timestep
    const fed = times.map((time) => (discrete ? discrete(time) : parts.timeScale * time))
    const maps = Array.from(times, (time) => toScaledScore(prediction, sde, time))
    return { data: Float32Array.from(flatData(x)), given: flatData(x), sigma, fed, maps, n: rowCount(x) }
  }

  /**
   * Raw bytes given to a network of [-1, 1] would be scored without a word: they lie where no noise takes data, and on
   * one side. What a coarse solver makes of an odd row may lie as far, on both sides, and is scored.
   */
  function assertNear(what: string, x: NdArray, times: Float64Array, sigma: Float64Array): void {
    if (!parts.range) return
    const { largest, rawLow } = parts.range
    const data = flatData(x)
    for (const [row, time] of times.entries()) {
      const values = data.subarray(row * d, (row + 1) * d)
      const reach = FAR * (sde.mean(time) * largest + sigma[row]!)
      const far = values.find((value) => Math.abs(value) > reach)
      if (far === undefined || values.some((value) => value < Math.min(0, rawLow))) continue
      const expected = `rows in the network's space, at most ${largest} without noise`
      throw mismatch('E_ARGUMENT', what, expected, `${far} in row ${row} (raw rows? pass them through preprocess)`)
    }
  }

  async function scaledScore(x: NdArray, t: Times, options?: CallOptions): Promise<NdArray<Float64Array>> {
    assertOptions('scaledScore', options, CALL_OPTIONS)
    const { data, given, fed, maps, n } = prepare('score', x, t)
    const out = new Float64Array(n * d)
    await engine.sweep('score', n, options, async (from, to) => {
      const net = await engine.call('net', [data.slice(from * d, to * d), fed.slice(from, to)], options?.signal)
      assertFiniteRows('score', net, to - from, from)
      for (let i = from * d; i < to * d; i++) out[i] = apply(maps[Math.floor(i / d)]!, given[i]!, net[i - from * d]!)
    })
    return tensor(out, x.shape)
  }

  async function score(x: NdArray, t: Times, options?: CallOptions): Promise<NdArray<Float64Array>> {
    assertOptions('score', options, CALL_OPTIONS)
    const scaled = await scaledScore(x, t, options)
    divide(scaled.data, timesOf('score', t, rowCount(x)), d, sde)
    return scaled
  }

  async function jvp(x: NdArray, t: Times, v: NdArray, options?: CallOptions) {
    assertOptions('jvp', options, CALL_OPTIONS)
    const { data, given, fed, maps, sigma, n } = prepare('jvp', x, t)
    const k = v.shape[0] ?? 0
    if (v.shape.join() !== [k, ...x.shape].join())
      throw mismatch('E_SHAPE', 'jvp tangents', `shape [K, ${x.shape.join(', ')}]`, v.shape)
    assertFinite('jvp tangents', v)
    if (k === 0) return { value: await score(x, t, options), tangent: tensor(new Float32Array(0), v.shape) }
    const directions = flatData(v)
    const value = new Float64Array(n * d)
    const tangent = new Float32Array(k * n * d)
    const many = Math.min(k, MOST_PAIRS)
    const rows = Math.min(Math.floor(MOST_PAIRS / many), Math.ceil(n / lanes) || 1)
    await sweep({ label: 'jvp', total: n, batchSize: rows, lanes }, options, async (from, to) => {
      const m = to - from
      for (let first = 0; first < k; first += many) {
        const here = Math.min(many, k - first)
        const block = new Float32Array(here * m * d)
        for (let i = 0; i < here; i++) {
          const at = ((first + i) * n + from) * d
          block.set(directions.subarray(at, at + m * d), i * m * d)
        }
        const out = await engine.call(
          'jvp',
          [data.slice(from * d, to * d), fed.slice(from, to), block, here],
          options?.signal,
        )
        assertFiniteRows('jvp', out.net, m, from)
        for (let row = from; row < to; row++) {
          const { a, b } = maps[row]!
          for (let j = 0; j < d; j++) {
            const at = row * d + j
            value[at] = (a * given[at]! + b * out.net[(row - from) * d + j]!) / sigma[row]!
            for (let i = 0; i < here; i++) {
              const whole = (first + i) * n * d + at
              tangent[whole] = (a * directions[whole]! + b * out.tangent[(i * m + row - from) * d + j]!) / sigma[row]!
            }
          }
        }
      }
    })
    return { value: tensor(value, x.shape), tangent: tensor(tangent, v.shape) }
  }

  async function divergence(x: NdArray, t: Times, options: TraceOptions = {}): Promise<ScoreDivergence> {
    assertOptions('divergence', options, TRACE_OPTIONS)
    const { data, given, fed, maps, sigma, n } = prepare('divergence', x, t)
    const plan = { ...tracePlan('divergence', n, d, options), most: MOST_PAIRS }
    const score = new Float64Array(n * d)
    const trace = new Float64Array(n)
    const standardError = new Float64Array(n)
    const vectors = Math.min(plan.method === 'exact' ? d : plan.probes, MOST_PAIRS)
    const rows = Math.max(1, Math.min(Math.floor(MOST_PAIRS / vectors), Math.ceil(n / lanes)))
    await sweep({ label: 'divergence', total: n, batchSize: rows, lanes }, options, async (from, to) => {
      const args = [data.slice(from * d, to * d), fed.slice(from, to), planOf(plan, from, to)] as const
      const out = await engine.call('divergence', [...args], options.signal)
      assertFiniteRows('divergence', out.net, to - from, from)
      assertFiniteRows('divergence', out.trace, to - from, from)
      for (let row = from; row < to; row++) {
        const { a, b } = maps[row]!
        trace[row] = (a * d + b * out.trace[row - from]!) / sigma[row]!
        standardError[row] = (Math.abs(b) * out.standardError[row - from]!) / sigma[row]!
        for (let at = row * d; at < (row + 1) * d; at++)
          score[at] = (a * given[at]! + b * out.net[at - from * d]!) / sigma[row]!
      }
    })
    return { score: tensor(score, x.shape), divergence: trace, standardError }
  }

  return { sde, modelShape, score, scaledScore, jvp, divergence }
}

function apply({ a, b }: Affine, x: number, net: number): number {
  return a * x + b * net
}

function divide(values: Float64Array, times: Float64Array, d: number, sde: DiffusionProcess): void {
  times.forEach((time, row) => {
    const by = sde.standardDeviation(time)
    for (let i = row * d; i < (row + 1) * d; i++) values[i]! /= by
  })
}
