// Traces against golden vectors: exact, the quadratic forms of given probes, and probes of a nonlinear map.
import { flatData, type ScoreModel, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { scoreDivergence } from '../../src/diffusion/divergence.ts'
import { drawProbes, quadraticForms } from '../../src/diffusion/probes.ts'
import { vector } from '../vectors.ts'
import { vp } from './models.ts'

interface Vectors {
  x: number[][]
  trace: number[]
  rademacher: number[][][]
  quadratic_forms: number[][]
  hutchinson_mean: number[]
  square_fn_trace: number[]
}

const golden = vector<Vectors>('trace')

/** "Score" f_i = x_i x_{i-1}² x_{i-2}³ (indices mod 3) of the golden vectors: no gradient, but a Jacobian is a Jacobian. */
const cubic: ScoreModel = {
  dataShape: [3],
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

  it('has the golden quadratic forms for given probes', async () => {
    const x = tensor(Float64Array.from(golden.x.flat()), [3, 3])
    // The file holds two probes for each of three rows; probes come first here.
    const v = Float64Array.from([0, 1].flatMap((k) => golden.rademacher.flatMap((row) => row[k]!)))
    const { tangent } = await cubic.jvp(x, 0.5, tensor(v, [2, 3, 3]))
    const forms: number[][] = [[], [], []]
    quadraticForms(v, flatData(tangent), 2, 3, 3, (value, row) => forms[row]!.push(value))
    expect(forms).toEqual(golden.quadratic_forms)
    expect(forms.map(([a, b]) => (a! + b!) / 2)).toEqual(golden.hutchinson_mean)
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

describe('probes', () => {
  it('have mean 0 and variance 1, signs being signs', () => {
    for (const method of ['rademacher', 'gaussian'] as const) {
      const v = drawProbes({ method, seed: 1, keys: [0, 1] }, new Float64Array(2 * 2 * 5000), 0, 2, 2, 5000)
      const mean = v.reduce((sum, value) => sum + value, 0) / v.length
      const square = v.reduce((sum, value) => sum + value * value, 0) / v.length
      // Of 20 000 numbers: standard errors 0.007 and 0.01.
      expect(Math.abs(mean)).toBeLessThan(0.03)
      expect(Math.abs(square - 1)).toBeLessThan(0.05)
      if (method === 'rademacher') expect(v.every((value) => Math.abs(value) === 1)).toBe(true)
      // Different rows and probes are uncorrelated.
      for (const other of [5000, 10_000]) {
        let dot = 0
        for (let j = 0; j < 5000; j++) dot += v[j]! * v[other + j]!
        expect(Math.abs(dot) / 5000).toBeLessThan(0.06)
      }
    }
  })

  it('know their number: a chunk from the middle is the middle of the whole', () => {
    const source = { method: 'rademacher', seed: 1, keys: [7, 3] } as const
    const whole = drawProbes(source, new Float32Array(4 * 2 * 30), 0, 4, 2, 30)
    const part = drawProbes(source, new Float32Array(2 * 2 * 30), 1, 2, 2, 30)
    expect(part).toEqual(whole.slice(60, 180))
    expect(() => drawProbes({ ...source, method: 'hutch++' }, new Float64Array(4), 0, 1, 2, 2)).toThrow(
      'trace method: expected one of exact, rademacher, gaussian, got hutch++',
    )
  })
})
