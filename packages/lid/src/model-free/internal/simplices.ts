// Skewness of simplices of three vectors and more: volumes from determinants of small Gram matrices.
import type { Random } from '@ood/core'

/**
 * Σ volume / Σ product of lengths over all tuples of `size` of k vectors, or over `most` drawn ones where there are
 * more; undefined when all lengths are 0.
 */
export function skewness(G: Float64Array, k: number, size: number, most: number, rng: Random): number | undefined {
  let volumes = 0
  let lengths = 0
  const add = (tuple: ArrayLike<number>): void => {
    volumes += Math.sqrt(Math.max(0, minor(G, k, tuple)))
    let product = 1
    for (let q = 0; q < size; q++) product *= Math.sqrt(Math.max(0, G[tuple[q]! * k + tuple[q]!]!))
    lengths += product
  }
  if (tuples(k, size) <= most) {
    const tuple = Int32Array.from({ length: size }, (_, q) => q)
    do add(tuple)
    while (next(tuple, k))
  } else for (let draw = 0; draw < most; draw++) add(drawn(k, size, rng))
  return lengths > 0 ? volumes / lengths : undefined
}

/** The binomial coefficient, as far as float64 goes. */
function tuples(k: number, size: number): number {
  let out = 1
  for (let q = 0; q < size; q++) out *= (k - q) / (q + 1)
  return Math.round(out)
}

/** The next ascending tuple; false after the last. */
function next(tuple: Int32Array, k: number): boolean {
  for (let q = tuple.length - 1; q >= 0; q--) {
    if (tuple[q]! >= k - tuple.length + q) continue
    tuple[q]!++
    for (let p = q + 1; p < tuple.length; p++) tuple[p] = tuple[p - 1]! + 1
    return true
  }
  return false
}

/** `size` different numbers below k (Floyd's method). */
function drawn(k: number, size: number, rng: Random): number[] {
  const out: number[] = []
  for (let limit = k - size; limit < k; limit++) {
    const one = rng.integer(limit + 1)
    out.push(out.includes(one) ? limit : one)
  }
  return out
}

/** Determinant of the rows and columns `tuple` of G, by Cholesky's pivots; 0 when one is not positive. */
function minor(G: Float64Array, k: number, tuple: ArrayLike<number>): number {
  const n = tuple.length
  const L = new Float64Array(n * n)
  let determinant = 1
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = G[tuple[i]! * k + tuple[j]!]!
      for (let l = 0; l < j; l++) sum -= L[i * n + l]! * L[j * n + l]!
      if (j < i) L[i * n + j] = sum / L[j * n + j]!
      else {
        if (!(sum > 0)) return 0
        determinant *= sum
        L[i * n + i] = Math.sqrt(sum)
      }
    }
  }
  return determinant
}
