// Analytic test model: the linear Gaussian flow x = A z + b, whose Jacobian is A everywhere.
import {
  type FloatArray,
  flatData,
  type Invertible,
  type LikelihoodModel,
  type NdArray,
  rowCount,
  tensor,
} from '@ood/core'
import { luLogDet } from '@ood/linalg'

/** x = A z + b with A square and invertible; counts its calls so that tests can see what is cached. */
export interface LinearFlow extends Invertible, LikelihoodModel {
  calls: { encode: number; jvp: number }
}

export function linearFlow(A: readonly (readonly number[])[], b: readonly number[]): LinearFlow {
  const d = b.length
  const calls = { encode: 0, jvp: 0 }
  const apply = (z: FloatArray, offset: readonly number[]): Float64Array => {
    const out = new Float64Array(z.length)
    for (let n = 0; n < z.length / d; n++)
      for (let i = 0; i < d; i++) {
        let sum = offset[i]!
        for (let j = 0; j < d; j++) sum += A[i]![j]! * z[n * d + j]!
        out[n * d + i] = sum
      }
    return out
  }
  const zero = b.map(() => 0)
  const decode = async (z: NdArray): Promise<NdArray> => tensor(apply(flatData(z), b), [rowCount(z), d])
  const encode = async (x: NdArray): Promise<NdArray> => {
    calls.encode++
    const data = flatData(x)
    const out = new Float64Array(data.length)
    for (let n = 0; n < rowCount(x); n++)
      out.set(
        solve(
          A,
          b.map((value, i) => data[n * d + i]! - value),
        ),
        n * d,
      )
    return tensor(out, [rowCount(x), d])
  }
  return {
    calls,
    encode,
    decode,
    decoder: {
      inputShape: [d],
      outputShape: [d],
      evaluate: decode,
      jvp: async (x, v) => {
        calls.jvp++
        return { value: await decode(x), tangent: tensor(apply(flatData(v), zero), v.shape) }
      },
    },
    logProb: async (x) => {
      const z = flatData(await encode(x))
      const logDet = luLogDet(Float64Array.from(A.flat()), d).logAbsDet
      const instance = Float64Array.from({ length: rowCount(x) }, (_, n) => {
        let norm = 0
        for (let i = 0; i < d; i++) norm += z[n * d + i]! ** 2
        return -0.5 * (d * Math.log(2 * Math.PI) + norm) - logDet
      })
      return { instance }
    },
  }
}

/** Gaussian elimination with partial pivoting. */
export function solve(A: readonly (readonly number[])[], rhs: readonly number[]): number[] {
  const n = rhs.length
  const rows = A.map((row, i) => [...row, rhs[i]!])
  for (let k = 0; k < n; k++) {
    let pivot = k
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i]![k]!) > Math.abs(rows[pivot]![k]!)) pivot = i
    ;[rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!]
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i]![k]! / rows[k]![k]!
      for (let j = k; j <= n; j++) rows[i]![j]! -= factor * rows[k]![j]!
    }
  }
  const out = new Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--) {
    let sum = rows[i]![n]!
    for (let j = i + 1; j < n; j++) sum -= rows[i]![j]! * out[j]!
    out[i] = sum / rows[i]![i]!
  }
  return out
}
