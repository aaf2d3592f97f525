// Eigenvectors of the large eigenvalues of a symmetric matrix: what a projection onto principal components needs.
import { mismatch, OodError } from '@ood/core'
import { tridiagonalEigenvalues } from './eigenvalues.ts'
import { assertSquare } from './internal/check.ts'
import { keptReduction } from './internal/kept-reduction.ts'
import { safeScale } from './internal/safe-scale.ts'

const EPSILON = 2 ** -52
/** Inverse iterations for one vector; two are usual, more only where eigenvalues cluster. */
const MAX_ITERATIONS = 8
/** Eigenvalues nearer than this share of the largest are orthogonalised against each other. */
const CLOSE = 1e-2

/** Some eigenpairs of a symmetric matrix. */
export interface Eigenpairs {
  /** m eigenvalues, descending. */
  values: Float64Array
  /** Their orthonormal eigenvectors, m x n row-major; signs are arbitrary. */
  vectors: Float64Array
}

/**
 * The eigenpairs of a positive semidefinite matrix whose eigenvalue is above `share` times the largest.
 *
 * Householder reduction, all eigenvalues by implicit QL, then inverse iteration on the tridiagonal matrix for the few
 * that count, each orthogonalised against those before it, and back through the reflectors (Golub and Van Loan, Matrix
 * Computations, 8.2.2, 8.3). A residual ‖Mx - λx‖ below 1e-12 n λ_1 is checked for every vector.
 *
 * @param M - n x n row-major; only the lower triangle is used, not changed
 * @param share - in [0, 1); 0 takes every eigenvalue above n eps λ_1 (what rounding leaves of zeros is not counted)
 * @returns no pairs for a zero matrix
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`, `E_ARGUMENT`; `E_RUNTIME` if a vector does not converge (never seen)
 *
 * Cost 4/3 n³ + O(m n²) flops.
 * @example
 * const { values, vectors } = dominantEigenvectors(covariance, 784, 0.1)
 */
export function dominantEigenvectors(M: Float64Array, n: number, share: number): Eigenpairs {
  assertSquare('dominantEigenvectors', M, n)
  if (!(share >= 0 && share < 1))
    throw mismatch('E_ARGUMENT', 'dominantEigenvectors share', 'a number in [0, 1)', share)
  const none = { values: new Float64Array(0), vectors: new Float64Array(0) }
  if (n === 0) return none
  const scale = safeScale(M)
  const { diagonal, offDiagonal, back } = keptReduction(scale === 1 ? M : M.map((value) => value * scale), n)
  const all = tridiagonalEigenvalues(diagonal, offDiagonal).reverse()
  const largest = all[0]!
  if (!(largest > 0)) return none
  const floor = Math.max(share, n * EPSILON) * largest
  const count = all.findIndex((value) => !(value > floor))
  const values = all.slice(0, count < 0 ? n : count)
  const vectors = inverseIteration(diagonal, offDiagonal, values, largest)
  back(vectors, values.length)
  return { values: values.map((value) => value / scale), vectors }
}

/** Orthonormal eigenvectors of the tridiagonal matrix for `values`, descending, in the basis of T. */
function inverseIteration(d: Float64Array, e: Float64Array, values: Float64Array, largest: number): Float64Array {
  const n = d.length
  const out = new Float64Array(values.length * n)
  const factor = {
    low: new Float64Array(n),
    main: new Float64Array(n),
    up: new Float64Array(n),
    far: new Float64Array(n),
    swap: new Uint8Array(n),
  }
  const tolerance = 1e-12 * n * largest
  for (let q = 0; q < values.length; q++) {
    const x = out.subarray(q * n, (q + 1) * n)
    // Vectors of eigenvalues farther away come out orthogonal to eps λ_1 / gap by themselves.
    const near = values.findIndex((value) => value - values[q]! < CLOSE * largest)
    const close = near < 0 ? q : near
    factorShifted(d, e, values[q]!, EPSILON * largest, factor)
    start(x, q)
    let residual = Number.POSITIVE_INFINITY
    for (let step = 0; step < MAX_ITERATIONS; step++) {
      solveFactored(factor, x)
      // Twice is enough: the second pass removes what cancellation left in the first.
      for (let pass = 0; pass < 2; pass++) orthonormalise(out, close, q, n, x)
      residual = residualOf(d, e, values[q]!, x)
      if (residual <= tolerance && step > 0) break
    }
    if (!(residual <= tolerance))
      throw new OodError('E_RUNTIME', `dominantEigenvectors: expected residual below ${tolerance}, got ${residual}`)
  }
  return out
}

/** A fixed start without structure, another for every vector, so that equal eigenvalues get independent vectors. */
function start(x: Float64Array, q: number): void {
  let state = (q + 1) * 2654435761
  for (let i = 0; i < x.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    x[i] = state / 2 ** 32 - 0.5
  }
}

interface Factor {
  low: Float64Array
  main: Float64Array
  up: Float64Array
  far: Float64Array
  swap: Uint8Array
}

/** T - shift I = PLU by Gaussian elimination with exchange of neighbouring rows; tiny pivots are kept off zero. */
function factorShifted(d: Float64Array, e: Float64Array, shift: number, tiny: number, f: Factor): void {
  const n = d.length
  let main = d[0]! - shift
  let up = n > 1 ? e[0]! : 0
  for (let i = 0; i < n - 1; i++) {
    const below = e[i]!
    const nextMain = d[i + 1]! - shift
    const nextUp = i + 2 < n ? e[i + 1]! : 0
    if (Math.abs(below) > Math.abs(main)) {
      const ratio = main / below
      f.swap[i] = 1
      f.main[i] = below
      f.up[i] = nextMain
      f.far[i] = nextUp
      f.low[i] = ratio
      main = up - ratio * nextMain
      up = -ratio * nextUp
    } else {
      if (Math.abs(main) < tiny) main = tiny
      const ratio = below / main
      f.swap[i] = 0
      f.main[i] = main
      f.up[i] = up
      f.far[i] = 0
      f.low[i] = ratio
      main = nextMain - ratio * up
      up = nextUp
    }
  }
  f.main[n - 1] = Math.abs(main) < tiny ? tiny : main
}

/** x <- (T - shift I)⁻¹ x, brought to length of order 1 by the caller. */
function solveFactored({ low, main, up, far, swap }: Factor, x: Float64Array): void {
  const n = x.length
  for (let i = 0; i < n - 1; i++) {
    if (swap[i]) {
      const kept = x[i]!
      x[i] = x[i + 1]!
      x[i + 1] = kept - low[i]! * x[i]!
    } else x[i + 1] = x[i + 1]! - low[i]! * x[i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i]!
    if (i + 1 < n) sum -= up[i]! * x[i + 1]!
    if (i + 2 < n) sum -= far[i]! * x[i + 2]!
    x[i] = sum / main[i]!
  }
}

/** Takes rows from..q-1 of `basis` out of x and makes it a unit vector. */
function orthonormalise(basis: Float64Array, from: number, q: number, n: number, x: Float64Array): void {
  for (let p = from; p < q; p++) {
    let dot = 0
    for (let i = 0; i < n; i++) dot += basis[p * n + i]! * x[i]!
    for (let i = 0; i < n; i++) x[i] = x[i]! - dot * basis[p * n + i]!
  }
  let squares = 0
  for (let i = 0; i < n; i++) squares += x[i]! * x[i]!
  const factor = 1 / Math.sqrt(squares)
  for (let i = 0; i < n; i++) x[i] = x[i]! * factor
}

function residualOf(d: Float64Array, e: Float64Array, value: number, x: Float64Array): number {
  let squares = 0
  for (let i = 0; i < d.length; i++) {
    let r = (d[i]! - value) * x[i]!
    if (i > 0) r += e[i - 1]! * x[i - 1]!
    if (i + 1 < d.length) r += e[i]! * x[i + 1]!
    squares += r * r
  }
  return Math.sqrt(squares)
}
