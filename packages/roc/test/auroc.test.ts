// AUROC: scikit-learn fixtures, brute force over all pairs, invariances, ties and extremes.

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { auroc } from '../src/index.ts'
import { anyScores, bruteForceAuroc, expectClose, fixture, normalScores, tiedScores } from './support.ts'

describe('auroc', () => {
  it.each(fixture.cases)('equals scikit-learn: $name', ({ positives, negatives, auroc: expected }) => {
    expectClose(auroc(positives, negatives), expected)
  })

  it('equals the golden vector of the flow scripts', () => {
    const golden = vector<{ ll_in: number[]; ll_ood: number[]; expected_auroc_in_positive_by_loglik: number }>(
      'llr-flows-ncis/flow_bpd_auroc_hist',
    )
    expectClose(auroc(golden.ll_in, golden.ll_ood), golden.expected_auroc_in_positive_by_loglik)
  })

  it('gives the known values of small cases', () => {
    expect(auroc([3, 4, 5], [0, 1, 2])).toBe(1)
    expect(auroc([0, 1, 2], [3, 4, 5])).toBe(0)
    expect(auroc([1, 2, 2, 3], [0, 2, 2, 4])).toBe(0.5)
    expect(auroc([1, 1, 1], [1, 1, 1])).toBe(0.5)
    expect(auroc([7], [7])).toBe(0.5)
    expect(auroc([-0], [0])).toBe(0.5)
    expect(auroc([Number.MAX_VALUE, 5e-324], [-Number.MAX_VALUE, 0])).toBe(1)
  })

  it('equals Mann-Whitney over all pairs exactly', () => {
    fc.assert(
      fc.property(anyScores, anyScores, (p, q) => {
        // Both are whole or half numbers divided once by n+ n-.
        expect(auroc(p, q)).toBe(bruteForceAuroc(p, q))
      }),
    )
  })

  it('is 1 minus itself with the classes swapped', () => {
    fc.assert(
      fc.property(anyScores, anyScores, (p, q) => {
        expectClose(auroc(p, q), 1 - auroc(q, p), 1e-15)
      }),
    )
  })

  it('does not change under strictly increasing maps and reverses under decreasing ones', () => {
    fc.assert(
      fc.property(tiedScores, tiedScores, (p, q) => {
        const expected = auroc(p, q)
        const cube = (v: number): number => v ** 3 + 2 * v - 7
        expect(auroc(p.map(cube), q.map(cube))).toBe(expected)
        expect(auroc(p.map(Math.exp), q.map(Math.exp))).toBe(expected)
        expectClose(
          auroc(
            p.map((v) => -v),
            q.map((v) => -v),
          ),
          1 - expected,
          1e-15,
        )
      }),
    )
  })

  it('does not depend on order, container or repetition of the whole sample, and leaves its arguments alone', () => {
    fc.assert(
      fc.property(tiedScores, tiedScores, (p, q) => {
        const expected = auroc(p, q)
        const kept = Float32Array.from(p)
        expect(auroc(kept, Int32Array.from(q))).toBe(expected)
        expect([...kept]).toEqual(p.map(Math.fround))
        expect(auroc([...p].reverse(), [...q].reverse())).toBe(expected)
        expect(auroc([...p, ...p], q)).toBe(expected)
      }),
    )
  })

  it('agrees with the normal-theory value on a large sample', () => {
    // P(N(1,1) > N(0,1)) = Phi(1 / sqrt 2) = 0.76025; standard error at n = 50 000 is about 0.0015, five of them allowed.
    expectClose(auroc(normalScores(1, 50_000, 1), normalScores(2, 50_000)), 0.7602499, 0.0075)
  })
})
