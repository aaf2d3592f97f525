// The trace of a score's Jacobian as LID estimators ask for it: a number of probes means probes.
import {
  type CallOptions,
  type NdArray,
  rowCount,
  rowSize,
  type ScoreModel,
  type TraceMethod,
  type TraceOptions,
  scoreDivergence as traceOfScore,
} from '@ood/core'
import { assertCount } from '../internal/check.ts'

/** How a trace is taken: the settings of `TraceOptions`, with chunks. */
export interface TraceSettings {
  /**
   * `exact` (D unit vectors), or an estimate from random probes: `rademacher`, `gaussian`, `hutch++`. Default: `rademacher` when `probes` is given, else `exact` up to D = 3500 and `rademacher` above.
   */
  method?: TraceMethod | undefined
  /** Random vectors a row (default 50). */
  probes?: number | undefined
  /** `fresh` (default) probes for each row, or the same for all. */
  sharing?: 'fresh' | 'shared' | undefined
  /** Row-probe pairs differentiated together where the model has no `divergence` of its own (default 128). */
  chunkSize?: number | undefined
}

/** Settings and call of a trace together. */
type TraceCall = TraceSettings & Pick<TraceOptions, 'rows'> & CallOptions

/** Scores, divergences and their standard errors (0 when exact; NaN with one probe, or when the model keeps none). */
export interface Divergence {
  score: NdArray
  divergence: Float64Array
  standardError: Float64Array
}

/** Largest D whose trace is exact by default, as in the published code. */
const EXACT_UP_TO = 3500
const PROBES = 50

/**
 * tr (ds/dx) at every row of `x` (Hutchinson 1990): the mean of vᵀ(ds/dx)v over probes v, or exact from
 * unit vectors.
 *
 * With S the symmetric part of the Jacobian, one Gaussian probe has variance 2 ‖S‖², a Rademacher probe
 * 2 (‖S‖² - Σ S_ii²). The standard error is the spread of the quadratic forms over √probes.
 *
 * The probes of a row follow from `seed` and its key (`rows`, default its number), so neither batches nor the order of
 * rows change a result. Memory: `chunkSize` tangents, however many probes there are.
 */
export async function scoreDivergence(
  model: ScoreModel,
  x: NdArray,
  t: number,
  options: TraceCall = {},
): Promise<Divergence> {
  const { method, probes } = traceMethod(rowSize(x), options)
  const trace = { ...options, method, probes, sharing: options.sharing ?? 'fresh' }
  const { score, divergence, standardError } = await traceOfScore(model, x, t, trace)
  const unknown = method === 'exact' ? 0 : Number.NaN
  return { score, divergence, standardError: standardError ?? new Float64Array(rowCount(x)).fill(unknown) }
}

/** The method and number of probes that settings mean for D numbers a row. */
function traceMethod(d: number, settings: TraceSettings): { method: TraceMethod; probes: number } {
  const random = settings.probes !== undefined || d > EXACT_UP_TO
  const { method = random ? 'rademacher' : 'exact', probes = PROBES } = settings
  assertCount('trace probes', probes, 1)
  return { method, probes }
}
