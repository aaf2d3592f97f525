// A tridiagonal matrix with a vector in its basis: what reductions give.

/** A symmetric tridiagonal matrix T = QᵀMQ and a vector in the same basis. */
export interface Tridiagonal {
  /** n diagonal entries of T. */
  diagonal: Float64Array
  /** n - 1 entries beside the diagonal, signs as Q has them (they matter together with `rotated`). */
  offDiagonal: Float64Array
  /** Qᵀz, n numbers; empty when no z was given. */
  rotated: Float64Array
}

/** Room for the result, `rotated` holding a copy of z. */
export function emptyTridiagonal(n: number, z: Float64Array | undefined): Tridiagonal {
  return {
    diagonal: new Float64Array(n),
    offDiagonal: new Float64Array(Math.max(0, n - 1)),
    rotated: z ? z.slice() : new Float64Array(0),
  }
}
