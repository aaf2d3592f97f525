// From the rows of Jᵀ at one latent to JᵀJ in tridiagonal form, with the latent rotated alike.
import { mismatch } from '@ood/core'
import { tridiagonalize } from '@ood/linalg'
import { graphBuilder, int, writeModel } from '@ood/onnx'
import { openSession } from '@ood/runtime'

/** Tridiagonal JᵀJ of one latent and the latent in its basis. */
export interface MetricRow {
  diagonal: Float64Array
  offDiagonal: Float64Array
  rotated: Float64Array
}

/** Computes metrics; holds one session. */
export interface MetricEngine {
  /** Metric of Jᵀ [D, D] (float32) at latent z. */
  metric(tangents: Float32Array, z: Float32Array): Promise<MetricRow>
  release(): Promise<void>
}

/** ONNX number of float64. */
const DOUBLE = 11

/**
 * Opens the engine for T = Qᵀ(JᵀJ)Q and Qᵀz.
 *
 * M[k, l] = t_k · t_l with the tangents t_k = J e_k as rows, in float64: a float32 Gram matrix loses singular values
 * below about 1e-3 of the largest. M comes from the inference engine, whose float64 product takes half the time of the
 * WebAssembly one (23 against 51 ms for D = 784, one thread of a 2.8 GHz Xeon); then one Householder reduction
 * (`@ood/linalg`).
 *
 * The reference clamps entries of M to ±10^4.5 and turns NaN into 0. Here neither happens: a Jacobian
 * with NaN or infinity is an error.
 */
export async function openMetric(d: number): Promise<MetricEngine> {
  const session = await openSession(gramGraph(d), { threads: 1, name: 'Gram matrix' })
  return {
    async metric(tangents, z) {
      assertFiniteTangents(tangents, d)
      const { gram } = await session.run({ tangents: { data: tangents, shape: [d, d] } })
      return tridiagonalize(gram!.data as Float64Array, d, Float64Array.from(z))
    },
    release: () => session.release(),
  }
}

/** tangents [D, D] float32 -> gram = tangents · tangentsᵀ in float64. */
function gramGraph(d: number): Uint8Array {
  const g = graphBuilder()
  const wide = g.op('Cast', [g.input('tangents', 'float32', [d, d])], { to: int(DOUBLE) })
  g.output('gram', g.op('Gemm', [wide, wide], { transB: int(1) }))
  return writeModel(g.model())
}

function assertFiniteTangents(tangents: Float32Array, d: number): void {
  for (let i = 0; i < tangents.length; i++) {
    if (!Number.isFinite(tangents[i]!)) {
      const where = `${tangents[i]} for output ${i % d} and latent ${Math.floor(i / d)}`
      throw mismatch('E_NOT_FINITE', 'decoder Jacobian', 'finite numbers', where)
    }
  }
}
