// Matrices with known spectra and small seeded generators shared by the tests; fixtures/generate.py makes the same ones.
import { readFileSync } from 'node:fs'
import type { Resolvent } from '@ood/linalg'

/** A matrix of known spectrum: exact sums at several shifts, and what LAPACK's error on it is. */
export interface SpectrumCase {
  name: string
  seed: number
  reflectors: number
  spectrum: number[]
  numpyError: number
  rows: (Resolvent & { shift: number; lid: number })[]
}

export const spectrumCases: SpectrumCase[] = JSON.parse(
  readFileSync(new URL('./fixtures/spectra.json', import.meta.url), 'utf8'),
).cases

/** Uniform numbers in [-0.5, 0.5) of a 32-bit linear congruential generator, exactly as in generate.py. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  }
}

export function draw(next: () => number, n: number): Float64Array {
  return Float64Array.from({ length: n }, next)
}

/** M = H_r ... H_1 D H_1 ... H_r and the vector z of a fixture. */
export function matrixOf(test: SpectrumCase): { M: Float64Array; n: number; z: Float64Array } {
  const n = test.spectrum.length
  const next = numbers(test.seed)
  const M = new Float64Array(n * n)
  for (let i = 0; i < n; i++) M[i * n + i] = test.spectrum[i]!
  for (let r = 0; r < test.reflectors; r++) reflect(M, n, draw(next, n))
  return { M, n, z: draw(next, n) }
}

/** M <- H M H with H = I - 2 v vᵀ / vᵀv, as M - v wᵀ - w vᵀ. */
function reflect(M: Float64Array, n: number, v: Float64Array): void {
  const tau = 2 / v.reduce((sum, x) => sum + x * x, 0)
  const p = v.map((_, i) => {
    let sum = 0
    for (let j = 0; j < n; j++) sum += M[i * n + j]! * v[j]!
    return tau * sum
  })
  const half = (tau * v.reduce((sum, x, i) => sum + x * p[i]!, 0)) / 2
  const w = p.map((x, i) => x - half * v[i]!)
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) M[i * n + j] = M[i * n + j]! - v[i]! * w[j]! - w[i]! * v[j]!
}

/** A symmetric matrix with uniform entries. */
export function randomSymmetric(n: number, seed: number): Float64Array {
  const next = numbers(seed)
  const M = new Float64Array(n * n)
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) M[i * n + j] = M[j * n + i] = next()
  return M
}

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN
  let most = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (!(difference <= most)) most = difference
  }
  return most
}

/** The dense matrix of a tridiagonal one. */
export function dense(diagonal: Float64Array, offDiagonal: Float64Array): Float64Array {
  const n = diagonal.length
  const M = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    M[i * n + i] = diagonal[i]!
    if (i + 1 < n) M[i * n + i + 1] = M[(i + 1) * n + i] = offDiagonal[i]!
  }
  return M
}

/** M x for a square matrix. */
export function product(M: Float64Array, x: Float64Array): Float64Array {
  const n = x.length
  return x.map((_, i) => x.reduce((sum, value, j) => sum + M[i * n + j]! * value, 0))
}
