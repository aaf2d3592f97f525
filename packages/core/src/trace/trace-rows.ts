// Traces of the Jacobians of some rows from products with vectors: exact, Hutchinson and Hutch++.
import { mismatch } from '../errors.ts'
import type { TraceMethod } from '../interfaces.ts'
import type { FloatArray } from '../tensor.ts'
import { drawProbes, type ProbeSource } from './probes.ts'

/** (J_row v) for k vectors of every row: [k, rows, D] in and out. */
export type Products = (v: Float64Array, k: number) => Promise<FloatArray>

/** What a trace of some rows needs; plain data, so that it can be sent to a worker. */
export interface TracePlan {
  method: TraceMethod
  probes: number
  seed: number
  /** Keys of the rows; `undefined` when all share their probes. */
  keys: number[] | undefined
  /** Most (row, vector) pairs pushed through together. */
  most: number
}

/** Traces with the standard error of each: 0 when exact, NaN when one probe or `hutch++` leaves it unknown. */
export interface Traces {
  trace: Float64Array
  standardError: Float64Array
}

/** tr J of each of `rows` rows of dimension `d`. Memory is that of `most` vectors, however many probes there are. */
export async function traceRows(products: Products, rows: number, d: number, plan: TracePlan): Promise<Traces> {
  const { method, probes, seed, keys } = plan
  const chunk = Math.max(1, Math.floor(plan.most / Math.max(1, rows)))
  if (method === 'exact') {
    const sum = new Float64Array(rows)
    for (let from = 0; from < d; from += chunk) {
      const to = Math.min(d, from + chunk)
      const v = new Float64Array((to - from) * rows * d)
      for (let k = 0; k < (to - from) * rows; k++) v[k * d + from + Math.floor(k / rows)] = 1
      addForms(sum, v, await products(v, to - from), d)
    }
    return { trace: sum, standardError: new Float64Array(rows) }
  }
  if (method === 'hutch++') {
    const trace = await hutchPlusPlus(products, rows, d, plan, chunk)
    return { trace, standardError: new Float64Array(rows).fill(Number.NaN) }
  }
  const mean = new Float64Array(rows)
  const squares = new Float64Array(rows)
  for (let from = 0; from < probes; from += chunk) {
    const to = Math.min(probes, from + chunk)
    const v = drawProbes({ kind: method, seed, keys }, rows, d, from, to)
    const Jv = await products(v, to - from)
    for (let k = from; k < to; k++) {
      for (let row = 0; row < rows; row++) {
        // Welford's update: the order of probes is always the same, and so are the sums.
        const before = form(v, Jv, ((k - from) * rows + row) * d, d) - mean[row]!
        mean[row]! += before / (k + 1)
        squares[row]! += (before * before * k) / (k + 1)
      }
    }
  }
  return { trace: mean, standardError: squares.map((sum) => Math.sqrt(sum / (probes - 1) / probes)) }
}

/**
 * Hutch++ (Meyer et al. 2021): the trace on the span Q of J S, a third of the products for S, plus Hutchinson on its
 * complement, tr QᵀJQ + mean of gᵀ(I - QQᵀ) J (I - QQᵀ) g. A third of the products goes into each part.
 */
async function hutchPlusPlus(
  products: Products,
  rows: number,
  d: number,
  plan: TracePlan,
  chunk: number,
): Promise<Float64Array> {
  const { probes, seed, keys } = plan
  if (probes < 3) throw mismatch('E_ARGUMENT', 'hutch++ probes', 'at least 3', probes)
  const third = Math.min(Math.floor(probes / 3), d)
  const source = (label: string): ProbeSource => ({ kind: 'gaussian', seed, keys, label })
  const all = async (v: Float64Array, k: number): Promise<Float64Array> => {
    const out = new Float64Array(v.length)
    for (let from = 0; from < k; from += chunk) {
      const to = Math.min(k, from + chunk)
      out.set(await products(v.slice(from * rows * d, to * rows * d), to - from), from * rows * d)
    }
    return out
  }
  const Q = await all(drawProbes(source('sketch'), rows, d, 0, third), third)
  for (let row = 0; row < rows; row++) orthonormalize(Q, row, rows, d, third)
  const sum = new Float64Array(rows)
  addForms(sum, Q, await all(Q, third), d)
  const rest = Math.max(1, probes - 2 * third)
  const residual = new Float64Array(rows)
  const G = drawProbes(source('residual'), rows, d, 0, rest)
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < rest; k++) removeSpan(G, (k * rows + row) * d, Q, row, rows, d, third)
  addForms(residual, G, await all(G, rest), d)
  return sum.map((value, row) => value + residual[row]! / rest)
}

/** Adds vᵀ(Jv) of every vector to its row's sum, in float64. */
function addForms(sum: Float64Array, v: Float64Array, Jv: FloatArray, d: number): void {
  const rows = sum.length
  for (let k = 0; k * rows * d < v.length; k++) {
    for (let row = 0; row < rows; row++) {
      sum[row]! += form(v, Jv, (k * rows + row) * d, d)
    }
  }
}

function form(v: Float64Array, Jv: FloatArray, at: number, d: number): number {
  let sum = 0
  for (let i = at; i < at + d; i++) sum += v[i]! * Jv[i]!
  return sum
}

/** Gram-Schmidt, twice, of the `k` vectors of one row; vectors that depend on earlier ones become zero. */
function orthonormalize(Q: Float64Array, row: number, rows: number, d: number, k: number): void {
  for (let j = 0; j < k; j++) {
    const at = (j * rows + row) * d
    const before = Math.sqrt(square(Q, at, d))
    removeSpan(Q, at, Q, row, rows, d, j)
    removeSpan(Q, at, Q, row, rows, d, j)
    const length = Math.sqrt(square(Q, at, d))
    const scale = length > 1e-10 * before && length > 0 ? 1 / length : 0
    for (let i = at; i < at + d; i++) Q[i]! *= scale
  }
}

/** Takes the span of the first `k` orthonormal vectors of a row out of the vector at `at`. */
function removeSpan(v: Float64Array, at: number, Q: Float64Array, row: number, rows: number, d: number, k: number) {
  for (let j = 0; j < k; j++) {
    const other = (j * rows + row) * d
    let dot = 0
    for (let i = 0; i < d; i++) dot += v[at + i]! * Q[other + i]!
    for (let i = 0; i < d; i++) v[at + i]! -= dot * Q[other + i]!
  }
}

function square(v: Float64Array, at: number, d: number): number {
  let sum = 0
  for (let i = at; i < at + d; i++) sum += v[i]! * v[i]!
  return sum
}
