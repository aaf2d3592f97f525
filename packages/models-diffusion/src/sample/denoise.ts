// From noise towards data: every sampler, from any time to any earlier one.
import {
  assertFinite,
  assertFiniteRows,
  assertOptions,
  assertRows,
  CALL_OPTIONS,
  flatData,
  mismatch,
  type NdArray,
  type Random,
  random,
  rowCount,
  type ScoreModel,
  tensor,
  throwIfAborted,
  unknownName,
} from '@ood/core'
import { float64, scaledScore } from '../internal/calls.ts'
import { dimension, pointFlow } from '../internal/probability-flow.ts'
import { integrateRows } from '../internal/rows-ode.ts'
import { DENOISE_OPTIONS, type DenoiseOptions, SAMPLERS } from './options.ts'
import { ddim, ddpm, euler, eulerMaruyama, heun, plms, type Step } from './steps.ts'
import { checkSpan, givenTimes, timeGrid } from './time-grid.ts'

/** Rows taken together; a model splits them over its workers. */
const BLOCK = 256

/**
 * Takes rows x_t from time `from` to time `to` with any sampler (`SamplerMethod`), and ends with the posterior mean
 * E[x_0 | x_to] unless `clean` is false.
 *
 * Row i depends on its numbers, `seed` and its key `rows[i]` only, not on the batch.
 *
 * @param x - rows at time `from` in the model's space, [N, ...modelShape]
 * @throws OodError `E_SHAPE`, `E_ARGUMENT`, `E_UNKNOWN_NAME`, `E_NOT_FINITE` naming a row, `E_ABORTED`
 *
 * Cost one score a row and step (`heun`: two), and one more for `clean`.
 * @example
 * const restored = await denoise(model, noisy, { from: 0.4, method: 'ddim', steps: 20 })
 */
export async function denoise(
  model: ScoreModel,
  x: NdArray,
  options: DenoiseOptions = {},
): Promise<NdArray<Float64Array>> {
  assertOptions('denoise', options, DENOISE_OPTIONS)
  const { sde } = model
  const { method = 'heun', from = sde.tMax, to = sde.tMin, compat, clean = compat !== 'reference' } = options
  assertRows('denoise', x, model.modelShape)
  assertFinite('denoise', x)
  const n = rowCount(x)
  const d = dimension(model)
  const times = timesOf(model, options)
  const steps = times.length - 1
  const keys = options.rows ?? Array.from({ length: n }, (_, i) => i)
  if (keys.length !== n) throw mismatch('E_SHAPE', 'denoise rows', `${n} keys, one a row`, keys.length)
  if (options.noise && options.noise.length !== steps * n * d)
    throw mismatch('E_SHAPE', 'denoise noise', `${steps} x ${n} x ${d} numbers`, options.noise.length)
  const out = float64(x)
  const end = times.at(-1) ?? to
  const size = options.batchSize ?? BLOCK
  if (!(Number.isInteger(size) && size > 0))
    throw mismatch('E_ARGUMENT', 'denoise batchSize', 'a positive integer', size)
  const root = random(options.seed ?? 0).fork('sampler')
  for (let first = 0; first < n; first += size) {
    const last = Math.min(n, first + size)
    const block = out.subarray(first * d, last * d)
    const eps = async (rows: Float64Array, t: number): Promise<Float64Array> => {
      throwIfAborted(options.signal, 'denoise')
      const net = await scaledScore(model, rows, new Float64Array(last - first).fill(t), options)
      return net.map((value) => -value)
    }
    const report = (share: number): void => {
      options.onProgress?.({ done: first + Math.floor(share * (last - first)), total: n, label: 'denoise' })
    }
    if (method === 'rk45') await adaptive(model, block, from, to, options, report)
    else {
      const streams = Array.from({ length: last - first }, (_, i) => root.fork(keys[first + i]!))
      const step = stepOf(options)
      for (let i = 0; i < steps; i++) {
        const noise = (): Float64Array =>
          options.noise
            ? Float64Array.from({ length: block.length }, (_, j) => options.noise![(i * n + first) * d + j]!)
            : draw(streams, d)
        await step({ sde, x: block, t: times[i]!, s: times[i + 1]!, eps, noise })
        assertFiniteRows(`denoise step ${i + 1}`, block, last - first, first)
        report(Math.min(i + 1, clean ? steps - 1 : steps) / steps)
      }
    }
    if (clean) {
      const e = await eps(block, end)
      const [mu, sigma] = [sde.mean(end), sde.standardDeviation(end)]
      for (let i = 0; i < block.length; i++) block[i] = (block[i]! - sigma * e[i]!) / mu
    }
    report(1)
  }
  return tensor(out, x.shape)
}

/** The times of a call; `reference` continues its equal steps by one. */
function timesOf(model: ScoreModel, options: DenoiseOptions): Float64Array {
  const { sde } = model
  const { method = 'heun', steps = 32, from = sde.tMax, to = sde.tMin, compat } = options
  const { grid = method === 'heun' ? 'karras' : 'uniform', rho } = options
  if (!SAMPLERS.includes(method)) throw unknownName('denoise method', String(method), SAMPLERS)
  const { eta = 0, tolerance = 1e-3, variance = 'small' } = options
  if (!(eta >= 0 && eta <= 1)) throw mismatch('E_ARGUMENT', 'denoise eta', 'a number in [0, 1]', eta)
  if (!(tolerance > 0)) throw mismatch('E_ARGUMENT', 'denoise tolerance', 'a number > 0', tolerance)
  if (variance !== 'small' && variance !== 'large')
    throw mismatch('E_ARGUMENT', 'denoise variance', 'small or large', variance)
  if (compat !== undefined) {
    if (compat !== 'reference') throw mismatch('E_ARGUMENT', 'denoise compat', 'reference or nothing', compat)
    if (method !== 'euler' && method !== 'euler-maruyama')
      throw mismatch('E_ARGUMENT', 'denoise compat', 'euler or euler-maruyama with it', method)
    if (!(Number.isInteger(steps) && steps > 1))
      throw mismatch('E_ARGUMENT', 'denoise steps', 'a whole number > 1', steps)
    checkSpan(sde, from, to)
    return Float64Array.from({ length: steps + 1 }, (_, i) => from + (i * (to - from)) / (steps - 1))
  }
  if (method === 'rk45') {
    checkSpan(sde, from, to)
    return Float64Array.of(from, to)
  }
  if (typeof grid !== 'string') {
    const times = givenTimes(sde, grid)
    if (method === 'plms') checkEqual(times)
    return times
  }
  if (method === 'plms' && grid !== 'uniform')
    throw mismatch('E_ARGUMENT', 'denoise grid', 'uniform for plms, whose weights are those of equal steps', grid)
  return timeGrid(sde, { steps, from, to, grid, rho })
}

function checkEqual(times: Float64Array): void {
  const step = (times.at(-1)! - times[0]!) / (times.length - 1)
  for (let i = 1; i < times.length; i++) {
    if (Math.abs(times[i]! - times[i - 1]! - step) > 1e-9 * Math.abs(step))
      throw mismatch('E_ARGUMENT', `denoise grid[${i}]`, 'equal steps for plms', times[i]! - times[i - 1]!)
  }
}

/** A fresh step function: multistep methods remember. */
function stepOf({ method = 'heun', eta = 0, variance = 'small' }: DenoiseOptions): Step {
  if (method === 'heun') return heun
  if (method === 'euler') return euler
  if (method === 'euler-maruyama') return eulerMaruyama
  if (method === 'ddim') return ddim(eta)
  return method === 'ddpm' ? ddpm(variance) : plms()
}

async function adaptive(
  model: ScoreModel,
  x: Float64Array,
  from: number,
  to: number,
  options: DenoiseOptions,
  report: (share: number) => void,
): Promise<void> {
  const { sde } = model
  const [mu, muTo] = [sde.mean(from), sde.mean(to)]
  for (let i = 0; i < x.length; i++) x[i]! /= mu
  const problem = pointFlow({ model, tolerance: options.tolerance ?? 1e-3, floor: 0.05 }, options)
  const [start, end] = [Math.log(sde.noiseToSignal(from)), Math.log(sde.noiseToSignal(to))]
  await integrateRows(problem, x, start, end, { method: 'dopri5', steps: 0, firstStep: 0.2, onProgress: report })
  for (let i = 0; i < x.length; i++) x[i]! *= muTo
}

function draw(streams: readonly Random[], d: number): Float64Array {
  const out = new Float64Array(streams.length * d)
  streams.forEach((stream, row) => {
    for (let i = row * d; i < (row + 1) * d; i++) out[i] = stream.normal()
  })
  return out
}

/** x_t = mu(t) x_0 + sigma(t) eps with seeded noise, one stream a row: what `denoise` undoes. */
export function addNoise(
  model: Pick<ScoreModel, 'sde'>,
  x: NdArray,
  t: number,
  options: Pick<DenoiseOptions, 'seed' | 'rows'> = {},
): NdArray<Float64Array> {
  assertOptions('addNoise', options, CALL_OPTIONS)
  const n = rowCount(x)
  const { sde } = model
  if (!(t > 0 && t <= sde.tMax)) throw mismatch('E_ARGUMENT', 'addNoise t', `a time in (0, ${sde.tMax}]`, t)
  if (options.rows && options.rows.length !== n)
    throw mismatch('E_SHAPE', 'addNoise rows', `${n} keys, one a row`, options.rows.length)
  const root = random(options.seed ?? 0).fork('forward noise')
  const data = flatData(x)
  const d = data.length / Math.max(1, n)
  const [mu, sigma] = [sde.mean(t), sde.standardDeviation(t)]
  const streams = Array.from({ length: n }, (_, row) => root.fork(options.rows?.[row] ?? row))
  const xi = draw(streams, d)
  return tensor(
    xi.map((value, i) => mu * data[i]! + sigma * value),
    x.shape,
  )
}
