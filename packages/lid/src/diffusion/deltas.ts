// The noise levels of LIDL: the published eight, and a few around one.
import { mismatch } from '@ood/core'
import { assertCount, assertFiniteList } from '../internal/check.ts'
import { assertIncreasing } from './check.ts'

/** Below this the published code refuses. */
const LEAST_DELTA = 1e-4

/**
 * The published noise levels (Tempczyk et al. 2022, LIDL): eight from 0.01 to 0.1, log-spaced,
 * standard deviations in units of the data.
 *
 * @example
 * lidlDeltas()[1] // 0.013895
 */
export function lidlDeltas(): number[] {
  return [0.01, 0.013895, 0.019307, 0.026827, 0.037276, 0.051795, 0.071969, 0.1]
}

/**
 * Noise levels around one: δ/2, δ/1.41, δ, 1.41 δ, 2 δ as published; or, with `count`, that many log-spaced from δ/2 to
 * 2 δ.
 *
 * @throws OodError `E_ARGUMENT` for a delta that is not above 0 or a count below 2
 * @example
 * deltasAround(0.05, 3) // [0.025, 0.05, 0.1]
 */
export function deltasAround(delta: number, count?: number): number[] {
  if (!(delta > 0 && delta < Number.POSITIVE_INFINITY))
    throw mismatch('E_ARGUMENT', 'deltasAround delta', 'a standard deviation above 0', delta)
  if (count === undefined) return [delta / 2, delta / 1.41, delta, 1.41 * delta, 2 * delta]
  assertCount('deltasAround count', count, 2)
  return Array.from({ length: count }, (_, i) => delta * 2 ** ((2 * i) / (count - 1) - 1))
}

/** Returns `deltas` after checking: at least two, increasing, none below 1e-4. */
export function checkedDeltas(what: string, deltas: ArrayLike<number>): Float64Array {
  assertFiniteList(`${what} deltas`, deltas)
  if (deltas.length < 2) throw mismatch('E_ARGUMENT', `${what} deltas`, 'at least two noise levels', deltas.length)
  assertIncreasing(`${what} deltas`, deltas)
  if (!(deltas[0]! >= LEAST_DELTA))
    throw mismatch('E_ARGUMENT', `${what} deltas`, `standard deviations of at least ${LEAST_DELTA}`, deltas[0])
  return Float64Array.from(deltas)
}
