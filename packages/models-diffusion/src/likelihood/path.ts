// What both likelihoods share: how traces along a path are estimated, and the Gaussian at its end.
import { mismatch, type TraceOptions } from '@ood/core'

/** Largest D whose trace is exact unless asked: a path needs a hundred traces. */
const EXACT_UP_TO = 64

/** Trace options of a path; keys name every row, so that its probes follow it. */
export function traceDefaults(options: TraceOptions, d: number, n: number): TraceOptions & { rows: ArrayLike<number> } {
  if (options.rows && options.rows.length !== n)
    throw mismatch('E_SHAPE', 'logProb rows', `${n} keys, one a row`, options.rows.length)
  return {
    method: options.method ?? (d <= EXACT_UP_TO ? 'exact' : 'rademacher'),
    probes: options.probes ?? 5,
    seed: options.seed ?? 0,
    sharing: options.sharing ?? 'fresh',
    rows: options.rows ?? Array.from({ length: n }, (_, i) => i),
    signal: options.signal,
  }
}

/** log N(x; 0, sigma² I) of the D numbers from `at`. */
export function logNormal(x: Float64Array, at: number, d: number, sigma: number): number {
  let square = 0
  for (let i = at; i < at + d; i++) square += (x[i]! / sigma) ** 2
  return -0.5 * square - d * (Math.log(sigma) + 0.5 * Math.log(2 * Math.PI))
}
