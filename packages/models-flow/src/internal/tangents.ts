// Jacobian-vector products of the decoder, and its whole Jacobian at a point.
import { once } from '@ood/core'
import { jacobian, jvp, type Model, readModel, writeModel } from '@ood/onnx'
import { feedNumbers, openSession, type Session, takeFloats, toFloat32 } from '@ood/runtime'
import type { KernelSetup } from './kernel-setup.ts'
import { type LatentBlock, latentBlocks } from './latent-blocks.ts'

/** The decoder's derivatives. */
export interface Tangents {
  /** Values [rows, D] and tangents [k, rows, D] for directions `v` [k, rows, D]. */
  jvp(
    z: Float32Array,
    v: Float32Array,
    rows: number,
    k: number,
  ): Promise<{ value: Float32Array; tangent: Float32Array }>
  /** Jᵀ [D, D] at one latent: row k is the derivative of x along latent k. */
  all(z: Float32Array): Promise<Float32Array>
  release(): Promise<void>
}

/** Runs one derivative graph at one latent and puts its rows of Jᵀ into `out`. */
interface RowWriter {
  write(z: Float32Array, out: Float32Array): Promise<void>
  release(): Promise<void>
}

/** Differentiates the decoder graph on first use. */
export function openTangents(setup: KernelSetup): Tangents {
  const { decode, device, dimension: d, chunk, name } = setup
  const what = `${name} decoder derivative`
  const open = (model: Model): Promise<Session> => openSession(writeModel(model), { device, threads: 1, name: what })
  const whole = once(() => open(jvp(readModel(decode), { wrt: ['z'], of: ['x'] })))
  const writer = once(() => (chunk === 0 ? wholeJacobian() : chunkedJacobian()))

  /** One graph that gives all of Jᵀ and leaves out directions that are structurally zero. */
  async function wholeJacobian(): Promise<RowWriter> {
    const session = await open(jacobian(readModel(decode), { wrt: 'z', of: ['x'] }))
    return {
      async write(z, out) {
        const { x_jacobian } = await session.run({ z: feedNumbers(session, 'z', z, [1, d]) }, ['x_jacobian'])
        out.set(takeFloats(what, x_jacobian, d * d))
      },
      release: () => session.release(),
    }
  }

  /** Unit tangents pushed through `chunk` at a time, by one block of latents after another: less memory. */
  async function chunkedJacobian(): Promise<RowWriter> {
    const model = readModel(decode)
    const list: (LatentBlock & { session: Session })[] = []
    for (const block of latentBlocks(model, 'z', d))
      list.push({ ...block, session: await open(jvp(model, { wrt: [block.value], of: ['x'] })) })
    return {
      async write(z, out) {
        for (const { session, value, from, to } of list) {
          const seed = `${value}_tangent`
          const size = to - from
          for (let first = 0; first < size; first += chunk) {
            const k = Math.min(chunk, size - first)
            const v = new Float32Array(k * size)
            for (let i = 0; i < k; i++) v[i * size + first + i] = 1
            const feeds = {
              z: feedNumbers(session, 'z', z, [1, d]),
              [seed]: feedNumbers(session, seed, v, [k, 1, size]),
            }
            const { x_tangent } = await session.run(feeds, ['x_tangent'])
            out.set(takeFloats(what, x_tangent, k * d), (from + first) * d)
          }
        }
      },
      async release() {
        for (const { session } of list) await session.release()
      },
    }
  }

  return {
    async jvp(z, v, rows, k) {
      const session = await whole.get()
      const feeds = {
        z: feedNumbers(session, 'z', z, [rows, d]),
        z_tangent: feedNumbers(session, 'z_tangent', v, [k, rows, d]),
      }
      const { x, x_tangent } = await session.run(feeds)
      return {
        value: toFloat32(takeFloats(what, x, rows * d)),
        tangent: toFloat32(takeFloats(what, x_tangent, k * rows * d)),
      }
    },
    async all(z) {
      const out = new Float32Array(d * d)
      await (await writer.get()).write(z, out)
      return out
    },
    async release() {
      await writer.release()
      await whole.release()
    },
  }
}
