// The probability-flow ODE in the variables it is smooth in: y = x / mu against log tau.
import type { CallOptions, ScoreModel, TraceOptions } from '@ood/core'
import { scaledDivergence, scaledScore } from './calls.ts'
import type { OdeProblem } from './rows-ode.ts'

/**
 * dx/dt = f x - g²/2 s becomes, with y = x / mu(t) and lambda = ln tau(t),
 *
 *   dy/dlambda = -tau sigma s(mu y, t),     d log q(y)/dlambda = sigma² tr ∂s/∂x,
 *
 * where q_tau is the density of y, that is of x_0 + tau eps (Song et al. 2021, eq. 13 and 39; in these variables Karras
 * et al. 2022, eq. 1). Steps in lambda see every noise level alike, however small.
 */
interface FlowSettings {
  model: ScoreModel
  /** Relative local error, see `measure`. */
  tolerance: number
  /** Errors below `tolerance` times this count as none, in data units; 0 holds them to the noise level. */
  floor: number
}

/** The flow of points alone. */
export function pointFlow(settings: FlowSettings, options: CallOptions | undefined): OdeProblem {
  const { model, tolerance, floor } = settings
  const d = dimension(model)
  return {
    label: 'probability flow',
    size: d,
    async rhs(lambda, y) {
      const { x, t } = place(model, lambda, y, d, d)
      return withNoise(await scaledScore(model, x, t, options), lambda, d)
    },
    measure: (lambda, error, _state, at) => rms(error, at, d) / (tolerance * (Math.exp(lambda) + floor)),
  }
}

/**
 * The flow with the change of log density as the last number of a row. Its error counts against tolerance sqrt(D): the
 * spread of log p over a D-dimensional Gaussian is sqrt(D / 2).
 */
export function densityFlow(settings: FlowSettings, trace: (rows: number[]) => TraceOptions): OdeProblem {
  const { model, tolerance, floor } = settings
  const d = dimension(model)
  return {
    label: 'logProb',
    size: d + 1,
    async rhs(lambda, y, rows) {
      const { x, t } = place(model, lambda, y, d, d + 1)
      const { net, trace: change } = await scaledDivergence(model, x, t, trace(rows))
      withNoise(net, lambda, d)
      const out = new Float64Array(lambda.length * (d + 1))
      lambda.forEach((_, row) => {
        out.set(net.subarray(row * d, (row + 1) * d), row * (d + 1))
        out[row * (d + 1) + d] = change[row]!
      })
      return out
    },
    measure(lambda, error, _state, at) {
      const points = rms(error, at, d) / (tolerance * (Math.exp(lambda) + floor))
      return Math.max(points, Math.abs(error[at + d]!) / (tolerance * Math.sqrt(d)))
    },
  }
}

/** Numbers in a row of a model. */
export function dimension(model: ScoreModel): number {
  return model.modelShape.reduce((product, n) => product * n, 1)
}

/** x = mu(t) y and t of every row; rows of y are `stride` apart. */
function place(model: ScoreModel, lambda: Float64Array, y: Float64Array, d: number, stride: number) {
  const t = lambda.map((value) => model.sde.timeOf(Math.exp(value)))
  const x = new Float64Array(lambda.length * d)
  t.forEach((time, row) => {
    const mu = model.sde.mean(time)
    for (let i = 0; i < d; i++) x[row * d + i] = mu * y[row * stride + i]!
  })
  return { x, t }
}

/** net -> -tau net, in place. */
function withNoise(net: Float64Array, lambda: Float64Array, d: number): Float64Array {
  lambda.forEach((value, row) => {
    const tau = Math.exp(value)
    for (let i = row * d; i < (row + 1) * d; i++) net[i]! *= -tau
  })
  return net
}

function rms(v: Float64Array, at: number, d: number): number {
  let sum = 0
  for (let i = at; i < at + d; i++) sum += v[i]! * v[i]!
  return Math.sqrt(sum / d)
}
