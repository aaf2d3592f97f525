// Householder tridiagonalisation in plain TypeScript: the fallback without WebAssembly SIMD and the oracle of its tests.

/**
 * Reduces the symmetric matrix in the lower triangle of `A` (destroyed) to tridiagonal form, last row first:
 * step i makes a reflector H = I - tau v vᵀ of the first i coordinates that turns row i into (0, ..., 0, beta), then
 * A <- H A H by the rank-2 update A - v wᵀ - w vᵀ with p = tau A v, w = p - (tau pᵀv / 2) v, and z <- H z
 * (Golub and Van Loan, Matrix Computations, 8.3.1; last row first so that the rows still to do stay contiguous).
 *
 * @param A - n x n row-major, only the lower triangle is read; overwritten
 * @param z - vector to rotate along, overwritten by Qᵀz; may be empty
 */
export function householderTridiagonalize(
  A: Float64Array,
  n: number,
  z: Float64Array,
  diagonal: Float64Array,
  offDiagonal: Float64Array,
): void {
  const v = new Float64Array(n)
  const w = new Float64Array(n)
  for (let i = n - 1; i >= 1; i--) {
    diagonal[i] = A[i * n + i]!
    for (let j = 0; j < i; j++) v[j] = A[i * n + j]!
    const { beta, tau } = reflector(v, i)
    offDiagonal[i - 1] = beta
    if (tau === 0) continue
    if (z.length > 0) {
      let dot = 0
      for (let j = 0; j < i; j++) dot += v[j]! * z[j]!
      for (let j = 0; j < i; j++) z[j] = z[j]! - tau * dot * v[j]!
    }
    symmetricProduct(A, n, i, v, w)
    let dot = 0
    for (let j = 0; j < i; j++) dot += w[j]! * v[j]!
    const half = (tau * tau * dot) / 2
    for (let j = 0; j < i; j++) w[j] = tau * w[j]! - half * v[j]!
    for (let r = 0; r < i; r++) {
      const vr = v[r]!
      const wr = w[r]!
      const at = r * n
      for (let j = 0; j <= r; j++) A[at + j] = A[at + j]! - vr * w[j]! - wr * v[j]!
    }
  }
  if (n > 0) diagonal[0] = A[0]!
}

/**
 * Turns v[0..m-1] into a reflector with v[m-1] = 1 and H x = (0, ..., 0, beta); tau = 0 when there is nothing to do.
 * The sign of beta is opposite to x[m-1], so alpha - beta never cancels.
 */
function reflector(v: Float64Array, m: number): { beta: number; tau: number } {
  const alpha = v[m - 1]!
  let rest = 0
  for (let j = 0; j < m - 1; j++) rest += v[j]! * v[j]!
  if (rest === 0) return { beta: alpha, tau: 0 }
  const beta = alpha >= 0 ? -Math.sqrt(alpha * alpha + rest) : Math.sqrt(alpha * alpha + rest)
  const scale = 1 / (alpha - beta)
  for (let j = 0; j < m - 1; j++) v[j] = v[j]! * scale
  v[m - 1] = 1
  return { beta, tau: (beta - alpha) / beta }
}

/**
 * As `householderTridiagonalize`, keeping the reflectors: row i of `A` then starts with v_i (i numbers), and Q is the
 * product H_{n-1} ... H_1 with H_i = I - tau_i v_i v_iᵀ.
 */
export function reduceKeeping(
  A: Float64Array,
  n: number,
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  taus: Float64Array,
): void {
  const w = new Float64Array(n)
  for (let i = n - 1; i >= 1; i--) {
    const v = A.subarray(i * n, i * n + i)
    diagonal[i] = A[i * n + i]!
    const { beta, tau } = reflector(v, i)
    offDiagonal[i - 1] = beta
    taus[i] = tau
    if (tau === 0) continue
    symmetricProduct(A, n, i, v, w)
    let dot = 0
    for (let j = 0; j < i; j++) dot += w[j]! * v[j]!
    const half = (tau * tau * dot) / 2
    for (let j = 0; j < i; j++) w[j] = tau * w[j]! - half * v[j]!
    for (let r = 0; r < i; r++)
      for (let j = 0; j <= r; j++) A[r * n + j] = A[r * n + j]! - v[r]! * w[j]! - w[r]! * v[j]!
  }
  if (n > 0) diagonal[0] = A[0]!
}

/** Every one of the m rows of X becomes Q times it, Q as `reduceKeeping` left it. */
export function applyReflectors(A: Float64Array, n: number, taus: Float64Array, X: Float64Array, m: number): void {
  for (let i = 1; i < n; i++) {
    if (taus[i] === 0) continue
    for (let q = 0; q < m; q++) {
      let dot = 0
      for (let j = 0; j < i; j++) dot += A[i * n + j]! * X[q * n + j]!
      for (let j = 0; j < i; j++) X[q * n + j] = X[q * n + j]! - taus[i]! * dot * A[i * n + j]!
    }
  }
}

/** w = A v for the leading m x m block of a symmetric matrix, reading only the lower triangle, once. */
function symmetricProduct(A: Float64Array, n: number, m: number, v: Float64Array, w: Float64Array): void {
  for (let r = 0; r < m; r++) {
    const at = r * n
    const vr = v[r]!
    let sum = 0
    for (let j = 0; j < r; j++) {
      const a = A[at + j]!
      sum += a * v[j]!
      w[j] = w[j]! + a * vr
    }
    w[r] = sum + A[at + r]! * vr
  }
}
