// Local optimisation of points under a density: up to a mode, or to where the density is flat.
import {
  assertCount,
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  flatData,
  type LogDensity,
  mismatch,
  type NdArray,
  OodError,
  rowCount,
  rowSize,
  tensor,
  throwIfAborted,
} from '@ood/core'

/** Options of `ascend`. */
export interface AscendOptions extends CallOptions {
  /** Steps (default 50). */
  steps?: number | undefined
  /** First step length along the gradient, adapted row by row (default 0.1). */
  rate?: number | undefined
  /** `logProb` (default) climbs log p; `gradientNorm` descends ½ |∂ log p|², whose gradient is a Hessian product. */
  goal?: 'logProb' | 'gradientNorm' | undefined
}

/** Where the rows ended. */
export interface Ascent {
  /** The best point of each row, shaped as x. */
  x: NdArray<Float64Array>
  /** log p there. */
  logProb: Float64Array
  /** ‖∂ log p‖ there. */
  gradientNorm: Float64Array
}

/**
 * Gradient ascent of log p from every row with a step length of its own: a step that improves is taken and the next is
 * half as long again, one that does not is halved and tried anew. Deterministic; never ends below where it began.
 *
 * @throws OodError `E_ARGUMENT`; `E_UNSUPPORTED` for `gradientNorm` without second derivatives; `E_ABORTED`
 *
 * Cost: one gradient a step, and a Hessian product more for `gradientNorm`.
 * @example
 * const top = await ascend(flow.density, v, { steps: 20 })
 * const { eigenvalues } = await hessianSpectrum(flow.density, top.x) // Laplace's formula wants a mode
 */
export async function ascend(density: LogDensity, start: NdArray, options: AscendOptions = {}): Promise<Ascent> {
  assertOptions('ascend', options, [...CALL_OPTIONS, 'steps', 'rate', 'goal'])
  const { steps = 50, rate = 0.1, goal = 'logProb', signal, onProgress } = options
  assertCount('ascend steps', steps, 0)
  if (!(rate > 0 && Number.isFinite(rate))) throw mismatch('E_ARGUMENT', 'ascend rate', 'a positive number', rate)
  if (goal !== 'logProb' && goal !== 'gradientNorm')
    throw mismatch('E_ARGUMENT', 'ascend goal', 'logProb or gradientNorm', goal)
  if (goal === 'gradientNorm' && !density.hessianProduct)
    throw new OodError('E_UNSUPPORTED', 'ascend gradientNorm: expected a density with hessianProduct, got none')
  const [n, d] = [rowCount(start, 'ascend'), rowSize(start)]

  /** Value to maximise, its gradient, log p and the norm of its gradient, at points. */
  const look = async (points: NdArray): Promise<Look> => {
    const { logProb, gradient } = await density.gradient(points, { signal })
    const g = flatData(gradient)
    const norms = Float64Array.from({ length: n }, (_, row) => {
      let sum = 0
      for (let i = row * d; i < (row + 1) * d; i++) sum += g[i]! ** 2
      return Math.sqrt(sum)
    })
    if (goal === 'logProb') return { value: logProb, direction: g, logProb, norms }
    const v = tensor(Float64Array.from(g), [1, ...points.shape])
    // ∂ (½ |g|²) = H g, and downhill is minus that.
    const direction = Float64Array.from(flatData(await density.hessianProduct!(points, v, { signal })), (h) => -h)
    return { value: norms.map((norm) => -0.5 * norm * norm), direction, logProb, norms }
  }

  const best = Float64Array.from(flatData(start))
  const here = await look(tensor(best, start.shape))
  const length = new Float64Array(n).fill(rate)
  const kept = { ...here, direction: Float64Array.from(here.direction), value: here.value.slice() }
  for (let step = 0; step < steps; step++) {
    throwIfAborted(signal, 'ascend')
    const tried = best.map((value, i) => value + length[Math.floor(i / d)]! * kept.direction[i]!)
    const there = await look(tensor(tried, start.shape))
    for (let row = 0; row < n; row++) {
      if (!(there.value[row]! > kept.value[row]!)) {
        length[row] = length[row]! / 2
        continue
      }
      length[row] = length[row]! * 1.5
      for (const name of ['value', 'logProb', 'norms'] as const) kept[name][row] = there[name][row]!
      best.set(tried.subarray(row * d, (row + 1) * d), row * d)
      kept.direction.set(there.direction.subarray(row * d, (row + 1) * d), row * d)
    }
    onProgress?.({ done: step + 1, total: steps, label: 'ascend' })
  }
  return { x: tensor(best, start.shape), logProb: kept.logProb, gradientNorm: kept.norms }
}

interface Look {
  value: Float64Array
  direction: Float64Array | Float32Array
  logProb: Float64Array
  norms: Float64Array
}
