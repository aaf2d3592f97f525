// A random stream that replays numbers: explicit uniforms for golden vectors, recorded ones for derivatives.
import type { Random } from '@ood/core'

/** Serves `values` in order for uniforms and normals alike. */
export function replay(values: readonly number[], integers: readonly number[] = []): Random {
  let at = 0
  let whole = 0
  const next = (): number => {
    if (at >= values.length) throw new Error(`replay: expected at most ${values.length} draws`)
    return values[at++]!
  }
  const rng: Random = { uniform: next, normal: next, integer: () => integers[whole++]!, fork: () => rng }
  return rng
}

/** Passes draws of `rng` through and keeps them. */
export function record(rng: Random): { rng: Random; values: number[]; integers: number[] } {
  const values: number[] = []
  const integers: number[] = []
  const keep = (list: number[], value: number): number => {
    list.push(value)
    return value
  }
  return {
    values,
    integers,
    rng: {
      uniform: () => keep(values, rng.uniform()),
      normal: () => keep(values, rng.normal()),
      integer: (n) => keep(integers, rng.integer(n)),
      fork: (label) => rng.fork(label),
    },
  }
}

/** Rank of the columns: Gram-Schmidt with pivoting, counting what is left above `tolerance` of the longest. */
export function rank(columns: readonly Float64Array[], tolerance: number): number {
  const left = columns.map((column) => column.slice())
  const size = (v: Float64Array): number => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))
  const longest = Math.max(0, ...left.map(size))
  for (let found = 0; ; found++) {
    let pivot = -1
    let most = tolerance * longest
    left.forEach((v, j) => {
      if (size(v) > most) [pivot, most] = [j, size(v)]
    })
    if (pivot < 0) return found
    const q = left[pivot]!.map((value) => value / most)
    for (const v of left) {
      const dot = v.reduce((sum, value, i) => sum + value * q[i]!, 0)
      for (let i = 0; i < v.length; i++) v[i] = v[i]! - dot * q[i]!
    }
  }
}
