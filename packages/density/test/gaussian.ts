// A Gaussian with all its derivatives: every probe of a density is known on it in closed form.
import { flatData, type LogDensity, type NdArray, rowCount, rowSize, tensor } from '@ood/core'

/** N(0, P⁻¹) with the precision matrix P [d, d] row-major; log p without its constant unless `logDetP` is given. */
export function gaussianDensity(P: Float64Array, d: number, logDetP: number): Required<LogDensity> & { calls: number } {
  const times = (v: ArrayLike<number>, at: number, i: number): number => {
    let sum = 0
    for (let j = 0; j < d; j++) sum += P[i * d + j]! * v[at + j]!
    return sum
  }
  const constant = 0.5 * logDetP - (d / 2) * Math.log(2 * Math.PI)
  const density = {
    calls: 0,
    dataShape: [d],
    async logProb(x: NdArray) {
      density.calls += rowCount(x)
      const rows = flatData(x)
      const instance = new Float64Array(rowCount(x))
      for (let row = 0; row < instance.length; row++) {
        let form = 0
        for (let i = 0; i < d; i++) form += rows[row * d + i]! * times(rows, row * d, i)
        instance[row] = constant - 0.5 * form
      }
      return { instance }
    },
    async gradient(x: NdArray) {
      const rows = flatData(x)
      const out = Float64Array.from(rows, (_, at) => -times(rows, Math.floor(at / d) * d, at % d))
      return { logProb: (await density.logProb(x)).instance, gradient: tensor(out, x.shape) }
    },
    async hessianProduct(_: NdArray, v: NdArray) {
      const rows = flatData(v)
      return tensor(
        Float64Array.from(rows, (__, at) => -times(rows, Math.floor(at / d) * d, at % d)),
        v.shape,
      )
    },
  }
  return density
}

/** N(0, diag(deviations²)). */
export function diagonalGaussian(deviations: readonly number[]): ReturnType<typeof gaussianDensity> {
  const d = deviations.length
  const P = new Float64Array(d * d)
  deviations.forEach((s, i) => {
    P[i * d + i] = 1 / (s * s)
  })
  return gaussianDensity(P, d, -2 * deviations.reduce((sum, s) => sum + Math.log(s), 0))
}

/** One row a point. */
export function rows(...points: readonly (readonly number[])[]): NdArray<Float64Array> {
  return tensor(Float64Array.from(points.flat()), [points.length, points[0]!.length])
}

/** Numbers of one row. */
export function rowOf(x: NdArray, row: number): number[] {
  const d = rowSize(x)
  return Array.from(flatData(x).subarray(row * d, (row + 1) * d))
}
