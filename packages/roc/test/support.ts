// Brute-force oracles and generators shared by the tests.
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect } from 'vitest'
import { RocError, type RocErrorCode } from '../src/index.ts'

/** Mann-Whitney over all pairs, straight from the definition. */
export function bruteForceAuroc(positives: ArrayLike<number>, negatives: ArrayLike<number>): number {
  let sum = 0
  for (const p of Array.from(positives)) {
    for (const q of Array.from(negatives)) sum += p > q ? 1 : p === q ? 0.5 : 0
  }
  return sum / (positives.length * negatives.length)
}

/** Scores on a coarse integer grid, so that most draws contain ties within and between classes. */
export const tiedScores: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: -4, max: 4 }), {
  minLength: 1,
  maxLength: 25,
})

/** Any finite scores, including huge, tiny and signed zero. */
export const finiteScores: fc.Arbitrary<number[]> = fc.array(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }),
  { minLength: 1, maxLength: 40 },
)

export const anyScores: fc.Arbitrary<number[]> = fc.oneof(tiedScores, finiteScores)

/** Pairs (x, y) on a small grid, as columns. */
export function dualScores(range: number, maxLength: number): fc.Arbitrary<{ x: number[]; y: number[] }> {
  const item = fc.tuple(fc.integer({ min: 0, max: range }), fc.integer({ min: 0, max: range }))
  return fc
    .array(item, { minLength: 1, maxLength })
    .map((items) => ({ x: items.map(([x]) => x), y: items.map(([, y]) => y) }))
}

/** A seeded standard-normal stream (sum of twelve uniforms of a linear congruence: good enough to make test scores). */
export function normalStream(seed: number): () => number {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
  return () => {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += uniform()
    return sum
  }
}

export function normalScores(seed: number, n: number, shift = 0): Float64Array {
  const normal = normalStream(seed)
  return Float64Array.from({ length: n }, () => shift + normal())
}

/** Asserts a RocError of the given code whose message holds `text`. */
export function expectRocError(call: () => unknown, code: RocErrorCode, text: string): void {
  let caught: unknown
  try {
    call()
  } catch (error) {
    caught = error
  }
  expect(caught).toBeInstanceOf(RocError)
  expect((caught as RocError).code).toBe(code)
  expect((caught as RocError).message).toContain(text)
  expect((caught as RocError).message).toMatch(/^.+: expected .+, got .+$/)
}

export interface FixtureCase {
  name: string
  positives: number[]
  negatives: number[]
  auroc: number
  roc: { fpr: number[]; tpr: number[]; thresholds: (number | null)[] }
  pr: { precision: number[]; recall: number[]; thresholds: number[] }
  auprTrapezoid: number
  averagePrecision: number
  delong: { level: number; standardError: number; linear: [number, number]; logit: [number, number] }[]
}

export interface Fixture {
  cases: FixtureCase[]
  delongPair: {
    a: { positives: number[]; negatives: number[] }
    b: { positives: number[]; negatives: number[] }
    expected: { aurocA: number; aurocB: number; standardError: number; z: number; pValue: number }
  }
  normal: { upperTail: [number, number][]; upperQuantile: [number, number][] }
}

/** scikit-learn and SciPy results, written by fixtures/generate.py. */
export const fixture: Fixture = JSON.parse(readFileSync(new URL('./fixtures/metrics.json', import.meta.url), 'utf8'))

/** Both are float64 evaluations of the same short sums of at most 100 rates: they differ by rounding only. */
export const ROUNDING = 1e-13

export function expectClose(got: number, expected: number, tolerance: number = ROUNDING): void {
  expect(Math.abs(got - expected), `${got} against ${expected}`).toBeLessThanOrEqual(tolerance)
}
