// Traces against golden vectors: exact, the quadratic forms of given probes, and probes of a nonlinear map.
import { flatData, type ScoreModel, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { scoreDivergence } from '../../src/diffusion/divergence.ts'
import { vector } from '../vectors.ts'
import { vp } from './models.ts'

interface Vectors {
  x: number[][]
  trace: number[]
  square_fn_trace: number[]
}

const golden = vector<Vectors>('trace')

/** "Score" f_i = x_i x_{i-1}² x_{i-2}³ (indices mod 3) of the golden vectors: no gradient, but a Jacobian is a Jacobian. */
const cubic: ScoreModel = {
  modelShape: [3],
  sde: vp(),
  score: async (x) => (await cubic.jvp(x, 0, tensor(new Float64Array(flatData(x).length), [1, ...x.shape]))).value,
  async jvp(x, _, v) {
    const [data, directions] = [flatData(x), flatData(v)]
    const n = data.length / 3
    const value = new Float64Array(data.length)
    const tangent = new Float64Array(directions.length)
    for (let row = 0; row < tangent.length / 3; row++) {
      const at = 3 * (row % n)
      for (let i = 0; i < 3; i++) {
        const [b, c] = [(i + 2) % 3, (i + 1) % 3]
        const [p, q, r] = [data[at + i]!, data[at + b]!, data[at + c]!]
        value[at + i] = p * q ** 2 * r ** 3
        tangent[3 * row + i] =
          directions[3 * row + i]! * q ** 2 * r ** 3 +
          directions[3 * row + b]! * 2 * p * q * r ** 3 +
          directions[3 * row + c]! * 3 * p * q ** 2 * r ** 2
      }
    }
    return { value: tensor(value, x.shape), tangent: tensor(tangent, v.shape) }
  },
}

describe('trace', () => {
  it('is the golden one, exactly', async () => {
    const x = tensor(Float64Array.from(golden.x.flat()), [3, 3])
    for (const chunkSize of [1, 4, 128]) {
      const { divergence } = await scoreDivergence(cubic, x, 0.5, { method: 'exact', chunkSize })
      divergence.forEach((value, i) => {
        expect(Math.abs(value / golden.trace[i]! - 1)).toBeLessThan(1e-14)
      })
    }
  })

  it('comes within 10 % of it with 10 000 probes, as in the published test, and within its own error', async () => {
    const x = tensor(Float64Array.of(1, 2, 3), [1, 3])
    for (const method of ['rademacher', 'gaussian'] as const) {
      const { divergence, standardError } = await scoreDivergence(cubic, x, 0.5, { method, probes: 10_000, seed: 3 })
      expect(Math.abs(divergence[0]! / 103 - 1)).toBeLessThan(0.1)
      expect(Math.abs(divergence[0]! - 103)).toBeLessThan(4 * standardError[0]!)
    }
  })
})
