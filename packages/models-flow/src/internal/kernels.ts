// The flow's graphs as functions on flat rows: the arithmetic that runs in a worker, or in process.
import { once } from '@ood/core'
import { feedNumbers, openSession, takeFloats, toFloat32 } from '@ood/runtime'
import { openDensityGraphs } from './density-graphs.ts'
import type { KernelSetup } from './kernel-setup.ts'
import { type MetricRow, openMetric } from './metric.ts'
import { openTangents } from './tangents.ts'

/** The computations behind a flow. Rows are flat and row-major. */
export interface Kernels {
  /** z and log |det ∂z/∂x| of `rows` rows. */
  encode(x: Float32Array, rows: number): Promise<{ z: Float32Array; logDet: Float64Array }>
  decode(z: Float32Array, rows: number): Promise<Float32Array>
  /** Values [rows, D] and tangents [k, rows, D] for directions `v` [k, rows, D]. */
  jvp(
    z: Float32Array,
    v: Float32Array,
    rows: number,
    k: number,
  ): Promise<{ value: Float32Array; tangent: Float32Array }>
  /** Jᵀ [D, D] at one latent: row k is the derivative along latent k. */
  tangents(z: Float32Array): Promise<Float32Array>
  /** JᵀJ at one latent in tridiagonal form. */
  metric(z: Float32Array): Promise<MetricRow>
  /** Gradient of log p in model space at `rows` rows, with z and log |det ∂z/∂x|. */
  gradient(x: Float32Array, rows: number): Promise<{ z: Float32Array; logDet: Float64Array; gradient: Float32Array }>
  /** Hessian of log p at `rows` rows times directions `v` [k, rows, D]. */
  hessian(x: Float32Array, v: Float32Array, rows: number, k: number): Promise<Float32Array>
  release(): Promise<void>
}

/** Opens sessions as they are first needed, each with one thread. */
export function openKernels(setup: KernelSetup): Kernels {
  const { dimension: d, modelShape, name, device } = setup
  const encoder = once(() => openSession(setup.encode, { device, threads: 1, name: `${name} encode` }))
  const decoder = once(() => openSession(setup.decode, { device, threads: 1, name: `${name} decode` }))
  const tangents = openTangents(setup)
  const derivatives = openDensityGraphs(setup)
  const metrics = once(() => openMetric(d))

  return {
    async encode(x, rows) {
      const session = await encoder.get()
      const { z, logdet } = await session.run({ x: feedNumbers(session, 'x', x, [rows, ...modelShape]) }, [
        'z',
        'logdet',
      ])
      return {
        z: toFloat32(takeFloats(`${name} z`, z, rows * d)),
        logDet: Float64Array.from(takeFloats(`${name} logdet`, logdet, rows)),
      }
    },
    async decode(z, rows) {
      const session = await decoder.get()
      const { x } = await session.run({ z: feedNumbers(session, 'z', z, [rows, d]) }, ['x'])
      return toFloat32(takeFloats(`${name} x`, x, rows * d))
    },
    jvp: (...args) => tangents.jvp(...args),
    tangents: (z) => tangents.all(z),
    async metric(z) {
      return (await metrics.get()).metric(await tangents.all(z), z)
    },
    gradient: (x, rows) => derivatives.gradient(x, rows),
    hessian: (...args) => derivatives.hessian(...args),
    async release() {
      for (const opened of [encoder, decoder, tangents, derivatives, metrics]) await opened.release()
    },
  }
}
