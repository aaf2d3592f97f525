// Random probes and unit vectors for traces: each probe has its own stream, whatever batch or chunk it is drawn in.
import { type FloatArray, mismatch, type Random, random, type TraceMethod, unknownName } from '@ood/core'

/** Fills one probe of d numbers. */
type Draw = (rng: Random, out: FloatArray, at: number, d: number) => void

/** Signs taken from one uniform number; its 53 random bits hold more, but a whole number of 24 is quick to take apart. */
const SIGNS = 24

/** Independent ±1: the least variance of all probes with independent zero-mean entries (Hutchinson 1990). */
const rademacher: Draw = (rng, out, at, d) => {
  let bits = 0
  for (let j = 0; j < d; j++) {
    if (j % SIGNS === 0) bits = Math.floor(rng.uniform() * 2 ** SIGNS)
    out[at + j] = bits & 1 ? 1 : -1
    bits >>>= 1
  }
}

const gaussian: Draw = (rng, out, at, d) => {
  for (let j = 0; j < d; j++) out[at + j] = rng.normal()
}

const DRAW: Partial<Record<TraceMethod, Draw>> = { rademacher, gaussian }

/** Which probes to draw. */
export interface ProbeSource {
  method: TraceMethod
  seed: number
  /** The key of each row; without keys all rows have the same probes. */
  keys: ArrayLike<number> | undefined
}

/**
 * Writes probes `from`, `from + 1`, ... of every row into `out`, [count, rows, d]. A probe is a function of the seed,
 * its row's key and its number alone.
 */
export function drawProbes<A extends FloatArray>(
  source: ProbeSource,
  out: A,
  from: number,
  count: number,
  rows: number,
  d: number,
): A {
  const draw = DRAW[source.method]
  if (!draw) throw unknownName('trace method', source.method, ['exact', ...Object.keys(DRAW)])
  const { keys } = source
  const root = random(source.seed).fork('probes')
  const streams = Array.from({ length: keys ? rows : 1 }, (_, i) => root.fork(keys ? keys[i]! : 'shared'))
  for (let k = 0; k < count; k++) {
    const start = k * rows * d
    for (const [i, stream] of streams.entries()) draw(stream.fork(from + k), out, start + i * d, d)
    for (let i = streams.length; i < rows; i++) out.copyWithin(start + i * d, start, start + d)
  }
  return out
}

/** Unit vectors `from`, `from + 1`, ... for every row, [count, rows, d]; `out` is zero before. */
export function unitVectors<A extends FloatArray>(out: A, from: number, count: number, rows: number, d: number): A {
  for (let k = 0; k < count; k++) for (let i = 0; i < rows; i++) out[(k * rows + i) * d + from + k] = 1
  return out
}

/** Gives `record` the quadratic form vᵀ(Jv) of every direction and row; v and tangent are [count, rows, d]. */
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
