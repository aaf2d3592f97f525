// Log-likelihood of a score model by its probability-flow ODE, integrated in log noise level with error control.
import {
  assertFinite,
  assertOptions,
  assertRows,
  mismatch,
  type NdArray,
  rowCount,
  type ScoreModel,
  sliceRows,
  tensor,
  throwIfAborted,
  unknownName,
} from '@ood/core'
import { float64 } from '../internal/calls.ts'
import { densityFlow, dimension } from '../internal/probability-flow.ts'
import { integrateRows } from '../internal/rows-ode.ts'
import { TABLEAUS } from '../internal/tableaus.ts'
import { type DataMoments, ODE_OPTIONS, type OdeLogProb, type OdeLogProbOptions } from './options.ts'
import { logNormal, traceDefaults } from './path.ts'
import { referenceLogProb } from './reference-log-prob.ts'

/** Rows integrated together; a model splits them over its workers. */
const BLOCK = 256

/**
 * log p(x) of each row by the instantaneous change of variables along the probability-flow ODE (Song et al. 2021, section
 * 4.3 and appendix D.2),
 *
 *   log q_tau0(x) = log N(x_T; 0, sigma_T² I) + D ln mu_T - ∫ sigma² tr(∂s/∂x) d ln tau,
 *
 * from tau(t) to tau(T) by Dormand-Prince with error control for every row. In ln tau the integrand is smooth at every
 * noise level; equal steps in t are not, and with few of them the first step alone adds 0.5 dt beta(t) / sigma(t)² nats
 * for every direction normal to the data (`compat: 'reference'`, README).
 *
 * Row i depends on its numbers, `seed` and its key `rows[i]` only.
 *
 * @param x - rows in the model's space, [N, ...modelShape]
 * @returns nats, in the model's space
 * @throws OodError `E_SHAPE`, `E_ARGUMENT`, `E_NOT_FINITE` naming a row that cannot be integrated, `E_ABORTED`
 *
 * Cost about 60 to 200 evaluations of score and trace a row, more for points far off the data.
 * @example
 * const { instance } = await odeLogProb(gaussianScore([0, 0], [1, 4]), x, { t: 1e-4 })
 */
export async function odeLogProb(model: ScoreModel, x: NdArray, options: OdeLogProbOptions = {}): Promise<OdeLogProb> {
  assertOptions('odeLogProb', options, ODE_OPTIONS)
  const { sde } = model
  if (options.compat !== undefined && options.compat !== 'reference')
    throw mismatch('E_ARGUMENT', 'logProb compat', 'reference or nothing', options.compat)
  if (options.compat === 'reference') return referenceLogProb(model, x, options)
  const { t = sde.tMin, density = 'data', integrator = 'dopri5', steps = 50 } = options
  assertRows('logProb', x, model.modelShape)
  assertFinite('logProb', x)
  if (!(t > 0 && t < sde.tMax)) throw mismatch('E_ARGUMENT', 'logProb t', `a time in (0, ${sde.tMax})`, t)
  if (density !== 'data' && density !== 'diffused')
    throw mismatch('E_ARGUMENT', 'logProb density', 'data or diffused', density)
  if (!Object.hasOwn(TABLEAUS, integrator)) throw unknownName('logProb integrator', integrator, Object.keys(TABLEAUS))
  if (!(Number.isInteger(steps) && steps > 0))
    throw mismatch('E_ARGUMENT', 'logProb steps', 'a positive integer', steps)

  const n = rowCount(x)
  const d = dimension(model)
  const trace = traceDefaults(options, d, n)
  const exact = trace.method === 'exact'
  const { tolerance = exact ? 1e-4 : 1e-3 } = options
  if (!(tolerance > 0)) throw mismatch('E_ARGUMENT', 'logProb tolerance', 'a number > 0', tolerance)
  const [mu0, muT] = [sde.mean(t), sde.mean(sde.tMax)]
  const [from, to] = [Math.log(sde.noiseToSignal(t)), Math.log(sde.noiseToSignal(sde.tMax))]
  const end = endDensity(model, d, options.moments)
  const instance = new Float64Array(n)
  const latent = new Float64Array(n * d)
  let evaluations = 0
  const size = options.batchSize ?? BLOCK
  if (!(Number.isInteger(size) && size > 0))
    throw mismatch('E_ARGUMENT', 'logProb batchSize', 'a positive integer', size)
  for (let first = 0; first < n; first += size) {
    throwIfAborted(options.signal, 'logProb')
    const last = Math.min(n, first + size)
    const points = float64(sliceRows(x, first, last))
    const state = new Float64Array((last - first) * (d + 1))
    for (let row = 0; row < last - first; row++) {
      for (let i = 0; i < d; i++) state[row * (d + 1) + i] = points[row * d + i]! / (density === 'diffused' ? mu0 : 1)
    }
    const problem = densityFlow({ model, tolerance, floor: 0 }, (rows) => ({
      ...trace,
      rows: rows.map((row) => trace.rows[first + row]!),
    }))
    evaluations += await integrateRows(problem, state, from, to, {
      method: integrator,
      steps,
      firstStep: 0.2,
      onProgress: (share) =>
        options.onProgress?.({ done: first + Math.floor(share * (last - first)), total: n, label: 'logProb' }),
    })
    for (let row = first; row < last; row++) {
      const at = (row - first) * (d + 1)
      for (let i = 0; i < d; i++) latent[row * d + i] = muT * state[at + i]!
      const prior = end(latent, row * d) + d * Math.log(muT)
      instance[row] = prior - state[at + d]! - (density === 'diffused' ? d * Math.log(mu0) : 0)
    }
  }
  return { instance, latent: tensor(latent, x.shape), evaluations }
}

/** log p_T, as N(0, sigma_T² I) or from the data's moments. */
function endDensity(model: ScoreModel, d: number, moments: DataMoments | undefined) {
  const { sde } = model
  const [mu, sigma] = [sde.mean(sde.tMax), sde.standardDeviation(sde.tMax)]
  if (!moments) return (x: Float64Array, at: number) => logNormal(x, at, d, sigma)
  const list = (what: string, value: number | ArrayLike<number>): Float64Array => {
    const out = typeof value === 'number' ? new Float64Array(d).fill(value) : Float64Array.from(value)
    if (out.length !== d) throw mismatch('E_SHAPE', `logProb moments.${what}`, `${d} numbers`, out.length)
    if (!out.every(Number.isFinite)) throw mismatch('E_NOT_FINITE', `logProb moments.${what}`, 'finite numbers', out)
    return out
  }
  const mean = list('mean', moments.mean)
  const variance = list('variance', moments.variance).map((value) => sigma * sigma + mu * mu * value)
  return (x: Float64Array, at: number) => {
    let sum = 0
    for (let i = 0; i < d; i++)
      sum += (x[at + i]! - mu * mean[i]!) ** 2 / variance[i]! + Math.log(2 * Math.PI * variance[i]!)
    return -0.5 * sum
  }
}
