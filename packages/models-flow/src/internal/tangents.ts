// Jacobian-vector products of the decoder, and the whole Jacobian as unit tangents pushed through in chunks.
import { type FloatArray, OodError } from '@ood/core'
import { jvp, type Model, readModel, writeModel } from '@ood/onnx'
import { openSession, type Session, type TensorValue } from '@ood/runtime'
import type { KernelSetup } from './kernels.ts'
import { type LatentBlock, latentBlocks } from './latentBlocks.ts'
import { once } from './once.ts'

/** Consecutive rows of Jᵀ from row `first` on, flat: row k is the derivative of x along latent k. */
export interface TangentRows {
  first: number
  data: Float32Array
}

/** The decoder's derivatives. */
export interface Tangents {
  /** Values [rows, D] and tangents [k, rows, D] for directions `v` [k, rows, D]. */
  jvp(
    z: Float32Array,
    v: Float32Array,
    rows: number,
    k: number,
  ): Promise<{ value: Float32Array; tangent: Float32Array }>
  /** A share of the rows of Jᵀ [D, D] at one latent: every `parts`-th chunk, from chunk `part` on. */
  rows(z: Float32Array, part: number, parts: number): Promise<TangentRows[]>
  release(): Promise<void>
}

/** Differentiates the decoder graph on first use: by the whole latent for `jvp`, block by block for `rows`. */
export function openTangents({ decode, device, dimension: d, chunk, name }: KernelSetup): Tangents {
  const what = `${name} decoder derivative`
  const derivative = (model: Model, by: string): Promise<Session> =>
    openSession(writeModel(jvp(model, { wrt: [by], of: ['x'] })), { device, threads: 1, name: what })

  const whole = once(() => derivative(readModel(decode), 'z'))
  const blocks = once(async () => {
    const model = readModel(decode)
    const list: (LatentBlock & { session: Session })[] = []
    for (const block of latentBlocks(model, 'z', d))
      list.push({ ...block, session: await (block.value === 'z' ? whole.get() : derivative(model, block.value)) })
    const release = async (): Promise<void> => {
      for (const { session } of list) await session.release()
    }
    return { list, release }
  })

  return {
    async jvp(z, v, rows, k) {
      const session = await whole.get()
      const feeds = { z: feed(session, 'z', z, [rows, d]), z_tangent: feed(session, 'z_tangent', v, [k, rows, d]) }
      const { x, x_tangent } = await session.run(feeds)
      return {
        value: float32(numbers(what, x, rows * d)),
        tangent: float32(numbers(what, x_tangent, k * rows * d)),
      }
    },
    async rows(z, part, parts) {
      const { list } = await blocks.get()
      const out: TangentRows[] = []
      let index = 0
      for (const { session, value, from, to } of list) {
        const seed = `${value}_tangent`
        const size = to - from
        for (let first = 0; first < size; first += chunk) {
          if (index++ % parts !== part) continue
          const k = Math.min(chunk, size - first)
          const v = new Float32Array(k * size)
          for (let i = 0; i < k; i++) v[i * size + first + i] = 1
          const feeds = { z: feed(session, 'z', z, [1, d]), [seed]: feed(session, seed, v, [k, 1, size]) }
          const { x_tangent } = await session.run(feeds, ['x_tangent'])
          out.push({ first: from + first, data: float32(numbers(what, x_tangent, k * d)) })
        }
      }
      return out
    },
    async release() {
      await blocks.release()
      await whole.release()
    },
  }
}

/** The rows put together, Jᵀ [D, D]. */
export function assemble(parts: readonly TangentRows[], d: number): Float32Array {
  const out = new Float32Array(d * d)
  for (const { first, data } of parts) out.set(data, first * d)
  return out
}

/** A float32 block as the graph's input wants it; flows exported in float64 are fed float64. */
export function feed(session: Session, name: string, data: Float32Array, shape: readonly number[]): TensorValue {
  const double = session.inputs.find((port) => port.name === name)?.type === 'float64'
  return { data: double ? Float64Array.from(data) : data, shape }
}

/** The numbers of an output, exactly `size` of them. */
export function numbers(what: string, value: TensorValue | undefined, size: number): FloatArray {
  const data = value?.data
  if (!(data instanceof Float32Array || data instanceof Float64Array) || data.length !== size)
    throw new OodError('E_SHAPE', `${what}: expected ${size} floats, got ${data?.length ?? 'none'}`)
  return data
}

/** In float32, without a copy where they already are. */
export function float32(data: FloatArray): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data)
}
