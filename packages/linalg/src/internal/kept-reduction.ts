// Tridiagonalisation that can go back: T and the reflectors of Q, in WebAssembly where there is one.
import { applyReflectors, reduceKeeping } from './householder.ts'
import { workspace } from './wasm.ts'

/** QᵀMQ = T, and the way from vectors in the basis of T to vectors in the basis of M. */
interface KeptReduction {
  diagonal: Float64Array
  offDiagonal: Float64Array
  /** Q times each of the m rows of X (m x n row-major, overwritten). Only valid until the next reduction. */
  back(X: Float64Array, m: number): void
}

/** Reduces the symmetric M (lower triangle, not changed), n >= 1. */
export function keptReduction(M: Float64Array, n: number): KeptReduction {
  return fastReduction(M, n) ?? plainReduction(M, n)
}

function fastReduction(M: Float64Array, n: number): KeptReduction | undefined {
  const stride = Math.ceil(n / 2) * 2
  const sizes = [n * stride, n, n, n, n]
  // Room for the vectors is asked for at once: a second layout would not move what is there, but keep it simple.
  const space = workspace([...sizes, n * stride])
  if (!space) return undefined
  const [A, d, e, tau, work, X] = space.at as [number, number, number, number, number, number]
  const matrix = space.numbers(A, n * stride)
  if (stride === n) matrix.set(M)
  else for (let i = 0; i < n; i++) matrix.set(M.subarray(i * n, i * n + i + 1), i * stride)
  space.kernels.reduceKeeping(A, n, stride, d, e, tau, work)
  return {
    diagonal: space.numbers(d, n).slice(),
    offDiagonal: space.numbers(e, n - 1).slice(),
    back(rows, m) {
      const vectors = space.numbers(X, m * stride)
      for (let q = 0; q < m; q++) vectors.set(rows.subarray(q * n, (q + 1) * n), q * stride)
      space.kernels.applyReflectors(A, n, stride, tau, X, m)
      for (let q = 0; q < m; q++) rows.set(vectors.subarray(q * stride, q * stride + n), q * n)
    },
  }
}

function plainReduction(M: Float64Array, n: number): KeptReduction {
  const A = M.slice()
  const diagonal = new Float64Array(n)
  const offDiagonal = new Float64Array(n - 1)
  const taus = new Float64Array(n)
  reduceKeeping(A, n, diagonal, offDiagonal, taus)
  return { diagonal, offDiagonal, back: (rows, m) => applyReflectors(A, n, taus, rows, m) }
}
