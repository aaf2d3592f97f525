// The trace of the Jacobian of any differentiable map at many points, and of a score model that has no faster way.
import { assertCount } from '../assert-count.ts'
import { mismatch, unknownName } from '../errors.ts'
import type { ScoreDivergence, ScoreModel, Times, TraceMethod, TraceOptions } from '../interfaces.ts'
import { type CallOptions, forEachBatch, throwIfAborted } from '../progress.ts'
import { flatData, type NdArray, rowCount, rowSize, sliceRows, tensor } from '../tensor.ts'
import { timesOf } from './times.ts'
import { type TracePlan, traceRows } from './trace-rows.ts'

/** Largest D whose trace is exact when no method is named (the reference's limit). */
const EXACT_UP_TO = 3500
/** (row, vector) pairs pushed through together. */
const MOST_PAIRS = 128
const METHODS: readonly TraceMethod[] = ['exact', 'rademacher', 'gaussian', 'hutch++']

/** Options of a trace that is taken here, by products with vectors. */
export interface TraceCallOptions extends TraceOptions {
  /** (row, vector) pairs pushed through together (default 128). */
  chunkSize?: number | undefined
}

/** A map R^D -> R^D with Jacobian-vector products, such as a `Differentiable`. */
export interface Tangents {
  jvp(x: NdArray, v: NdArray, options?: CallOptions): Promise<{ value: NdArray; tangent: NdArray }>
}

/**
 * tr ∂f/∂x at every row of `x`: exact from D unit vectors, or the mean of vᵀ(∂f/∂x)v over random probes (Hutchinson
 * 1989; variance 2 |sym J|² for Gaussian probes and 2 (|sym J|² - Σ J_ii²) for Rademacher ones), or Hutch++ (Meyer et al.
 * 2021), which spends a third of the probes on the largest directions.
 *
 * Row i's probes depend on (seed, rows[i]) only - not on the batch - and the first probes of a larger number are the
 * same. Memory does not grow with the number of probes, except for `hutch++`, which keeps a third of its products.
 *
 * @param f - the map; its `jvp` sees blocks [K, n, ...] with K n <= 128 (or one vector for each of n rows)
 * @param x - [N, ...]
 * @returns one trace a row
 * @throws OodError `E_UNKNOWN_NAME` method, `E_ARGUMENT` probes, `E_ABORTED`
 *
 * Cost N D or N probes products.
 * @example
 * const trace = await jacobianTrace(flow.decoder, z, { method: 'rademacher', probes: 20, seed: 1 })
 */
export async function jacobianTrace(f: Tangents, x: NdArray, options: TraceCallOptions = {}): Promise<Float64Array> {
  const out = new Float64Array(rowCount(x))
  await traceBlocks('jacobianTrace', x, options, async (block, plan, from) => {
    const products = productsOf(block, (v) => {
      throwIfAborted(options.signal, 'jacobianTrace')
      return f.jvp(block, v, { signal: options.signal })
    })
    out.set((await traceRows(products, rowCount(block), rowSize(block), plan)).trace, from)
  })
  return out
}

/**
 * Score and trace of its Jacobian at every row: the model's own `divergence`, else from its `jvp`.
 *
 * @throws OodError as `jacobianTrace`
 * @example
 * const { score, divergence } = await scoreDivergence(model, x, 0.05, { method: 'rademacher', probes: 20 })
 */
export async function scoreDivergence(
  model: ScoreModel,
  x: NdArray,
  t: Times,
  options: TraceCallOptions = {},
): Promise<ScoreDivergence> {
  if (model.divergence) {
    const { chunkSize: _, ...trace } = options
    return model.divergence(x, t, trace)
  }
  const times = timesOf('divergence', t, rowCount(x))
  const divergence = new Float64Array(rowCount(x))
  const score = new Float64Array(flatData(x).length)
  const standardError = new Float64Array(rowCount(x))
  const d = rowSize(x)
  await traceBlocks('divergence', x, options, async (block, plan, from) => {
    const own = times.subarray(from, from + rowCount(block))
    const products = productsOf(block, async (v) => {
      throwIfAborted(options.signal, 'divergence')
      const out = await model.jvp(block, own, v, { signal: options.signal })
      score.set(flatData(out.value), from * d)
      return out
    })
    const traces = await traceRows(products, rowCount(block), d, plan)
    divergence.set(traces.trace, from)
    standardError.set(traces.standardError, from)
  })
  return { score: tensor(score, x.shape), divergence, standardError }
}

/** Checks options and turns them into a plan for all rows. */
export function tracePlan(what: string, n: number, d: number, options: TraceOptions): TracePlan {
  const method = options.method ?? (d <= EXACT_UP_TO ? 'exact' : 'rademacher')
  if (!METHODS.includes(method)) throw unknownName(`${what} method`, String(method), METHODS)
  const probes = options.probes ?? 50
  assertCount(`${what} probes`, probes)
  const sharing = options.sharing ?? 'fresh'
  if (sharing !== 'fresh' && sharing !== 'shared')
    throw mismatch('E_ARGUMENT', `${what} sharing`, 'fresh or shared', sharing)
  if (options.rows && options.rows.length !== n)
    throw mismatch('E_SHAPE', `${what} rows`, `${n} keys, one a row`, options.rows.length)
  const keys = sharing === 'shared' ? undefined : Array.from(options.rows ?? { length: n }, (key, i) => key ?? i)
  return { method, probes, seed: options.seed ?? 0, keys, most: MOST_PAIRS }
}

/** The plan of rows `from`..`to - 1`. */
export function planOf(plan: TracePlan, from: number, to: number): TracePlan {
  return { ...plan, keys: plan.keys?.slice(from, to) }
}

async function traceBlocks(
  what: string,
  x: NdArray,
  options: TraceCallOptions,
  run: (block: NdArray, plan: TracePlan, from: number) => Promise<void>,
): Promise<void> {
  const { chunkSize = MOST_PAIRS } = options
  assertCount(`${what} chunkSize`, chunkSize)
  const plan = { ...tracePlan(what, rowCount(x), rowSize(x), options), most: chunkSize }
  // One row fills the pairs by itself in an exact trace; with few probes rows share a block.
  const vectors = plan.method === 'exact' ? rowSize(x) : plan.probes
  const rows = Math.max(1, Math.floor(chunkSize / Math.max(1, vectors)))
  await forEachBatch(what, rowCount(x), rows, options, (from, to) =>
    run(sliceRows(x, from, to), planOf(plan, from, to), from),
  )
}

function productsOf(block: NdArray, jvp: (v: NdArray) => Promise<{ tangent: NdArray }>) {
  return async (v: Float64Array, k: number) => flatData((await jvp(tensor(v, [k, ...block.shape]))).tangent)
}
