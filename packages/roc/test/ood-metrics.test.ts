// OOD metrics in each convention: golden vectors and the rules on hand-made scores.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { type FprConvention, falsePositiveRateAtTruePositiveRate, oodMetrics } from '../src/index.ts'
import { expectClose, tiedScores } from './support.ts'

interface VectorSet {
  scores_id: number[]
  scores_ood: number[]
  expected: Record<string, number>
}
const { sets } = vector<{ sets: Record<string, VectorSet> }>('llr-flows-ncis/metrics_ood')

describe('golden vector metrics_ood', () => {
  it.each(Object.entries(sets))('%s', (_name, { scores_id, scores_ood, expected }) => {
    const scores = { inDistribution: scores_id, outOfDistribution: scores_ood }
    const row = oodMetrics(scores)
    // 1e-12 is the accuracy asked of the vectors; sums of a few hundred rates round to about 1e-15.
    const rows: [number, string][] = [
      [row.auroc, 'AUROC'],
      [row.auprOutTrapezoid, 'AUPR_OUT_trapezoid'],
      [row.auprInTrapezoid, 'AUPR_IN_trapezoid'],
      [row.averagePrecisionOut, 'AP_OUT'],
      [row.averagePrecisionIn, 'AP_IN'],
      [row.fprOodPositive, 'FPR_at_95TPR_OODpositive_first_ge'],
      [row.fprIdPositive, 'FPR_at_95TPR_IDpositive_first_ge'],
      [row.fprIdPositiveClosest, 'FPR_at_95TPR_IDpositive_closest'],
      [
        falsePositiveRateAtTruePositiveRate(scores, { convention: 'oodPositiveClosest' }),
        'FPR_at_95TPR_OODpositive_closest',
      ],
      [row.detectionError, 'min_detection_error'],
    ]
    expect(rows.map(([, name]) => name).sort()).toEqual(Object.keys(expected).sort())
    for (const [got, name] of rows) expectClose(got, expected[name]!, 1e-12)
    expect(row.tpr).toBe(0.95)
  })
})

describe('falsePositiveRateAtTruePositiveRate', () => {
  const at = (id: number[], ood: number[], convention: FprConvention, tpr = 0.95): number =>
    falsePositiveRateAtTruePositiveRate({ inDistribution: id, outOfDistribution: ood }, { convention, tpr })

  it('reads the doc example', () => {
    expect(at([0.1, 0.2, 0.6], [0.5, 0.7], 'oodPositive')).toBe(1 / 3)
  })

  it('keeps the two classes apart', () => {
    // Flagging both OOD items (threshold 2) flags 1 of 4 ID items; accepting all ID items (up to 5) accepts 1 of 2 OOD.
    expect(at([0, 0, 1, 5], [2, 9], 'oodPositive', 1)).toBe(0.25)
    expect(at([0, 0, 1, 5], [2, 9], 'idPositive', 1)).toBe(0.5)
  })

  it('closest: takes the nearer recall, from below too, and the larger FPR among equal recalls', () => {
    // ID recalls 1/4 .. 4/4 for acceptance up to 0, 1, 2, 3; OOD at 1.5 and 1.7 is accepted between recalls 2/4 and 3/4.
    const id = [0, 1, 2, 3]
    const ood = [1.5, 1.7, 8, 9]
    expect(at(id, ood, 'idPositiveClosest', 0.55)).toBe(0.5)
    expect(at(id, ood, 'idPositive', 0.55)).toBe(0.5)
    expect(at(id, ood, 'idPositiveClosest', 0.3)).toBe(0)
    expect(at(id, ood, 'idPositive', 0.3)).toBe(0)
    // 0.6 is nearer to 2/4: three points share that recall, with FPR 0, 1/4 and 2/4; the scan from above meets 2/4 first.
    expect(at(id, ood, 'idPositiveClosest', 0.6)).toBe(0.5)
    // Full recall is met at its smallest FPR, as in the reference, which starts there.
    expect(at(id, [8, 9], 'idPositiveClosest', 1)).toBe(0)
  })

  it('closest: floating-point distances decide near-ties as in the reference', () => {
    // |0.9 - 0.95| rounds below |1 - 0.95|, so recall 9/10 (accept up to 8) wins over full recall (up to 9).
    const id = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    expect(at(id, [9, 20], 'idPositiveClosest')).toBe(0)
    expect(at(id, [9, 20], 'idPositive')).toBe(0.5)
  })

  it('equals the definition by brute force and never rises when the demand falls', () => {
    fc.assert(
      fc.property(tiedScores, tiedScores, fc.double({ min: 0.01, max: 1, noNaN: true }), (id, ood, tpr) => {
        const flagged = (list: number[], t: number): number => list.filter((v) => v >= t).length / list.length
        const candidates = [...id, ...ood].filter((t) => flagged(ood, t) >= tpr)
        const expected = Math.min(...candidates.map((t) => flagged(id, t)))
        expect(at(id, ood, 'oodPositive', tpr)).toBe(expected)
        expect(at(id, ood, 'oodPositive', tpr / 2)).toBeLessThanOrEqual(expected)
        // Swapping the classes and negating the scores swaps the conventions.
        const negate = (list: number[]): number[] => list.map((v) => -v)
        expect(at(negate(ood), negate(id), 'idPositive', tpr)).toBe(expected)
        expect(at(negate(ood), negate(id), 'idPositiveClosest', tpr)).toBe(at(id, ood, 'oodPositiveClosest', tpr))
      }),
    )
  })

  it('passes a chosen tpr on from oodMetrics', () => {
    const row = oodMetrics({ inDistribution: [0, 0, 1, 5], outOfDistribution: [2, 9] }, { tpr: 0.5 })
    expect([row.fprOodPositive, row.fprIdPositive, row.tpr]).toEqual([0, 0, 0.5])
  })
})
