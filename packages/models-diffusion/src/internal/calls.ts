// How the algorithms of this package call a score model: flat float64 rows in and out, one time a row.
import {
  CALL_OPTIONS,
  type CallOptions,
  flatData,
  type NdArray,
  type ScoreModel,
  scoreDivergence,
  type TraceOptions,
  tensor,
} from '@ood/core'

/** The options of a trace, see `TraceOptions`. */
export const TRACE_OPTIONS: readonly string[] = [...CALL_OPTIONS, 'method', 'probes', 'sharing']

/** Options of an inner call: the caller's signal, nothing else. */
export function inner(options: CallOptions | undefined): CallOptions {
  return options?.signal ? { signal: options.signal } : {}
}

/** sigma(t) s(x, t) of flat rows, about -eps. */
export async function scaledScore(
  model: ScoreModel,
  x: Float64Array,
  t: Float64Array,
  options: CallOptions | undefined,
): Promise<Float64Array> {
  const rows = tensor(x, [t.length, ...model.modelShape])
  if (model.scaledScore) return float64(await model.scaledScore(rows, t, inner(options)))
  const out = Float64Array.from(flatData(await model.score(rows, t, inner(options))))
  return scaled(out, t, (time) => model.sde.standardDeviation(time))
}

/** sigma(t) s and sigma(t)² tr ∂s/∂x of flat rows. */
export async function scaledDivergence(
  model: ScoreModel,
  x: Float64Array,
  t: Float64Array,
  options: TraceOptions,
): Promise<{ net: Float64Array; trace: Float64Array }> {
  const rows = tensor(x, [t.length, ...model.modelShape])
  const { score, divergence } = await scoreDivergence(model, rows, t, options)
  const sigma = (time: number) => model.sde.standardDeviation(time)
  return {
    net: scaled(Float64Array.from(flatData(score)), t, sigma),
    trace: divergence.map((value, row) => value * sigma(t[row]!) ** 2),
  }
}

function scaled(values: Float64Array, t: Float64Array, factor: (t: number) => number): Float64Array {
  const d = values.length / Math.max(1, t.length)
  t.forEach((time, row) => {
    const by = factor(time)
    for (let i = row * d; i < (row + 1) * d; i++) values[i]! *= by
  })
  return values
}

/** A private float64 copy of a batch's numbers. */
export function float64(x: NdArray): Float64Array {
  return Float64Array.from(flatData(x))
}
