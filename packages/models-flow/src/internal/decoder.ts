// The decoder as a differentiable map: values, directional derivatives, the whole Jacobian, and its metric per latent.
import {
  assertFinite,
  assertFiniteRows,
  assertRows,
  type CallOptions,
  flatData,
  mismatch,
  type NdArray,
  OodError,
  rowCount,
  sweep,
  tensor,
} from '@ood/core'
import type { Engine } from '@ood/runtime'
import type { FlowDecoder } from '../flow.ts'
import type { Kernels } from './kernels.ts'
import type { FlowShape } from './shape.ts'

/** Tangents pushed through together by `jvp`: few enough for the cache, enough to make the primal cheap (measured). */
const MOST_TANGENTS = 64

/** What the decoder is built from. */
export interface DecoderParts {
  engine: Engine<Kernels>
  shape: FlowShape
}

/** Builds the decoder of a flow, f: latents [N, D] to model space. */
export function createDecoder({ engine, shape }: DecoderParts): FlowDecoder {
  const { dimension: d, modelShape } = shape
  const latents = (what: string, z: NdArray): Float32Array => {
    assertRows(what, z, [d])
    assertFinite(what, z)
    return Float32Array.from(flatData(z))
  }

  async function evaluate(z: NdArray, options?: CallOptions): Promise<NdArray<Float32Array>> {
    const n = rowCount(z, 'decode')
    const from32 = latents('decode', z)
    const out = new Float32Array(n * d)
    await engine.sweep('decode', n, options, async (from, to) => {
      const x = await engine.call('decode', [from32.slice(from * d, to * d), to - from], options?.signal)
      assertFiniteRows('decode', x, to - from, from)
      out.set(x, from * d)
    })
    return tensor(out, [n, ...modelShape])
  }

  async function jvp(z: NdArray, v: NdArray, options?: CallOptions): Promise<{ value: NdArray; tangent: NdArray }> {
    const n = rowCount(z, 'jvp')
    const k = v.shape[0] ?? 0
    const from32 = latents('jvp', z)
    if (v.shape.join() !== [k, n, d].join()) throw mismatch('E_SHAPE', 'jvp tangents', `shape [K, ${n}, ${d}]`, v.shape)
    assertFinite('jvp tangents', v)
    if (k === 0)
      return { value: await evaluate(z, options), tangent: tensor(new Float32Array(0), [0, n, ...modelShape]) }
    const directions = flatData(v)
    const value = new Float32Array(n * d)
    const tangent = new Float32Array(k * n * d)
    // A block is `rows` latents with `many` directions each, at most MOST_TANGENTS in all.
    const many = Math.min(k, MOST_TANGENTS)
    const rows = Math.floor(MOST_TANGENTS / many)
    await sweep({ label: 'jvp', total: n, batchSize: rows, lanes: engine.lanes }, options, async (from, to) => {
      const m = to - from
      for (let first = 0; first < k; first += many) {
        const here = Math.min(many, k - first)
        const block = new Float32Array(here * m * d)
        for (let i = 0; i < here; i++) {
          const at = ((first + i) * n + from) * d
          block.set(directions.subarray(at, at + m * d), i * m * d)
        }
        const out = await engine.call('jvp', [from32.slice(from * d, to * d), block, m, here], options?.signal)
        value.set(out.value, from * d)
        for (let i = 0; i < here; i++)
          tangent.set(out.tangent.subarray(i * m * d, (i + 1) * m * d), ((first + i) * n + from) * d)
      }
    })
    return { value: tensor(value, [n, ...modelShape]), tangent: tensor(tangent, [k, n, ...modelShape]) }
  }

  async function jacobian(z: NdArray, options?: CallOptions): Promise<NdArray<Float32Array>> {
    if (rowCount(z, 'jacobian') !== 1) throw mismatch('E_SHAPE', 'jacobian', 'one row', rowCount(z))
    const transposed = await engine.call('tangents', [latents('jacobian', z)], options?.signal)
    const J = new Float32Array(d * d)
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) J[j * d + i] = transposed[i * d + j]!
    return tensor(J, [d, d])
  }

  async function tridiagonalMetric(z: NdArray, options?: CallOptions): ReturnType<FlowDecoder['tridiagonalMetric']> {
    const n = rowCount(z, 'tridiagonalMetric')
    const from32 = latents('tridiagonalMetric', z)
    const diagonal = new Float64Array(n * d)
    const offDiagonal = new Float64Array(n * (d - 1))
    const rotated = new Float64Array(n * d)
    const label = 'tridiagonalMetric'
    // One latent a lane: the linear algebra of one overlaps the Jacobian of another.
    await sweep({ label, total: n, batchSize: 1, lanes: engine.lanes }, options, async (row) => {
      const latent = from32.slice(row * d, (row + 1) * d)
      const out = await engine.call('metric', [latent], options?.signal).catch((cause: unknown) => {
        if (!(cause instanceof OodError) || cause.code === 'E_ABORTED') throw cause
        throw new OodError(cause.code, `${label} row ${row}: ${cause.message}`, { cause })
      })
      diagonal.set(out.diagonal, row * d)
      offDiagonal.set(out.offDiagonal, row * (d - 1))
      rotated.set(out.rotated, row * d)
    })
    return {
      diagonal: tensor(diagonal, [n, d]),
      offDiagonal: tensor(offDiagonal, [n, d - 1]),
      rotated: tensor(rotated, [n, d]),
    }
  }

  return { inputShape: [d], outputShape: modelShape, evaluate, jvp, jacobian, tridiagonalMetric }
}
