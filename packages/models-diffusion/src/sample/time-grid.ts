// Times a sampler visits.
import { assertOptions, type DiffusionProcess, mismatch, unknownName } from '@ood/core'
import type { DiscreteProcess } from '../sde/ddpm.ts'

/** `uniform` in t, `log` uniform in log tau, `karras` uniform in tau^(1/rho). */
export type TimeGrid = 'uniform' | 'log' | 'karras'

const GRIDS: readonly TimeGrid[] = ['uniform', 'log', 'karras']

/** What `timeGrid` takes. */
export interface TimeGridOptions {
  /** Steps; the grid has one time more. */
  steps: number
  /** First and last time. */
  from: number
  to: number
  /** Default `uniform`. */
  grid?: TimeGrid | undefined
  /** Exponent of `karras` (Karras et al. 2022, eq. 5), default 7. */
  rho?: number | undefined
}

/**
 * `steps` + 1 decreasing times from `from` to `to`. A uniform grid of a discrete process is rounded to the times of
 * whole steps, which the network has seen; equal ones are merged.
 *
 * @throws OodError `E_ARGUMENT`, `E_UNKNOWN_NAME`
 * @example
 * timeGrid(vp(), { steps: 2, from: 1, to: 1e-4, grid: 'log' }) // tau from 152 over 0.7 to 0.0032
 */
export function timeGrid(sde: DiffusionProcess, options: TimeGridOptions): Float64Array {
  assertOptions('timeGrid', options, ['steps', 'from', 'to', 'grid', 'rho'])
  const { steps, from, to, grid = 'uniform', rho = 7 } = options
  if (!(Number.isInteger(steps) && steps > 0)) throw mismatch('E_ARGUMENT', 'steps', 'a positive integer', steps)
  if (!(rho > 0)) throw mismatch('E_ARGUMENT', 'rho', 'a number > 0', rho)
  if (!GRIDS.includes(grid)) throw unknownName('grid', String(grid), GRIDS)
  checkSpan(sde, from, to)
  const [high, low] = [sde.noiseToSignal(from), sde.noiseToSignal(to)]
  const inner = Float64Array.from({ length: steps + 1 }, (_, i) => {
    const u = i / steps
    if (i === 0) return from
    if (i === steps) return to
    if (grid === 'uniform') return from + u * (to - from)
    if (grid === 'log') return sde.timeOf(high ** (1 - u) * low ** u)
    return sde.timeOf((high ** (1 / rho) + u * (low ** (1 / rho) - high ** (1 / rho))) ** rho)
  })
  const { timestep, timeOfStep } = sde as Partial<DiscreteProcess>
  if (grid !== 'uniform' || !timestep || !timeOfStep) return inner
  const whole = inner.map((t, i) => (i === 0 || i === steps ? t : timeOfStep(Math.round(timestep(t)))))
  return whole.filter((t, i) => i === 0 || t < whole[i - 1]!)
}

/** Times of a caller's own. */
export function givenTimes(sde: DiffusionProcess, times: ArrayLike<number>): Float64Array {
  const out = Float64Array.from(times)
  if (out.length < 2) throw mismatch('E_ARGUMENT', 'grid', 'at least two times', out.length)
  checkSpan(sde, out[0]!, out.at(-1)!)
  for (let i = 1; i < out.length; i++)
    if (!(out[i]! < out[i - 1]!)) throw mismatch('E_ARGUMENT', `grid[${i}]`, `a time below ${out[i - 1]}`, out[i])
  return out
}

/** Checks T >= from > to > 0. */
export function checkSpan(sde: DiffusionProcess, from: number, to: number): void {
  if (!(from > 0 && from <= sde.tMax)) throw mismatch('E_ARGUMENT', 'from', `a time in (0, ${sde.tMax}]`, from)
  if (!(to > 0 && to < from)) throw mismatch('E_ARGUMENT', 'to', `a time in (0, ${from})`, to)
}
