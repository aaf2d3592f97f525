// Runge-Kutta over many rows at once, every row with its own steps: results do not depend on who shares the batch.
import { mismatch } from '@ood/core'
import { type OdeMethod, TABLEAUS } from './tableaus.ts'

/** dy/dlambda of some rows and how an error counts. */
export interface OdeProblem {
  label: string
  /** Numbers in a row's state. */
  size: number
  /** Derivatives [m, size] at states [m, size] and times [m]; `rows` are the rows' indices. */
  rhs(lambda: Float64Array, state: Float64Array, rows: number[]): Promise<Float64Array>
  /** Size of the local error of one row (numbers `at`..`at + size - 1` of `error`), at most 1 to be accepted. */
  measure(lambda: number, error: Float64Array, state: Float64Array, at: number): number
}

/** How the path is cut into steps. */
interface OdeOptions {
  method: OdeMethod
  /** Equal steps of a fixed-step method. */
  steps: number
  /** First step of `dopri5`, in lambda. */
  firstStep: number
  /** Called with the mean share of the path that is done, 0..1. */
  onProgress?: ((share: number) => void) | undefined
}

/** A row gives up after this many steps, accepted or not. */
const MOST_STEPS = 2000

/**
 * Integrates `state` [n, size] from lambda `from` to `to` in place. `dopri5` controls the error of every row by itself
 * (Hairer, Nørsett & Wanner, Solving ODEs I, II.4); the others take `steps` equal steps.
 *
 * @returns right-hand sides evaluated, summed over rows
 * @throws OodError `E_NOT_FINITE` naming a row whose derivative is no number or whose steps do not get anywhere
 */
export async function integrateRows(
  problem: OdeProblem,
  state: Float64Array,
  from: number,
  to: number,
  options: OdeOptions,
): Promise<number> {
  const { size, label } = problem
  const n = state.length / size
  const tableau = TABLEAUS[options.method]
  const { a, b, c, correction } = tableau
  const stages = a.length
  const K = Array.from({ length: stages }, () => new Float64Array(state.length))
  const lambda = new Float64Array(n).fill(from)
  const sign = Math.sign(to - from)
  const h = new Float64Array(n).fill(
    correction ? sign * Math.min(options.firstStep, Math.abs(to - from)) : (to - from) / options.steps,
  )
  const taken = new Int32Array(n)
  const rejected = new Uint8Array(n)
  let active = from === to ? [] : Array.from({ length: n }, (_, row) => row)
  let evaluations = 0

  async function evaluate(stage: number, rows: number[]): Promise<void> {
    const at = new Float64Array(rows.length)
    const y = new Float64Array(rows.length * size)
    rows.forEach((row, m) => {
      at[m] = lambda[row]! + c[stage]! * h[row]!
      y.set(state.subarray(row * size, (row + 1) * size), m * size)
      a[stage]!.forEach((weight, j) => {
        if (weight !== 0) addScaled(y, m * size, weight * h[row]!, K[j]!, row * size, size)
      })
    })
    const out = await problem.rhs(at, y, rows)
    evaluations += rows.length
    rows.forEach((row, m) => {
      K[stage]!.set(out.subarray(m * size, (m + 1) * size), row * size)
    })
  }

  /** Whether the row's new state is accepted, and its next step. */
  function judge(row: number, next: Float64Array): boolean {
    if (!correction) return true
    const error = new Float64Array(size)
    correction.forEach((weight, j) => {
      if (weight !== 0) addScaled(error, 0, weight * h[row]!, K[j]!, row * size, size)
    })
    const measured = problem.measure(lambda[row]! + h[row]!, error, next, 0)
    const accepted = measured <= 1
    const factor = Number.isFinite(measured) ? Math.min(5, Math.max(0.2, 0.9 * measured ** -0.2)) : 0.2
    // No growth right after a rejection.
    h[row] = h[row]! * (rejected[row] && accepted ? Math.min(1, factor) : factor)
    rejected[row] = accepted ? 0 : 1
    return accepted
  }

  // dopri5's last stage is the first of the next step, so its first stage is evaluated once.
  if (tableau.firstSameAsLast && active.length > 0) await evaluate(0, active)
  while (active.length > 0) {
    for (let stage = tableau.firstSameAsLast ? 1 : 0; stage < stages; stage++) await evaluate(stage, active)
    for (const row of active) {
      const at = row * size
      const step = h[row]!
      const next = state.slice(at, at + size)
      b.forEach((weight, j) => {
        if (weight !== 0) addScaled(next, 0, weight * step, K[j]!, at, size)
      })
      taken[row]! += 1
      if (taken[row]! > MOST_STEPS || Math.abs(step) < 1e-12) {
        const where = `row ${row} at log tau ${lambda[row]!.toPrecision(4)}`
        throw mismatch('E_NOT_FINITE', label, 'an integrable score', `no progress in ${where}`)
      }
      if (!judge(row, next)) continue
      state.set(next, at)
      const done = correction ? lambda[row]! + step : from + ((to - from) * taken[row]!) / options.steps
      const end = correction ? sign * (to - done) <= 1e-12 * Math.abs(to - from) : taken[row] === options.steps
      lambda[row] = end ? to : done
      if (correction && !end && sign * (lambda[row]! + h[row]! - to) > 0) h[row] = to - lambda[row]!
      if (tableau.firstSameAsLast) K[0]!.set(K[stages - 1]!.subarray(at, at + size), at)
    }
    active = active.filter((row) => lambda[row] !== to)
    options.onProgress?.(lambda.reduce((sum, value) => sum + (value - from) / (to - from), 0) / n)
  }
  return evaluations
}

/** y += factor x, for `size` numbers. */
function addScaled(y: Float64Array, at: number, factor: number, x: Float64Array, from: number, size: number): void {
  for (let i = 0; i < size; i++) y[at + i]! += factor * x[from + i]!
}
