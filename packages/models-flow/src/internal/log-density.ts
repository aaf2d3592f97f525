// log p in model space as a density that can be differentiated: what `flow.density` is.
import {
  assertFinite,
  assertFiniteRows,
  assertRows,
  type CallOptions,
  flatData,
  type LogDensity,
  mismatch,
  type NdArray,
  rowCount,
  sweep,
  tensor,
} from '@ood/core'
import type { Engine } from '@ood/runtime'
import type { Flow } from '../flow.ts'
import { logNormal } from './density.ts'
import type { Kernels } from './kernels.ts'
import type { FlowShape } from './shape.ts'

/** What the differentiable density of a flow is built from. */
export interface LogDensityParts {
  engine: Engine<Kernels>
  shape: FlowShape
  logProb: Flow['logProb']
}

/** Directions pushed through together for products of the Hessian. */
const MOST_DIRECTIONS = 64

/** Builds `density` of a flow. Rows are in model space. */
export function createLogDensity({ engine, shape, logProb }: LogDensityParts): Required<LogDensity> {
  const { dimension: d, modelShape } = shape
  const rowsOf = (what: string, x: NdArray): Float32Array => {
    assertRows(what, x, modelShape)
    assertFinite(what, x)
    return Float32Array.from(flatData(x))
  }

  async function gradient(x: NdArray, options?: CallOptions): ReturnType<LogDensity['gradient']> {
    const rows = rowsOf('gradient', x)
    const n = rowCount(x)
    const out = new Float32Array(n * d)
    const logProbs = new Float64Array(n)
    await engine.sweep('gradient', n, options, async (from, to) => {
      const block = await engine.call('gradient', [rows.slice(from * d, to * d), to - from], options?.signal)
      assertFiniteRows('gradient', block.gradient, to - from, from)
      out.set(block.gradient, from * d)
      for (let row = from; row < to; row++)
        logProbs[row] = logNormal(block.z, (row - from) * d, d) + block.logDet[row - from]!
    })
    return { logProb: logProbs, gradient: tensor(out, [n, ...modelShape]) }
  }

  async function hessianProduct(x: NdArray, v: NdArray, options?: CallOptions): Promise<NdArray> {
    const rows = rowsOf('hessianProduct', x)
    const n = rowCount(x)
    const k = v.shape[0] ?? 0
    if (v.shape.join() !== [k, n, ...modelShape].join())
      throw mismatch('E_SHAPE', 'hessianProduct directions', `shape [K, ${[n, ...modelShape].join(', ')}]`, v.shape)
    assertFinite('hessianProduct directions', v)
    const directions = flatData(v)
    const out = new Float32Array(k * n * d)
    const many = Math.max(1, Math.min(k, MOST_DIRECTIONS))
    const together = Math.max(1, Math.floor(MOST_DIRECTIONS / many))
    const blocks = Math.ceil(k / many)
    // One item is a block of rows with a block of directions, so that one row's directions keep all lanes busy.
    const groups = Math.ceil(n / together)
    const total = k === 0 ? 0 : groups * blocks
    await sweep({ label: 'hessianProduct', total, batchSize: 1, lanes: engine.lanes }, options, async (item) => {
      const from = Math.floor(item / blocks) * together
      const m = Math.min(n, from + together) - from
      const first = (item % blocks) * many
      const here = Math.min(many, k - first)
      const block = new Float32Array(here * m * d)
      for (let i = 0; i < here; i++) {
        const at = ((first + i) * n + from) * d
        block.set(directions.subarray(at, at + m * d), i * m * d)
      }
      const product = await engine.call(
        'hessian',
        [rows.slice(from * d, (from + m) * d), block, m, here],
        options?.signal,
      )
      for (let i = 0; i < here; i++) out.set(product.subarray(i * m * d, (i + 1) * m * d), ((first + i) * n + from) * d)
    })
    assertFinite('hessianProduct', tensor(out, [k * n, d]))
    return tensor(out, [k, n, ...modelShape])
  }

  return {
    dataShape: modelShape,
    logProb: (x, options) => logProb(x, { ...options, input: 'model' }),
    gradient,
    hessianProduct,
  }
}
