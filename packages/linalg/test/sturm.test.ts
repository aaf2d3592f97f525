// Sturm counts: strictness at eigenvalues, agreement with QL, the threshold LID of the reference vectors, bad input.
import { gram, sturmCount, tridiagonalEigenvalues, tridiagonalize } from '@ood/linalg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { draw, numbers } from './support.ts'

const none = new Float64Array(0)

describe('sturmCount', () => {
  test('strictly greater: an eigenvalue equal to the threshold does not count', () => {
    const d = Float64Array.of(1, 2, 2, 3)
    const zero = new Float64Array(3)
    expect([0, 1, 1.5, 2, 2.5, 3, 4].map((t) => sturmCount(d, zero, t))).toEqual([4, 3, 3, 1, 1, 0, 0])
    // Eigenvalues 0 and 2 of [[1, 1], [1, 1]], and -1 and 1 of [[0, 1], [1, 0]]: pivots vanish exactly.
    const one = Float64Array.of(1)
    expect([-1, 0, 1, 2].map((t) => sturmCount(Float64Array.of(1, 1), one, t))).toEqual([2, 1, 1, 0])
    expect([-1, 0, 1].map((t) => sturmCount(Float64Array.of(0, 0), one, t))).toEqual([1, 1, 0])
  })

  test('second differences: eigenvalues 2 - 2 cos(k π / (n + 1)), thresholds between neighbours', () => {
    const n = 200
    const d = new Float64Array(n).fill(2)
    const e = new Float64Array(n - 1).fill(-1)
    for (let k = 0; k <= n; k++) expect(sturmCount(d, e, 2 - 2 * Math.cos(((k + 0.5) * Math.PI) / (n + 1)))).toBe(n - k)
  })

  test('agrees with QL wherever the threshold keeps its distance from the eigenvalues', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer(), (n, seed) => {
        const next = numbers(seed)
        const d = draw(next, n)
        const e = draw(next, n - 1)
        const values = [...tridiagonalEigenvalues(d, e)]
        for (const t of [...values.map((x) => x + 1e-9), ...values.map((x) => x - 1e-9), next()]) {
          if (values.some((x) => Math.abs(x - t) < 1e-12)) continue
          expect(sturmCount(d, e, t)).toBe(values.filter((x) => x > t).length)
        }
      }),
    )
  })

  test('never decreases as the threshold falls, also among clusters and exact zeroes', () => {
    const entry = fc.constantFrom(0, 1, -1, 2, 1e-300, 1e300, 1e-17)
    fc.assert(
      fc.property(fc.array(fc.tuple(entry, entry), { minLength: 1, maxLength: 12 }), (pairs) => {
        const d = Float64Array.from(pairs, ([x]) => x)
        const e = Float64Array.from(pairs.slice(1), ([, x]) => x)
        const thresholds = [
          Infinity,
          2e300,
          1e300,
          3,
          2,
          1,
          1e-17,
          1e-300,
          0,
          -1e-17,
          -1,
          -2,
          -1e300,
          -2e300,
          -Infinity,
        ]
        const counts = thresholds.map((t) => sturmCount(d, e, t))
        expect(counts).toEqual([...counts].sort((a, b) => a - b))
        expect(counts[0]).toBe(0)
        expect(counts.at(-1)).toBe(d.length)
      }),
    )
  })

  test('empty matrix and bad input', () => {
    expect(sturmCount(none, none, 0)).toBe(0)
    expect(() => sturmCount(Float64Array.of(1), none, Number.NaN)).toThrow(
      'sturmCount threshold: expected a number, got NaN',
    )
    expect(() => sturmCount(Float64Array.of(1, 2), none, 0)).toThrow(
      'sturmCount off-diagonal: expected 1 numbers, got 0',
    )
    expect(() => sturmCount(Float64Array.of(Number.POSITIVE_INFINITY), none, 0)).toThrow('finite')
  })
})

test('threshold LID of the linear flow', () => {
  const { A, rows } = vector<{ A: number[][]; rows: { log_scale: number; jacobian_threshold_lid: number }[] }>(
    'dgm/flow_linear',
  )
  const { diagonal, offDiagonal } = tridiagonalize(gram(Float64Array.from(A.flat()), 3, 3), 3)
  for (const row of rows)
    expect(sturmCount(diagonal, offDiagonal, Math.exp(2 * row.log_scale))).toBe(row.jacobian_threshold_lid)
})
