// Seeded random numbers: every draw in ood comes from one of these streams, so a seed fixes every result.
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { mismatch } from './errors.ts'

/** A stream of random numbers fixed by its seed. */
export interface Random {
  /** Uniform in [0, 1), 53 random bits. */
  uniform(): number
  /** Standard normal (Marsaglia polar method). */
  normal(): number
  /** Uniform integer in 0..n-1. */
  integer(n: number): number
  /** An independent stream named by `label`: the same seed and label always give the same stream. */
  fork(label: string | number): Random
}

/**
 * Makes the random stream of a seed (xoroshiro128+). Seed 0 is a seed like any other.
 *
 * @param seed - any safe integer
 * @example
 * const rng = random(42)
 * const noise = rng.fork('dequantize').uniform()
 */
export function random(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw mismatch('E_ARGUMENT', 'seed', 'a safe integer', seed)
  return stream(mix(seed | 0, Math.floor(seed / 2 ** 32) | 0))
}

/** Fills a new array with `n` standard normals. */
export function normals(rng: Random, n: number): Float64Array {
  const out = new Float64Array(n)
  for (let i = 0; i < n; i++) out[i] = rng.normal()
  return out
}

/** Fills a new array with `n` uniforms in [0, 1). */
export function uniforms(rng: Random, n: number): Float64Array {
  const out = new Float64Array(n)
  for (let i = 0; i < n; i++) out[i] = rng.uniform()
  return out
}

/** A uniformly random order of 0..n-1 (Fisher-Yates). */
export function permutation(rng: Random, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = rng.integer(i + 1)
    const kept = order[i]!
    order[i] = order[j]!
    order[j] = kept
  }
  return order
}

function stream(seed: number): Random {
  const generator = xoroshiro128plus(seed)
  let spare = Number.NaN
  const word = (): number => generator.next() >>> 0
  const uniform = (): number => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992
  return {
    uniform,
    normal() {
      if (!Number.isNaN(spare)) {
        const value = spare
        spare = Number.NaN
        return value
      }
      for (;;) {
        const u = 2 * uniform() - 1
        const v = 2 * uniform() - 1
        const s = u * u + v * v
        if (s > 0 && s < 1) {
          const factor = Math.sqrt((-2 * Math.log(s)) / s)
          spare = v * factor
          return u * factor
        }
      }
    },
    integer(n) {
      if (!(Number.isSafeInteger(n) && n > 0)) throw mismatch('E_ARGUMENT', 'integer', 'a positive integer bound', n)
      return Math.floor(uniform() * n)
    },
    fork: (label) => stream(mix(seed, hash(String(label)))),
  }
}

/** 32-bit FNV-1a, enough to tell labels apart. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h
}

/** Two words into one well-mixed seed (murmur3 finaliser). */
function mix(a: number, b: number): number {
  let h = (a ^ Math.imul(b, 0x9e3779b1)) + 0x7f4a7c15
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}
