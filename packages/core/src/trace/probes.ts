// Random vectors whose quadratic forms estimate a trace, each a function of seed, row key and probe number alone.
import { type Random, random } from '../random.ts'

/** Which vectors to draw. */
export interface ProbeSource {
  kind: 'rademacher' | 'gaussian'
  seed: number
  /** Key of each row; `undefined` gives every row the same probes. */
  keys: ArrayLike<number> | undefined
  /** Tells apart the several sets an estimator may need. */
  label?: string
}

/** Writes probes `from`..`to - 1` of `rows` rows of `size` numbers into a new [to - from, rows, size] block. */
export function drawProbes(source: ProbeSource, rows: number, size: number, from: number, to: number): Float64Array {
  const { kind, seed, keys, label = 'probes' } = source
  const root = random(seed).fork(label)
  const out = new Float64Array((to - from) * rows * size)
  for (let row = 0; row < rows; row++) {
    if (keys === undefined && row > 0) break
    const own = root.fork(keys === undefined ? 'shared' : keys[row]!)
    for (let k = from; k < to; k++) fill(kind, own.fork(k), out, ((k - from) * rows + row) * size, size)
  }
  if (keys === undefined) {
    for (let k = 0; k < to - from; k++) {
      const first = out.subarray(k * rows * size, (k * rows + 1) * size)
      for (let row = 1; row < rows; row++) out.set(first, (k * rows + row) * size)
    }
  }
  return out
}

function fill(kind: ProbeSource['kind'], rng: Random, out: Float64Array, at: number, size: number): void {
  if (kind === 'gaussian') {
    for (let i = at; i < at + size; i++) out[i] = rng.normal()
    return
  }
  // 24 signs from each uniform number.
  let bits = 0
  for (let i = 0; i < size; i++) {
    if (i % 24 === 0) bits = Math.floor(rng.uniform() * 2 ** 24)
    out[at + i] = bits & 1 ? 1 : -1
    bits >>>= 1
  }
}
