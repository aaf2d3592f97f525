// Random probes and unit vectors for traces: each row draws from its own stream, whatever batch it is in.
import { type FloatArray, mismatch, type Random, random, type TraceMethod, unknownName } from '@ood/core'

/** Fills one probe of D numbers. */
export type DrawProbe = (rng: Random, out: FloatArray, at: number, d: number) => void

/** Signs taken from one uniform number: its 53 bits hold as many independent ones. */
const SIGNS = 32

/** Independent ±1, the lowest variance of all independent zero-mean entries (Hutchinson 1990). */
const rademacher: DrawProbe = (rng, out, at, d) => {
  let bits = 0
  for (let j = 0; j < d; j++) {
    if (j % SIGNS === 0) bits = Math.floor(rng.uniform() * 2 ** SIGNS)
    out[at + j] = bits & 1 ? 1 : -1
    bits >>>= 1
  }
}

const gaussian: DrawProbe = (rng, out, at, d) => {
  for (let j = 0; j < d; j++) out[at + j] = rng.normal()
}

const DRAW: Partial<Record<TraceMethod, DrawProbe>> = { rademacher, gaussian }

/** How the probes of a random method are drawn. */
export function probeOf(method: TraceMethod): DrawProbe {
  const draw = DRAW[method]
  if (!draw) throw unknownName('trace method', method, ['exact', ...Object.keys(DRAW)])
  return draw
}

/**
 * The streams of a batch of rows: one a row, named by its key, or a single one for all where probes are shared. A
 * row's probes depend on the seed, its key and their number in the stream alone.
 */
export function probeStreams(seed: number, keys: ArrayLike<number>, shared: boolean): Random[] {
  const root = random(seed).fork('probes')
  return Array.from({ length: shared ? 1 : keys.length }, (_, i) => root.fork(shared ? 'shared' : keys[i]!))
}

/** The next `count` probes of every row, [count, rows, d]. */
export function drawProbes<A extends FloatArray>(
  draw: DrawProbe,
  streams: readonly Random[],
  out: A,
  count: number,
  rows: number,
  d: number,
): A {
  for (let k = 0; k < count; k++) {
    const start = k * rows * d
    for (let i = 0; i < rows; i++) {
      const stream = streams[i]
      if (stream) draw(stream, out, start + i * d, d)
      else out.copyWithin(start + i * d, start, start + d)
    }
  }
  return out
}

/** Unit vectors `from`, `from + 1`, ... for every row, [count, rows, d]; `out` is zero before. */
export function unitVectors<A extends FloatArray>(out: A, from: number, count: number, rows: number, d: number): A {
  for (let k = 0; k < count; k++) for (let i = 0; i < rows; i++) out[(k * rows + i) * d + from + k] = 1
  return out
}

/** Adds the quadratic form vᵀ(Jv) of every direction and row to `record(value, row)`; both [count, rows, d]. */
export function quadraticForms(
  v: FloatArray,
  tangent: FloatArray,
  count: number,
  rows: number,
  d: number,
  record: (value: number, row: number) => void,
): void {
  if (tangent.length !== v.length) throw mismatch('E_SHAPE', 'score jvp', `${v.length} tangents`, tangent.length)
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < rows; i++) {
      const at = (k * rows + i) * d
      let sum = 0
      for (let j = at; j < at + d; j++) sum += v[j]! * tangent[j]!
      record(sum, i)
    }
  }
}
