// Score and trace of its Jacobian for a batch: the provider's own where it has one, else batched jvps, chunk by chunk.
import {
  type CallOptions,
  concatRows,
  flatData,
  forEachBatch,
  mismatch,
  type NdArray,
  OodError,
  rowCount,
  rowSize,
  type ScoreModel,
  sliceRows,
  type TraceMethod,
  type TraceOptions,
  tensor,
  throwIfAborted,
} from '@ood/core'
import { assertCount } from '../internal/check.ts'
import { drawProbes, quadraticForms, unitVectors } from './probes.ts'

/** How a trace is taken: the settings of `TraceOptions`, with chunks. */
export interface TraceSettings {
  /**
   * `exact` (D unit vectors), or an estimate from random probes: `rademacher`, `gaussian`, and `hutch++` where the
   * model has it. Default: `rademacher` when `probes` is given, else `exact` up to D = 3500 and `rademacher` above.
   */
  method?: TraceMethod
  /** Random vectors a row (default 50). */
  probes?: number
  /** `fresh` (default) probes for each row, or the same for all. */
  sharing?: 'fresh' | 'shared'
  /** Row-probe pairs differentiated together where the model has no `divergence` of its own (default 128). */
  chunkSize?: number
}

/** Settings and call of a trace together. */
export type TraceCall = TraceSettings & Pick<TraceOptions, 'rows'> & CallOptions

/** Scores, divergences and their standard errors (0 when exact; NaN with one probe, or when the model keeps none). */
export interface Divergence {
  score: NdArray
  divergence: Float64Array
  standardError: Float64Array
}

/** Largest D whose trace is exact by default, as in the published code. */
const EXACT_UP_TO = 3500
const PROBES = 50
const CHUNK = 128
/** Most rows of a batch by default: beyond it nothing is gained. */
const MOST_ROWS = 64

/**
 * tr (ds/dx) at every row of `x` (Hutchinson 1990; spec dgm 1.3.1): the mean of vᵀ(ds/dx)v over probes v, or exact from
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
  const d = rowSize(x)
  const n = rowCount(x)
  const { method, probes } = traceMethod(d, options)
  const { sharing = 'fresh', rows, chunkSize: _, ...call } = options
  if (rows && rows.length !== n) throw mismatch('E_SHAPE', 'divergence rows', `${n} keys`, rows.length)
  if (model.divergence) {
    const trace = { ...call, method, probes, sharing, ...(rows ? { rows } : {}) }
    const { score, divergence, standardError } = await model.divergence(x, t, trace)
    const unknown = method === 'exact' ? 0 : Number.NaN
    return { score, divergence, standardError: standardError ?? new Float64Array(n).fill(unknown) }
  }
  if (method === 'hutch++')
    throw new OodError('E_UNSUPPORTED', 'divergence: expected a model with its own `divergence` for hutch++, got jvp')
  return byJvp(model, x, t, method, method === 'exact' ? d : probes, options)
}

/** The method and number of probes that settings mean for D numbers a row. */
function traceMethod(d: number, settings: TraceSettings): { method: TraceMethod; probes: number } {
  const random = settings.probes !== undefined || d > EXACT_UP_TO
  const { method = random ? 'rademacher' : 'exact', probes = PROBES } = settings
  assertCount('trace probes', probes, 1)
  return { method, probes }
}

/** Batches of rows, and within each chunks of directions, so that no more than `chunkSize` tangents are alive. */
async function byJvp(
  model: ScoreModel,
  x: NdArray,
  t: number,
  method: TraceMethod,
  directions: number,
  options: TraceCall,
): Promise<Divergence> {
  const { sharing, rows: keys, chunkSize = CHUNK, signal, seed = 0 } = options
  assertCount('trace chunkSize', chunkSize, 1)
  const n = rowCount(x)
  const d = rowSize(x)
  const exact = method === 'exact'
  const scores: NdArray[] = []
  const moments = new Moments(n)
  const defaultRows = Math.max(1, Math.min(MOST_ROWS, Math.floor(chunkSize / directions)))
  const quiet = signal ? { signal } : {}
  await forEachBatch('divergence', n, defaultRows, options, async (from, to) => {
    const batch = sliceRows(x, from, to)
    const size = to - from
    const own = Array.from({ length: size }, (_, i) => keys?.[from + i] ?? from + i)
    const source = { method, seed, keys: sharing === 'shared' ? undefined : own }
    const most = Math.max(1, Math.min(directions, Math.floor(chunkSize / size)))
    for (let first = 0; first < directions; first += most) {
      throwIfAborted(signal, 'divergence')
      const count = Math.min(most, directions - first)
      const v = new (batch.data.constructor as new (n: number) => Float64Array | Float32Array)(count * size * d)
      if (exact) unitVectors(v, first, count, size, d)
      else drawProbes(source, v, first, count, size, d)
      const { value, tangent } = await model.jvp(batch, t, tensor(v, [count, ...batch.shape]), quiet)
      quadraticForms(v, flatData(tangent), count, size, d, (form, i) => moments.add(from + i, form))
      if (first === 0) scores.push(value)
    }
  })
  const score = scores.length > 0 ? concatRows(scores) : x
  return {
    score,
    divergence: exact ? moments.mean.map((mean) => mean * d) : moments.mean,
    standardError: exact ? new Float64Array(n) : moments.standardError(),
  }
}

/** Running means and variances, one a row (Welford). */
class Moments {
  readonly mean: Float64Array
  private readonly squares: Float64Array
  private readonly counts: Int32Array
  constructor(n: number) {
    this.mean = new Float64Array(n)
    this.squares = new Float64Array(n)
    this.counts = new Int32Array(n)
  }
  add(row: number, value: number): void {
    const count = ++this.counts[row]!
    const before = value - this.mean[row]!
    this.mean[row] = this.mean[row]! + before / count
    this.squares[row] = this.squares[row]! + before * (value - this.mean[row]!)
  }
  /** Of the mean; NaN for a single value. */
  standardError(): Float64Array {
    return this.squares.map((sum, i) => Math.sqrt(sum / (this.counts[i]! - 1) / this.counts[i]!))
  }
}
