// Checks of a flow: encode and decode undo each other, and the log-determinant is that of the decoder's Jacobian.
import { flatData, type NdArray, sliceRows } from '@ood/core'
import type { Flow } from '@ood/models-flow'
import { attempt, type Check, judged } from './report.ts'

const seed = 0

/** Round trip in model space. */
export function roundTrip(flow: Flow, x: NdArray): Promise<Check> {
  const mend = 'export encode and decode from the same weights, in eval mode; decode must be the exact inverse'
  return attempt('round trip', mend, async () => {
    const { data, latent } = await flow.invertibilityReport(x, { seed })
    const found = `x -> z -> x within ${data.max.toExponential(1)} (mean ${data.mean.toExponential(1)}), z -> x -> z within ${latent.max.toExponential(1)}`
    return judged(data.mean < 1e-3 && data.max < 0.5, found, mend)
  })
}

/** log |det ∂z/∂x| of the graph against -½ log det JᵀJ of the decoder at the same point. */
export function logDeterminant(flow: Flow, x: NdArray): Promise<Check> {
  const mend =
    'logdet is log |det dz/dx| of encode, in nats, one number a row: check its sign, its base and that every layer is in it'
  return attempt('logdet', mend, async () => {
    const row = sliceRows(x, 0, 1)
    const z = await flow.encode(row, { seed })
    const { instance } = await flow.logProb(row, { seed, space: 'model' })
    const normal = Float64Array.from(flatData(z)).reduce(
      (sum, v) => sum - 0.5 * v * v,
      -0.5 * flow.dimension * Math.log(2 * Math.PI),
    )
    const said = instance[0]! - normal
    const { diagonal, offDiagonal } = await flow.decoder.tridiagonalMetric(z)
    const real = -0.5 * logDet(flatData(diagonal), flatData(offDiagonal))
    const found = `${said.toFixed(2)} nats, the decoder's Jacobian says ${real.toFixed(2)}`
    return judged(Math.abs(said - real) < Math.max(0.05, 2e-3 * flow.dimension), found, mend)
  })
}

/** log det of a symmetric positive tridiagonal matrix by its pivots. */
function logDet(diagonal: ArrayLike<number>, offDiagonal: ArrayLike<number>): number {
  let sum = 0
  let pivot = 1
  for (let i = 0; i < diagonal.length; i++) {
    const off = i === 0 ? 0 : offDiagonal[i - 1]!
    pivot = diagonal[i]! - (i === 0 ? 0 : (off * off) / pivot)
    // A pivot at or below zero is rounding: J is singular to working precision.
    pivot = Math.max(pivot, Number.MIN_VALUE)
    sum += Math.log(pivot)
  }
  return sum
}
